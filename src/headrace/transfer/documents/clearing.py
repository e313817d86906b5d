"""Whether a destination is emptied first."""

from __future__ import annotations

from headrace.transfer.options import Options


def wants_clearing(options: Options, flag: str) -> bool:
    """By its own input, or by those of tables, which ``headrace migrate copy`` sets for its modes."""
    return (
        options.flag(flag)
        or options.text("beforeImportType") == "shouldClearTable"
        or options.text("tablePreparation") == "DROP_AND_CREATE"
    )
