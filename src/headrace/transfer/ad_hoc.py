"""A copy from one URL to another, as a job: what ``headrace migrate copy`` runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from headrace.transfer.connector import by_url
from headrace.transfer.definition import Job
from headrace.transfer.options import Options

MODES = ("append", "truncate", "replace")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a copy may say beyond its URLs.

    ``mode``: rows are added to a table, which is made if absent (``append``); it is emptied first (``truncate``); or it
    is made anew (``replace``). ``partition``: the column whose ranges are read side by side, ``parallel`` of them.
    ``converters``: JSON as ``transformConfig.fieldConverters``; ``most_dirty``: rows that may be left out.
    """

    mode: str = "append"
    columns: tuple[str, ...] = ()
    where: str = ""
    partition: str = ""
    parallel: int = 1
    converters: str = ""
    most_dirty: int | None = None
    source: dict[str, str] = field(default_factory=dict)  # further inputs of either side, by their short names
    target: dict[str, str] = field(default_factory=dict)


def copy_job(source: str, target: str, wishes: Wishes) -> Job:
    """The job of a copy. Raises CdmError for a URL that no connector knows, or that names no table or file."""
    read, written = by_url(source), by_url(target)
    inputs = {
        "columnList": "&".join(wishes.columns),
        "whereClause": wishes.where,
        "partitionColumn": wishes.partition,
        **read.source,
        **wishes.source,
    }
    table = inputs.get("tableName") or inputs.get("table", "")
    outputs = {
        "tablePreparation": "DROP_AND_CREATE" if wishes.mode == "replace" else "CREATE_WHEN_NOT_EXIST",
        "beforeImportType": "shouldClearTable" if wishes.mode == "truncate" else "none",
        **written.target,
        **wishes.target,
    }
    outputs["tableName"] = outputs.get("tableName") or table
    return Job(
        name="copy",
        from_link=replace(read.link, name="source"),
        to_link=replace(written.link, name="destination"),
        source=Options(section="fromJobConfig", values={name: value for name, value in inputs.items() if value}),
        target=Options(section="toJobConfig", values={name: value for name, value in outputs.items() if value}),
        driver=_settings(wishes),
    )


def _settings(wishes: Wishes) -> dict[str, str]:
    settings = {"throttlingConfig.numExtractors": str(wishes.parallel)}
    if wishes.most_dirty is not None:
        settings["throttlingConfig.recordDirtyData"] = "true"
        settings["throttlingConfig.maxErrorRecords"] = str(wishes.most_dirty)
    if wishes.converters:
        settings["transformConfig.fieldConverters"] = wishes.converters
    return settings
