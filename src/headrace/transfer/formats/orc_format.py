"""ORC files: an extension of ours, the documented service does not have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import BinaryIO

import pyarrow as pa
from pyarrow import orc

from headrace.errors_cdm import FileFormatWrong
from headrace.transfer.connector import Reject, Rejected
from headrace.transfer.formats.base import Columns, FileReader, FileWriter, Sink, by_name, in_batches
from headrace.transfer.formats.parquet_format import SinkFile
from headrace.transfer.formats.typed import is_wide_time, known_schema
from headrace.transfer.mapping import Mapper

_LARGEST_DECIMAL = 38
_NEXT_SIGNED = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20),
}


class OrcReader(FileReader):
    """Reads stripe by stripe, the types as they are. Later files give their columns by name."""

    seeks = True

    def head(self, stream: BinaryIO) -> pa.Schema:
        """All columns."""
        return _opened(stream).schema.remove_metadata()

    def read(self, stream: BinaryIO, columns: Columns, reject: Reject) -> Iterator[pa.RecordBatch]:
        """Batches in the types of the first file."""
        file = _opened(stream)
        names = set(file.schema.names)
        wanted = [name for name in dict.fromkeys(columns.names) if name in names]
        try:
            for number in range(file.nstripes):
                yield from in_batches(by_name(file.read_stripe(number, columns=wanted), columns.schema))
        except (pa.ArrowException, OSError) as error:
            raise FileFormatWrong(f"ORC: {error}") from error


def _opened(stream: BinaryIO) -> orc.ORCFile:
    try:
        return orc.ORCFile(stream)
    except (pa.ArrowException, OSError) as error:
        raise FileFormatWrong(f"No ORC file: {error}") from error


class OrcWriter(FileWriter):
    """Writes stripes; what ORC has no type for is written as text, unsigned numbers in the next larger type."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        self._schema = known_schema(schema, _known)
        self._mapper = Mapper(schema, self._schema, zone=UTC)
        self._file = _PatientSink(sink)
        self._writer = orc.ORCWriter(self._file, compression="zlib")
        self._writer.write(self._schema.empty_table())

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Add rows; moments that nanoseconds from 1970 on do not reach are refused."""
        mapped = self._mapper(batch)
        self._writer.write(pa.Table.from_batches([mapped.batch]))
        self._file.check()
        return mapped.rejected

    def close(self) -> None:
        """Write the last stripe and the footer."""
        self._writer.close()
        self._file.check()


class _PatientSink(SinkFile):
    """Keeps what goes wrong for ``check``: an error that reaches the writer of ORC ends the whole process.

    Its destructor writes too, when the file has been discarded already.
    """

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._error: Exception | None = None

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Hand on the next bytes, unless something went wrong before."""
        if self._error is None:
            try:
                return super().write(data)
            except Exception as error:  # noqa: BLE001 - raised by check
                self._error = error
        return len(data)

    def check(self) -> None:
        """Raises what went wrong."""
        if self._error is not None:
            raise self._error


def _known(kind: pa.DataType) -> pa.DataType:
    if kind in _NEXT_SIGNED:
        return _NEXT_SIGNED[kind]
    if pa.types.is_dictionary(kind):
        return _known(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("ns", kind.tz)
    wide = pa.types.is_decimal(kind) and kind.precision > _LARGEST_DECIMAL
    if (
        wide
        or is_wide_time(kind)
        or pa.types.is_time(kind)
        or pa.types.is_null(kind)
        or isinstance(kind, pa.BaseExtensionType)
    ):
        return pa.string()
    if pa.types.is_float16(kind):
        return pa.float32()
    return pa.date32() if pa.types.is_date(kind) else kind
