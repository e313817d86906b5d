"""ClickHouse. Source: CDM user guide, "Link to ClickHouse", a label of the console: the names are ours."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.sql.real.target import Target as Address
from headrace.transfer.connector import Capability, Connector, Source, Target, UrlJob, connector
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.clickhouse_database import ClickHouseDatabase
from headrace.transfer.relational.clickhouse_session import ClickHouse
from headrace.transfer.relational.source import RelationalSource
from headrace.transfer.relational.target import CONFLICTS, RelationalTarget
from headrace.transfer.relational.urls import table_inputs

_PORT, _TLS_PORT = 8123, 8443


@connector
class ClickHouseTables(Connector):
    """Tables of ClickHouse, through its HTTP port."""

    capability = Capability(
        title="ClickHouse",
        connector_names=("generic-jdbc-connector",),
        databases=("CLICKHOUSE",),
        schemes=("clickhouse",),
        limits="Tested with the engine of ClickHouse itself (chdb) behind a small HTTP server of the tests, not with a"
        " server of ClickHouse. No transactions: useStageTable is ignored, so a load that fails leaves what it wrote.",
    )

    def database(self, *, writes: bool = False) -> ClickHouseDatabase:
        """The database of the link. Raises CdmError."""
        host, port = self.link.address(default_port=_TLS_PORT if self.link.flag("useSSL") else _PORT)
        target = Address(
            name=self.link.name,
            host=host,
            port=port,
            user=self.link.text("username"),
            password=self.link.text("password"),
            database=self.link.text("database"),
            encrypted=self.link.flag("useSSL"),
        )
        return ClickHouseDatabase(ClickHouse(target=target, cancellation=self.surroundings.cancellation), writes=writes)

    def test(self) -> str:
        """Ask for the version."""
        return f"ClickHouse {self.database().rows('SELECT version()')[0][0]}"

    def source(self, options: Options) -> Source:
        """A table, tables, or a SELECT."""
        return RelationalSource(self.database(), options)

    def target(self, options: Options) -> Target:
        """A table, loaded without a stage."""
        if options.flag("useStageTable"):
            self.surroundings.say("toJobConfig.useStageTable: ignored, as ClickHouse has no transactions.")
        if options.choice("onConflict", CONFLICTS, CONFLICTS[0]) != CONFLICTS[0]:
            raise CdmError("toJobConfig.onConflict: ClickHouse has no keys that rows could meet.")
        straight = replace(options, values={**options.values, "useStageTable": "false"})
        return RelationalTarget(self.database(writes=True), straight)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """``clickhouse://user:password@host:port/database/table``; ``?secure=true`` for TLS, ``?sql=SELECT ...``."""
        parts = urlsplit(url)
        database, _, table = parts.path.lstrip("/").partition("/")
        query = dict(parse_qsl(parts.query))
        secure = query.get("secure", "false").lower() == "true"
        values = {
            "databaseType": "CLICKHOUSE",
            "host": parts.hostname or "",
            "port": str(parts.port or (_TLS_PORT if secure else _PORT)),
            "database": unquote(database),
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "useSSL": str(secure).lower(),
        }
        link = Link(name="", connector="generic-jdbc-connector", values=values)
        if query.get("sql"):
            return UrlJob(link, {"useSql": "true", "sql": query["sql"]}, {})
        inputs = table_inputs(table)
        return UrlJob(link, inputs, inputs)
