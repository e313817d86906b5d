"""PostgreSQL and DWS. Source: CDM API reference, "PostgreSQL/SQLServer/DWS link", "To Relational Databases"."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.transfer.connector import Capability, Connector, Source, Surroundings, Target, UrlJob, connector
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.postgres_database import PostgresDatabase
from headrace.transfer.relational.postgres_session import Address
from headrace.transfer.relational.source import DEFAULT_FETCH, RelationalSource
from headrace.transfer.relational.target import RelationalTarget
from headrace.transfer.relational.urls import job_of_url, properties

DWS = "DWS"
_PORTS = {DWS: 8000}
_PORT = 5432
_CONNECT_SECONDS = "10"
# Properties of the JDBC driver by what libpq calls them. Source: PostgreSQL JDBC driver, "Connection Parameters"
_PROPERTIES = {
    "connectTimeout": "connect_timeout",
    "loginTimeout": "connect_timeout",
    "sslmode": "sslmode",
    "ApplicationName": "application_name",
    "targetServerType": "target_session_attrs",
    "tcpKeepAlive": "keepalives",
}
_SERVERS = {"primary": "primary", "master": "primary", "secondary": "standby", "any": "any"}


@connector
class PostgreSql(Connector):
    """Tables of PostgreSQL, and of DWS, which speaks its protocol."""

    capability = Capability(
        title="PostgreSQL, DWS",
        connector_names=("generic-jdbc-connector",),
        databases=("POSTGRESQL", DWS),
        schemes=("postgresql", "postgres"),
        extra="postgres",
        tested="PostgreSQL",
        limits="DWS, by the protocol of PostgreSQL, was not tested, GDS is not used. Infinite dates are texts.",
    )

    def __init__(self, link: Link, surroundings: Surroundings) -> None:
        super().__init__(link, surroundings)
        self._is_dws = link.text("databaseType").upper() == DWS

    def database(self, text_factor: int = 1) -> PostgresDatabase:
        """The database of the link. Raises CdmError."""
        return PostgresDatabase(address(self.link), self.surroundings.cancellation, text_factor)

    def test(self) -> str:
        """Ask for the version."""
        return str(self.database().rows("SELECT version()")[0][0])

    def source(self, options: Options) -> Source:
        """A table, tables, or a SELECT."""
        return RelationalSource(self.database(), options, self.link.number("fetchSize", DEFAULT_FETCH, 1))

    def target(self, options: Options) -> Target:
        """A table."""
        factor = (4 if self._is_dws else 3) if options.flag("extendCharLength") else 1
        return RelationalTarget(self.database(factor), options, storage_clause(options) if self._is_dws else "")

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """``postgresql://user:password@host:port/database/schema.table``, or ``.../database?sql=SELECT ...``."""
        return job_of_url(url, "POSTGRESQL", _PORT)


def address(link: Link) -> Address:
    """Where a link leads. Raises CdmError."""
    host, port = link.address(default_port=_PORTS.get(link.text("databaseType").upper(), _PORT))
    parameters = {
        "host": host,
        "port": str(port),
        "user": link.text("username"),
        "password": link.text("password"),
        "dbname": link.text("database", "postgres"),
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "headrace",
        "client_encoding": "UTF8",
        "sslmode": "require" if link.flag("useSSL") else "prefer",
    }
    parameters |= _known(properties(link.text("jdbcProperties")))
    return Address({name: value for name, value in parameters.items() if value})


def _known(given: Mapping[str, str]) -> dict[str, str]:
    """The properties that mean something here. Source: reference on connectors, §3.1: the others are kept, unused."""
    found = {libpq: given[name] for name, libpq in _PROPERTIES.items() if name in given}
    if "keepalives" in found:
        found["keepalives"] = "1" if found["keepalives"].lower() == "true" else "0"
    if "target_session_attrs" in found:
        found["target_session_attrs"] = _SERVERS.get(found["target_session_attrs"], "any")
    if given.get("ssl", "").lower() == "true":
        found.setdefault("sslmode", "require")
    return found


def storage_clause(options: Options) -> str:
    """How a new table of DWS is kept; nothing is said of the default. Source: CDM API reference, orientation."""
    orientation, compressed = options.choice("orientation", ("ROW", "COLUMN"), "ROW"), options.flag("isCompress")
    if orientation == "ROW" and not compressed:
        return ""
    return f" WITH (ORIENTATION = {orientation}, COMPRESSION = {'YES' if compressed else 'NO'})"
