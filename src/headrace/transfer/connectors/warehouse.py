"""Hive and DLI tables on the embedded engine of the workspace: the tables that its SQL scripts see.

Source: CDM API reference, "From Hive", "To Hive", "To DLI".
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Capability, Connector, Source, Target, connector
from headrace.transfer.drivers import driver
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.database import Database
from headrace.transfer.relational.hive_database import HiveDatabase
from headrace.transfer.relational.hive_session import HiveAddress
from headrace.transfer.relational.source import RelationalSource
from headrace.transfer.relational.target import RelationalTarget
from headrace.transfer.relational.urls import properties


@connector
class Warehouse(Connector):
    """Tables of the workspace's embedded engine; a link needs no parameters for that, as there is one such engine.

    A link of hive-connector whose ``properties`` have ``hiveserver2`` (``host:port``, an input of our own; and
    ``hiveserver2.ssl``) leads to a real Hive, or to Spark's HiveServer2.
    """

    capability = Capability(
        title="Hive, DLI (embedded engine, HiveServer2)",
        connector_names=("hive-connector", "dli-connector"),
        extra="hive",
        tested="the embedded engine itself, Spark's HiveServer2",
        limits="External tables and views of the embedded engine are not written. Through HiveServer2 (the extra is "
        "for it): no Kerberos; rows go in as INSERT statements, which is slow, and without a stage table, so that a "
        "load that fails leaves what it wrote; arrays, maps and structs are read as JSON, not written into columns of "
        "their types. Hive itself was not tested.",
    )

    @property
    def only_here(self) -> str:
        """The engine is in this process."""
        return "" if self._hive else "the embedded engine is in it"

    @cached_property
    def _hive(self) -> HiveAddress | None:
        return hive_address(self.link) if self.link.connector == "hive-connector" else None

    def database(self) -> Database:
        """The tables of HiveServer2, or of the workspace; what reaches those is loaded when a job needs it."""
        if self._hive:
            return HiveDatabase(self._hive, self.surroundings.cancellation)
        made: Database = driver("headrace.transfer.relational.warehouse_database").WarehouseDatabase(self.surroundings)
        return made

    def test(self) -> str:
        """Ask HiveServer2; of the workspace there is nothing to reach."""
        if self._hive:
            return f"HiveServer2 answers; {len(self.database().tables('default'))} tables in default."
        return "The tables of the workspace are here."

    def source(self, options: Options) -> Source:
        """A table of a database."""
        return RelationalSource(self.database(), relational(options))

    def target(self, options: Options) -> Target:
        """A table of a database."""
        inputs = relational(options)
        if self._hive:  # which has no transactions
            inputs = replace(inputs, values={**inputs.values, "useStageTable": "false"})
        return RelationalTarget(self.database(), inputs)


def hive_address(link: Link) -> HiveAddress | None:
    """Where the HiveServer2 of a link is; none where it names none. Raises CdmError."""
    given = properties(link.text("properties"))
    place = given.get("hiveserver2", "").strip()
    if not place:
        return None
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise CdmError(f"linkConfig.properties: hiveserver2 is host:port, not {place!r}.")
    if link.text("authType").upper() == "KERBEROS":
        raise CdmError("linkConfig.authType: KERBEROS is not spoken to HiveServer2; let it take a user and a password.")
    return HiveAddress(
        host=host,
        port=int(port),
        user=link.text("user"),
        password=link.text("password"),
        encrypted=given.get("hiveserver2.ssl", "").lower() == "true",
    )


def relational(options: Options) -> Options:
    """The inputs of Hive and DLI under the names that relational systems have for them."""
    values = dict(options.values)
    values["schemaName"], values["tableName"] = options.text("database"), options.required("table")
    if options.extended.get("clearType"):
        values["shouldClearTable"] = "true"
    return replace(options, values=values)
