"""Secrets inside CDM links and jobs: sealed in the stored text, kept when the placeholder comes back."""

from __future__ import annotations

from headrace.auth.sealing import Sealer
from headrace.domain.secrets import CDM_PLACEHOLDER, is_cdm_placeholder
from headrace.packages.secrets import cdm_secret_slots
from headrace.wire.document import as_text, read_document, write_document


def seal_cdm(text: bytes, sealer: Sealer, previous: str | None = None) -> str:
    """The text of a link or job to store: as received, but for its secrets.

    A secret that is the placeholder, or empty, keeps the one of ``previous`` (the stored text).
    """
    document = read_document(text)
    kept = _sealed(previous) if previous is not None else {}
    changed = False
    for slot in cdm_secret_slots(document):
        value = as_text(slot.holder[slot.member])
        if (is_cdm_placeholder(value) or not value) and slot.name in kept:
            slot.holder[slot.member] = kept[slot.name]
        elif value and not is_cdm_placeholder(value):
            slot.holder[slot.member] = sealer.seal(value)
        else:
            continue
        changed = True
    return (write_document(document) if changed else text).decode()


def masked_cdm(text: str) -> bytes:
    """The text with the placeholder for every secret."""
    document = read_document(text)
    changed = False
    for slot in cdm_secret_slots(document):
        if slot.holder[slot.member]:
            slot.holder[slot.member] = CDM_PLACEHOLDER
            changed = True
    return write_document(document) if changed else text.encode()


def _sealed(text: str) -> dict[str, str]:
    slots = cdm_secret_slots(read_document(text))
    return {slot.name: as_text(slot.holder[slot.member]) for slot in slots if slot.holder[slot.member]}
