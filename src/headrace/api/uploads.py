"""An archive sent in the request itself: ``application/zip``, or a multipart form with a file and option fields."""

from __future__ import annotations

from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from headrace.errors import InvalidParameter, MissingParameter

ARCHIVE_TYPES = ("application/zip", "application/x-zip-compressed", "application/octet-stream")
FORM = "multipart/form-data"


@dataclass
class Upload:
    """The file's name and bytes, and the other fields of the form."""

    name: str = "upload.zip"
    content: bytes = b""
    fields: dict[str, str] = field(default_factory=dict)


def is_upload(content_type: str) -> bool:
    """Whether a request carries an archive instead of JSON."""
    return content_type.partition(";")[0].strip().lower() in (*ARCHIVE_TYPES, FORM)


def read_upload(content_type: str, body: bytes) -> Upload:
    """The archive of a request. Raises InvalidParameter, MissingParameter."""
    if not content_type.lower().startswith(FORM):
        return Upload(content=body)
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidParameter("Content-Type: multipart/form-data has no boundary.")
    form = _Form()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": form.begin,
            "on_header_field": form.header_name,
            "on_header_value": form.header_value,
            "on_header_end": form.header_end,
            "on_part_data": form.data,
            "on_part_end": form.end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise InvalidParameter(f"The multipart form cannot be read: {error}.") from error
    if not form.has_file:
        raise MissingParameter("The form has no file; send one as a field with a file name.")
    return form.upload


class _Form:
    """Receives what the parser finds."""

    def __init__(self) -> None:
        self.upload = Upload()
        self.has_file = False
        self._pieces: list[bytes] = []
        self._name, self._value = b"", b""
        self._disposition: dict[bytes, bytes] = {}

    def begin(self) -> None:
        self._pieces, self._disposition = [], {}

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, self._disposition = parse_options_header(self._value)
        self._name, self._value = b"", b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])

    def end(self) -> None:
        content = b"".join(self._pieces)
        if b"filename" in self._disposition:
            self.upload.name = self._disposition[b"filename"].decode("utf-8", "replace")
            self.upload.content, self.has_file = content, True
        else:
            name = self._disposition.get(b"name", b"").decode("utf-8", "replace")
            self.upload.fields[name] = content.decode("utf-8", "replace")
