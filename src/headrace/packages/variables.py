"""Secrets among environment variables: sealed in the stored text, kept when a package brings them emptied."""

from __future__ import annotations

from headrace.auth.sealing import Sealer
from headrace.packages.secrets import is_true
from headrace.wire.document import Document, as_text, read_document, write_document


def seal_variable(variable: Document, sealer: Sealer, previous: str | None = None) -> str:
    """The text of a variable to store. An emptied secret keeps the one of ``previous`` (the stored text)."""
    if not is_true(variable.get("is_sensitive")):
        return write_document(variable).decode()
    value = as_text(variable.get("value"))
    kept = as_text(read_document(previous).get("value")) if previous is not None else ""
    if not value and sealer.is_sealed(kept):
        return write_document({**variable, "value": kept}).decode()
    if value and not sealer.is_sealed(value):
        return write_document({**variable, "value": sealer.seal(value)}).decode()
    return write_document(variable).decode()
