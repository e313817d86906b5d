"""Sensitive node properties: sealed in the stored text, masked on read, kept when the mask comes back.

A property is sensitive when its ``value_is_sensitive`` is true (real exports carry that member). Only its value is
sealed; the rest of the text stays as received. The official SDK reads a job without that member and sends it back so:
a mask in place of a secret keeps the secret, and keeps it sensitive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from headrace.auth.sealing import MASK, Sealer
from headrace.wire.document import Document, as_text, as_truth, read_document, write_document

_MARK = re.compile(r'"value_is_sensitive"\s*:\s*[^\sf]')  # anything but false


def seal_job(text: bytes, sealer: Sealer, previous: str | None = None) -> str:
    """The text to store. A masked or emptied value keeps the one of ``previous`` (the stored text)."""
    received = text.decode()
    if not _MARK.search(received) and MASK not in received:
        return received
    job = read_document(text)
    kept = _sealed_values(previous) if previous is not None else {}
    changed = False
    for node, item in _properties(job):
        value, sensitive = as_text(item.get("value")), as_truth(item.get("value_is_sensitive"))
        stored = kept.get((node, as_text(item.get("name"))))
        if stored and (value == MASK or (sensitive and not value)):
            item |= {"value": stored, "value_is_sensitive": True}
        elif sensitive and value:
            item["value"] = sealer.seal(value)
        else:
            continue
        changed = True
    return write_document(job).decode() if changed else received


def unseal_job(text: str, sealer: Sealer) -> str:
    """The text with its sensitive values in clear: only for the engine that runs the job."""
    if not _MARK.search(text):
        return text
    job = read_document(text)
    for _, item in _sensitive(job):
        if isinstance(value := item.get("value"), str) and sealer.is_sealed(value):
            item["value"] = sealer.unseal(value)
    return write_document(job).decode()


def _sealed_values(text: str) -> dict[tuple[str, str], str]:
    found = _sensitive(read_document(text)) if _MARK.search(text) else iter(())
    return {(node, as_text(item.get("name"))): as_text(item.get("value")) for node, item in found}


def _sensitive(job: Document) -> Iterator[tuple[str, Document]]:
    return ((node, item) for node, item in _properties(job) if as_truth(item.get("value_is_sensitive")))


def _properties(job: Document) -> Iterator[tuple[str, Document]]:
    """Node and property, in the older SDK's spelling too."""
    for node in job.get("nodes") or ():
        for spelling in ("properties", "nodeProperties"):
            items = node.get(spelling)
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict):
                    yield as_text(node.get("name")), item
