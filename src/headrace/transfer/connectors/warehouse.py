"""Hive and DLI tables on the embedded engine of the workspace: the tables that its SQL scripts see.

Source: CDM API reference, "From Hive", "To Hive", "To DLI".
"""

from __future__ import annotations

from dataclasses import replace

from headrace.transfer.connector import Capability, Connector, Source, Target, connector
from headrace.transfer.drivers import driver
from headrace.transfer.options import Options
from headrace.transfer.relational.database import Database
from headrace.transfer.relational.source import RelationalSource
from headrace.transfer.relational.target import RelationalTarget


@connector
class Warehouse(Connector):
    """Tables of the workspace's embedded engine. A link needs no parameters: there is one such engine."""

    capability = Capability(
        title="Hive, DLI (embedded engine)",
        connector_names=("hive-connector", "dli-connector"),
        tested="the embedded engine itself",
        limits="Tables of a Hive cluster are not reached; external tables and views are not written.",
    )

    @property
    def only_here(self) -> str:
        """The engine is in this process."""
        return "the embedded engine is in it"

    def database(self) -> Database:
        """The tables of the workspace; what reaches them is loaded when a job needs it."""
        made: Database = driver("headrace.transfer.relational.warehouse_database").WarehouseDatabase(self.surroundings)
        return made

    def test(self) -> str:
        """There is nothing to reach."""
        return "The tables of the workspace are here."

    def source(self, options: Options) -> Source:
        """A table of a database."""
        return RelationalSource(self.database(), relational(options))

    def target(self, options: Options) -> Target:
        """A table of a database."""
        return RelationalTarget(self.database(), relational(options))


def relational(options: Options) -> Options:
    """The inputs of Hive and DLI under the names that relational systems have for them."""
    values = dict(options.values)
    values["schemaName"], values["tableName"] = options.text("database"), options.required("table")
    if options.extended.get("clearType"):
        values["shouldClearTable"] = "true"
    return replace(options, values=values)
