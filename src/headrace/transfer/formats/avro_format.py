"""Avro files: an extension of ours, the documented service does not have them. Needs the extra ``avro``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from itertools import islice
from typing import Any, BinaryIO, cast

import pyarrow as pa

from headrace.errors_cdm import DriverMissing, FileFormatWrong
from headrace.transfer.connector import Reject, Rejected
from headrace.transfer.formats.base import Columns, FileReader, FileWriter, Sink, by_name
from headrace.transfer.formats.parquet_format import SinkFile
from headrace.transfer.formats.typed import is_wide_time, known_schema
from headrace.transfer.mapping import Mapper

ROWS = 8_192  # rows of a batch; each is a Python object on its way
_FAILURES = (ValueError, EOFError, KeyError, IndexError, TypeError, StopIteration, pa.ArrowException, OverflowError)
_PLAIN = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
}
_LOGICAL = {
    "date": pa.date32(),
    "time-millis": pa.time32("ms"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("ms", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
    "uuid": pa.string(),
}


def _fastavro() -> Any:
    try:
        return importlib.import_module("fastavro")
    except ImportError as error:
        raise DriverMissing("Avro files need: pip install 'headrace[avro]'.") from error


class AvroReader(FileReader):
    """Reads blocks of records; records, lists and maps inside become structures."""

    def head(self, stream: BinaryIO) -> pa.Schema:
        """All columns."""
        return _schema_of(self._opened(stream).writer_schema)

    def read(self, stream: BinaryIO, columns: Columns, reject: Reject) -> Iterator[pa.RecordBatch]:
        """Batches in the types of the first file."""
        records = self._opened(stream)
        schema = _schema_of(records.writer_schema)
        names = schema.names
        while True:
            try:
                rows = list(islice(records, ROWS))
                cells = [[_cell(row.get(name)) for row in rows] for name in names]
                arrays = [pa.array(cell, field.type) for cell, field in zip(cells, schema, strict=True)]
            except _FAILURES as error:
                raise FileFormatWrong(f"Avro: {type(error).__name__}: {error}") from error
            if not rows:
                return
            yield by_name(pa.RecordBatch.from_arrays(arrays, schema=schema), columns.schema)

    def _opened(self, stream: BinaryIO) -> Any:
        driver = _fastavro()
        try:
            return driver.reader(stream)
        except _FAILURES as error:
            raise FileFormatWrong(f"No Avro file: {error}") from error


def _cell(value: Any) -> Any:
    return str(value) if type(value).__name__ == "UUID" else value


def _schema_of(schema: Any) -> pa.Schema:
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise FileFormatWrong("The Avro file does not hold records.")
    return pa.schema([pa.field(field["name"], _type(field["type"])) for field in schema["fields"]])


def _type(kind: Any) -> pa.DataType:
    """The Arrow type of an Avro type; a union with null is the other one, other unions are no columns."""
    if isinstance(kind, list):
        others = [one for one in kind if one != "null"]
        if len(others) > 1:
            raise FileFormatWrong(f"Avro: a union of {len(others)} types is no column.")
        return _type(others[0]) if others else pa.null()
    if isinstance(kind, str):
        return _plain(kind)
    logical, plain = kind.get("logicalType"), kind.get("type")
    if logical == "decimal":
        precision, scale = int(kind["precision"]), int(kind.get("scale", 0))
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    if logical in _LOGICAL:
        return _LOGICAL[logical]
    maker = _NESTED.get(plain)
    return maker(kind) if maker is not None else _plain(plain)


def _plain(name: Any) -> pa.DataType:
    if not isinstance(name, str) or name not in _PLAIN:
        raise FileFormatWrong(f"Avro: the type {name!r} is not supported.")
    return _PLAIN[name]


_NESTED: dict[Any, Callable[[dict[str, Any]], pa.DataType]] = {
    "record": lambda kind: pa.struct([(field["name"], _type(field["type"])) for field in kind["fields"]]),
    "array": lambda kind: pa.list_(_type(kind["items"])),
    "map": lambda kind: pa.map_(pa.string(), _type(kind["values"])),
    "fixed": lambda kind: pa.binary(int(kind["size"])),
}


class AvroWriter(FileWriter):
    """Writes blocks of records; types that Avro does not have become text."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        driver = _fastavro()
        self._schema = known_schema(schema, _known)
        self._mapper = Mapper(schema, self._schema, zone=UTC)
        self._names = [_name(name, number) for number, name in enumerate(schema.names, 1)]
        fields = [
            {"name": name, "type": ["null", _avro(field.type)]}
            for name, field in zip(self._names, self._schema, strict=True)
        ]
        parsed = driver.parse_schema({"type": "record", "name": "row", "fields": fields})
        self._writer = importlib.import_module("fastavro.write").Writer(
            cast(BinaryIO, SinkFile(sink)), parsed, codec="deflate"
        )

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Add rows; those with a value that has no place in its column are refused."""
        mapped = self._mapper(batch)
        for row in zip(*(column.to_pylist() for column in mapped.batch.columns), strict=True):
            self._writer.write(dict(zip(self._names, row, strict=True)))
        return mapped.rejected

    def close(self) -> None:
        """Write the last block."""
        self._writer.flush()


def _name(name: str, number: int) -> str:
    """A name that Avro allows."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign == "_") else "_" for sign in name)
    return plain if plain and not plain[0].isdigit() and plain == name else f"column_{number}_{plain}".rstrip("_")


def _known(kind: pa.DataType) -> pa.DataType:
    """The type whose values Avro can hold."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None) if kind.unit != "ns" else pa.string()
    if pa.types.is_time(kind):
        return pa.time64("us") if kind.unit != "ns" else pa.string()
    if pa.types.is_nested(kind) or is_wide_time(kind) or pa.types.is_null(kind) or kind == pa.uint64():
        return pa.string()
    if pa.types.is_dictionary(kind) or isinstance(kind, pa.BaseExtensionType):
        return pa.string()
    return kind


def _avro(kind: pa.DataType) -> Any:
    for is_one, name in _AVRO:
        if is_one(kind):
            return name
    if pa.types.is_decimal(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if pa.types.is_timestamp(kind):
        return {"type": "long", "logicalType": "timestamp-micros" if kind.tz else "local-timestamp-micros"}
    return "string"


_AVRO: tuple[tuple[Callable[[pa.DataType], bool], Any], ...] = (
    (pa.types.is_boolean, "boolean"),
    (lambda kind: (pa.types.is_integer(kind) and kind.bit_width < 32) or kind == pa.int32(), "int"),
    (pa.types.is_integer, "long"),
    (lambda kind: kind in (pa.float16(), pa.float32()), "float"),
    (pa.types.is_floating, "double"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "bytes"),
    (pa.types.is_fixed_size_binary, "bytes"),
    (pa.types.is_date, {"type": "int", "logicalType": "date"}),
    (pa.types.is_time, {"type": "long", "logicalType": "time-micros"}),
)
