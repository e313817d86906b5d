"""The elements of ``links[]`` and ``jobs[]``: the text that came, and a check of its shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from headrace.errors_cdm import CdmContentInvalid
from headrace.wire.cdm import ConfigValues, JobHead, JobList, LinkHead, LinkList, NestedJobs, NestedLinks

MAX_NAME = 240  # characters
_LINK = msgspec.json.Decoder(LinkHead, strict=False)
_JOB = msgspec.json.Decoder(JobHead, strict=False)
_LINK_NEEDS = ("name", "connector-name", "link-config-values")
_JOB_NEEDS = (
    "name",
    "from-connector-name",
    "to-link-name",
    "from-config-values",
    "to-config-values",
    "driver-config-values",
)  # of a link and a job. Source: contract, Link and Job: required


def link_texts(body: LinkList) -> list[bytes]:
    """The text of each link of a body, wrapped once or twice. Raises CdmContentInvalid for none."""
    return _texts(body.links.links if isinstance(body.links, NestedLinks) else body.links, "links")


def job_texts(body: JobList) -> list[bytes]:
    """The text of each job of a body, wrapped once or twice. Raises CdmContentInvalid for none."""
    return _texts(body.jobs.jobs if isinstance(body.jobs, NestedJobs) else body.jobs, "jobs")


def _texts(elements: Sequence[msgspec.Raw] | None, member: str) -> list[bytes]:
    if not elements:
        raise CdmContentInvalid(f"{member}: needs at least one element.")
    return [bytes(item) for item in elements]


def only(texts: list[bytes], member: str) -> bytes:
    """The one element an update takes. Raises CdmContentInvalid for more."""
    if len(texts) > 1:
        raise CdmContentInvalid(f"{member}: an update takes one element, not {len(texts)}.")
    return texts[0]


def link_head(text: bytes) -> LinkHead:
    """The members storage needs. Raises CdmContentInvalid naming the member."""
    head: LinkHead = _decode(_LINK, text, "links")
    _check(head, "links", _LINK_NEEDS)
    return head


def job_head(text: bytes) -> JobHead:
    """The members storage needs. Raises CdmContentInvalid naming the member."""
    head: JobHead = _decode(_JOB, text, "jobs")
    _check(head, "jobs", _JOB_NEEDS)
    return head


def check_job_name(name: str) -> None:
    """A name that a job may get: ``all`` stands for a listing. Raises CdmContentInvalid. Source: contract, Job."""
    if name == "all" or name[0] in "-." or not all(sign.isalnum() or sign in "-_." for sign in name):
        raise CdmContentInvalid(
            f"jobs[].name: {name!r} is 'all', begins with '-' or '.', or has signs beyond letters, digits and '-_.'."
        )


def _decode(decoder: msgspec.json.Decoder[Any], text: bytes, member: str) -> Any:
    try:
        return decoder.decode(text)
    except msgspec.DecodeError as error:
        raise CdmContentInvalid(f"{member}[]: {error}.") from error


def _check(head: LinkHead | JobHead, where: str, needs: tuple[str, ...]) -> None:
    for member in needs:
        if getattr(head, member.replace("-", "_")) in (None, ""):
            raise CdmContentInvalid(f"{where}[].{member}: missing.")
    for name, member in zip(head.__struct_fields__, head.__struct_encode_fields__, strict=True):
        value = getattr(head, name)
        if isinstance(value, str) and (len(value) > MAX_NAME or "\0" in value):
            raise CdmContentInvalid(f"{where}[].{member}: has more than {MAX_NAME} characters, or a NUL.")
        if isinstance(value, ConfigValues):
            _check_sections(value, f"{where}[].{member}")


def _check_sections(values: ConfigValues, member: str) -> None:
    """Of objects in place of a list of inputs, only the empty one has a meaning."""
    for number, config in enumerate(values.configs or ()):
        if isinstance(config.inputs, dict) and config.inputs:
            raise CdmContentInvalid(f"{member}.configs[{number}].inputs: is a list of name and value, not an object.")
