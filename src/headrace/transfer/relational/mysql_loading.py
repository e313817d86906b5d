"""Loads batches into a table of MySQL: ``LOAD DATA LOCAL``, or ``INSERT`` of many rows where the server forbids that.

``LOAD DATA LOCAL`` only warns of rows that do not fit, after it has bent or skipped them. So a piece with a warning is
undone and loaded again without its bad rows. Source: MySQL manual, "LOAD DATA Statement", "Column Value Assignment".
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pymysql import MySQLError

from headrace.errors import HeadraceError
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Rejected
from headrace.transfer.relational.cutting import Refused, load_in_pieces
from headrace.transfer.relational.database import Column, Loader
from headrace.transfer.relational.mysql_address import MySqlAddress
from headrace.transfer.relational.mysql_session import (
    connect,
    drop,
    load_local,
    place,
    refused,
    stopping,
    told,
    warnings,
)
from headrace.transfer.relational.mysql_text import content, lines, values

_SAVEPOINT = "headrace_piece"
_STATEMENT = 4 << 20  # bytes of an INSERT, where the server takes so many


class MySqlLoader(Loader):
    """One connection; a batch is a transaction, with a savepoint a piece.

    ``transactional``: whether the table can undo; if not, rows are loaded one by one, as a bad one would stay.
    """

    def __init__(self, address: MySqlAddress, cancellation: Cancellation, *, transactional: bool = True) -> None:
        self._address = address
        self._cancellation = cancellation
        self._transactional = transactional
        self._connection: Any = connect(address, loads=True)

    @abstractmethod
    def _send(self, piece: pa.RecordBatch) -> None:
        """Load a piece. Raises Refused, or what the driver raises."""

    def load(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """All rows that the server takes as they are; each other with its reason."""
        with told(self._address, self._cancellation), stopping(self._cancellation, self._address, self._connection):
            rejected = self._pieces(batch)
            self._connection.commit()
            return rejected

    def _pieces(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        if self._transactional:
            return load_in_pieces(batch, self._piece)
        rejected = []
        for row in range(batch.num_rows):
            try:
                self._piece(batch.slice(row, 1))
            except Refused as error:
                rejected.append(Rejected(row, error.reason))
        return rejected

    def _piece(self, piece: pa.RecordBatch) -> None:
        self._connection.query(f"SAVEPOINT {_SAVEPOINT}")
        try:
            self._send(piece)
        except HeadraceError:
            raise
        except Exception as error:
            row = error if isinstance(error, Refused) else refused(self._address, error)
            if row is None or self._cancellation.cancelled:
                raise
            self._connection.query(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            raise row from None

    def _warned(self) -> Refused:
        """What the server warns of, at the first row that it names."""
        found = warnings(self._connection)
        if not found:
            return Refused("The server did not take all rows.")
        rows = [row for _, _, text in found if (row := place(text)) is not None]
        first = min(rows, default=None)
        text, number = next((text, number) for _, number, text in found if place(text) == first)
        return Refused(f"{text} [{number}]", first)

    def commit(self) -> None:
        """Every batch is committed already."""
        drop(self._connection)

    def rollback(self) -> None:
        """Closing undoes what is not committed."""
        drop(self._connection)


class FileLoader(MySqlLoader):
    """``LOAD DATA LOCAL`` from memory."""

    def __init__(
        self,
        address: MySqlAddress,
        cancellation: Cancellation,
        table: str,
        columns: Sequence[tuple[str, Column]],
        counted: str = "",
    ) -> None:
        """``table``: quoted; ``columns``: with their quoted names; ``counted``: the name of the column that counts."""
        super().__init__(address, cancellation)
        self._statement = _load_data(table, columns, counted)

    def _send(self, piece: pa.RecordBatch) -> None:
        rows, warned = load_local(self._connection, self._statement, content(lines(piece)))
        if warned or rows != piece.num_rows:
            raise self._warned()


def _load_data(table: str, columns: Sequence[tuple[str, Column]], counted: str) -> str:
    """The statement. Where anything is undone, MariaDB numbers a 0 of the counting column unless that is set too."""
    undone = {number: undo for number, (_, column) in enumerate(columns) if (undo := _UNDONE.get(_form(column)))}
    if undone:
        undone |= {number: "{}" for number, (_, column) in enumerate(columns) if column.name == counted}
    targets = [f"@v{number}" if number in undone else name for number, (name, _) in enumerate(columns)]
    made = ", ".join(f"{columns[number][0]} = {undo.format(f'@v{number}')}" for number, undo in undone.items())
    return (
        f"LOAD DATA LOCAL INFILE 'batch' INTO TABLE {table} CHARACTER SET utf8mb4"
        f" FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'"
        f" ({', '.join(targets)}){f' SET {made}' if made else ''}"
    )


def _form(column: Column) -> str:
    if pa.types.is_binary(column.type):
        return "bytes"
    return "bits" if column.declared.lower().startswith("bit") else ""


_UNDONE = {"bytes": "UNHEX({})", "bits": "CAST({} AS UNSIGNED)"}


class InsertLoader(MySqlLoader):
    """``INSERT`` with as many rows as a statement takes. ``limit``: bytes of a statement."""

    def __init__(
        self,
        address: MySqlAddress,
        cancellation: Cancellation,
        table: str,
        columns: Sequence[tuple[str, Column]],
        *,
        limit: int,
        transactional: bool,
    ) -> None:
        """``table``: quoted; ``columns``: with their quoted names."""
        super().__init__(address, cancellation, transactional=transactional)
        self._start = f"INSERT INTO {table} ({', '.join(name for name, _ in columns)}) VALUES ".encode()
        self._limit = min(limit, _STATEMENT) - len(self._start) - 1024
        self._most = limit - len(self._start) - 1024

    def _send(self, piece: pa.RecordBatch) -> None:
        rows = values(piece)
        for begin, end in self._parts(rows):
            text = content(rows.slice(begin, end - begin))
            try:
                self._connection.query(b"".join((self._start, text[:-1])))
                found = self._warned() if self._connection._result.warning_count else None
            except MySQLError as error:
                found = refused(self._address, error)
                if found is None:
                    raise
            if found is not None:
                raise Refused(found.reason, None if found.row is None else begin + found.row)

    def _parts(self, rows: pa.Array) -> Iterator[tuple[int, int]]:
        """Rows that go into one statement. Raises Refused for one that is larger than the server takes."""
        begin = size = 0
        for row, length in enumerate(pc.binary_length(rows).to_pylist()):
            if length > self._most:
                raise Refused(f"The row has {length} bytes, more than max_allowed_packet of the server.", row)
            if size + length > self._limit and row > begin:
                yield begin, row
                begin, size = row, 0
            size += length
        yield begin, len(rows)
