"""Loads batches into a table of PostgreSQL by COPY: in binary form where that carries all columns, else as text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from headrace.errors import HeadraceError
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Rejected
from headrace.transfer.relational.copy_text import copy_text
from headrace.transfer.relational.cutting import load_in_pieces
from headrace.transfer.relational.database import Column, Loader, Table
from headrace.transfer.relational.postgres_encoding import Encoded, Part, checked, encoded
from headrace.transfer.relational.postgres_session import Address, refused, stopping, told

_SAVEPOINT = "headrace_piece"
_ODD = "headrace_odd_rows"


class Copy(ABC):
    """One connection that loads one table; each statement is a transaction unless one was begun."""

    @abstractmethod
    def prepared(self, batch: pa.RecordBatch) -> Encoded:
        """A batch in the form that ``copy`` takes."""

    @abstractmethod
    def run(self, statement: str) -> None:
        """Run a statement without a result."""

    @abstractmethod
    def copy(self, rows: pa.RecordBatch) -> None:
        """Load rows by one COPY."""

    @abstractmethod
    def insert(self, rows: pa.RecordBatch) -> None:
        """Load rows whose decimals are texts."""

    @abstractmethod
    def stop(self) -> None:
        """Cancel what the server does."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""


class CopyLoader(Loader):
    """A batch is a transaction; what the server refused is cut, with a savepoint a piece."""

    def __init__(self, address: Address, cancellation: Cancellation, way: Copy) -> None:
        self._address = address
        self._cancellation = cancellation
        self._way = way

    def load(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """All rows that the server takes; each other with its reason."""
        plain, odd, bad = self._way.prepared(batch)
        with told(self._address, self._cancellation), stopping(self._cancellation, self._way.stop):
            self._way.run("BEGIN")
            found = self._loaded(plain, self._way.copy)
            found += self._loaded(odd, self._way.insert) if odd is not None else []
            self._way.run("COMMIT")
        return sorted([*found, *(Rejected(row, reason) for row, reason in bad.items())])

    def _loaded(self, part: Part, copy: Callable[[pa.RecordBatch], None]) -> list[Rejected]:
        found = load_in_pieces(part.rows, lambda piece: self._piece(piece, copy))
        return [Rejected(part.number(row), reason) for row, reason in found]

    def _piece(self, piece: pa.RecordBatch, copy: Callable[[pa.RecordBatch], None]) -> None:
        """Raises Refused for an error of one row, the piece undone."""
        self._way.run(f"SAVEPOINT {_SAVEPOINT}")
        try:
            copy(piece)
        except HeadraceError:
            raise
        except Exception as error:
            row = None if self._cancellation.cancelled else refused(self._address, error)
            if row is None:
                raise
            self._way.run(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            raise row from None
        self._way.run(f"RELEASE SAVEPOINT {_SAVEPOINT}")

    def commit(self) -> None:
        """Every batch was committed."""
        self._way.close()

    def rollback(self) -> None:
        """Closing undoes a batch that was cut off."""
        self._way.close()


class BinaryCopy(Copy):
    """Through the driver of columns. ``insert``: the statement that takes rows of another table into this one."""

    def __init__(self, address: Address, table: Table, columns: Sequence[Column], insert: str) -> None:
        self._table = table
        self._columns = columns
        self._insert = insert
        self._connection: Any = address.connect_columns()
        self._cursor: Any = self._connection.cursor()

    def prepared(self, batch: pa.RecordBatch) -> Encoded:
        """In the exact types."""
        return encoded(batch.rename_columns([column.name for column in self._columns]), self._columns)

    def run(self, statement: str) -> None:
        """Run a statement."""
        self._cursor.execute(statement)

    def copy(self, rows: pa.RecordBatch) -> None:
        """In binary form."""
        self._cursor.adbc_ingest(self._table.name, rows, mode="append", db_schema_name=self._table.schema or None)

    def insert(self, rows: pa.RecordBatch) -> None:
        """Through a table that has texts where the other has decimals."""
        self._cursor.adbc_ingest(_ODD, rows, mode="create", temporary=True)
        self._cursor.execute(f"{self._insert} FROM pg_temp.{_ODD}")
        self._cursor.execute(f"DROP TABLE pg_temp.{_ODD}")

    def stop(self) -> None:
        """Cancel."""
        self._cursor.adbc_cancel()

    def close(self) -> None:
        """Close."""
        self._cursor.close()
        self._connection.close()


class TextCopy(Copy):
    """What the server reads as it reads literals: any type. ``statement``: the COPY."""

    def __init__(self, address: Address, columns: Sequence[Column], statement: str) -> None:
        self._columns = columns
        self._statement = statement
        self._connection: Any = address.connect()

    def prepared(self, batch: pa.RecordBatch) -> Encoded:
        """As it is."""
        return checked(batch, self._columns)

    def run(self, statement: str) -> None:
        """Run a statement."""
        self._connection.execute(statement)

    def copy(self, rows: pa.RecordBatch) -> None:
        """As text."""
        with self._connection.cursor() as cursor, cursor.copy(self._statement) as copy:
            copy.write(memoryview(copy_text(rows)))

    def insert(self, rows: pa.RecordBatch) -> None:
        """The same."""
        self.copy(rows)

    def stop(self) -> None:
        """Cancel."""
        self._connection.cancel_safe()

    def close(self) -> None:
        """Close."""
        self._connection.close()
