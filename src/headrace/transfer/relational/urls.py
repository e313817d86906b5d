"""URLs of tables, and properties of drivers, as several relational systems write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import UrlJob
from headrace.transfer.options import Link
from headrace.transfer.relational.database import Table


def job_of_url(url: str, database_type: str, port: int) -> UrlJob:
    """``scheme://user:password@host:port/database/schema.table``, or ``.../database?sql=SELECT ...``.

    What else the query says are properties of the driver.
    """
    parts = urlsplit(url)
    database, _, table = parts.path.lstrip("/").partition("/")
    query = dict(parse_qsl(parts.query))
    sql = query.pop("sql", "")
    values = {
        "databaseType": database_type,
        "host": parts.hostname or "",
        "port": str(parts.port or port),
        "database": unquote(database),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "jdbcProperties": json.dumps(query),
    }
    link = Link(name="", connector="generic-jdbc-connector", values=values)
    if sql:
        return UrlJob(link, {"useSql": "true", "sql": sql}, {})
    inputs = table_inputs(table)
    return UrlJob(link, inputs, inputs)


def table_inputs(path: str) -> Mapping[str, str]:
    """``schema.table`` or ``table`` of a URL as inputs of a job; none where it names none."""
    first, dot, second = path.partition(".")
    table = Table(unquote(first), unquote(second)) if dot else Table("", unquote(first))
    return {name: value for name, value in (("schemaName", table.schema), ("tableName", table.name)) if value}


def properties(text: str) -> Mapping[str, str]:
    """Properties of a driver: a JSON object, or ``name=value`` joined with ``&``. Raises CdmError."""
    if not text.lstrip().startswith("{"):
        return dict(parse_qsl(text))
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        raise CdmError(f"linkConfig.jdbcProperties: is no JSON object: {error}") from error
    return {name: str(value) for name, value in found.items()}
