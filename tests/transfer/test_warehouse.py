"""Tables of the embedded engine as source and destination of migrations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.errors_cdm import CdmError, SqlFailed
from headrace.objectstore.files import FileStore
from headrace.sql.dialects import HIVE
from headrace.sql.embedded import EmbeddedEngine
from headrace.transfer.connector import Surroundings
from headrace.transfer.options import Options
from headrace.transfer.relational.database import Table
from headrace.transfer.relational.source import RelationalSource
from headrace.transfer.relational.target import RelationalTarget
from headrace.transfer.relational.warehouse_database import WarehouseDatabase


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    engine = EmbeddedEngine(tmp_path / "w.duckdb", tmp_path / "obs")
    engine.execute(
        "CREATE DATABASE stage; CREATE TABLE stage.t (id BIGINT, name STRING, price DECIMAL(12,2))", HIVE, None
    )
    yield Surroundings(
        store=FileStore(tmp_path / "obs"), files=tmp_path, open_sql=lambda: engine, zone=UTC, now=lambda: 0
    )
    engine.close()


def options(section: str = "toJobConfig", **values: str) -> Options:
    return Options(section=section, values={"schemaName": "stage", "tableName": "t", **values})


ROWS = [{"id": 1, "name": "水", "price": Decimal("1.50")}, {"id": 2, "name": "", "price": None}]


def batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema)


def content(surroundings: Surroundings, table: str = "stage.t") -> list[tuple[Any, ...]]:
    return sorted(WarehouseDatabase(surroundings).rows(f"SELECT * FROM headrace_workspace.{table}"))


def write(surroundings: Surroundings, rows: list[dict[str, Any]], *, finish: bool = True, **values: str) -> None:
    target = RelationalTarget(WarehouseDatabase(surroundings), options(**values))
    source = pa.schema([("id", pa.int64()), ("name", pa.string()), ("price", pa.decimal128(12, 2))])
    prepared = target.prepare(source, "run1", 1)
    writer = target.writer(prepared, 0)
    assert writer.write(batch(rows, prepared.schema)) == ()
    writer.close()
    if finish:
        target.finish(prepared)
        target.finish(prepared)  # as after a crash between the step and its record
    else:
        target.abandon(prepared)


def test_target__appends_what_was_staged_once(surroundings: Surroundings) -> None:
    write(surroundings, ROWS)
    write(surroundings, ROWS[:1])
    assert [row[0] for row in content(surroundings)] == [1, 1, 2]
    assert list(WarehouseDatabase(surroundings).tables("stage")) == ["t"]


def test_target__an_abandoned_load_leaves_nothing(surroundings: Surroundings) -> None:
    write(surroundings, ROWS, finish=False)
    assert content(surroundings) == []
    assert list(WarehouseDatabase(surroundings).tables("stage")) == ["t"]


def test_target__clears_first(surroundings: Surroundings) -> None:
    write(surroundings, ROWS)
    write(surroundings, ROWS[1:], shouldClearTable="true")
    assert [row[0] for row in content(surroundings)] == [2]
    write(surroundings, ROWS[:1], beforeImportType="whereClause", whereClause="id = 2 -- two")
    assert [row[0] for row in content(surroundings)] == [1]


def test_target__makes_a_table_of_the_source(surroundings: Surroundings) -> None:
    write(surroundings, ROWS, tableName="made", tablePreparation="CREATE_WHEN_NOT_EXIST", schemaName="fresh")
    assert content(surroundings, "fresh.made") == [(1, "水", Decimal("1.50")), (2, "", None)]


def test_source__ranges_hold_every_row_once(surroundings: Surroundings) -> None:
    write(surroundings, [{"id": number if number % 7 else None, "name": str(number)} for number in range(1000)])
    source = RelationalSource(
        WarehouseDatabase(surroundings), options("fromJobConfig", partitionColumn="id", columnList="name&ID")
    )
    splits = source.splits(4)
    assert len(splits) == 4
    names = [
        name for split in splits for part in source.read(split, reject=print) for name in part.column(0).to_pylist()
    ]
    assert sorted(map(int, names)) == list(range(1000))
    assert source.schema().names == ["name", "id"]


def test_source__of_a_statement(surroundings: Surroundings) -> None:
    write(surroundings, ROWS)
    sql = "SELECT id + 1 AS next, name FROM headrace_workspace.stage.t;"
    source = RelationalSource(WarehouseDatabase(surroundings), options("fromJobConfig", useSql="true", sql=sql))
    found = [row for split in source.splits(3) for part in source.read(split, reject=print) for row in part.to_pylist()]
    assert sorted(row["next"] for row in found) == [2, 3]


@pytest.mark.parametrize("sql", ["DELETE FROM t", "SELECT 1; DROP TABLE t", "WITH a AS (SELECT 1) SELECT * FROM a"])
def test_source__refuses_what_is_not_one_select(surroundings: Surroundings, sql: str) -> None:
    with pytest.raises(CdmError, match=r"fromJobConfig\.sql"):
        RelationalSource(WarehouseDatabase(surroundings), options("fromJobConfig", useSql="true", sql=sql))


def test_database__keeps_every_type(surroundings: Surroundings) -> None:
    schema = pa.schema(
        [
            ("flag", pa.bool_()),
            ("small", pa.int16()),
            ("exact", pa.decimal128(38, 20)),
            ("double", pa.float64()),
            ("day", pa.date32()),
            ("moment", pa.timestamp("us")),
            ("zoned", pa.timestamp("us", "UTC")),
            ("data", pa.binary()),
        ]
    )
    rows = [
        {
            "flag": True,
            "small": -32768,
            "exact": Decimal("123456789012345678.12345678901234567890"),
            "double": float("inf"),
            "day": date(1, 1, 1),
            "moment": datetime(9999, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - without a zone
            "zoned": datetime(2024, 1, 31, 10, tzinfo=UTC),
            "data": bytes(range(256)),
        },
        dict.fromkeys(schema.names),
    ]
    database = WarehouseDatabase(surroundings)
    target = RelationalTarget(database, options(tableName="types", tablePreparation="CREATE_WHEN_NOT_EXIST"))
    prepared = target.prepare(schema, "run1", 1)
    writer = target.writer(prepared, 0)
    writer.write(batch(rows, prepared.schema))
    writer.close()
    target.finish(prepared)
    columns = database.columns(Table("stage", "types"))
    select = f"SELECT * FROM {database.qualified(Table('stage', 'types'))}"
    found = [row for part in database.stream(select, columns, 10) for row in part.to_pylist()]
    assert found == rows


def test_target__refuses_views_and_external_tables(surroundings: Surroundings) -> None:
    surroundings.open_sql().execute("CREATE EXTERNAL TABLE stage.ext (id INT) LOCATION 'obs://b/x'", HIVE, None)
    with pytest.raises(CdmError, match="external table"):
        RelationalTarget(WarehouseDatabase(surroundings), options(tableName="ext")).prepare(pa.schema([]), "run1", 1)


def test_database__a_statement_that_fails_undoes_the_ones_before(surroundings: Surroundings) -> None:
    write(surroundings, ROWS)
    with pytest.raises(SqlFailed):
        WarehouseDatabase(surroundings).run(["DELETE FROM headrace_workspace.stage.t", "SELECT nothing"])
    assert len(content(surroundings)) == 2
