"""Statements written in SQLAlchemy Core, compiled once per database kind and run on the driver's connection.

SQLAlchemy's own execution costs seven times the driver's on a point read, so Core is used for what it is good at
(one text for two databases, checked against the tables) and the driver for the rest.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ClauseElement, Table, bindparam
from sqlalchemy.engine import Dialect

Values = Mapping[str, Any]
Upsert = Callable[[Any], ClauseElement]

_PARAMETER_STYLES = {"sqlite": "named", "postgresql": "pyformat"}


def _module(kind: str) -> Any:
    """SQLAlchemy's module of a dialect. PostgreSQL's is loaded only by who uses it: it doubles a start's imports."""
    return importlib.import_module(f"sqlalchemy.dialects.{kind}")


@cache
def _dialect(kind: str) -> Dialect:
    dialect: Dialect = _module(kind).dialect(paramstyle=_PARAMETER_STYLES[kind])
    return dialect


class Statement:
    """One Core statement; named ``bindparam``s are its arguments, plain values in it are constants."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def clause(self, kind: str) -> ClauseElement:
        """The Core clause for one kind of database."""
        return self._clause

    def compiled(self, kind: str) -> tuple[str, dict[str, Any]]:
        """The text for one kind of database (``sqlite``, ``postgresql``), and the constants it needs."""
        found = self._compiled.get(kind)
        if found is None:
            compiled = self.clause(kind).compile(dialect=_dialect(kind))
            constants = {name: value for name, value in (compiled.params or {}).items() if value is not None}
            found = self._compiled[kind] = (str(compiled), constants)
        return found


class InsertStatement(Statement):
    """An INSERT that says what to do where the row exists; ``then`` is given the dialect's own insert."""

    def __init__(self, table: Table, columns: tuple[str, ...], then: Upsert) -> None:
        self._table, self._columns, self._then = table, columns, then
        self._compiled = {}

    def clause(self, kind: str) -> ClauseElement:
        """The clause, built with the dialect's ``ON CONFLICT``."""
        values: dict[str, BindParameter[str]] = {name: bindparam(name) for name in self._columns}
        return self._then(_module(kind).insert(self._table).values(values))
