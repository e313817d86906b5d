"""The embedded engine: DuckDB in this process, one database file per workspace, warehouse dialects translated.

A DuckDB file can be open in one process only. Databases of the warehouse are schemas: the default database
(``default`` of Hive and Spark, ``postgres`` of DWS) is the schema ``main``; others exist from CREATE DATABASE or
CREATE SCHEMA on, or from the first script whose database field names them. DWS's ``public`` is the script's own
database; the catalog of a three-part name is dropped.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from headrace.objectstore.base import ObjectStore
from headrace.sql.catalog import CATALOG, MAIN, Plan, Scope, literal, quoted
from headrace.sql.dialects import Dialect
from headrace.sql.engine import (
    ROW_LIMIT,
    Cancellation,
    ExecutionCancelled,
    Scalar,
    SqlError,
    StatementFailed,
    StatementNotTranslated,
    StatementResult,
)
from headrace.sql.introspection import EngineCatalog
from headrace.sql.objects import ObjectsOfTables, TableObjects
from headrace.sql.results import scalar, type_name
from headrace.sql.rewrite import translate
from headrace.sql.statements import Statement, split

_ATTEMPTS = 5  # of a statement that met another one's change of the same rows
_INTERRUPT_AGAIN = 0.05  # s


class EmbeddedEngine:
    """Runs scripts on the workspace's database file. Safe to use from many threads: each execution has its own cursor.

    External tables are made of the files in ``objects_root``, ``bucket/key``, or of a ``store`` that is no folder:
    then the objects are copied here for each statement. DuckDB itself sees nothing but that folder and the copies; it
    loads no extensions, reaches no network and cannot be configured by a script.
    """

    def __init__(
        self,
        path: Path,
        objects_root: Path,
        store: ObjectStore | None = None,
        *,
        memory_limit: str = "1GB",
        threads: int = 2,
        time_zone: str = "UTC",
    ) -> None:
        root, work = objects_root.resolve(), path.resolve().with_suffix(".files")
        shutil.rmtree(work, ignore_errors=True)  # a killed process may have left copies
        self._objects = ObjectsOfTables(root, work, store)
        self._database = _opened(path, (root, work), memory_limit, threads, time_zone)

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self._database.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection to the workspace's tables, for who loads them in bulk; names are ``CATALOG.schema.table``."""
        return self._database.cursor()

    def execute(
        self,
        script: str,
        dialect: Dialect,
        database: str | None,
        on_statement: Callable[[StatementResult], None] | None = None,
        cancellation: Cancellation | None = None,
        row_limit: int = ROW_LIMIT,
        settings: Mapping[str, str] | None = None,
    ) -> list[StatementResult]:
        """See SqlEngine. A transaction that the script leaves open is rolled back."""
        execution = _Execution(self._database.cursor(), self._objects, cancellation or Cancellation())
        scope = Scope(
            dialect=dialect,
            catalog=execution.catalog,
            database=database or None,
            row_limit=row_limit,
            variables={name.lower(): value for name, value in (settings or {}).items()},
        )
        results = []
        try:
            execution.prepare(scope)
            for statement in split(script, dialect):
                result, scope = execution.run(statement, scope)
                results.append(result)
                if on_statement is not None:
                    on_statement(result)
        finally:
            execution.close()
        return results


class _Execution:
    """One run of a script: a cursor, the transaction it may be in, and the catalog as it sees it."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, objects: ObjectsOfTables, cancellation: Cancellation) -> None:
        self._cursor = cursor
        self._objects = objects
        self.catalog = EngineCatalog(cursor)
        self._cancellation = cancellation
        self._in_transaction = False

    def prepare(self, scope: Scope) -> None:
        """The settings of the dialect, and the schema that the script's database field names."""
        self._cursor.execute(f"SET integer_division = {'true' if scope.dialect.integer_division else 'false'}")
        schema = scope.schema_of(None)
        if schema != MAIN:
            self._cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{quoted(schema)}")

    def close(self) -> None:
        """The cursor goes, with whatever it has not committed."""
        self._cursor.close()

    def run(self, statement: Statement, scope: Scope) -> tuple[StatementResult, Scope]:
        """One statement: its result, and the scope of the next."""
        self._stop_if_cancelled(statement)
        began = time.perf_counter()
        try:
            self.catalog.forget()
            with self._objects.for_statement(self._cancellation) as objects:
                plan = translate(statement, replace(scope, objects=objects))
                answer = self._carried_out(plan, scope, objects)
        except duckdb.InterruptException as error:
            raise ExecutionCancelled("The execution was cancelled.", statement.text, statement.position) from error
        except duckdb.Error as error:
            raise StatementFailed(_reason(error), statement.text, statement.position) from error
        except SqlError as error:
            raise error.at(statement.text, statement.position) from error
        self._stop_if_cancelled(statement)
        seconds = time.perf_counter() - began
        return replace(answer, statement=statement.text, duration_seconds=seconds), _after(plan, scope)

    def _stop_if_cancelled(self, statement: Statement) -> None:
        if self._cancellation.cancelled:
            raise ExecutionCancelled("The execution was cancelled.", statement.text, statement.position)

    def _carried_out(self, plan: Plan, scope: Scope, objects: TableObjects) -> StatementResult:
        if plan.publications and self._in_transaction:
            raise StatementNotTranslated("Files cannot be rolled back: an external table is written outside of BEGIN.")
        if plan.transaction is not None:
            self._transaction(plan.transaction)
        if plan.use is not None:
            self._exists(scope, plan.use)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._atomic(len(plan.steps) > 1):
                    with self._interruptible():
                        answer = self._stepped(plan, scope)
                    for publication in plan.publications:
                        objects.publish(publication)
                    return answer
            except duckdb.TransactionException:
                if attempt == _ATTEMPTS or self._in_transaction:
                    raise
        raise AssertionError("the loop returns or raises")

    def _stepped(self, plan: Plan, scope: Scope) -> StatementResult:
        count = 0
        answer = StatementResult(statement="", message=plan.message, duration_seconds=0.0, row_count=0)
        for index, step in enumerate(plan.steps):
            self._cursor.execute(step)
            if index in plan.count_of:
                row = self._cursor.fetchone()
                count += int(row[0]) if row is not None else 0
            if index == plan.rows_of:
                answer = replace(self._rows(step, scope), message=plan.message)
        if plan.count_of:
            answer = replace(answer, row_count=count, input_row_count=count)
        return answer

    def _rows(self, step: str, scope: Scope) -> StatementResult:
        described = [(str(column[0]), str(column[1])) for column in self._cursor.description or []]
        if any("TIME ZONE" in kind for _, kind in described):  # Python needs a time zone library for these: take text
            texts = [f"CAST(#{n} AS VARCHAR)" if "TIME ZONE" in k else f"#{n}" for n, (_, k) in enumerate(described, 1)]
            self._cursor.execute(f"SELECT {', '.join(texts)} FROM ({step})")  # noqa: S608 - our own statement
        rows = self._cursor.fetchmany(scope.row_limit + 1)
        return StatementResult(
            statement="",
            message="",
            duration_seconds=0.0,
            row_count=min(len(rows), scope.row_limit),
            rows=tuple(tuple(_cell(value, scope.dialect) for value in row) for row in rows[: scope.row_limit]),
            schema=tuple((name, type_name(kind, scope.dialect)) for name, kind in described),
            truncated=len(rows) > scope.row_limit,
        )

    def _exists(self, scope: Scope, database: str) -> None:
        """USE names a database that exists."""
        schema = scope.schema_of(database)
        if not self.catalog.has_schema(schema):
            raise StatementFailed(f"Database '{database}' does not exist.")

    def _transaction(self, word: str) -> None:
        if (word == "BEGIN") == self._in_transaction:
            raise StatementFailed("A transaction is open already." if word == "BEGIN" else "No transaction is open.")
        self._cursor.execute(word)
        self._in_transaction = word == "BEGIN"

    @contextmanager
    def _atomic(self, several_steps: bool) -> Iterator[None]:
        """All steps of a statement or none; inside the script's own transaction that one decides."""
        if self._in_transaction or not several_steps:
            yield
            return
        self._cursor.execute("BEGIN")
        try:
            yield
            self._cursor.execute("COMMIT")
        except BaseException:
            _rolled_back(self._cursor)
            raise

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """A cancellation interrupts the statement in progress, again and again until it has ended."""
        ended = threading.Event()

        def interrupt() -> None:
            self._cursor.interrupt()
            while not ended.wait(_INTERRUPT_AGAIN):  # an interrupt before the engine began is forgotten by it
                self._cursor.interrupt()

        def cancelled() -> None:
            threading.Thread(target=interrupt, name="interrupt statement", daemon=True).start()

        with self._cancellation.calling(cancelled):
            try:
                yield
            finally:
                ended.set()


def _cell(value: object, dialect: Dialect) -> Scalar:
    """MySQL has no truth values: a condition is 1 or 0."""
    return int(value) if isinstance(value, bool) and dialect.name in ("mysql", "doris") else scalar(value)


def _after(plan: Plan, scope: Scope) -> Scope:
    """What a statement changes for those after it."""
    return replace(
        scope,
        database=plan.use or scope.database,
        variables={**scope.variables, **plan.variables},
        views={name: query for name, query in {**scope.views, **plan.views}.items() if query is not None},
        temporary=scope.temporary | ({plan.temporary} if plan.temporary else set()),
    )


def _rolled_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.TransactionException:
        return  # the engine has rolled back already


def _reason(error: duckdb.Error) -> str:
    """The engine's message without its own inside: translated SQL, other catalogs, options of its readers."""
    told = re.split(r"\n\nLINE |\n\nPossible (?:fixes|Solution)|\nDid you mean ", str(error), maxsplit=1)[0]
    return told.replace(f"{CATALOG}.", "")


def _opened(
    path: Path, folders: Sequence[Path], memory_limit: str, threads: int, time_zone: str
) -> duckdb.DuckDBPyConnection:
    """The database, then locked: no file but those of the object store, no extension, no setting."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(path.with_suffix(".spill")),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        },
    )
    for setting in (
        f"ATTACH {literal(str(path))} AS {CATALOG}",
        f"SET GLOBAL TimeZone = {literal(time_zone)}",
        f"SET allowed_directories = [{', '.join(literal(f'{folder}/') for folder in folders)}]",
        "SET enable_external_access = false",
        "SET allowed_configs = ['integer_division']",
        "SET lock_configuration = true",
    ):
        database.execute(setting)
    return database
