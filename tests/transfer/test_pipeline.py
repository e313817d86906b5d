"""The pipeline: splits side by side, dirty rows, retries, stops; sources and targets of the tests' own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

import pyarrow as pa
import pytest

from headrace.errors_cdm import (
    CdmError,
    DatabaseUnreachable,
    ExtractionFailed,
    LoadFailed,
    RunStopped,
    TooManyDirtyRows,
)
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Prepared, Reject, Rejected, Source, Split, Target, Writer
from headrace.transfer.counters import Counters
from headrace.transfer.dirty_rows import DirtyRules
from headrace.transfer.mapping import Mapper
from headrace.transfer.pipeline import Rules, Transfer, run_transfer

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string())])


def batch(begin: int, rows: int) -> pa.RecordBatch:
    numbers = range(begin, begin + rows)
    return pa.RecordBatch.from_pydict({"id": list(numbers), "name": [f"n{number}" for number in numbers]}, SCHEMA)


class Numbers(Source):
    """``batches`` a split of ``rows`` each; ``trouble`` is raised after that many batches of a split."""

    def __init__(self, splits: int = 1, batches: int = 3, rows: int = 10, trouble: dict[int, Exception] | None = None):
        self._splits, self._batches, self._rows = splits, batches, rows
        self.trouble = trouble or {}
        self.read_by: set[str] = set()
        self.closed = 0
        self.finished = False

    def schema(self) -> pa.Schema:
        return SCHEMA

    def splits(self, wanted: int) -> Sequence[Split]:
        return [{"number": number} for number in range(self._splits)]

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        try:
            for number in range(self._batches):
                self.read_by.add(threading.current_thread().name)
                if number in self.trouble:
                    raise self.trouble[number]
                yield batch((split["number"] * self._batches + number) * self._rows, self._rows)
        finally:
            self.closed += 1

    def finish(self) -> None:
        self.finished = True


class Kept(Target):
    """Keeps committed rows in memory; ``refuses`` ids, and fails a split's first ``failures`` writes."""

    repeatable = True

    def __init__(self, schema: pa.Schema = SCHEMA, refuses: Sequence[int] = (), failures: int = 0) -> None:
        self._schema = schema
        self.refuses = set(refuses)
        self.failures = failures
        self.rows: list[dict[str, Any]] = []
        self.steps: list[str] = []
        self.lock = threading.Lock()

    def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
        self.steps.append(f"prepare {splits}")
        return Prepared(schema=self._schema, state={"run": run})

    def writer(self, prepared: Prepared, split: int) -> Writer:
        return KeptWriter(self)

    def finish(self, prepared: Prepared) -> None:
        self.steps.append("finish")

    def abandon(self, prepared: Prepared) -> None:
        self.steps.append("abandon")


class KeptWriter(Writer):
    def __init__(self, target: Kept) -> None:
        self._target = target
        self._rows: list[dict[str, Any]] = []

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        with self._target.lock:
            if self._target.failures:
                self._target.failures -= 1
                raise DatabaseUnreachable("gone")
        rejected = [
            Rejected(at, "refused") for at, row in enumerate(batch.to_pylist()) if row["id"] in self._target.refuses
        ]
        self._rows += [row for row in batch.to_pylist() if row["id"] not in self._target.refuses]
        return rejected

    def close(self) -> None:
        with self._target.lock:
            self._target.rows += self._rows

    def abort(self) -> None:
        with self._target.lock:
            self._target.steps.append("abort")


class NoFiles:
    def __call__(self) -> Any:
        raise AssertionError("no folder was named")


def transfer(source: Source, target: Target, **members: Any) -> Transfer:
    given = Transfer(
        run="r1",
        source=source,
        target=target,
        rules=Rules(),
        counters=Counters(),
        cancellation=Cancellation(),
        mapper=lambda read, written: Mapper(read, written, zone=UTC),
        dirty_store=NoFiles(),
    )
    return replace(given, **members)


def ids(target: Kept) -> list[int]:
    return sorted(row["id"] for row in target.rows)


@pytest.mark.parametrize("extractors", [1, 2, 7])
def test_run__every_row_of_every_split_arrives_once(extractors: int) -> None:
    source, target = Numbers(splits=5, batches=4, rows=25), Kept()
    told: list[str] = []
    job = transfer(
        source,
        target,
        rules=Rules(extractors=extractors),
        on_prepared=lambda prepared: told.append(f"prepared {prepared.state['run']}"),
        on_moving=lambda: told.append("moving"),
    )
    run_transfer(job)
    assert ids(target) == list(range(500))
    assert (target.steps, told, source.finished) == (["prepare 5", "finish"], ["prepared r1", "moving"], True)
    counts = job.counters.now()
    assert (counts.rows_read, counts.rows_written, counts.rows_skipped, counts.parts_done) == (500, 500, 0, 5)
    assert source.closed == 5


def test_run__nothing_to_read_is_a_success() -> None:
    target = Kept()
    run_transfer(transfer(Numbers(splits=0), target))
    assert target.steps == ["prepare 0", "finish"]


def test_run__a_queue_smaller_than_a_batch_does_not_block() -> None:
    target = Kept()
    run_transfer(transfer(Numbers(batches=20, rows=1000), target, rules=Rules(capacity=1)))
    assert len(target.rows) == 20_000


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (DatabaseUnreachable("host h"), DatabaseUnreachable),
        (ValueError("of a driver"), ExtractionFailed),
    ],
)
def test_run__what_the_reader_raises_ends_the_job(trouble: Exception, told: type[CdmError]) -> None:
    source, target = Numbers(splits=3, batches=50, trouble={7: trouble}), Kept()
    with pytest.raises(told):
        run_transfer(transfer(source, target, rules=Rules(extractors=3)))
    assert target.steps[-1] == "abandon"
    assert not source.finished


def test_run__what_the_writer_raises_ends_the_job_and_the_reader() -> None:
    source, target = Numbers(batches=1000), Kept(failures=1)
    target.repeatable = False
    with pytest.raises(DatabaseUnreachable):
        run_transfer(transfer(source, target, rules=Rules(retries=5, capacity=1)))
    assert source.closed == 1
    assert target.steps == ["prepare 1", "abort", "abandon"]


def test_run__errors_of_a_driver_become_load_failed() -> None:
    target = Kept()
    target.writer = lambda prepared, split: BadWriter(target)  # type: ignore[method-assign]
    with pytest.raises(LoadFailed, match="ZeroDivisionError"):
        run_transfer(transfer(Numbers(), target))


class BadWriter(KeptWriter):
    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        return [Rejected(1 // 0, "")]


def test_run__a_split_is_tried_again_from_its_beginning() -> None:
    source, target = Numbers(splits=2, batches=3), Kept(failures=2)
    said: list[str] = []
    job = transfer(source, target, rules=Rules(retries=2), say=said.append)
    run_transfer(job)
    assert ids(target) == list(range(60))
    assert (job.counters.now().rows_read, job.counters.now().rows_written) == (60, 60)
    assert sum("tried again" in line for line in said) == 2


@pytest.mark.parametrize(("bad", "most", "succeeds"), [(3, 2, False), (3, 3, True), (3, 4, True), (0, 0, True)])
def test_run__dirty_rows_up_to_a_number(bad: int, most: int, succeeds: bool) -> None:
    target = Kept(refuses=range(5, 5 + bad))
    job = transfer(Numbers(), target, rules=Rules(dirty=DirtyRules(keeps=True, most=most)))
    if succeeds:
        run_transfer(job)
        assert ids(target) == [number for number in range(30) if number not in target.refuses]
        assert (job.counters.now().rows_skipped, job.counters.now().rows_written) == (bad, 30 - bad)
    else:
        with pytest.raises(TooManyDirtyRows, match="3 in one split, 2 are allowed"):
            run_transfer(job)
        assert target.rows == []


def test_run__the_first_bad_row_fails_where_none_is_kept() -> None:
    with pytest.raises(TooManyDirtyRows, match="refused"):
        run_transfer(transfer(Numbers(), Kept(refuses=[7])))


def test_run__rows_that_cannot_be_cast_are_dirty_too() -> None:
    target = Kept(schema=pa.schema([("id", pa.int8()), ("name", pa.string())]))
    job = transfer(Numbers(batches=20), target, rules=Rules(dirty=DirtyRules(keeps=True, most=1000)))
    run_transfer(job)
    assert ids(target) == list(range(128))
    assert job.counters.now().rows_skipped == 200 - 128


def test_run__stops_when_it_is_cancelled() -> None:
    cancellation = Cancellation()
    target = Kept()

    class Endless(Numbers):
        def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
            while True:
                yield batch(0, 10)
                cancellation.cancel()

    with pytest.raises(RunStopped):
        run_transfer(transfer(Endless(), target, cancellation=cancellation))
    assert target.steps[-1] == "abandon"


def test_run__rates_are_kept() -> None:
    target = Kept()
    job = transfer(Numbers(batches=3, rows=10), target, rules=Rules(rows_a_second=100_000, bytes_a_second=10_000_000))
    run_transfer(job)
    assert len(target.rows) == 30


def test_run__constants_are_columns_of_the_destination_too() -> None:
    schema = pa.schema([*SCHEMA, ("day", pa.string())])
    seen: list[pa.Schema] = []

    class Seen(Kept):
        def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
            seen.append(source)
            return super().prepare(source, run, splits)

    target = Seen(schema=schema)
    constants = [("day", "2026-03-01")]
    job = transfer(
        Numbers(batches=1, rows=2),
        target,
        constants=["day"],
        mapper=lambda read, written: Mapper(read, written, constants=constants, zone=UTC),
    )
    run_transfer(job)
    assert seen[0].names == ["id", "name", "day"]
    assert target.rows[0] == {"id": 0, "name": "n0", "day": "2026-03-01"}
