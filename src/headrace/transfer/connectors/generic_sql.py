"""Oracle, SQL Server, DB2, SAP HANA and whatever else SQLAlchemy has a dialect for.

Source: CDM API reference, "Link to an Oracle Database", "PostgreSQL/SQLServer Link".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Capability, Connector, Loss, Source, Target, UrlJob, connector
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.generic_database import GenericDatabase
from headrace.transfer.relational.source import DEFAULT_FETCH, RelationalSource
from headrace.transfer.relational.target import CONFLICTS, RelationalTarget
from headrace.transfer.relational.urls import properties, table_inputs

ANY = "SQLALCHEMY"  # our own: linkConfig.drivername names the dialect


class _System(NamedTuple):
    """``driver``: dialect and driver of SQLAlchemy; ``extra``: of the package, empty where the user installs it."""

    driver: str
    port: int
    extra: str = ""


_SYSTEMS = {
    "ORACLE": _System("oracle+oracledb", 1521, "oracle"),
    "SQLSERVER": _System("mssql+pymssql", 1433, "sqlserver"),
    "DB2": _System("db2+ibm_db", 50_000),
    "SAP HANA": _System("hana+hdbcli", 30_015),
}
_BY_SCHEME = {"oracle": "ORACLE", "sqlserver": "SQLSERVER", "mssql": "SQLSERVER", "db2": "DB2", "hana": "SAP HANA"}


@connector
class GenericSql(Connector):
    """Tables of any system, by rows of Python objects: slower than the connectors that know their system."""

    capability = Capability(
        title="Oracle, SQL Server, DB2, SAP HANA (SQLAlchemy)",
        connector_names=("generic-jdbc-connector",),
        databases=(*_SYSTEMS, ANY),
        schemes=(*_BY_SCHEME, "sqlalchemy"),
        extra="oracle, sqlserver",
        limits="Never run against Oracle, SQL Server, DB2 or SAP HANA: tested through SQLAlchemy with PostgreSQL and"
        " SQLite. No partitions of Oracle tables, no conflict modes, parts of seconds to six digits; drivers of DB2 and"
        " SAP HANA are installed by hand.",
        losses=(Loss(("float64",), "-0.0, in SQLite", "0.0"), Loss(("nan",), "NaN, in SQLite", "NULL")),
    )

    def database(self, *, writes: bool = False) -> GenericDatabase:
        """The database of the link. Raises CdmError."""
        system = _SYSTEMS.get(self.link.text("databaseType").upper())
        return GenericDatabase(
            address(self.link), self.surroundings.cancellation, extra=system.extra if system else "", writes=writes
        )

    def test(self) -> str:
        """Ask for the version."""
        return self.database().version

    def source(self, options: Options) -> Source:
        """A table, tables, or a SELECT."""
        return RelationalSource(self.database(), options, self.link.number("fetchSize", DEFAULT_FETCH, 1))

    def target(self, options: Options) -> Target:
        """A table."""
        if options.choice("onConflict", CONFLICTS, CONFLICTS[0]) != CONFLICTS[0]:
            raise CdmError("toJobConfig.onConflict: only EXCEPTION is possible in this system.")
        return RelationalTarget(self.database(writes=True), options)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """``oracle://user:password@host:port/service/schema.table``, or ``sqlalchemy:<URL>#schema.table``."""
        scheme, _, rest = url.partition(":")
        if scheme.lower() == "sqlalchemy":
            return _any(rest)
        parts = urlsplit(url)
        kind = _BY_SCHEME[scheme.lower()]
        database, _, table = parts.path.lstrip("/").partition("/")
        values = {
            "databaseType": kind,
            "host": parts.hostname or "",
            "port": str(parts.port or _SYSTEMS[kind].port),
            "database": unquote(database),
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "jdbcProperties": parts.query,
        }
        return _job(values, table)


def _any(text: str) -> UrlJob:
    plain, _, table = text.partition("#")
    try:
        found = make_url(plain)
    except ArgumentError:
        raise CdmError("sqlalchemy: what follows is no URL of SQLAlchemy.") from None
    values = {
        "databaseType": ANY,
        "drivername": found.drivername,
        "host": found.host or "",
        "port": str(found.port or ""),
        "database": found.database or "",
        "username": found.username or "",
        "password": found.password or "",
        "jdbcProperties": urlsplit(plain).query,
    }
    return _job(values, table)


def _job(values: Mapping[str, str], table: str) -> UrlJob:
    inputs = table_inputs(table)
    return UrlJob(Link(name="", connector="generic-jdbc-connector", values=values), inputs, inputs)


def address(link: Link) -> URL:
    """Where a link leads, as SQLAlchemy writes it. Raises CdmError."""
    kind = link.text("databaseType").upper()
    given: dict[str, str] = {}  # properties of Java's drivers mean nothing to those of Python
    if kind == ANY:
        given = dict(properties(link.text("jdbcProperties")))
        driver, host, port = link.required("drivername"), link.text("host") or None, link.number("port", 0) or None
    else:
        driver = _SYSTEMS[kind].driver
        host, port = link.address(default_port=_SYSTEMS[kind].port)
    database = link.text("database")
    if kind == "ORACLE":
        database, given = _oracle(link)
    try:
        return URL.create(
            driver,
            username=link.text("username") or None,
            password=link.text("password") or None,
            host=host,
            port=port,
            database=database or None,
            query=given,
        )
    except (ArgumentError, TypeError) as error:
        raise CdmError(f"linkConfig.drivername: {error}") from error


def _oracle(link: Link) -> tuple[str, dict[str, str]]:
    """The SID, or the name of a service. Source: CDM API reference, linkConfig.databaseconfig."""
    if link.choice("databaseconfig", ("SERVICENAME", "SID"), "SERVICENAME") == "SID":
        return link.required("sidname"), {}
    return "", {"service_name": link.required("database")}
