"""Writes a table: makes it, clears it, stages what is appended, and moves that in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from headrace.errors_cdm import CdmError, StageFailed, TableMissing
from headrace.transfer.connector import Prepared, Rejected, Target, Writer
from headrace.transfer.options import Options
from headrace.transfer.relational.database import Column, Database, Loader, Table
from headrace.transfer.relational.source import chosen

NONE, CLEAR, WHERE = "none", "shouldClearTable", "whereClause"
NOTHING, CREATE, RECREATE = "DO_NOTHING", "CREATE_WHEN_NOT_EXIST", "DROP_AND_CREATE"
CONFLICTS = ("EXCEPTION", "IGNORE", "UPDATE", "REPLACE")
_STAGE_NAME = 24  # characters kept of a table's name in that of its stage, as names are cut at 30 in some systems


class RelationalTarget(Target):
    """A table of one database. Source: CDM API reference, "To Relational Databases".

    ``table_options``: what follows the columns in the statement that makes a table.
    """

    def __init__(self, database: Database, options: Options, table_options: str = "") -> None:
        self._database = database
        self._options = options
        self._table_options = table_options
        self._table = Table(options.text("schemaName"), options.required("tableName"))
        self._preparation = options.choice("tablePreparation", (NOTHING, CREATE, RECREATE), NOTHING)
        older = CLEAR if options.flag("shouldClearTable") else NONE
        self._clearing = options.choice("beforeImportType", (NONE, CLEAR, WHERE), older)
        self._conflict = options.choice("onConflict", CONFLICTS, "EXCEPTION")
        appends = self._clearing == NONE and self._preparation != RECREATE
        self._staged = options.flag("useStageTable", default=appends) or self._conflict != "EXCEPTION"
        self.repeatable = self._staged
        self.lasting = not self._staged
        self.restartable = self._staged or not appends

    def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
        """Make the table where the job says so, clear it, and make the stages."""
        self._make(source)
        columns = self._database.columns(self._table)
        if not columns:
            raise TableMissing(str(self._table))
        wanted = self._options.columns()
        columns = chosen(columns, wanted, "toJobConfig.columnList") if wanted else columns
        stages = [self._stage(run, number) for number in range(splits)] if self._staged else []
        like = [replace(column, key=False) for column in columns]
        self._clear()
        for stage in stages:
            self._database.run([self._database.created(stage, like)])
        names = [column.name for column in columns]
        state = {"columns": names, "stages": [list(stage) for stage in stages]}
        return Prepared(schema=pa.schema([column.taken() for column in columns]), state=state)

    def _stage(self, run: str, number: int) -> Table:
        """The documented name, and what tells this run and split from others."""
        return Table(self._table.schema, f"{self._table.name[:_STAGE_NAME]}_cdm_stage_{run[-12:]}_{number}")

    def _make(self, source: pa.Schema) -> None:
        if self._preparation == NOTHING:
            return
        exists = bool(self._database.columns(self._table))
        if exists and self._preparation == CREATE:
            return
        statements = []
        if self._table.schema and (made := self._database.with_schema(self._table.schema)):
            statements.append(made)
        if exists:
            statements.append(f"DROP TABLE {self._database.qualified(self._table)}")
        statements.append(self._database.created(self._table, self._new_columns(source), self._table_options))
        self._database.run(statements)

    def _new_columns(self, source: pa.Schema) -> Sequence[Column]:
        """Columns as the source has them; without keys. Source: user guide, automatic table creation."""
        names = self._options.columns() or source.names
        if len(names) != len(source):
            raise CdmError(
                f"toJobConfig.columnList: {len(names)} columns, but the source gives {len(source)}: {source.names}."
            )
        keeps_null = self._options.flag("useNullable")
        return [
            Column(
                name=name,
                declared=self._database.declared(field),
                type=field.type,
                nullable=field.nullable or not keeps_null,
            )
            for name, field in zip(names, source, strict=True)
        ]

    def _clear(self) -> None:
        """Never undone, whatever comes after. Source: reference on connectors, §11, "Order of effects"."""
        if self._preparation == RECREATE or self._clearing == NONE:
            return
        if self._clearing == CLEAR:
            self._database.run([self._database.emptied(self._table)])
            return
        where = self._options.required("whereClause")
        self._database.run([f"DELETE FROM {self._database.qualified(self._table)} WHERE ({where}\n)"])

    def writer(self, prepared: Prepared, split: int) -> Writer:
        """Commits every batch; the stage of a split is emptied first, as the split may have been tried before."""
        stages = prepared.state["stages"]
        table = Table(*stages[split]) if stages else self._table
        if stages:
            self._database.run([self._emptied_in_place(table)])
        columns = chosen(self._database.columns(table), prepared.state["columns"], "toJobConfig.columnList")
        return _TableWriter(self._database.loader(table, columns))

    def finish(self, prepared: Prepared) -> None:
        """Move the stages that are still there into the table, all in one transaction that empties them too."""
        stages = [stage for stage in self._stages(prepared) if self._database.columns(stage)]
        statements = []
        for stage in stages:
            statements.append(self._database.moved(self._table, stage, prepared.state["columns"], self._conflict))
            dropped = f"DROP TABLE {self._database.qualified(stage)}"
            statements.append(dropped if self._database.transactional_ddl else self._emptied_in_place(stage))
        try:
            self._database.run(statements)
        except CdmError as error:
            raise StageFailed(error.message) from error
        if not self._database.transactional_ddl:
            self.abandon(prepared)

    def _emptied_in_place(self, stage: Table) -> str:
        return f"DELETE FROM {self._database.qualified(stage)}"  # TRUNCATE would end the transaction

    def abandon(self, prepared: Prepared) -> None:
        """Drop the stages."""
        for stage in self._stages(prepared):
            if self._database.columns(stage):
                self._database.run([f"DROP TABLE {self._database.qualified(stage)}"])

    def _stages(self, prepared: Prepared) -> Sequence[Table]:
        return [Table(*stage) for stage in prepared.state["stages"]]

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


class _TableWriter(Writer):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        return self._loader.load(batch)

    def close(self) -> None:
        self._loader.commit()

    def abort(self) -> None:
        self._loader.rollback()
