"""What every connector promises, tried at the places of ``connector_places``; one that is enrolled nowhere fails."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest
from awkward_rows import CELLS, LOSSES, UNSUPPORTED, columns_of, held, shown_rows, table, values_of
from connector_places import PLACES
from installation import Given, Installation, reading
from places import NOWHERE, SECRET, Place, new_name

from headrace.errors_cdm import CdmDirectionMissing, CdmError, ExtractionFailed, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import by_url, connectors, open_connector
from headrace.transfer.connectors.local_files import LocalFiles
from headrace.transfer.counters import Counters
from headrace.transfer.documents import mongo_session
from headrace.transfer.formats import registry
from headrace.transfer.job import as_json, from_json
from headrace.transfer.options import Options
from headrace.transfer.streams import kafka_cluster

SCHEMA = pa.schema([("n", pa.int64()), ("name", pa.string())])
ROWS = 5_000
FORMATS = {name.removesuffix("_FILE").lower(): name for name in registry.SUFFIXES}


def numbered(rows: int = ROWS) -> pa.Table:
    return pa.table([range(rows), [f"水 {number}" for number in range(rows)]], schema=SCHEMA)


def marked(writes: bool | None = None) -> list[Any]:
    return [
        pytest.param(name, marks=list(one.marks))
        for name, one in PLACES.items()
        if writes is None or one.connector.capability.writes is writes
    ]


every_place = pytest.mark.parametrize("name", marked())
every_target = pytest.mark.parametrize("name", marked(writes=True))


@pytest.fixture
def place(name: str, installation: Installation) -> Place:
    return installation.place(name)


def keys(installation: Installation, place: Place, name: str) -> list[int]:
    return sorted(row["n"] for row in installation.read(place, name, SCHEMA))


def test_every_connector_is_enrolled() -> None:
    assert {cls.__name__ for cls in connectors()} == {one.connector.__name__ for one in PLACES.values()}


def test_every_format_is_enrolled() -> None:
    assert set(FORMATS) == {name for name, one in PLACES.items() if one.connector is LocalFiles}


def test_losses_are_declared_to_users() -> None:
    found: dict[str, set[str]] = {}
    for name in PLACES:
        what = FORMATS[name] if name in FORMATS else PLACES[name].connector.capability.title
        found.setdefault(what, set()).update(LOSSES.get(name, {}), UNSUPPORTED.get(name, ()))
    declared = {cls.capability.title: cls.capability.losses for cls in connectors()} | registry.LOSSES
    kinds = {what: {kind for one in losses for kind in one.kinds} for what, losses in declared.items()}
    assert {what: one for what, one in kinds.items() if one} == {what: one for what, one in found.items() if one}


@every_place
def test_capability__says_what_can_be_done(name: str, place: Place, installation: Installation) -> None:
    cls, connector = PLACES[name].connector, installation.connector(place)
    assert type(connector) is cls
    assert place.link.connector in cls.capability.connector_names
    assert (place.target is not None, cls.capability.reads) == (cls.capability.writes, True)
    if place.target is None:
        with pytest.raises(CdmDirectionMissing):
            connector.target(Options(section="toJobConfig", values={}))


@every_place
def test_urls__of_every_scheme_lead_to_the_connector(name: str, place: Place, installation: Installation) -> None:
    cls = PLACES[name].connector
    assert {url.partition(":")[0] for url in place.urls} == set(cls.capability.schemes)
    for url in place.urls:
        found = by_url(url)
        assert type(open_connector(found.link, installation.surroundings())) is cls
        if SECRET in url and cls.capability.title != "HTTP, HTTPS":
            assert SECRET in found.link.values.values()
        assert SECRET not in repr(found.link)


@every_place
def test_test__tells_who_answers(place: Place, installation: Installation) -> None:
    assert installation.connector(place).test()


@every_place
def test_test__fails_with_the_documented_error_and_no_password(
    place: Place, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_cluster, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(mongo_session, "_PATIENCE", 300)
    link, error = place.down
    with pytest.raises(error) as failure:
        open_connector(link, installation.surroundings()).test()
    assert failure.value.code != CdmError.code
    assert SECRET in "".join(link.values.values())
    assert SECRET not in failure.value.message


@every_target
def test_values__are_read_as_they_were_written(name: str, place: Place, installation: Installation) -> None:
    values, made = table(columns_of(name)), new_name()
    counts = installation.write(place, made, Given(values))
    expected = held(name, {number: CELLS[number][1] for number in values["n"].to_pylist()}, values.schema, typed=True)
    assert shown_rows(values_of(installation.read(place, made, values.schema))) == shown_rows(expected)
    assert (counts.rows_written, counts.rows_skipped) == (len(expected), len(values) - len(expected))


@every_place
def test_counters__agree_with_what_is_there(place: Place, installation: Installation) -> None:
    made, copied = new_name(), new_name()
    there = place if place.target else installation.place("parquet")
    installation.put(place, made, numbered())
    counts = installation.copy(place, there, (made, copied), SCHEMA)
    assert keys(installation, there, copied) == list(range(ROWS))
    header = 1 if there is place and place is installation.place("csv") else 0
    assert (counts.rows_read - header, counts.rows_written, counts.rows_skipped) == (ROWS, ROWS, 0)
    assert counts.bytes_read > 0
    assert counts.bytes_written > 0
    assert counts.parts == counts.parts_done == 1


class StopsAt(Counters):
    """Cancels a run when so many rows are counted under a name."""

    def __init__(self, cancellation: Cancellation, name: str, rows: int) -> None:
        super().__init__()
        self._cancellation = cancellation
        self._name = name
        self._rows = rows

    def add(self, **amounts: int) -> None:
        super().add(**amounts)
        if getattr(self.now(), self._name) >= self._rows:
            self._cancellation.cancel()


def assert_stops(installation: Installation, here: Place, there: Place, names: tuple[str, str], counted: str) -> None:
    """A job is stopped by its first rows, ends soon, and leaves no thread of its own."""
    cancellation = Cancellation()
    around = installation.surroundings(cancellation=cancellation, counters=StopsAt(cancellation, counted, 1))
    errors: list[BaseException] = []
    before = set(threading.enumerate())

    def run() -> None:
        try:
            installation.copy(here, there, names, SCHEMA, around)
        except CdmError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert [type(error) for error in errors] == [RunStopped]
    assert [one.name for one in set(threading.enumerate()) - before if one.name in ("reader", "split")] == []


@every_place
def test_stop__ends_the_reading(place: Place, installation: Installation) -> None:
    made, copied = new_name(), new_name()
    installation.put(place, made, numbered())
    assert_stops(installation, place, installation.place("parquet"), (made, copied), "rows_read")
    assert not any(installation.folder.rglob(f"*{copied}.parquet"))


@every_target
def test_stop__ends_the_writing(place: Place, installation: Installation) -> None:
    made, copied = new_name(), new_name()
    installation.put(installation.place("parquet"), made, numbered())
    assert_stops(installation, installation.place("parquet"), place, (made, copied), "rows_written")
    installation.put(place, copied, numbered(1))  # nothing is locked, and nothing is in the way
    assert 0 in keys(installation, place, copied)


@every_target
def test_retry__of_a_part_doubles_no_row(place: Place, installation: Installation) -> None:
    made = new_name()
    given = Given(numbered(), 1_000, ExtractionFailed("the second batch"))
    with installation.target(place, made) as target:
        repeatable = target.repeatable
    if repeatable:
        counts = installation.write(place, made, given, retries=1)
        assert counts.rows_written == ROWS
        assert keys(installation, place, made) == list(range(ROWS))
        return
    with pytest.raises(ExtractionFailed):
        installation.write(place, made, given, retries=1)
    assert keys(installation, place, made) == list(range(1_000))


@every_target
def test_restart__of_a_load_that_a_crash_cut_short_doubles_no_row(place: Place, installation: Installation) -> None:
    made = new_name()
    with installation.target(place, made) as target:
        restartable = target.restartable
        prepared = target.prepare(SCHEMA, "crash1", 1)
        writer = target.writer(prepared, 0)
        batch = numbered(1_000).to_batches()[0]
        writer.write(batch.cast(prepared.schema) if prepared.schema.types != batch.schema.types else batch)
        kept = as_json(prepared)
        writer.close()
    with installation.target(place, made) as target:
        target.abandon(from_json(kept))
    installation.write(place, made, Given(numbered()))
    found = keys(installation, place, made)
    if restartable:
        assert found == list(range(ROWS))
    else:
        assert sorted(set(found)) == list(range(ROWS))
        assert len(found) == ROWS + 1_000


@every_place
def test_missing__is_named(place: Place, installation: Installation) -> None:
    with pytest.raises(place.missing) as failure:
        installation.read(place, NOWHERE, SCHEMA)
    assert NOWHERE in failure.value.message


@every_place
def test_empty__gives_no_row(place: Place, installation: Installation) -> None:
    made, copied = new_name(), new_name()
    installation.put(place, made, SCHEMA.empty_table())
    there = installation.place("sqlite")
    counts = installation.copy(place, there, (made, copied), SCHEMA)
    assert (counts.rows_read, counts.rows_written) in ((0, 0), (1, 0))  # a header is counted
    with installation.source(there, copied, SCHEMA) as source:
        assert source.schema().names == SCHEMA.names


@every_target
def test_empty__is_made(place: Place, installation: Installation) -> None:
    made = new_name()
    installation.write(place, made, Given(SCHEMA.empty_table()))
    assert keys(installation, place, made) == []
    if not place.keeps_nothing:
        with closing(installation.connector(place).source(reading(place, made, SCHEMA))) as source:
            assert source.schema().names == SCHEMA.names
