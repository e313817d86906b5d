"""Open engines when a script needs one.

DuckDB and sqlglot take about half a second and 50 MB to import, which ``headrace up`` does not spend before the first
SQL statement: only this module may be imported at start, and it loads the engine by name. The same holds for drivers
of real engines.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from headrace.objectstore.base import ObjectStore
from headrace.sql.dialects import POSTGRES, Dialect
from headrace.sql.engine import SqlEngine
from headrace.sql.real.target import EngineUnavailable, read_target


class ClosableEngine(SqlEngine, Protocol):
    """An engine that holds on to something: a file, a connection."""

    def close(self) -> None:
        """Let go of it."""


def open_embedded(
    path: Path,
    objects_root: Path,
    store: ObjectStore | None = None,
    *,
    memory_limit: str = "1GB",
    threads: int = 2,
    time_zone: str = "UTC",
) -> ClosableEngine:
    """The embedded engine of a workspace on its database file, made if absent; open it once per process and file.

    External tables are made of the files in ``objects_root``, or of the objects of a ``store`` that is no folder.
    """
    module = importlib.import_module("headrace.sql.embedded")
    engine: ClosableEngine = module.EmbeddedEngine(
        path, objects_root, store, memory_limit=memory_limit, threads=threads, time_zone=time_zone
    )
    return engine


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of real engine: the driver class in ``module``, and the extra that installs what it imports."""

    module: str
    driver: str
    extra: str = ""
    dialect: Dialect | None = None  # of its scripts, where the node's type does not say


_POSTGRESQL = Family(module="postgresql", driver="PostgresDriver", extra="postgres", dialect=POSTGRES)
_MYSQL = Family(module="mysql", driver="MysqlDriver", extra="mysql")
_SPARK = Family(module="spark", driver="SparkDriver", extra="spark")
_HIVE = Family(module="hive", driver="HiveDriver", extra="hive")
_IMPALA = Family(module="hive", driver="ImpalaDriver", extra="hive")
_TRINO = Family(module="trino", driver="TrinoDriver")
_PRESTO = Family(module="trino", driver="PrestoDriver")
_CLICKHOUSE = Family(module="clickhouse", driver="ClickHouseDriver")

_BY_TYPE: dict[str, Family] = {
    "dws": _POSTGRESQL,
    "rds": _MYSQL,
    "doris": _MYSQL,
    "sparksql": _SPARK,
    "spark": _SPARK,
    "dli": _SPARK,
    "hive": _HIVE,
    "impala": _IMPALA,
    "presto": _PRESTO,
    "trino": _TRINO,
    "hetuengine": _TRINO,
    "clickhouse": _CLICKHOUSE,
}
# Where a connection says how to speak to its system.
_BY_PROTOCOL: dict[str, Family] = {
    "spark-connect": _SPARK,
    "hiveserver2": _HIVE,
    "trino": _TRINO,
    "presto": _PRESTO,
}


def open_real(name: str, type_name: str, config: Mapping[str, Any]) -> tuple[SqlEngine, Dialect | None]:
    """The engine a bound connection leads to, and the dialect of its scripts where it differs from their type's.

    Nothing is connected yet. Raises EngineUnavailable, which says what to configure or to install.
    """
    family = _family(name, type_name, config)
    try:
        module = importlib.import_module(f"headrace.sql.real.{family.module}")
    except ModuleNotFoundError as error:
        raise EngineUnavailable(
            f"Connection {name!r} is of type {type_name}, which needs {error.name}: "
            f"pip install 'headrace[{family.extra}]'"
        ) from error
    session = importlib.import_module("headrace.sql.real.session")
    engine: SqlEngine = session.RealEngine(getattr(module, family.driver)(), read_target(name, config))
    return engine, family.dialect


def _family(name: str, type_name: str, config: Mapping[str, Any]) -> Family:
    key = "".join(character for character in type_name if character.isalnum()).lower().removeprefix("mrs")
    protocol = str(config.get("protocol") or "").strip().lower()
    if protocol and protocol not in _BY_PROTOCOL:
        raise EngineUnavailable(
            f"protocol: {protocol!r} of connection {name!r} is unknown; known are {', '.join(sorted(_BY_PROTOCOL))}."
        )
    if key == "rds" and "postgresql" in str(config.get("driverName") or "").lower():
        return _POSTGRESQL
    family = _BY_PROTOCOL.get(protocol) or _BY_TYPE.get(key)
    if family is None:
        raise EngineUnavailable(f"Connection {name!r} is of type {type_name}, which no SQL engine belongs to.")
    return family
