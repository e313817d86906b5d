"""Migrates every table of a schema, each as a job of its own; some at a time.

A table that fails does not end the others. How far each table is is kept, so that a run that was cut short goes on with
the tables that are left. Source: CDM user guide, "Migrating the Entire DB".
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmDirectionMissing, CdmError, LoadFailed, RunStopped
from headrace.transfer.connector import Surroundings, open_connector
from headrace.transfer.counters import Counters
from headrace.transfer.definition import Job
from headrace.transfer.files.connector import FileConnector
from headrace.transfer.job import Listener, abandon_job, finish_job, is_restartable, run_job
from headrace.transfer.options import Options
from headrace.transfer.relational.source import RelationalSource

PREPARED, MOVING, DONE = "prepared", "moving", "done"
AT_ONCE = 10  # tables, where the job names no number. Source: exported jobs, concurrentSubJobs
SHOWN = 20  # tables of a message
_OF_ONE = ("columnList", "partitionColumn", "sampleValueColumn")  # inputs that mean one table only


@dataclass
class Progress:
    """The state of each table that was begun, and whom to tell of a change: ``told`` gets it as JSON, one at a time."""

    tables: dict[str, dict[str, Any]]
    told: Callable[[str], None]

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def change(self, table: str, **members: Any) -> None:
        """Keep something about a table."""
        with self._lock:
            self.tables[table] = {**self.tables.get(table, {}), **members}
            self.told(json.dumps({"tables": self.tables}))

    def phase(self, table: str) -> str:
        """How far a table is."""
        return str(self.tables.get(table, {}).get("phase", ""))


def read_progress(text: str, told: Callable[[str], None] = lambda text: None) -> Progress:
    """What was kept of a run."""
    return Progress(json.loads(text).get("tables", {}), told)


def run_tables(job: Job, surroundings: Surroundings, run: str, progress: Progress) -> None:
    """Run the tables that are not done. Raises CdmError, which names those that failed."""
    names = table_names(job, surroundings)
    surroundings.counters.add(parts=len(names))
    at_once = job.section("throttlingConfig").number("concurrentSubJobs", AT_ONCE, 1, 100)
    surroundings.say(f"{len(names)} tables, {at_once} at once.")
    errors: dict[str, HeadraceError] = {}
    with ThreadPoolExecutor(min(at_once, len(names)), "table") as pool:
        running = [pool.submit(_run, job, name, surroundings, f"{run}t{n}", progress) for n, name in enumerate(names)]
        for name, one in zip(names, running, strict=True):
            error = one.result()
            if error is not None:
                errors[name] = error
    if surroundings.cancellation.cancelled:
        raise RunStopped
    if errors:
        shown = [f"Table [{name}]: {error.message} ({error.code})" for name, error in errors.items()]
        more = f" And {len(shown) - SHOWN} more." if len(shown) > SHOWN else ""
        raise LoadFailed(f"{len(errors)} of {len(names)} tables failed. {' '.join(shown[:SHOWN])}{more}")


def _run(job: Job, name: str, surroundings: Surroundings, run: str, progress: Progress) -> HeadraceError | None:
    """Run one table; what went wrong."""
    if progress.phase(name) == DONE:
        surroundings.counters.add(**progress.tables[name]["counts"], parts_done=1)
        return None
    if surroundings.cancellation.cancelled:
        return RunStopped()
    counters = _TableCounters(surroundings.counters)
    listener = Listener(
        prepared=lambda state: progress.change(name, phase=PREPARED, kept=state),
        moving=lambda: progress.change(name, phase=MOVING, counts=counters.moved()),
    )
    try:
        of_one = table_job(job, name, surroundings)
        run_job(of_one, replace(surroundings, counters=counters), run, listener)
    except HeadraceError as error:
        surroundings.say(f"Table {name} failed: {error.message}")
        return error
    except Exception as error:  # noqa: BLE001 - a table that fails does not end the others
        return LoadFailed(f"{type(error).__name__}: {error}")
    progress.change(name, phase=DONE, kept=None, counts=counters.moved())
    surroundings.counters.add(parts_done=1)
    surroundings.say(f"Table {name}: {counters.now().rows_written:,} rows.")
    return None


class _TableCounters(Counters):
    """Of one table: the parts of the whole are its tables, not their parts."""

    def add(self, **amounts: int) -> None:
        super().add(**{name: amount for name, amount in amounts.items() if not name.startswith("parts")})

    def moved(self) -> dict[str, int]:
        """What to count again for a table that is done already."""
        return {name: amount for name, amount in asdict(self.now()).items() if amount}


def table_names(job: Job, surroundings: Surroundings) -> Sequence[str]:
    """The tables of the source whose names fit ``tableName``; all where it is empty. Raises CdmError."""
    if job.source.flag("useSql"):
        raise CdmError("fromJobConfig.useSql: a whole database is read table by table, not with a statement.")
    source = open_connector(job.from_link, surroundings).source(_with_table(job.source, wanted(job.source) or "*"))
    with closing(source):
        if not isinstance(source, RelationalSource):
            raise CdmDirectionMissing(f"{job.from_link.connector}: has no tables that could be listed.")
        return source.table_names()


def wanted(source: Options) -> str:
    """The name or wildcard of the tables."""
    return source.text("tableName") or source.text("table")


def table_job(job: Job, name: str, surroundings: Surroundings) -> Job:
    """The job of one table: of that name on both sides; of files, in a folder of that name."""
    target = _with_table(job.target, name)
    if isinstance(open_connector(job.to_link, surroundings), FileConnector):
        folder = f"{job.target.text('outputDirectory').rstrip('/')}/{name.replace('/', '_')}"
        target = replace(target, values={**target.values, "outputDirectory": folder})
    return replace(job, source=_with_table(job.source, name), target=target)


def _with_table(options: Options, name: str) -> Options:
    """Hive and DLI say ``table``."""
    kept = {key: value for key, value in options.values.items() if key not in _OF_ONE}
    return replace(options, values={**kept, "tableName": name, "table": name})


def settle_tables(job: Job, surroundings: Surroundings, progress: Progress) -> bool:
    """End what a crash cut short: last steps are done, what was begun is undone. Raises CdmError.

    Whether the rest can be run again with the same result.
    """
    again = True
    for name in list(progress.tables):
        of_one, kept = table_job(job, name, surroundings), progress.tables[name].get("kept")
        if progress.phase(name) == MOVING:
            finish_job(of_one, surroundings, _state(kept))
            progress.change(name, phase=DONE, kept=None)
        elif progress.phase(name) == PREPARED:
            abandon_job(of_one, surroundings, _state(kept))
            again = is_restartable(of_one, surroundings) and again
            progress.change(name, phase="", kept=None)
    return again


def _state(kept: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = kept
    return found
