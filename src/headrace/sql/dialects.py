"""Which SQL dialect a script type or a node type is written in.

Names are compared without blanks, signs and case, because the same type is spelt "Hive SQL", "HiveSQL" and "MRS Hive
SQL". Source: API reference, "Creating a Script" (type) and "Creating a Job" (node type); user guide, "Node
Reference".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """A way to write SQL, as far as it differs for the statement splitter, the translator and the embedded engine."""

    name: str  # our word and, unless ``grammar`` says otherwise, sqlglot's
    grammar: str  # the sqlglot dialect that reads it
    backslash_escapes: bool = False  # '\'' is a quote inside a string
    hash_comments: bool = False  # "# to the end of the line"
    dollar_quotes: bool = False  # $$ ... $$
    integer_division: bool = False  # 1/2 is 0
    default_databases: frozenset[str] = frozenset({"default"})  # the names that mean "no database chosen"


HIVE = Dialect(name="hive", grammar="hive", backslash_escapes=True)
IMPALA = Dialect(name="impala", grammar="hive", backslash_escapes=True)
SPARK = Dialect(name="spark", grammar="spark", backslash_escapes=True)
POSTGRES = Dialect(
    name="postgres",
    grammar="postgres",
    dollar_quotes=True,
    integer_division=True,
    default_databases=frozenset({"postgres", "gaussdb"}),
)
MYSQL = Dialect(name="mysql", grammar="mysql", backslash_escapes=True, hash_comments=True)
PRESTO = Dialect(name="presto", grammar="presto", integer_division=True)
TRINO = Dialect(name="trino", grammar="trino", integer_division=True)
CLICKHOUSE = Dialect(name="clickhouse", grammar="clickhouse", backslash_escapes=True)
DORIS = Dialect(name="doris", grammar="doris", backslash_escapes=True)

_BY_TYPE: dict[str, Dialect] = {
    "hivesql": HIVE,
    "sparksql": SPARK,
    "dlisql": SPARK,
    "dwssql": POSTGRES,
    "rdssql": MYSQL,
    "presto": PRESTO,
    "prestosql": PRESTO,
    "hetuenginesql": TRINO,
    "hetuengine": TRINO,
    "clickhousesql": CLICKHOUSE,
    "clickhouse": CLICKHOUSE,
    "impalasql": IMPALA,
    "dorissql": DORIS,
    "doris": DORIS,
}


def dialect_of(type_name: str) -> Dialect | None:
    """The dialect of a script or node type; None where the text is no SQL of a warehouse (Shell, FlinkSQL)."""
    key = "".join(character for character in type_name if character.isalnum()).lower()
    return _BY_TYPE.get(key.removeprefix("mrs"))
