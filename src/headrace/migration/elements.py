"""The elements of ``links[]`` and ``jobs[]``: taken out of a body as the text that came."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.errors_cdm import CdmContentInvalid
from headrace.wire.cdm import JobHead, LinkHead

_LINK = msgspec.json.Decoder(LinkHead, strict=False)
_JOB = msgspec.json.Decoder(JobHead, strict=False)


def elements(value: list[msgspec.Raw] | dict[str, Any] | None, member: str) -> list[bytes]:
    """The texts of a list, also where it is wrapped once more. Raises CdmContentInvalid for none."""
    if isinstance(value, dict):
        inner = value.get(member)
        found = [msgspec.json.encode(item) for item in inner] if isinstance(inner, list) else []
    else:
        found = [bytes(item) for item in value or ()]
    if not found:
        raise CdmContentInvalid(f"{member}: needs at least one element.")
    return found


def link_head(text: bytes) -> LinkHead:
    """Raises CdmContentInvalid naming the member."""
    head: LinkHead = _decode(_LINK, text, "links")
    for member, value in (("name", head.name), ("connector-name", head.connector_name)):
        if not value:
            raise CdmContentInvalid(f"links[].{member}: missing.")
    return head


def job_head(text: bytes) -> JobHead:
    """Raises CdmContentInvalid naming the member. Source: contract, Job: 1 to 240 characters; ``all`` is reserved."""
    head: JobHead = _decode(_JOB, text, "jobs")
    if not head.name or len(head.name) > 240 or head.name == "all" or head.name[0] in "-.":
        raise CdmContentInvalid(
            f"jobs[].name: {head.name!r} is not 1 to 240 characters, not beginning with '-' or '.'."
        )
    return head


def _decode(decoder: msgspec.json.Decoder[Any], text: bytes, member: str) -> Any:
    try:
        return decoder.decode(text)
    except msgspec.DecodeError as error:
        raise CdmContentInvalid(f"{member}[]: {error}.") from error
