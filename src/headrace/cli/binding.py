"""Binds connections of a package to real systems for one run: ``--connection NAME=URL``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from headrace.cli.output import WRONG_USAGE, stop
from headrace.packages.model import Kind, PackageObject
from headrace.wire.document import as_text, write_document

_TYPES = {
    "postgresql": "DWS",
    "mysql": "RDS",
    "spark": "SparkSQL",
    "hive": "HIVE",
    "presto": "PRESTO",
    "trino": "PRESTO",
    "clickhouse": "CLICKHOUSE",
    "ssh": "HOST",
}  # of a connection that the package does not hold


def with_connections(objects: Sequence[PackageObject], options: Sequence[str]) -> list[PackageObject]:
    """The package with connections that lead to the given URLs; ends the command for one that is none."""
    bound = {made.name: made for made in (_bound(objects, text) for text in options)}
    kept = [item for item in objects if item.kind is not Kind.CONNECTION or item.name not in bound]
    return [*kept, *bound.values()]


def _bound(objects: Sequence[PackageObject], text: str) -> PackageObject:
    name, _, url = text.partition("=")
    try:
        parts = urlsplit(url)
        config = _config(parts)
    except ValueError:
        parts, config = SplitResult("", "", "", "", ""), {}
    if not name or parts.scheme not in _TYPES or not parts.hostname:
        schemes = ", ".join(_TYPES)
        stop(
            f"--connection: not like NAME=postgresql://user:password@host:port/database; schemes: {schemes}",
            WRONG_USAGE,
        )
    own = next((item.document() for item in objects if (item.kind, item.name) == (Kind.CONNECTION, name)), {})
    document = {**own, "name": name, "type": as_text(own.get("type")) or _TYPES[parts.scheme], "config": config}
    return PackageObject.made(Kind.CONNECTION, name, write_document(document))


def _config(parts: SplitResult) -> dict[str, Any]:
    """The members of a connection's config. The members of the query are taken as they are. Raises ValueError."""
    config: dict[str, Any] = {"ip": parts.hostname or ""}
    if parts.port is not None:
        config["port"] = str(parts.port)
    if parts.username:
        config["userName"] = unquote(parts.username)
    if parts.password:
        config["password"] = unquote(parts.password)
    else:
        config["authentication"] = "NONE"
    if parts.path.strip("/"):
        config["databaseName"] = unquote(parts.path.strip("/"))
    if parts.scheme == "postgresql":
        config["driverName"] = "org.postgresql.Driver"  # says which system it is where the type is RDS
    return config | dict(parse_qsl(parts.query))
