"""Reads tables, or what a SELECT gives, in ranges of a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import pyarrow as pa

from headrace.errors_cdm import CdmError, TableMissing
from headrace.transfer.connector import Reject, Source, Split
from headrace.transfer.options import Options
from headrace.transfer.relational.database import Column, Database, Table
from headrace.transfer.relational.ranges import ranges

DEFAULT_FETCH = 1000  # rows. Source: every example of the user guide
_RANGED = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_date,
    pa.types.is_timestamp,
    pa.types.is_boolean,
)
_FIRST_WORD = re.compile(r"\s*\(*\s*(\w+)")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


class RelationalSource(Source):
    """Tables of one database. Source: CDM API reference, "From Relational Databases"."""

    def __init__(self, database: Database, options: Options, fetch: int = DEFAULT_FETCH) -> None:
        self._database = database
        self._options = options
        self._fetch = fetch
        self._sql = checked_select(options.required("sql")) if options.flag("useSql") else ""

    def schema(self) -> pa.Schema:
        """The columns of the list, or all."""
        return pa.schema([column.field() for column in self._columns])

    @cached_property
    def _tables(self) -> Sequence[Table]:
        schema, name = self._options.text("schemaName"), self._options.required("tableName")
        if "*" not in schema + name:
            return [Table(schema, name)]
        if "*" in schema:
            raise CdmError(f"fromJobConfig.schemaName: {schema!r}: wildcards are understood in table names only.")
        found = [Table(schema, one) for one in sorted(self._database.tables(schema)) if fnmatchcase(one, name)]
        if not found:
            raise TableMissing(f"{schema}.{name}")
        return found

    def table_names(self) -> Sequence[str]:
        """The names of the tables that are read. Raises TableMissing."""
        return [table.name for table in self._tables]

    @cached_property
    def _columns(self) -> Sequence[Column]:
        if self._sql:
            return self._database.described(self._sql)
        first, *others = self._tables
        columns = self._columns_of(first)
        for table in others:
            if [(one.name, one.type) for one in self._columns_of(table)] != [(one.name, one.type) for one in columns]:
                raise CdmError(f"fromJobConfig.tableName: {table} and {first} do not have the same columns.")
        return columns

    def _columns_of(self, table: Table) -> Sequence[Column]:
        columns = self._database.columns(table)
        if not columns:
            raise TableMissing(str(table))
        wanted = self._options.source_columns()
        return chosen(columns, wanted, "fromJobConfig.columnList") if wanted else columns

    def splits(self, wanted: int) -> Sequence[Split]:
        """Ranges of the partition column where the job names one; a table each otherwise."""
        if self._sql:
            columns = ", ".join(self._database.projected(column) for column in self._columns)
            return [{"select": f"SELECT {columns} FROM ({self._sql}\n) source"}]
        where, partition = self._options.text("whereClause"), self._options.text("partitionColumn")
        conditions = [f"({where}\n)"] if where else []
        if not partition or wanted < 2:
            return [self._split(table, conditions) for table in self._tables]
        parts = max(1, wanted // len(self._tables))
        return [
            self._split(table, [*conditions, f"({condition})"])
            for table in self._tables
            for condition in self._ranges(table, partition, conditions, parts)
        ]

    def _split(self, table: Table, conditions: Sequence[str]) -> Split:
        columns = ", ".join(self._database.projected(column) for column in self._columns)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return {"select": f"SELECT {columns} FROM {self._database.qualified(table)}{where}"}

    def _ranges(self, table: Table, name: str, conditions: Sequence[str], parts: int) -> Sequence[str]:
        """Rows without a value are read with the last range, unless the job says that they are not wanted."""
        column = chosen(self._database.columns(table), [name], "fromJobConfig.partitionColumn")[0]
        if not any(fits(column.type) for fits in _RANGED):
            raise CdmError(f"fromJobConfig.partitionColumn: {name!r} is {column.declared}, which has no ranges.")
        quoted = self._database.quoted(column.name)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        low, high = (False, True) if pa.types.is_boolean(column.type) else self._bounds(table, quoted, where)
        with_null = column.nullable and self._options.flag("allowNullValueInPartitionColumn", default=True)
        if low is None:
            return [f"{quoted} IS NULL"] if with_null else []
        try:
            divided = [one.condition(quoted, self._database.literal) for one in ranges(low, high, parts)]
        except TypeError as error:
            raise CdmError(f"fromJobConfig.partitionColumn: {name!r} gives {error}, which has no ranges.") from error
        found = divided or [f"{quoted} IS NOT NULL"]
        return [*found[:-1], f"{found[-1]} OR {quoted} IS NULL"] if with_null else found

    def _bounds(self, table: Table, quoted: str, where: str) -> tuple[Any, Any]:
        """The least and the greatest value of a column; truth values have none in some systems."""
        statement = f"SELECT MIN({quoted}), MAX({quoted}) FROM {self._database.qualified(table)}{where}"
        low, high = self._database.rows(statement)[0]
        return low, high

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        """The rows of a range."""
        return self._database.stream(split["select"], self._columns, self._fetch)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def chosen(columns: Sequence[Column], names: Sequence[str], member: str) -> Sequence[Column]:
    """The columns of some names, in their order; a name that only differs in case is found too. Raises CdmError."""
    exact = {one.name: one for one in columns}
    folded = {one.name.lower(): one for one in columns}
    found = []
    for name in names:
        column = exact.get(name) or folded.get(name.lower())
        if column is None:
            raise CdmError(f"{member}: {name!r} is none of the columns {', '.join(exact)}.")
        found.append(column)
    return found


def checked_select(sql: str) -> str:
    """The statement without the semicolon at its end.

    Raises CdmError unless it is one SELECT. Source: CDM API reference, fromJobConfig.sql.
    """
    text = sql.strip().rstrip(";").rstrip()
    word = _FIRST_WORD.match(text)
    if word is None or word[1].lower() != "select":
        raise CdmError("fromJobConfig.sql: is not a SELECT statement.")
    if ";" in _QUOTED.sub("", text):
        raise CdmError("fromJobConfig.sql: has more than one statement.")
    return text
