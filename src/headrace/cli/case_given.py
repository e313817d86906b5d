"""What a test gives: the nodes that run, tables, objects and variables that are there before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from headrace.cli.cases import NULL, Case, FoundCase, GivenTable, InvalidCase, cell_text
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.packages.excerpt import NodeUnknown, only_nodes, with_outputs, without_retries
from headrace.packages.model import ENVIRONMENT_NAME, Kind, PackageObject
from headrace.packages.text import objects_in
from headrace.sql.dialects import HIVE, Dialect, dialect_of
from headrace.sql.engine import SqlEngine, SqlError
from headrace.wire.document import write_document

ROWS_AT_ONCE = 500


def given_objects(objects: Sequence[PackageObject], found: FoundCase) -> list[PackageObject]:
    """The package as the test runs it. Raises InvalidCase."""
    case = found.case
    if not any((item.kind, item.name) == (Kind.JOB, case.job) for item in objects):
        names = [item.name for item in objects if item.kind is Kind.JOB]
        raise InvalidCase(f"{found.label}: the package has no job {case.job!r}; it has {', '.join(names) or 'none'}")
    kept = [_as_run(item, found) for item in objects]
    return _with_variables(kept, case.given.variables) if case.given.variables else kept


def _as_run(item: PackageObject, found: FoundCase) -> PackageObject:
    case = found.case
    if item.kind is Kind.JOB and not case.retries:
        item = without_retries(item)
    if (item.kind, item.name) != (Kind.JOB, case.job):
        return item
    try:
        stubbed = with_outputs(item, case.stub) if case.stub else item
        return only_nodes(stubbed, {*case.nodes, *case.stub}) if case.nodes else stubbed
    except NodeUnknown as error:
        raise InvalidCase(f"{found.label}: {error}") from error


def _with_variables(objects: Sequence[PackageObject], variables: dict[str, str]) -> list[PackageObject]:
    """The package with environment variables, which replace its own of the same names."""
    own = [item for item in objects if item.kind is Kind.ENVIRONMENT]
    kept = [
        variable
        for item in own
        for variable in objects_in(item.document().get("params"))
        if variable.get("name") not in variables
    ]
    document = {"params": kept + [{"name": name, "value": value} for name, value in variables.items()]}
    made = PackageObject.made(Kind.ENVIRONMENT, ENVIRONMENT_NAME, write_document(document))
    return [item for item in objects if item.kind is not Kind.ENVIRONMENT] + [made]


def put_objects(store: ObjectStore, found: FoundCase) -> None:
    """Write the objects that a test gives. Raises InvalidCase, HeadraceError."""
    for item in found.case.given.object:
        store.put(ObsPath.parse(item.path), found.text_of(item).encode())


def fill_tables(engine: SqlEngine, found: FoundCase) -> None:
    """Run the scripts and fill the tables that a test gives. Raises InvalidCase."""
    for script in found.case.given.script:
        _execute(engine, found, found.text_of(script), dialect_named(script.type, found), script.database)
    for table in found.case.given.table:
        for statement in table_statements(table, found):
            _execute(engine, found, statement, HIVE, "")


def has_tables(case: Case) -> bool:
    """Whether a test needs the SQL engine before its job runs."""
    return bool(case.given.table or case.given.script)


def dialect_named(name: str, found: FoundCase) -> Dialect:
    """The dialect of a script type. Raises InvalidCase."""
    dialect = dialect_of(name)
    if dialect is None:
        raise InvalidCase(f"{found.label}: type: {name!r} is no SQL script type like HiveSQL or DWSSQL")
    return dialect


def _execute(engine: SqlEngine, found: FoundCase, text: str, dialect: Dialect, database: str) -> None:
    try:
        engine.execute(text, dialect, database or None)
    except SqlError as error:
        raise InvalidCase(f"{found.label}: what is given cannot be made: {error}") from error


def table_statements(table: GivenTable, found: FoundCase) -> Iterator[str]:
    """Hive statements that make a table, unless it is there, and add the rows. Raises InvalidCase."""
    if table.columns:
        schema = table.name.rpartition(".")[0]
        if schema:
            yield f"CREATE DATABASE IF NOT EXISTS {schema}"
        partitions = f" PARTITIONED BY ({', '.join(table.partitioned_by)})" if table.partitioned_by else ""
        yield f"CREATE TABLE IF NOT EXISTS {table.name} ({', '.join(table.columns)}){partitions}"
    columns, rows = found.rows_of(table) or ([], [])
    named = columns or [column.split()[0] for column in (*table.columns, *table.partitioned_by)]
    for row in rows:
        if named and len(row) != len(named):
            raise InvalidCase(
                f"{found.label}: table {table.name}: a row has {len(row)} values for {len(named)} columns"
            )
    into = f"INSERT INTO {table.name}" + (f" ({', '.join(named)})" if named else "")
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        values = (f"({', '.join(map(_literal, row))})" for row in rows[begin : begin + ROWS_AT_ONCE])
        yield f"{into} VALUES {', '.join(values)}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = cell_text(value)
    if text == NULL:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
