"""A body as it is kept: checked once as a whole, because reads decode all of it and not only the members we know."""

from __future__ import annotations

import msgspec

from headrace.errors import InvalidParameter
from headrace.packages.text import MAX_DEPTH
from headrace.wire.document import Document, read_document

MAX_TEXT = 1024  # characters
_DEEPER = b"\n" + b" " * (MAX_DEPTH + 1)  # in indented JSON, where texts hold no line breaks, a level too many


def received(body: bytes) -> Document:
    """Every member of a body. Raises InvalidParameter when a member nobody asked for is not readable JSON.

    What is nested deeper than a package may be is refused: it could leave, but never come back.
    """
    try:
        document = read_document(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidParameter(f"The body is not valid JSON in UTF-8: {error}.") from error
    except RecursionError as error:
        raise InvalidParameter("The body is nested too deeply.") from error
    if _DEEPER in msgspec.json.format(body, indent=1):
        raise InvalidParameter(f"The body is nested more than {MAX_DEPTH} levels deep.")
    return document


def check_storable(what: str, *texts: str) -> None:
    """What imports ask of the members that are kept in columns. Raises InvalidParameter.

    PostgreSQL's text holds no NUL, and no directory of a person is longer than 1,024 characters.
    """
    for text in texts:
        if "\x00" in text or len(text) > MAX_TEXT:
            raise InvalidParameter(f"{what}: type and directory have at most {MAX_TEXT} characters and no NUL.")
