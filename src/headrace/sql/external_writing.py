"""Write the files of an external table: CSV, Parquet or JSON, a folder ``dt=2024-01-31`` per partition.

DuckDB writes them into a folder of the statement; a Publication then puts them in place and removes what they replace.
Source: Hive wiki "LanguageManual DML"; Spark SQL "INSERT", "CSV Files".
"""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlglot import exp

from headrace.sql import queries, storage_clauses
from headrace.sql.catalog import Plan, Scope, TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.objects import Publication, TableObjects
from headrace.sql.staged import StagedInsert
from headrace.sql.writing import duckdb


def plan(staged: StagedInsert) -> Plan:
    """INSERT INTO and INSERT OVERWRITE of an external table."""
    facts = staged.facts
    given = {name.lower() for name in (*staged.columns, *staged.static)}
    columns = ", ".join(
        f"CAST({quoted(name) if name.lower() in given else 'NULL'} AS {kind}) AS {quoted(name)}"
        for name, kind in facts.columns.items()
    )
    copy, made = copying(f"SELECT {columns} FROM {staged.stage}", facts, staged.scope)
    publication = replace(
        made,
        replaces=staged.overwrites,
        static=tuple(
            (name, staged.scope.catalog.text_of(value, facts.columns[name])) for name, value in staged.static.items()
        ),
        only_fresh=bool(staged.dynamic) and not staged.replaces_all,
    )
    return Plan(steps=(staged.staging, copy, staged.unstaging), count_of=(1,), publications=(publication,))


def directory(tree: exp.Insert, scope: Scope) -> Plan:
    """INSERT OVERWRITE DIRECTORY 'obs://bucket/folder': the rows as files, in place of what is there."""
    if tree.this.args.get("local"):
        raise StatementNotTranslated("INSERT OVERWRITE LOCAL DIRECTORY has no equal on the embedded engine.")
    query = tree.expression.copy()
    if tree.args.get("with_") is not None:
        query.set("with_", tree.args["with_"].copy())
    facts = TableFacts(columns={}, storage=storage_clauses.directory(tree))
    copy, publication = copying(duckdb(queries.rewritten(query, scope)), facts, scope)
    return Plan(steps=(copy,), count_of=(0,), publications=(replace(publication, replaces=True),))


def copying(query: str, facts: TableFacts, scope: Scope) -> tuple[str, Publication]:
    """The step that writes the rows of ``query``, and what puts the files below the table's location."""
    storage, folder = facts.storage, _objects(scope).new_folder()
    options = _OPTIONS[storage["format"]](facts)
    suffix = f".{storage['format']}"
    target: Path = folder / f"0{suffix}"
    if facts.partition_columns:
        target = folder
        options.append(f"PARTITION_BY ({', '.join(quoted(name) for name in facts.partition_columns)})")
    copy = f"COPY ({query}) TO {literal(str(target))} ({', '.join(options)})"
    return copy, Publication(location=str(facts.location), folder=folder, suffix=suffix)


def _objects(scope: Scope) -> TableObjects:
    if scope.objects is None:
        raise StatementNotTranslated("External tables need an object store.")
    return scope.objects


def _csv(facts: TableFacts) -> list[str]:
    storage = facts.storage
    skipped = int(storage.get("skip", 0))
    if skipped > 1:
        raise StatementNotTranslated(f"A table whose files begin with {skipped} lines to be skipped can only be read.")
    _flat(facts.columns.values())
    return [
        "FORMAT CSV",
        f"DELIMITER {literal(storage.get('delimiter', chr(1)))}",
        f"QUOTE {literal(storage.get('quote', ''))}",
        f"ESCAPE {literal(_escape(storage))}",
        f"NULLSTR {literal(storage.get('null', _NULL))}",
        f"HEADER {'true' if skipped else 'false'}",
    ]


def _escape(storage: Mapping[str, Any]) -> str:
    quote = storage.get("quote", "")
    return str(storage.get("escape", quote)) if quote else ""


def _flat(types: Iterable[str]) -> None:
    for kind in types:
        if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
            raise StatementNotTranslated(f"A text file cannot hold a column of type {kind}.")


def _parquet(facts: TableFacts) -> list[str]:
    return ["FORMAT PARQUET", "COMPRESSION SNAPPY"]


def _json(facts: TableFacts) -> list[str]:
    return ["FORMAT JSON"]


_NULL = "\\N"
_OPTIONS = {"csv": _csv, "parquet": _parquet, "json": _json}
