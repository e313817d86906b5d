"""What a crash leaves of a whole-database job is ended or undone, and the rest is migrated."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.objectstore.files import FileStore
from headrace.sql.engine import SqlEngine
from headrace.transfer.connector import Prepared, Surroundings, open_connector
from headrace.transfer.definition import Job
from headrace.transfer.job import as_json
from headrace.transfer.options import Link, Options
from headrace.transfer.whole_database import Progress, read_progress, run_tables, settle_tables, table_job


def no_engine() -> SqlEngine:
    raise AssertionError


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    for name in ("from.db", "to.db"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            for table in ("first", "second", "third"):
                connection.execute(f"CREATE TABLE {table} (id INTEGER)")
                if name == "from.db":
                    connection.execute(f"INSERT INTO {table} VALUES (1), (2)")
            connection.commit()
    return Surroundings(store=FileStore(tmp_path / "obs"), files=tmp_path, open_sql=no_engine, zone=UTC, now=lambda: 0)


@pytest.fixture
def job() -> Job:
    def link(name: str) -> Link:
        values = {"databaseType": "SQLITE", "database": f"{name}.db"}
        return Link(name=name, connector="generic-jdbc-connector", values=values)

    return Job(
        name="all",
        from_link=link("from"),
        to_link=link("to"),
        source=Options(section="fromJobConfig", values={}),
        target=Options(section="toJobConfig", values={"useStageTable": "true"}),
        driver={},
        whole_database=True,
    )


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[str], int]:
    def count(table: str) -> int:
        with closing(sqlite3.connect(tmp_path / "to.db")) as connection:
            found: int = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            return found

    return count


def prepared(job: Job, surroundings: Surroundings, table: str, values: list[int]) -> Prepared:
    """A destination that is staged and written, as just before its last step."""
    target = open_connector(job.to_link, surroundings).target(table_job(job, table, surroundings).target)
    found = target.prepare(pa.schema([("id", pa.int64())]), f"run{table}", 1)
    writer = target.writer(found, 0)
    assert not writer.write(pa.RecordBatch.from_pydict({"id": values}, found.schema))
    writer.close()
    target.close()
    return found


def test_settle_tables__does_last_steps_and_undoes_the_rest(
    job: Job, surroundings: Surroundings, rows: Callable[[str], int]
) -> None:
    moving = {"phase": "moving", "kept": as_json(prepared(job, surroundings, "first", [7])), "counts": {"rows_read": 1}}
    begun = {"phase": "prepared", "kept": as_json(prepared(job, surroundings, "second", [8]))}
    kept = json.dumps({"tables": {"first": moving, "second": begun}})
    told: list[str] = []
    progress = read_progress(kept, told.append)
    assert settle_tables(job, surroundings, progress)
    assert [rows(table) for table in ("first", "second", "third")] == [1, 0, 0]
    assert [progress.phase(table) for table in ("first", "second", "third")] == ["done", "", ""]
    run_tables(job, surroundings, "again", read_progress(told[-1]))
    assert [rows(table) for table in ("first", "second", "third")] == [1, 2, 2]
    counts = surroundings.counters.now()
    assert (counts.rows_read, counts.rows_written, counts.parts, counts.parts_done) == (5, 4, 3, 3)


def test_settle_tables__of_an_append_without_stages_cannot_be_run_again(
    job: Job, surroundings: Surroundings, rows: Callable[[str], int]
) -> None:
    job.target.values["useStageTable"] = "false"  # type: ignore[index]
    state = {"phase": "prepared", "kept": as_json(prepared(job, surroundings, "second", [8]))}
    assert not settle_tables(job, surroundings, Progress({"second": state}, lambda text: None))
    assert rows("second") == 1


def test_run_tables__tells_how_far_each_table_is(job: Job, surroundings: Surroundings) -> None:
    told: list[dict[str, Any]] = []
    run_tables(job, surroundings, "one", read_progress("{}", lambda text: told.append(json.loads(text)["tables"])))
    phases = [one["first"]["phase"] for one in told if "first" in one]
    assert list(dict.fromkeys(phases)) == ["prepared", "moving", "done"]
    assert told[-1]["third"]["counts"]["rows_written"] == 2
