"""Script and node types and the dialect each is written in."""

from __future__ import annotations

import pytest

from headrace.sql.dialects import dialect_of


@pytest.mark.parametrize(
    ("type_name", "dialect"),
    [
        ("HiveSQL", "hive"),
        ("Hive SQL", "hive"),
        ("MRS Hive SQL", "hive"),
        ("SparkSQL", "spark"),
        ("DLISQL", "spark"),
        ("DWS SQL", "postgres"),
        ("RDSSQL", "mysql"),
        ("PRESTO", "presto"),
        ("HetuEngineSQL", "trino"),
        ("MRSHetuEngine", "trino"),
        ("ClickHouseSQL", "clickhouse"),
        ("ImpalaSQL", "impala"),
        ("Doris SQL", "doris"),
    ],
)
def test_dialect_of__ignores_blanks_and_case(type_name: str, dialect: str) -> None:
    for spelling in (type_name, type_name.lower(), type_name.upper()):
        found = dialect_of(spelling)
        assert found is not None
        assert found.name == dialect


@pytest.mark.parametrize("type_name", ["Shell", "PYTHON", "FlinkSQL", "SparkPython", "", "Hive"])
def test_dialect_of__types_without_warehouse_sql_have_none(type_name: str) -> None:
    assert dialect_of(type_name) is None
