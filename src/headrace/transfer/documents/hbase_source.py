"""Rows of HBase as the source of a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

import pyarrow as pa

from headrace.errors_cdm import CdmError, HBaseColumnsMissing, HBaseFamilyMissing, HBaseTableMissing
from headrace.transfer.connector import Reject, Source, Split, Surroundings
from headrace.transfer.documents.hbase_session import HBaseSession, Row, Scan
from headrace.transfer.documents.hbase_values import READERS, Cells, Reader, date_cells, named_pairs, text_cells
from headrace.transfer.documents.texts import shown_bytes
from headrace.transfer.options import Options

KEY_FAMILY = "rowkey"
KEY = "rowkey:rowkey"
_LOOKED_AT = 1_000  # rows that say what the columns are


class HBaseSource(Source):
    """Reads the newest cells of rows, each region or several of them in a split.

    ``columns`` (or ``columnList``): ``family:qualifier``, and ``rowkey:rowkey`` for the key; a name without a family is
    of the only one of ``columnFamilies``, else of the table. Without it the first thousand rows say what the columns of
    ``columnFamilies`` are. Cells are text, but for those of ``formats`` (patterns of dates) and of ``columnTypes`` (an
    input of our own: types of Java). Source: CDM API reference, "From HBase/CloudTable".
    """

    def __init__(self, session: HBaseSession, options: Options, surroundings: Surroundings) -> None:
        self._session = session
        self._options = options
        self._table = options.required("table")
        self._listed = options.columns("columns") or options.columns()
        constants = {name for name, _ in options.constants()}
        self._listed = tuple(name for name in self._listed if name not in constants)
        self._families = options.columns("columnFamilies") or options.columns("columnFamily")
        self._separator = options.text("delimiter").encode() if options.flag("isSplit") else b""
        since, until = (options.moment(name, surroundings.zone) for name in ("startTime", "endTime"))
        self._all = Scan(self._table, since=since, until=until)
        self._zone = surroundings.zone

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        """As listed; a row key that is to be split is a column for each part that the first one has."""
        names = self._listed or self._found()
        if not self._separator or sum(map(_is_key, names)) != 1:
            return names
        first = next(iter(self._first()), None)
        if first is None:
            return names
        parts = [f"{KEY_FAMILY}:{number + 1}" for number in range(first[0].count(self._separator) + 1)]
        at = next(number for number, name in enumerate(names) if _is_key(name))
        return (*names[:at], *(parts if len(parts) > 1 else [names[at]]), *names[at + 1 :])

    def _first(self) -> Iterator[Row]:
        """The rows that say what there is."""
        columns = self._wanted(self._listed)
        rows = (row for page in self._session.pages(self._all._replace(columns=columns)) for row in page)
        return islice(rows, _LOOKED_AT)

    def _found(self) -> tuple[str, ...]:
        found = sorted({name for _, cells in self._first() for name in cells})
        if not found:
            raise HBaseColumnsMissing(f"No row of {self._table!r} tells what they are.")
        try:
            names = tuple(name.decode() for name in found)
        except UnicodeDecodeError as error:
            raise HBaseColumnsMissing(f"A column of {self._table!r} has a name that is no UTF-8.") from error
        return (KEY, *names) if not self._families or KEY_FAMILY in self._families else names

    def _wanted(self, names: Sequence[str]) -> Sequence[bytes]:
        """What to ask for: columns; their families where keys are read, as HBase gives no row without a cell."""
        given = [name if not names else self._stored(name) for name in names or self._families if not _is_key(name)]
        if len(given) < len(names):
            given = list(dict.fromkeys(name.partition(":")[0] for name in given))
        return [name.encode() for name in given]

    def _stored(self, name: str) -> str:
        """A column as the table has it."""
        return name if ":" in name else f"{self._family}:{name}"

    @cached_property
    def _family(self) -> str:
        """Of columns that name none. Raises HBaseFamilyMissing, HBaseTableMissing."""
        families = frozenset(name for name in self._families if name != KEY_FAMILY) or self._session.families(
            self._table
        )
        if families is None:
            raise HBaseTableMissing(self._table)
        return only_family(families, self._table)

    @cached_property
    def _readers(self) -> Sequence[tuple[Reader, pa.DataType]]:
        """Of each column."""
        section, names = self._options.section, self._columns
        formats = named_pairs(self._options.text("formats"), f"{section}.formats")
        types = named_pairs(self._options.text("columnTypes"), f"{section}.columnTypes")
        return [
            self._reader(name, formats.get(name, formats.get(str(at), "")), types) for at, name in enumerate(names, 1)
        ]

    def _reader(self, name: str, pattern: str, types: Mapping[str, str]) -> tuple[Reader, pa.DataType]:
        if pattern:
            return date_cells(pattern, self._zone)
        kind = types.get(name, "string").strip().lower()
        if kind not in READERS:
            raise CdmError(f"{self._options.section}.columnTypes: {kind!r} is none of {', '.join(READERS)}.")
        return READERS[kind]

    def schema(self) -> pa.Schema:
        """Texts, where nothing else is said."""
        return pa.schema([(name, given) for name, (_, given) in zip(self._columns, self._readers, strict=True)])

    def splits(self, wanted: int) -> Sequence[Split]:
        """Ranges of keys, each of as many regions. Source: user guide, "HBase: by region"."""
        starts = self._session.regions(self._table) or [b""]
        count = min(wanted, len(starts))
        bounds = [starts[len(starts) * number // count] for number in range(count)] + [b""]
        return [{"start": bounds[at].hex(), "stop": bounds[at + 1].hex()} for at in range(count)]

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        """A batch for each page."""
        session = self._session.again()
        columns = self._wanted(self._columns)
        scan = self._all._replace(
            start=bytes.fromhex(split["start"]),
            stop=bytes.fromhex(split["stop"]),
            columns=columns,
            keys_only=not columns and self._all.since is None,
        )
        try:
            for page in session.pages(scan):
                batch = self._batch(page, reject)
                if batch.num_rows:
                    yield batch
        finally:
            session.close()

    def _batch(self, rows: Sequence[Row], reject: Reject) -> pa.RecordBatch:
        reasons: dict[int, str] = {}
        keys = iter(self._keys([key for key, _ in rows], reasons))
        arrays = []
        for name, (read, given) in zip(self._columns, self._readers, strict=True):
            if _is_key(name):
                column = next(keys)
            else:
                stored = self._stored(name).encode()
                column = [cells.get(stored) for _, cells in rows]
            array, bad = read(column)
            arrays.append(array)
            what = "UTF-8" if read is text_cells else str(given)
            reasons |= {number: f"Column {name!r}: it is no {what}." for number in bad if number not in reasons}
        whole = pa.RecordBatch.from_arrays(arrays, schema=self.schema())
        for number in sorted(reasons):
            reject(shown_bytes(rows[number][0]), reasons[number])
        return whole.filter(pa.array([number not in reasons for number in range(len(rows))])) if reasons else whole

    def _keys(self, keys: Sequence[bytes], reasons: dict[int, str]) -> Sequence[Cells]:
        """The columns that the row keys make."""
        count = sum(map(_is_key, self._columns))
        if not self._separator:
            return [keys] * count
        rows: list[list[bytes | None]] = []
        for number, key in enumerate(keys):
            parts: list[bytes | None] = [*key.split(self._separator)]
            if len(parts) != count:
                reasons[number] = f"The row key has {len(parts)} parts where {count} columns are."
                parts = [None] * count
            rows.append(parts)
        return list(zip(*rows, strict=True))

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


def only_family(families: frozenset[str], table: str) -> str:
    """Raises HBaseFamilyMissing where there is not one."""
    if len(families) != 1:
        raise HBaseFamilyMissing(f"{table!r} has {', '.join(sorted(families))}: name the family of each column.")
    return next(iter(families))


def _is_key(name: str) -> bool:
    return name.partition(":")[0] == KEY_FAMILY
