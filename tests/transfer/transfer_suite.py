"""Awkward values of each type, and what every relational connector does with rows that do not fit."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa

from headrace.transfer.mapping import Mapper
from headrace.transfer.relational.database import Column, Database, Table

_LONG = Decimal("123456789012345678.12345678901234567890")
_EVERY_BYTE = bytes(range(256))
_FIRST, _LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001
_EAST = timezone(timedelta(hours=8))

AWKWARD: Mapping[str, pa.Array] = {
    "flag": pa.array([True, False, None]),
    "int8": pa.array([-128, 127, 0, None], pa.int8()),
    "int16": pa.array([-(2**15), 2**15 - 1, None], pa.int16()),
    "int32": pa.array([-(2**31), 2**31 - 1, None], pa.int32()),
    "int64": pa.array([-(2**63), 2**63 - 1, 0, None], pa.int64()),
    "uint8": pa.array([0, 255, None], pa.uint8()),
    "uint32": pa.array([0, 2**32 - 1, None], pa.uint32()),
    "uint64": pa.array([0, 2**64 - 1, None], pa.uint64()),
    "float32": pa.array([0.5, -3.4e38, 1e-45, float("inf"), None], pa.float32()),
    "float64": pa.array([0.1, -0.0, 1.7976931348623157e308, 5e-324, 1e50, 123456789.123456789, None]),
    "infinite": pa.array([float("inf"), float("-inf"), 0.0]),
    "nan": pa.array([1.0, float("nan"), None]),
    "price": pa.array([Decimal("9999999999.99"), Decimal("-0.01"), Decimal("1.10"), None], pa.decimal128(12, 2)),
    "exact": pa.array([_LONG, _LONG.copy_negate(), Decimal("1E-20"), None], pa.decimal128(38, 20)),
    "wide": pa.array([Decimal("1" * 30 + "." + "2" * 30), Decimal("-1E-30"), None], pa.decimal256(60, 30)),
    "text": pa.array(
        [
            "",
            None,
            "水文数据",
            "😀👩‍👩‍👧",
            'it\'s "so", `x`',
            "line\nbreak\r\nand\ttab",
            "back\\slash\\N\\t",
            "\\N",
            "NULL",
            " blanks ",
            "%s ? {} ;--",
            "é" * 100_000,
            "\\.",
            "\u0001\u001f\u007f",
            "null",
            "a,b|c",
        ]
    ),
    "bytes": pa.array([_EVERY_BYTE, b"", None, b"\\x00", b"\0", _EVERY_BYTE * 1000]),
    "date": pa.array([date(1, 1, 1), date(9999, 12, 31), date(1582, 10, 10), date(2024, 2, 29), None]),
    "moment": pa.array(
        [_FIRST, _LAST, datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(2024, 3, 31, 2, 30), None],  # noqa: DTZ001
        pa.timestamp("us"),
    ),
    "zoned": pa.array(
        [_FIRST.replace(tzinfo=UTC), datetime(2024, 1, 31, 10, 0, 0, 123_456, _EAST), _LAST.replace(tzinfo=UTC), None],
        pa.timestamp("us", "UTC"),
    ),
    "seconds": pa.array([datetime(2024, 1, 31, 10, 0, 1), None], pa.timestamp("s")),  # noqa: DTZ001
    "time": pa.array([time(0), time(23, 59, 59, 999_999), time(12, 0, 0, 1), None], pa.time64("us")),
    "uuid": pa.array([uuid.UUID(int=0).bytes, uuid.UUID(int=2**128 - 1).bytes, None], pa.uuid()),
    "list": pa.array([[1, None, 3], [], None], pa.list_(pa.int32())),
    "struct": pa.array([{"a": 1, "b": "水\"'"}, None], pa.struct([("a", pa.int64()), ("b", pa.string())])),
    "dictionary": pa.array(["x", "", None, "x"]).dictionary_encode(),
    "nothing": pa.nulls(2),
}


def write(database: Database, table: Table, batch: pa.RecordBatch) -> list[int]:
    """Write a batch as a job does; the numbers of the rows that did not get in."""
    columns = database.columns(table)
    mapped = Mapper(batch.schema, pa.schema([column.taken() for column in columns]), zone=UTC)(batch)
    kept = sorted(set(range(batch.num_rows)) - {row for row, _ in mapped.rejected})
    loader = database.loader(table, columns)
    rejected = loader.load(mapped.batch)
    loader.commit()
    assert all(reason for _, reason in [*mapped.rejected, *rejected])
    return sorted([*(row for row, _ in mapped.rejected), *(kept[row] for row, _ in rejected)])


def read(database: Database, table: Table, schema: pa.Schema) -> list[dict[str, Any]]:
    """The rows of a table in the types of a schema; a value that has no place in them is a mistake."""
    columns = database.columns(table)
    texts = [one.with_type(pa.string()) if pa.types.is_null(one.type) else one for one in schema]
    mapper = Mapper(pa.schema([column.field() for column in columns]), pa.schema(texts), zone=UTC)
    selected = ", ".join(database.projected(column) for column in columns)
    rows: list[dict[str, Any]] = []
    with closing(database.stream(f"SELECT {selected} FROM {database.qualified(table)}", columns, 1000)) as batches:  # type: ignore[type-var]
        for batch in batches:
            mapped = mapper(batch)
            assert list(mapped.rejected) == []
            rows += mapped.batch.to_pylist()
    return rows


def assert_only_bad_rows_are_refused(database: Database, bad: Sequence[int], rows: int = 10_000) -> None:
    """Bad rows anywhere in a batch are refused, each with a reason, and no other; here a NULL where none may be."""
    table = Table("", "dirty")
    if database.columns(table):
        database.run([f"DROP TABLE {database.qualified(table)}"])
    schema = pa.schema([("id", pa.int64()), ("needed", pa.string())])
    columns = [Column(name=one.name, declared=database.declared(one), type=one.type, nullable=False) for one in schema]
    database.run([database.created(table, columns)])
    needed = [None if number in set(bad) else f"row {number}" for number in range(rows)]
    batch = pa.record_batch([pa.array(range(rows), pa.int64()), pa.array(needed, pa.string())], schema=schema)
    assert write(database, table, batch) == sorted(bad)
    found = [row["id"] for row in read(database, table, schema)]
    assert sorted(found) == sorted(set(range(rows)) - set(bad))


BAD_ROWS: Sequence[Sequence[int]] = ([], [0], [9_999], [0, 1, 2, 5_000, 9_998, 9_999], range(0, 10_000, 97), range(300))


def shown(value: Any) -> str:
    """A value as a text that tells -0.0 from 0.0, and NaN equal to itself; decimals by value."""
    if not isinstance(value, Decimal):
        return repr(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
