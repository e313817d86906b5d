"""Which format a file has, and who reads and writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa

from headrace.errors_cdm import BinaryNeedsFiles, CdmError
from headrace.transfer.connector import REFUSED, Loss
from headrace.transfer.formats.avro_format import AvroReader, AvroWriter
from headrace.transfer.formats.base import FileReader, FileWriter, Sink
from headrace.transfer.formats.csv_dialect import reading_dialect, writing_dialect
from headrace.transfer.formats.csv_format import CsvReader, CsvWriter
from headrace.transfer.formats.json_format import JsonReader, JsonWriter
from headrace.transfer.formats.orc_format import OrcReader, OrcWriter
from headrace.transfer.formats.parquet_format import ParquetReader, ParquetWriter
from headrace.transfer.options import Options

CSV, JSON, PARQUET, ORC, AVRO, BINARY = "CSV_FILE", "JSON_FILE", "PARQUET_FILE", "ORC_FILE", "AVRO_FILE", "BINARY_FILE"
FORMATS = (CSV, JSON, PARQUET, ORC, AVRO, BINARY)
SUFFIXES = {CSV: ".csv", JSON: ".json", PARQUET: ".parquet", ORC: ".orc", AVRO: ".avro"}
_BY_SUFFIX = {
    **{suffix: name for name, suffix in SUFFIXES.items()},
    ".txt": CSV,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".pq": PARQUET,
}
_PACKED = {".gz": "GZIP", ".zip": "ZIP", ".tgz": "TAR.GZ", ".bz2": "BZIP2"}
TEXT_FORMATS = (CSV, JSON)
LOSSES = {ORC: (Loss(("moment", "zoned"), "moments before 1677-09-21 and after 2262-04-11", REFUSED),)}


class FileKind(NamedTuple):
    """What a file is. ``pleasant``: only its name says so, and the inputs may rest on what is usual."""

    format: str
    compression: str
    pleasant: bool = False


def kind_of_name(path: str) -> FileKind | None:
    """What the name of a file says: ``x.csv``, ``x.json.gz``."""
    name = path.rpartition("/")[2].lower()
    packed = next((suffix for suffix in _PACKED if name.endswith(suffix)), "")
    plain = name.removesuffix(packed)
    found = next((kind for suffix, kind in _BY_SUFFIX.items() if plain.endswith(suffix)), None)
    return None if found is None else FileKind(found, _PACKED.get(packed, "NONE"), True)


def named_kind(options: Options, member: str, compression: str, path: str) -> FileKind:
    """What the inputs say a file is; where they say nothing, its name does. Raises CdmError."""
    if options.text(member):
        return FileKind(options.choice(member, FORMATS, ""), compression)
    kind = kind_of_name(path)
    if kind is None:
        raise CdmError(f"{options.section}.{member}: missing, and {path!r} does not say what it is.")
    return kind if compression == "NONE" else kind._replace(compression=compression)


def reader_of(kind: FileKind, options: Options) -> FileReader:
    """The reader of a format. Raises CdmError."""
    if kind.format == BINARY:
        raise BinaryNeedsFiles
    return _READERS[kind.format](options, kind.pleasant)


def writer_of(kind: FileKind, options: Options) -> Callable[[Sink, pa.Schema], FileWriter]:
    """Makes writers of a format. Raises CdmError."""
    if kind.format == BINARY:
        raise BinaryNeedsFiles
    return _WRITERS[kind.format](options, kind.pleasant)


def _csv_writer(options: Options, pleasant: bool) -> Callable[[Sink, pa.Schema], FileWriter]:
    dialect = writing_dialect(options, pleasant=pleasant)
    return lambda sink, schema: CsvWriter(sink, schema, dialect)


_READERS: dict[str, Callable[[Options, bool], FileReader]] = {
    CSV: lambda options, pleasant: CsvReader(reading_dialect(options, pleasant=pleasant)),
    JSON: lambda options, pleasant: JsonReader(options),
    PARQUET: lambda options, pleasant: ParquetReader(),
    ORC: lambda options, pleasant: OrcReader(),
    AVRO: lambda options, pleasant: AvroReader(),
}
_WRITERS: dict[str, Callable[[Options, bool], Callable[[Sink, pa.Schema], FileWriter]]] = {
    CSV: _csv_writer,
    JSON: lambda options, pleasant: JsonWriter,
    PARQUET: lambda options, pleasant: ParquetWriter,
    ORC: lambda options, pleasant: OrcWriter,
    AVRO: lambda options, pleasant: AvroWriter,
}
