"""Keeps the secrets of links and jobs out of what is told about them."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.domain.secrets import cdm_secret, map_secret
from headrace.packages.secrets import cdm_secret_slots
from headrace.transfer.definition import Job
from headrace.wire.document import Document, as_text


def secrets_of(document: Document) -> list[str]:
    """The secrets of a document that is open."""
    return [text for slot in cdm_secret_slots(document) if (text := as_text(slot.holder[slot.member]))]


def job_secrets(job: Job) -> list[str]:
    """The secrets of a job and of its links."""
    sides = (job.from_link, job.to_link, job.dirty_link, job.source, job.target)
    pairs = [pair for side in sides for pair in side.values.items()]
    return [value for name, value in pairs if value and (cdm_secret(name) or map_secret(name))]


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A text with three stars for each secret, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
