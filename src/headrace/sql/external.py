"""Read the files of an external table: CSV, Parquet or JSON below an obs:// path, found anew by every query.

Source: Hive wiki "LanguageManual DDL" (row formats, delimiters, skip.header.line.count), Spark SQL "CSV Files".
"""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import sqlglot
from sqlglot import exp

from headrace.sql.catalog import Scope, TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.objects import EMPTY_PARTITION, LocalFiles

FORMATS = frozenset({"csv", "parquet", "json"})
FILE_NAME = "headrace_file_name"  # the column with the obs:// path of a row's file, where it is asked for
_FILE = "'headrace_file'"  # the column that says which file a row is from


def reading(facts: TableFacts, scope: Scope, *, with_file_name: bool = False) -> exp.Select:
    """The query that gives the rows of an external table. Values that do not fit their type are NULL, as in Hive."""
    if scope.objects is None or facts.location is None:
        raise StatementNotTranslated("External tables need an object store.")
    files = scope.objects.local(facts.location)
    if not files.paths:
        columns = _typed(facts, dict.fromkeys(facts.columns, "NULL"))
        return _query([*columns, f"'' AS {FILE_NAME}"] if with_file_name else columns, "(SELECT 1) WHERE FALSE")
    partitions = {name: _path_value(name, files) for name in facts.partition_columns}
    stored = [name for name in facts.columns if name not in partitions]
    columns = _typed(facts, {name: quoted(name) for name in stored} | partitions)
    if with_file_name:
        columns.append(f"'obs://' || SUBSTRING(headrace_file, {len(str(files.root)) + 2}) AS {FILE_NAME}")
    return _query(columns, _READERS[facts.storage["format"]](facts, stored, files.paths))


def _query(columns: list[str], source: str) -> exp.Select:
    return cast(exp.Select, sqlglot.parse_one(f"SELECT {', '.join(columns)} FROM {source}", read="duckdb"))


def _typed(facts: TableFacts, sources: dict[str, str]) -> list[str]:
    return [f"TRY_CAST({sources[name]} AS {kind}) AS {quoted(name)}" for name, kind in facts.columns.items()]


def _path_value(name: str, files: LocalFiles) -> str:
    """A partition column is a folder of the path, ``dt=2024-01-31``."""
    below = f"SUBSTRING(headrace_file, {len(str(files.base)) + 1})"
    folder = f"REGEXP_EXTRACT({below}, {literal('/' + re.escape(name) + '=([^/]*)/')}, 1, 'i')"
    return f"URL_DECODE(NULLIF(NULLIF({folder}, ''), '{EMPTY_PARTITION}'))"


def _csv(facts: TableFacts, stored: list[str], files: Sequence[Path]) -> str:
    storage = facts.storage
    names = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in stored) + "}"
    options = {
        "columns": names,
        "auto_detect": "false",
        "header": "false",
        "skip": str(int(storage.get("skip", 0))),
        "delim": literal(storage.get("delimiter", "\x01")),
        "quote": literal(storage.get("quote", "")),
        "escape": literal(storage.get("escape", "")),
        "nullstr": literal(storage.get("null", "\\N")),
        "null_padding": "true",
        "strict_mode": "false",
        "filename": _FILE,
        "parallel": "false",
    }
    listed = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"READ_CSV({_list(files)}, {listed})"


def _parquet(facts: TableFacts, stored: list[str], files: Sequence[Path]) -> str:
    return f"READ_PARQUET({_list(files)}, filename = {_FILE}, union_by_name = true, hive_partitioning = false)"


def _json(facts: TableFacts, stored: list[str], files: Sequence[Path]) -> str:
    names = "{" + ", ".join(f"{literal(name)}: {literal(facts.columns[name])}" for name in stored) + "}"
    return f"READ_JSON({_list(files)}, columns = {names}, format = 'newline_delimited', filename = {_FILE})"


def _list(files: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(str(path)) for path in files) + "]"


_READERS = {"csv": _csv, "parquet": _parquet, "json": _json}
