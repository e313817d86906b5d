"""Secrets inside CDM links and jobs: sealed in the stored text, kept when the placeholder comes back."""

from __future__ import annotations

from headrace.auth.sealing import Sealer
from headrace.domain.secrets import CDM_PLACEHOLDER, cdm_secret, is_cdm_placeholder
from headrace.packages.secrets import cdm_inputs
from headrace.wire.document import as_text, read_document, write_document


def seal_cdm(text: bytes, sealer: Sealer, previous: str | None = None) -> str:
    """The text of a link or job to store: as received, but for its secrets.

    A secret that is the placeholder, or empty, keeps the one of ``previous`` (the stored text).
    """
    document = read_document(text)
    kept = _sealed(previous) if previous is not None else {}
    changed = False
    for item in cdm_inputs(document):
        name, value = as_text(item.get("name")), as_text(item.get("value"))
        if not cdm_secret(name):
            continue
        if (is_cdm_placeholder(value) or not value) and name in kept:
            item["value"] = kept[name]
        elif value and not is_cdm_placeholder(value) and not sealer.is_sealed(value):
            item["value"] = sealer.seal(value)
        else:
            continue
        changed = True
    return (write_document(document) if changed else text).decode()


def masked_cdm(text: str) -> bytes:
    """The text with the placeholder for every secret."""
    document = read_document(text)
    changed = False
    for item in cdm_inputs(document):
        if cdm_secret(as_text(item.get("name"))) and item.get("value"):
            item["value"] = CDM_PLACEHOLDER
            changed = True
    return write_document(document) if changed else text.encode()


def _sealed(text: str) -> dict[str, str]:
    return {
        as_text(item.get("name")): as_text(item.get("value"))
        for item in cdm_inputs(read_document(text))
        if cdm_secret(as_text(item.get("name"))) and item.get("value")
    }
