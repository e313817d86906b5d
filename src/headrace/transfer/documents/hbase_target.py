"""Rows of HBase as the destination of a job: each row replaces the one of its key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors_cdm import (
    ColumnsDiffer,
    HBaseColumnsMissing,
    HBaseColumnTwice,
    HBaseFamilyMissing,
    HBaseRowKeyMissing,
)
from headrace.transfer.connector import Prepared, Rejected, Target, Writer
from headrace.transfer.documents.clearing import wants_clearing
from headrace.transfer.documents.hbase_session import Change, HBaseSession, Refused
from headrace.transfer.documents.hbase_source import KEY_FAMILY, only_family
from headrace.transfer.documents.hbase_values import Cells, cells_of, written_type
from headrace.transfer.options import Options

_AT_ONCE, _BYTES_AT_ONCE = 1_000, 4 << 20  # rows that are sent together, whichever comes first
_LONGEST_KEY = 32_767  # bytes. Source: HBase API, HConstants.MAX_ROW_LENGTH
_NEW_FAMILY = "cf"  # of columns that name none, in a table that is not there yet


class HBaseTarget(Target):
    """Puts cells of ``columns`` (else of the source's columns) under the key that ``rowKeyColumn`` makes.

    A column that names no family is of ``columnFamily``, else of the table's only one. Source: CDM API reference,
    "To HBase/CloudTable".
    """

    repeatable = True  # a row is the same row again
    restartable = True
    lasting = True

    def __init__(self, session: HBaseSession, options: Options) -> None:
        self._session = session
        self._options = options
        self._table = options.required("table")
        self._wal = options.flag("writeToWAL", default=True)
        self._compression = options.choice("algorithm", ("NONE", "SNAPPY", "GZ"), "NONE")
        options.choice("storageType", ("PUTLIST",), "PUTLIST")

    def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
        """Make the table, or empty it where the job says so. Raises CdmError for columns that do not fit."""
        families = self._session.families(self._table)
        listed = self._listed(source)
        names = self._names(listed, families)
        keys = self._keys(names)
        redundant = self._options.flag("isRowkeyRedundancy")
        stored = [
            "" if name.startswith(f"{KEY_FAMILY}:") or (number in keys and not redundant) else name
            for number, name in enumerate(names)
        ]
        self._make(families, sorted({name.partition(":")[0] for name in stored if name}))
        fresh = families is None
        if families and wants_clearing(self._options, "isOverride"):
            self._session.clear(self._table, sorted(families), wal=self._wal)
            fresh = True
        schema = pa.schema(list(zip(listed, self._types(source, len(names), keys), strict=True)))
        return Prepared(schema=schema, state={"stored": stored, "keys": keys, "fresh": fresh})

    def _listed(self, source: pa.Schema) -> Sequence[str]:
        """The columns as the job names them."""
        listed = self._options.columns("columns") or self._options.columns() or tuple(source.names)
        if len(listed) < len(source):
            raise ColumnsDiffer(f"The source gives {len(source)} columns, toJobConfig.columns has {len(listed)}.")
        return listed

    def _names(self, listed: Sequence[str], families: frozenset[str] | None) -> Sequence[str]:
        """The columns, each with its family."""
        names = [name if ":" in name else f"{self._family(families)}:{name}" for name in listed]
        for name, count in Counter(names).items():
            if count > 1 and not name.startswith(f"{KEY_FAMILY}:"):
                raise HBaseColumnTwice(name)
        return names

    def _family(self, families: frozenset[str] | None) -> str:
        """The family of columns that name none."""
        if family := self._options.text("columnFamily"):
            return family
        return _NEW_FAMILY if families is None else only_family(families, self._table)

    def _keys(self, names: Sequence[str]) -> Sequence[int]:
        """The numbers of the columns that make the row key, in its order."""
        wanted = self._options.columns("rowKeyColumn")
        if not wanted:
            keys = [number for number, name in enumerate(names) if name.startswith(f"{KEY_FAMILY}:")]
            if not keys:
                raise HBaseRowKeyMissing("toJobConfig.rowKeyColumn: missing.")
            return keys
        found = []
        for one in wanted:
            fits = [at for at, name in enumerate(names) if one in (name, name.partition(":")[2])]
            if not fits:
                raise HBaseRowKeyMissing(f"toJobConfig.rowKeyColumn: {one!r} is none of {', '.join(names)}.")
            found.append(fits[0])
        return found

    def _types(self, source: pa.Schema, count: int, keys: Sequence[int]) -> Sequence[pa.DataType]:
        """What columns are written from. Numbers that are only a part of the key are text.

        Source: CDM API reference, toJobConfig.transType.
        """
        numbers = self._options.flag("transType")
        types = [*source.types, *[pa.string()] * (count - len(source))]
        return [
            written_type(given, numbers=numbers and (number not in keys or len(keys) == 1))
            for number, given in enumerate(types)
        ]

    def _make(self, families: frozenset[str] | None, needed: Sequence[str]) -> None:
        if not needed:
            raise HBaseColumnsMissing("There is no column beside those of the row key.")
        if families is None:
            self._session.create(self._table, needed, self._compression)
        elif missing := [family for family in needed if family not in families]:
            raise HBaseFamilyMissing(f"{self._table!r} has no {', '.join(missing)}.")

    def writer(self, prepared: Prepared, split: int) -> Writer:
        """Sends puts."""
        return _Puts(
            self._session.again(),
            self._table,
            prepared,
            separator=self._options.text("delimiter", " ").encode(),
            wal=self._wal,
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


class _Puts(Writer):
    def __init__(self, session: HBaseSession, table: str, prepared: Prepared, *, separator: bytes, wal: bool) -> None:
        self._session = session
        self._table = table
        self._stored = [(at, name.encode()) for at, name in enumerate(prepared.state["stored"]) if name]
        self._key_columns: Sequence[int] = prepared.state["keys"]
        self._fresh: bool = prepared.state["fresh"]
        self._separator = separator
        self._wal = wal

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Every row that can be one."""
        refused: dict[int, str] = {}
        for part in self._parts(batch, refused):
            self._send(part, refused)
        return [Rejected(row, refused[row]) for row in sorted(refused)]

    def _parts(self, batch: pa.RecordBatch, refused: dict[int, str]) -> Iterator[list[tuple[int, bytes, Change]]]:
        """Rows that are sent together: their numbers, keys and changes."""
        part: list[tuple[int, bytes, Change]] = []
        size = 0
        names = [name for _, name in self._stored]
        columns = [cells_of(batch.column(at)) for at, _ in self._stored]
        for row, (key, cells) in enumerate(zip(self._keys(batch), zip(*columns, strict=True), strict=True)):
            change = self._change(names, cells)
            if reason := _why_none(key, change):
                refused[row] = reason
                continue
            part.append((row, key or b"", change))
            size += sum(map(len, change.cells.values()))
            if len(part) >= _AT_ONCE or size >= _BYTES_AT_ONCE:
                yield part
                part, size = [], 0
        if part:
            yield part

    def _keys(self, batch: pa.RecordBatch) -> Cells:
        """The row keys; None where a part is NULL."""
        columns = [cells_of(batch.column(at)) for at in self._key_columns]
        if len(columns) == 1:
            return columns[0]
        arrays = [pa.array(cells, pa.binary()) for cells in columns]
        joined: Cells = pc.binary_join_element_wise(*arrays, self._separator).to_pylist()
        return joined

    def _change(self, names: Sequence[bytes], cells: Cells) -> Change:
        """A cell that is NULL is not there, and removed where an older row may have it."""
        pairs = list(zip(names, cells, strict=True))
        absent = () if self._fresh else [name for name, cell in pairs if cell is None]
        return Change({name: cell for name, cell in pairs if cell is not None}, absent)

    def _send(self, part: list[tuple[int, bytes, Change]], refused: dict[int, str]) -> None:
        """Send rows; of rows with one key the last. What is refused is halved down to the rows that cause it."""
        changes = {key: change for _, key, change in part}
        try:
            self._session.change(self._table, changes, wal=self._wal)
        except Refused as error:
            if len(part) == 1:
                refused[part[0][0]] = f"HBase refuses it: {error}"
                return
            middle = len(part) // 2
            self._send(part[:middle], refused)
            self._send(part[middle:], refused)

    def close(self) -> None:
        """Every put was answered."""
        self._session.close()

    def abort(self) -> None:
        """What was written stays."""
        self._session.close()


def _why_none(key: bytes | None, change: Change) -> str:
    """Why a row cannot be kept; empty if it can."""
    if key is None:
        return "A part of its row key is NULL."
    if not key:
        return "Its row key is empty."
    if len(key) > _LONGEST_KEY:
        return f"Its row key has {len(key)} bytes, of {_LONGEST_KEY} that it may have."
    return "" if change.cells else "All its columns are NULL, and HBase keeps no row without a cell."
