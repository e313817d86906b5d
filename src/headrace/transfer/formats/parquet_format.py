"""Parquet files: read as documented (PARQUET_FILE, of HDFS there); writing them is an extension of ours."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.errors_cdm import FileFormatWrong
from headrace.transfer.connector import BATCH_ROWS, Reject, Rejected
from headrace.transfer.formats.base import Columns, FileReader, FileWriter, Sink, by_name
from headrace.transfer.formats.typed import is_wide_time, known_schema
from headrace.transfer.mapping import Mapper

GROUP_ROWS = 1 << 19  # rows of a row group


class ParquetReader(FileReader):
    """Reads batches of row groups, the types as they are. Later files give their columns by name."""

    seeks = True

    def head(self, stream: BinaryIO) -> pa.Schema:
        """All columns."""
        return _opened(stream).schema_arrow.remove_metadata()

    def read(self, stream: BinaryIO, columns: Columns, reject: Reject) -> Iterator[pa.RecordBatch]:
        """Batches in the types of the first file."""
        file = _opened(stream)
        names = set(file.schema_arrow.names)
        wanted = [name for name in dict.fromkeys(columns.names) if name in names]
        try:
            for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
                yield by_name(batch, columns.schema)
        except (pa.ArrowException, OSError) as error:
            raise FileFormatWrong(f"Parquet: {error}") from error


def _opened(stream: BinaryIO) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        raise FileFormatWrong(f"No Parquet file: {error}") from error


class ParquetWriter(FileWriter):
    """Writes row groups as they fill."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        self._schema = known_schema(schema, _known)
        self._mapper = Mapper(schema, self._schema, zone=UTC)
        self._writer = pq.ParquetWriter(SinkFile(sink), self._schema, compression="snappy")

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Add rows; those with a value that has no place in its column are refused."""
        mapped = self._mapper(batch)
        self._writer.write_batch(mapped.batch, row_group_size=GROUP_ROWS)
        return mapped.rejected

    def close(self) -> None:
        """Write the last row group and the footer."""
        self._writer.close()


def _known(kind: pa.DataType) -> pa.DataType:
    return pa.string() if is_wide_time(kind) else kind


class SinkFile(io.RawIOBase):
    """A sink as a file that pyarrow writes to."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink
        self._at = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Hand on the next bytes."""
        self._sink(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        """How much was written."""
        return self._at
