"""One database, SQLite or PostgreSQL: connections, transactions, and who may write when.

SQLite has one writer at a time, so a process has one writing connection behind a lock; readers have a connection
per thread and never wait. What the API acknowledges is committed with ``synchronous=FULL`` and survives a power
cut; transitions of the engine are committed with ``NORMAL``, survive a crash of the process and are redone after a
power cut. PostgreSQL takes connections from SQLAlchemy's pool.
"""

from __future__ import annotations

import importlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import structlog
from sqlalchemy import Engine, bindparam, create_engine, func, select

from headrace.storage.statement import Statement, Values

Row = tuple[Any, ...]

log = structlog.get_logger("headrace.storage")

BUSY_SECONDS = 60.0
LISTEN_SECONDS = 60.0  # how long a listener waits before it looks whether it should end
_CHANNEL = "headrace"
_NOTIFY = Statement(select(func.pg_notify(bindparam("channel"), bindparam("text"))))
_DEADLOCK = "40P01"
INLINE_SECONDS = 0.02


class Duplicate(Exception):
    """A row with the same unique key exists."""


class WriterBusy(Exception):
    """The writing connection is taken for longer than a caller on the event loop may wait; nothing was written."""


class Deadlock(Exception):
    """PostgreSQL ended this transaction, as it and another one waited for each other; nothing was written."""


class _Cursor(Protocol):
    rowcount: int

    def fetchall(self) -> list[Any]: ...

    def fetchone(self) -> Any: ...

    def fetchmany(self, size: int) -> list[Any]: ...

    def close(self) -> None: ...


class Connection:
    """Runs statements inside one transaction (or outside of any, for single reads)."""

    def __init__(self, driver: Any, dialect: str) -> None:
        self._driver = driver
        self._dialect = dialect

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._dialect

    def _run(self, statement: Statement, values: Values) -> _Cursor:
        text, constants = statement.compiled(self._dialect)
        try:
            cursor: _Cursor = self._driver.execute(text, {**constants, **values})
        except Exception as error:
            if (ours := _ours(error)) is not None:
                raise ours from error
            raise
        return cursor

    def all(self, statement: Statement, **values: Any) -> list[Row]:
        """Every row."""
        return self._run(statement, values).fetchall()

    def one(self, statement: Statement, **values: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._run(statement, values).fetchone()
        return row

    def value(self, statement: Statement, **values: Any) -> Any:
        """The first column of the first row, or None."""
        row = self._run(statement, values).fetchone()
        return None if row is None else row[0]

    def run(self, statement: Statement, **values: Any) -> int:
        """Run a statement that returns no rows; how many rows it touched. Raises Duplicate."""
        return self._run(statement, values).rowcount

    def run_many(self, statement: Statement, rows: Sequence[Values]) -> None:
        """Run a statement once per row of values, in one call of the driver. Raises Duplicate."""
        if not rows:
            return
        text, constants = statement.compiled(self._dialect)
        filled = [{**constants, **row} for row in rows] if constants else rows
        try:
            if self._dialect == "sqlite":
                self._driver.executemany(text, filled)
            else:
                self._driver.cursor().executemany(text, filled)
        except Exception as error:
            if (ours := _ours(error)) is not None:
                raise ours from error
            raise

    def stream(self, statement: Statement, size: int = 500, **values: Any) -> Iterator[Row]:
        """Rows in batches, so that a long result needs little memory. Only inside ``Database.reading``."""
        cursor: Any
        text, constants = statement.compiled(self._dialect)
        if self._dialect == "sqlite":
            cursor = self._driver.execute(text, {**constants, **values})
        else:
            cursor = self._driver.cursor(name=f"stream_{id(statement)}_{threading.get_ident()}")
            cursor.execute(text, {**constants, **values})
        try:
            while batch := cursor.fetchmany(size):
                yield from batch
        finally:
            cursor.close()


def _ours(error: Exception) -> Exception | None:
    """The error of ours for one of a driver, where there is one."""
    if _is_duplicate(error):
        return Duplicate(str(error))
    return Deadlock(str(error)) if getattr(error, "sqlstate", None) == _DEADLOCK else None


def _is_duplicate(error: Exception) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return error.sqlite_errorcode in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    return getattr(error, "sqlstate", None) == "23505"


class Database(Protocol):
    """What the rest of the program knows of a database."""

    dialect: str
    url: str
    shared: bool  # whether several processes may use it

    def announce(self, text: str) -> None:
        """Tell the processes that listen to a shared database."""

    def listen(self, hear: Callable[[str], None], until: threading.Event) -> None:
        """Call ``hear`` with what is announced, and with "" when something may have been missed; returns at ``until``.

        Wakes up at once when told so by an announcement.
        """

    def reading(self) -> Any:
        """Context manager: a Connection that sees one state of the data throughout."""

    def snapshot(self) -> Any:
        """Like ``reading``, on a connection of its own: for long results that are read on several threads."""

    def writing(self, *, durable: bool = True) -> Any:
        """Context manager: a Connection in a transaction, committed at a successful end, else rolled back.

        ``durable`` commits survive a power cut. Raises WriterBusy when another writer takes too long.
        """

    def never_block(self, thread: int) -> None:
        """Let ``writing`` wait a moment only on this thread (the event loop's), then raise WriterBusy."""

    def batch(self) -> Any:
        """Context manager for the event loop's thread: ``writing`` in it joins a batch that is committed later.

        The value says whether something waits for ``commit_batch``; until that has returned, nothing may be
        acknowledged. A call that fails takes only its own writes back.
        """

    def commit_batch(self) -> None:
        """Commit what batches wrote. Raises what the commit raises; then nothing of it was written."""

    def ready(self) -> None:
        """Raise when the database does not answer."""

    def close(self) -> None:
        """Close every connection."""


class SqliteDatabase:
    """A SQLite file in WAL mode."""

    dialect = "sqlite"
    shared = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._lock = threading.Lock()
        self._writer = self._connect()
        self._writer.execute("PRAGMA journal_mode=WAL")
        self._durable = True
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._idle: list[sqlite3.Connection] = []
        self._impatient: set[int] = set()
        self._batching = False
        self._batch_open = False

    def announce(self, text: str) -> None:
        """Nobody listens: one process uses the file."""

    def listen(self, hear: Callable[[str], None], until: threading.Event) -> None:
        """Nothing is ever announced."""

    def never_block(self, thread: int) -> None:
        self._impatient.add(thread)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=BUSY_SECONDS
        )
        for pragma in ("synchronous=FULL", "case_sensitive_like=ON", "cache_size=-16384", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = self._connect()
            reader.execute("PRAGMA query_only=ON")
            self._readers.append(reader)
        return reader

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        reader = self._reader()
        if reader.in_transaction:
            yield Connection(reader, self.dialect)
            return
        reader.execute("BEGIN")
        try:
            yield Connection(reader, self.dialect)
        finally:
            reader.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        connection = self._idle.pop() if self._idle else self._connect()
        connection.execute("BEGIN")
        try:
            yield Connection(connection, self.dialect)
        finally:
            connection.execute("COMMIT")
            self._idle.append(connection)

    @contextmanager
    def batch(self) -> Iterator[Callable[[], bool]]:
        self._batching = True
        try:
            yield lambda: self._batch_open
        finally:
            self._batching = False

    @contextmanager
    def _in_batch(self) -> Iterator[Connection]:
        if not self._batch_open:
            self._begin(durable=True)
            self._batch_open = True
        self._writer.execute("SAVEPOINT one_call")
        try:
            yield Connection(self._writer, self.dialect)
        except BaseException:
            self._writer.execute("ROLLBACK TO one_call")
            self._writer.execute("RELEASE one_call")
            raise
        self._writer.execute("RELEASE one_call")

    def commit_batch(self) -> None:
        if not self._batch_open:
            return
        self._batch_open = False
        try:
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        finally:
            self._lock.release()

    def _begin(self, *, durable: bool) -> None:
        """Take the lock and begin a transaction. Raises WriterBusy; then the lock is free."""
        patience = INLINE_SECONDS if threading.get_ident() in self._impatient else BUSY_SECONDS
        if not self._lock.acquire(timeout=patience):
            raise WriterBusy
        try:
            if durable is not self._durable:
                self._writer.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            self._writer.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        if self._batching and threading.get_ident() in self._impatient:
            with self._in_batch() as connection:
                yield connection
            return
        self._begin(durable=durable)
        try:
            yield Connection(self._writer, self.dialect)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        finally:
            self._lock.release()

    def ready(self) -> None:
        self._reader().execute("SELECT 1").fetchone()

    def close(self) -> None:
        with self._lock:
            for reader in (*self._readers, *self._idle):
                reader.close()
            self._readers.clear()
            self._idle.clear()
            self._writer.close()


class PostgresDatabase:
    """A PostgreSQL database, for several processes and machines."""

    dialect = "postgresql"
    shared = True

    def __init__(self, url: str) -> None:
        self._driver_url = url
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._engine: Engine = create_engine(self.url, pool_size=20, max_overflow=30, pool_pre_ping=True)

    @contextmanager
    def _transaction(self, setup: str) -> Iterator[Connection]:
        pooled = self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        try:
            driver.execute(setup)
            yield Connection(driver, self.dialect)
        except BaseException:
            pooled.rollback()
            raise
        else:
            pooled.commit()
        finally:
            pooled.close()

    def reading(self) -> Any:
        return self._transaction("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def snapshot(self) -> Any:
        return self.reading()

    def writing(self, *, durable: bool = True) -> Any:
        commit = "on" if durable else "off"
        return self._transaction(
            f"SET LOCAL lock_timeout = {int(BUSY_SECONDS * 1000)}; SET LOCAL synchronous_commit = {commit}"
        )

    def announce(self, text: str) -> None:
        with self.writing(durable=False) as connection:
            connection.run(_NOTIFY, channel=_CHANNEL, text=text)

    def listen(self, hear: Callable[[str], None], until: threading.Event) -> None:
        psycopg = importlib.import_module("psycopg")
        while not until.is_set():
            try:
                with psycopg.connect(self._driver_url, autocommit=True) as connection:
                    connection.execute(f"LISTEN {_CHANNEL}")
                    hear("")
                    while not until.is_set():
                        for heard in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                            hear(heard.payload)
            except psycopg.OperationalError as error:
                log.warning("the database cannot be listened to; trying again", reason=str(error))
                until.wait(1.0)

    def never_block(self, thread: int) -> None:
        """Nothing to do: calls that wait for a server run on worker threads anyway."""

    @contextmanager
    def batch(self) -> Iterator[Callable[[], bool]]:
        yield lambda: False

    def commit_batch(self) -> None:
        """Nothing waits: PostgreSQL commits each call, and joins the waits of several itself."""

    def ready(self) -> None:
        with self.reading():
            return

    def close(self) -> None:
        self._engine.dispose()


def open_database(url: str | None, home: Path) -> Database:
    """Open ``HOME/headrace.db``, or the database of a ``sqlite:///`` or ``postgresql://`` URL.

    Raises ValueError for another scheme.
    """
    if url is None:
        return SqliteDatabase(home / "headrace.db")
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return SqliteDatabase(Path(rest.removeprefix("/") if rest.startswith("//") is False else rest[1:]))
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return PostgresDatabase(f"postgresql://{rest}")
    raise ValueError(f"the database URL {scheme}://… is not supported: use sqlite:///PATH or postgresql://…")


def batches(rows: Iterable[Values], size: int) -> Iterator[list[Values]]:
    """Cut a stream of rows into lists of at most ``size``."""
    batch: list[Values] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
