"""Statements written in SQLAlchemy Core, compiled once per database kind and run on the driver's connection.

SQLAlchemy's own execution costs seven times the driver's on a point read, so Core is used for what it is good at
(one text for two databases, checked against the tables) and the driver for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.default import DefaultDialect

Values = Mapping[str, Any]

_SQLITE: type[DefaultDialect] = sqlite.dialect
_POSTGRESQL: type[DefaultDialect] = postgresql.dialect
_DIALECTS: dict[str, Dialect] = {
    "sqlite": _SQLITE(paramstyle="named"),
    "postgresql": _POSTGRESQL(paramstyle="pyformat"),
}


class Statement:
    """One Core statement; named ``bindparam``s are its arguments, plain values in it are constants."""

    def __init__(self, clause: ClauseElement) -> None:
        self.clause = clause
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def compiled(self, dialect: str) -> tuple[str, dict[str, Any]]:
        """The text for one kind of database, and the constants it needs."""
        found = self._compiled.get(dialect)
        if found is None:
            compiled = self.clause.compile(dialect=_DIALECTS[dialect])
            constants = {name: value for name, value in (compiled.params or {}).items() if value is not None}
            found = self._compiled[dialect] = (str(compiled), constants)
        return found
