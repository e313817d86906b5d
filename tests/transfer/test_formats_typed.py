"""Parquet, ORC and Avro: the types and values come back."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from headrace.errors_cdm import FileFormatWrong
from headrace.transfer.formats.avro_format import AvroReader, AvroWriter
from headrace.transfer.formats.base import FileReader, choose
from headrace.transfer.formats.orc_format import OrcReader, OrcWriter
from headrace.transfer.formats.parquet_format import ParquetReader, ParquetWriter

ZONED = [dt.datetime(2024, 1, 31, 10, 20, 30, 123456, dt.UTC), None, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)]
LOCAL = [one and one.replace(tzinfo=None) for one in ZONED]
TABLE = pa.table(
    {
        "i": pa.array([2**63 - 1, None, -1], pa.int64()),
        "d": pa.array([Decimal("0.00000000000000000001"), None, Decimal("-1")], pa.decimal128(38, 20)),
        "f": pa.array([float("nan"), float("-inf"), None]),
        "s": pa.array(["", None, '中"\n']),
        "b": pa.array([b"\x00\xff", None, b""]),
        "t": pa.array([True, None, False]),
        "day": pa.array([dt.date(1, 1, 1), None, dt.date(9999, 12, 31)]),
        "m": pa.array(LOCAL, pa.timestamp("us")),
        "z": pa.array(ZONED, pa.timestamp("us", "UTC")),
    }
)
FORMATS = [
    pytest.param(ParquetReader, ParquetWriter, id="parquet"),
    pytest.param(OrcReader, OrcWriter, id="orc"),
    pytest.param(AvroReader, AvroWriter, id="avro"),
]


def bytes_of(writer_class: Any, table: pa.Table) -> bytes:
    out = io.BytesIO()
    writer = writer_class(out.write, table.schema)
    for batch in table.to_batches():
        assert not writer.write(batch)
    writer.close()
    return out.getvalue()


def read(reader: FileReader, data: bytes, wanted: tuple[str, ...] = (), every: pa.Schema | None = None) -> pa.Table:
    columns = choose(reader.head(io.BytesIO(data)) if every is None else every, wanted, "columnList")
    batches = reader.read(io.BytesIO(data), columns, lambda row, reason: pytest.fail(reason))
    return pa.Table.from_batches(batches, columns.schema)


def as_text(table: pa.Table) -> list[str]:
    return [repr([str(value) for value in column.to_pylist()]) for column in table.columns]


@pytest.mark.parametrize(("reader", "writer"), FORMATS)
def test_round_trip__values_come_back_as_they_left(reader: Any, writer: Any) -> None:
    found = read(reader(), bytes_of(writer, TABLE))
    assert found.schema.names == TABLE.schema.names
    before = TABLE if writer is not OrcWriter else TABLE.cast(found.schema)
    assert as_text(found) == as_text(before)


@pytest.mark.parametrize(("reader", "writer"), FORMATS)
def test_round_trip__a_table_without_rows_keeps_its_columns(reader: Any, writer: Any) -> None:
    found = read(reader(), bytes_of(writer, TABLE.slice(0, 0)))
    assert (found.num_rows, found.schema.names) == (0, TABLE.schema.names)


@pytest.mark.parametrize(("reader", "writer"), FORMATS)
def test_read__columns_are_chosen_by_number_or_name(reader: Any, writer: Any) -> None:
    data = bytes_of(writer, TABLE)
    assert read(reader(), data, ("1", "4")).schema.names == ["i", "s"]
    assert read(reader(), data, ("s", "i")).schema.names == ["s", "i"]


@pytest.mark.parametrize(("reader", "writer"), FORMATS)
def test_read__a_later_file_gives_its_columns_by_name(reader: Any, writer: Any) -> None:
    data = bytes_of(writer, pa.table({"s": ["x"], "other": ["y"]}))
    found = read(reader(), data, every=pa.schema([("i", pa.int64()), ("s", pa.string())]))
    assert found.to_pylist() == [{"i": None, "s": "x"}]


@pytest.mark.parametrize(("reader", "writer"), FORMATS)
def test_read__a_later_file_of_other_types_is_told(reader: Any, writer: Any) -> None:
    data = bytes_of(writer, pa.table({"s": ["x"]}))
    with pytest.raises(FileFormatWrong, match="'s'"):
        read(reader(), data, every=pa.schema([("s", pa.int64())]))


@pytest.mark.parametrize(("reader", "writer"), FORMATS)
@pytest.mark.parametrize("data", [b"", b"PAR1", b"ORC", b"Obj\x01", b"id,name\n1,x\n", b"\x00" * 1_000])
def test_read__what_is_no_such_file_is_told(reader: Any, writer: Any, data: bytes) -> None:
    with pytest.raises(FileFormatWrong):
        reader().head(io.BytesIO(data))


@pytest.mark.parametrize(("reader", "writer"), FORMATS)
def test_read__a_file_cut_short_is_told(reader: Any, writer: Any) -> None:
    data = bytes_of(writer, TABLE)
    with pytest.raises(FileFormatWrong):
        read(reader(), data[: len(data) * 2 // 3])


@pytest.mark.parametrize("writer", [ParquetWriter, OrcWriter, AvroWriter])
def test_write__lengths_of_time_become_text(writer: Any) -> None:
    table = pa.table({"a": pa.array([dt.timedelta(hours=30, seconds=1)], pa.duration("us"))})
    reader = {ParquetWriter: ParquetReader, OrcWriter: OrcReader, AvroWriter: AvroReader}[writer]()
    assert read(reader, bytes_of(writer, table)).to_pylist() == [{"a": "30:00:01"}]


def test_write__avro_names_are_made_of_letters() -> None:
    found = read(AvroReader(), bytes_of(AvroWriter, pa.table({"1": ["x"], "名": ["y"]})))
    assert found.schema.names == ["column_1_1", "column_2"]


def test_write__an_orc_file_that_cannot_go_on_is_told_and_ends_no_process() -> None:
    pieces: list[bytes] = []

    def sink(data: bytes) -> None:
        if pieces:
            raise OSError("no space left")
        pieces.append(data)

    writer = OrcWriter(sink, pa.schema([("n", pa.int64())]))
    writer.write(pa.record_batch({"n": [1]}))
    with pytest.raises(OSError, match="no space left"):
        writer.close()
    del writer
