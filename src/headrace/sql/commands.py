"""Plans for statements that are about the session or the catalog: USE, SET, SHOW, DESCRIBE, transactions, upkeep."""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

import re
from collections.abc import Callable

from headrace.sql import materialized, schemas
from headrace.sql.catalog import CATALOG, Plan, Scope, TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.objects import EMPTY_PARTITION, partitions_of
from headrace.sql.results import type_name

_NAME = r"[`\"]?(?P<name>[\w$.-]+)[`\"]?"
_NO_EFFECT = "Has no effect on the embedded engine."


def planned(text: str, scope: Scope) -> Plan | None:
    """The plan of a command; None for statements that are none of these."""
    flat = " ".join(text.split())
    for pattern, command in _COMMANDS.items():
        match = re.fullmatch(pattern, flat, re.IGNORECASE)
        if match is not None:
            return command(match, scope)
    return None


def _use(match: re.Match[str], scope: Scope) -> Plan:
    return Plan(steps=(), use=match["name"].rsplit(".", 1)[-1])


def _set(match: re.Match[str], scope: Scope) -> Plan:
    name = match["key"].strip().lower().removeprefix("hivevar:").removeprefix("hiveconf:")
    if name in ("search_path", "current_schema", "schema"):
        return Plan(steps=(), use=match["value"].split(",")[0].strip().strip("'\""))
    return Plan(steps=(), variables={name: match["value"].strip()})


def _no_effect(match: re.Match[str], scope: Scope) -> Plan:
    return Plan(steps=(), message=_NO_EFFECT)


def _begin(match: re.Match[str], scope: Scope) -> Plan:
    return Plan(steps=(), transaction="BEGIN")


def _end(word: str) -> Callable[[re.Match[str], Scope], Plan]:
    return lambda match, scope: Plan(steps=(), transaction=word)


def _show_tables(match: re.Match[str], scope: Scope) -> Plan:
    schema = scope.schema_of(match["database"])
    columns = {
        "hive": "table_name AS tab_name",
        "spark": f"{literal(match['database'] or scope.database or 'default')} AS namespace, table_name AS tableName, "
        "FALSE AS isTemporary",
        "mysql": f"table_name AS {quoted('Tables_in_' + schema)}",
        "presto": 'table_name AS "Table"',
    }
    shown = columns.get(
        {"impala": "hive", "doris": "mysql", "trino": "presto"}.get(scope.dialect.name, scope.dialect.name)
    )
    if shown is None:
        raise StatementNotTranslated(f"SHOW TABLES is no statement of {scope.dialect.name}.")
    like = f" AND regexp_full_match(table_name, {literal(_pattern(match['like']))})" if match["like"] else ""
    names = (
        f"SELECT table_name FROM (SELECT database_name, schema_name, table_name FROM duckdb_tables() UNION ALL "
        f"SELECT database_name, schema_name, view_name FROM duckdb_views() WHERE NOT internal) "
        f"WHERE database_name = '{CATALOG}' AND schema_name = {literal(schema)}{like}"
    )
    return Plan(steps=(f"SELECT {shown} FROM ({names}) ORDER BY table_name",), rows_of=0)


def _pattern(like: str) -> str:
    """A regular expression for Hive's ``a*|b`` and SQL's ``a%``."""
    return re.escape(like).replace(r"\*", ".*").replace("%", ".*").replace(r"\|", "|")


def _show_databases(match: re.Match[str], scope: Scope) -> Plan:
    column = {"spark": "namespace", "mysql": "Database", "presto": "Schema", "trino": "Schema"}.get(scope.dialect.name)
    names = (
        "SELECT CASE WHEN schema_name = 'main' THEN 'default' ELSE schema_name END AS name FROM duckdb_schemas() "
        f"WHERE database_name = '{CATALOG}' AND NOT (internal AND schema_name <> 'main')"
    )
    return Plan(steps=(f"SELECT name AS {quoted(column or 'database_name')} FROM ({names}) ORDER BY 1",), rows_of=0)


def _show_partitions(match: re.Match[str], scope: Scope) -> Plan:
    schema, name, facts = _table(match["name"], scope)
    if not facts.partition_columns:
        raise StatementNotTranslated(f"{name} is not partitioned.")
    if facts.location is not None:
        return _folders(facts, scope)
    text = " || '/' || ".join(
        f"{literal(column + '=')} || COALESCE(CAST({quoted(column)} AS VARCHAR), '__HIVE_DEFAULT_PARTITION__')"
        for column in facts.partition_columns
    )
    source = f"{quoted(CATALOG)}.{quoted(schema)}.{quoted(name)}"
    return Plan(steps=(f"SELECT DISTINCT {text} AS partition FROM {source} ORDER BY 1",), rows_of=0)


def _folders(facts: TableFacts, scope: Scope) -> Plan:
    """The partitions of an external table are the folders of its objects."""
    found = [partitions_of(name) for name in scope.objects.names(str(facts.location))] if scope.objects else []
    names = {
        "/".join(f"{column}={each.get(column.lower()) or EMPTY_PARTITION}" for column in facts.partition_columns)
        for each in found
    }
    listed = ", ".join(f"({literal(name)})" for name in sorted(names)) or "(NULL)"
    rows = f"SELECT * FROM (VALUES {listed}) AS found(partition) WHERE partition IS NOT NULL ORDER BY 1"
    return Plan(steps=(rows,), rows_of=0)


def _describe(match: re.Match[str], scope: Scope) -> Plan:
    return Plan(steps=(_columns(match["name"], scope, "name AS col_name, type AS data_type, comment"),), rows_of=0)


def _show_columns(match: re.Match[str], scope: Scope) -> Plan:
    written = f"{match['database']}.{match['name']}" if match["database"] else match["name"]
    shown = {
        "mysql": 'name AS "Field", type AS "Type"',
        "presto": 'name AS "Column", type AS "Type", comment AS "Comment"',
        "hive": "name AS field",
    }
    family = {"doris": "mysql", "trino": "presto", "impala": "hive"}.get(scope.dialect.name, scope.dialect.name)
    return Plan(steps=(_columns(written, scope, shown.get(family, "name AS col_name")),), rows_of=0)


def _columns(written: str, scope: Scope, shown: str) -> str:
    """The query for the columns of a table: their types in the words of the dialect; Spark has NULL for no comment."""
    schema, name, facts = _table(written, scope)
    listed = ", ".join(
        f"({literal(column)}, {literal(type_name(kind, scope.dialect).replace(', ', ','))})"
        for column, kind in facts.columns.items()
    )
    comment = "comment" if scope.dialect.name == "spark" else "COALESCE(comment, '')"
    rows = (
        f"SELECT name, type, {comment} AS comment, column_index FROM (VALUES {listed}) AS said(name, type) "
        f"JOIN duckdb_columns() ON column_name = name WHERE database_name = '{CATALOG}' "
        f"AND schema_name = {literal(schema)} AND lower(table_name) = {literal(name.lower())}"
    )
    return f"SELECT {shown} FROM ({rows}) ORDER BY column_index"


def _table(written: str, scope: Scope) -> tuple[str, str, TableFacts]:
    database, _, name = written.rpartition(".")
    schema = scope.schema_of(database.strip('`"') or None)
    facts = scope.catalog.table(schema, name.strip('`"'))
    if facts is None:
        raise StatementNotTranslated(f"{written} is no table of the workspace.")
    return schema, name.strip('`"'), facts


def _rename_schema(match: re.Match[str], scope: Scope) -> Plan:
    return schemas.rename(_unquoted(match["name"]), _unquoted(match["new"]), scope)


def _refresh(match: re.Match[str], scope: Scope) -> Plan:
    database, _, name = match["name"].rpartition(".")
    return materialized.refresh(_unquoted(database) or None, _unquoted(name), scope)


def _unquoted(name: str) -> str:
    return name.strip('`"')


_COMMANDS: dict[str, Callable[[re.Match[str], Scope], Plan]] = {
    rf"use(?: (?:database|schema))? {_NAME}": _use,
    r"set(?: session| local)? (?P<key>[\w.:-]+)\s*(?:=| to )\s*(?P<value>.*)": _set,
    r"show tables(?: (?:in|from) [`\"]?(?P<database>\w+)[`\"]?)?(?: like)?(?: '(?P<like>[^']*)')?": _show_tables,
    r"show (?:databases|schemas)": _show_databases,
    rf"show partitions {_NAME}": _show_partitions,
    rf"desc(?:ribe)?(?: table)? {_NAME}": _describe,
    rf"show (?:columns|fields) (?:in|from) {_NAME}(?: (?:in|from) [`\"]?(?P<database>\w+)[`\"]?)?": _show_columns,
    rf"alter (?:schema|database) {_NAME} rename to [`\"]?(?P<new>[\w$-]+)[`\"]?": _rename_schema,
    rf"refresh (?:incremental )?materialized view (?:concurrently )?{_NAME}(?: with data)?": _refresh,
    r"begin(?: transaction| work)?|start transaction": _begin,
    r"(?:commit|end)(?: transaction| work)?": _end("COMMIT"),
    r"rollback(?: transaction| work)?": _end("ROLLBACK"),
    r"(?:analyze|vacuum|msck repair table|refresh table|invalidate metadata|grant|revoke|optimize) .*": _no_effect,
    r"(?:un)?cache table [\w.`]+": _no_effect,
}
