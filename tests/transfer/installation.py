"""An installation whose connectors are tried: its folder, store and engine, and the places that are open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pytest
from connector_places import PLACES
from places import Place

from headrace.objectstore.files import FileStore
from headrace.sql.embedded import EmbeddedEngine
from headrace.transfer.connector import Connector, Reject, Source, Split, Surroundings, Target, open_connector
from headrace.transfer.counters import Counts
from headrace.transfer.definition import Job
from headrace.transfer.dirty_rows import DirtyRules
from headrace.transfer.job import run_job
from headrace.transfer.mapping import Mapper
from headrace.transfer.options import Options
from headrace.transfer.pipeline import Rules, Transfer, run_transfer

NOW = 1_706_666_400_000  # 2024-01-31 02:00:00 UTC
MOST = 1_000  # rows that may be left out
_RUNS = count(1)


class Given(Source):
    """A table in memory, in batches of some rows; ``trouble`` is raised once, in place of the second batch."""

    def __init__(self, table: pa.Table, rows: int = 1_000, trouble: Exception | None = None) -> None:
        self._table = table
        self._rows = rows
        self._trouble = trouble

    def schema(self) -> pa.Schema:
        return self._table.schema

    def splits(self, wanted: int) -> Sequence[Split]:
        return [{}]

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(self._table.to_batches(max_chunksize=self._rows)):
            if number and self._trouble is not None:
                trouble, self._trouble = self._trouble, None
                raise trouble
            yield batch


class Installation:
    """``place``: a system, opened when it is first asked for, and until the end."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest, stack: ExitStack) -> None:
        self.folder = folder
        self._request = request
        self._stack = stack
        self._places: dict[str, Place | BaseException] = {}
        self._engine: EmbeddedEngine | None = None

    def place(self, name: str) -> Place:
        """The place of a name. Skips where its server does not run."""
        if name not in self._places:
            try:
                (self.folder / name).mkdir()
                self._places[name] = self._stack.enter_context(PLACES[name].open(self.folder / name, self._request))
            except pytest.skip.Exception as reason:
                self._places[name] = reason
        found = self._places[name]
        if isinstance(found, BaseException):
            raise found
        return found

    def _sql(self) -> EmbeddedEngine:
        if self._engine is None:
            self._engine = EmbeddedEngine(self.folder / "w.duckdb", self.folder / "obs")
            self._stack.callback(self._engine.close)
        return self._engine

    def surroundings(self, **changes: Any) -> Surroundings:
        given: dict[str, Any] = {"store": FileStore(self.folder / "obs"), "files": self.folder, "open_sql": self._sql}
        return Surroundings(**{**given, "zone": UTC, "now": lambda: NOW, **changes})

    def connector(self, place: Place, **changes: Any) -> Connector:
        return open_connector(place.link, self.surroundings(**changes))

    @contextmanager
    def source(self, place: Place, name: str, schema: pa.Schema) -> Iterator[Source]:
        with closing(self.connector(place).source(reading(place, name, schema))) as source:
            yield source

    @contextmanager
    def target(self, place: Place, name: str, **more: str) -> Iterator[Target]:
        with closing(self.connector(place).target(writing(place, name, **more))) as target:
            yield target

    def copy(
        self,
        here: Place,
        there: Place,
        names: tuple[str, str],
        schema: pa.Schema,
        surroundings: Surroundings | None = None,
        **more: str,
    ) -> Counts:
        """Run a job that copies columns; rows that do not fit are left out. What it counted."""
        job = Job(
            name="j",
            from_link=here.link,
            to_link=there.link,
            source=reading(here, names[0], schema),
            target=writing(there, names[1], columnList="&".join(schema.names), **more),
            driver={"throttlingConfig.recordDirtyData": "true", "throttlingConfig.maxErrorRecords": str(MOST)},
        )
        surroundings = surroundings or self.surroundings()
        run_job(job, surroundings, new_run())
        return surroundings.counters.now()

    def write(self, place: Place, name: str, source: Source, *, retries: int = 0, **more: str) -> Counts:
        """Write what a source gives, as a job does; rows that do not fit are left out. What was counted."""
        surroundings = self.surroundings()
        with closing(open_connector(place.link, surroundings).target(writing(place, name, **more))) as target:
            transfer = Transfer(
                run=new_run(),
                source=source,
                target=target,
                rules=Rules(retries=retries, dirty=DirtyRules(keeps=True, most=MOST, folder="")),
                counters=surroundings.counters,
                cancellation=surroundings.cancellation,
                mapper=lambda given, taken: Mapper(given, taken, zone=UTC),
                dirty_store=no_files,
            )
            run_transfer(transfer)
        return surroundings.counters.now()

    def put(self, place: Place, name: str, table: pa.Table) -> None:
        """Have a table at a place, by a job or however it can be."""
        if place.fill is not None:
            place.fill(name, table)
        else:
            self.write(place, name, Given(table))

    def read(self, place: Place, name: str, schema: pa.Schema) -> list[dict[str, Any]]:
        """What is there, in the types of a schema; a value that has no place in them is a mistake."""
        rows: list[dict[str, Any]] = []
        with self.source(place, name, schema) as source:
            mapper = Mapper(source.schema(), readable(schema), zone=UTC)
            for split in source.splits(1):
                for batch in source.read(split, refused):
                    mapped = mapper(batch)
                    assert list(mapped.rejected) == []
                    rows += mapped.batch.to_pylist()
        return rows


def reading(place: Place, name: str, schema: pa.Schema) -> Options:
    return Options(section="fromJobConfig", values=place.source(name, schema))


def writing(place: Place, name: str, **more: str) -> Options:
    assert place.target is not None
    return Options(section="toJobConfig", values={**place.target(name), **more})


def readable(schema: pa.Schema) -> pa.Schema:
    """The schema with text where it has nothing."""
    return pa.schema([one.with_type(pa.string()) if pa.types.is_null(one.type) else one for one in schema])


def new_run() -> str:
    return f"r{next(_RUNS)}"


def refused(row: Any, reason: str) -> NoReturn:
    raise AssertionError(f"{row}: {reason}")


def no_files() -> NoReturn:
    raise AssertionError
