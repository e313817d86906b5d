"""Every SQL script of the samples on the embedded engine: which run, what they need, which have no equal and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headrace.sql.dialects import HIVE, POSTGRES, SPARK, Dialect, dialect_of
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import SqlError


@dataclass(frozen=True, kw_only=True)
class Case:
    """A sample script: what must be there before, the values of its variables, and what it gives.

    ``shown`` is the query asked afterwards and its rows; without it the rows of the script's last statement.
    ``missing`` is the reason of the failure when nothing of ``before`` is there.
    """

    rows: list[tuple[Any, ...]]
    before: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""
    missing: str = ""


STAGED = """CREATE DATABASE IF NOT EXISTS stage; CREATE DATABASE ods; CREATE TABLE stage.orders (id INT, amount DOUBLE);
    INSERT INTO stage.orders VALUES (1, 2.5), (1, 2.5), (2, 3);
    CREATE TABLE ods.orders (id INT, amount DOUBLE) PARTITIONED BY (dt STRING);"""
SENSORS = """CREATE DATABASE IF NOT EXISTS iot;
    CREATE TABLE iot.sensor (device_id STRING, window_start STRING, v DOUBLE, received STRING, project STRING);
    CREATE TABLE iot.sensor_stage (device_id STRING, window_start STRING, v DOUBLE);
    CREATE TABLE iot.alarm (device STRING, code STRING, at TIMESTAMP);
    CREATE TABLE iot.sensor_5m (device_id STRING, window_start STRING, v DOUBLE);
    CREATE TABLE iot.sensor_1h (device_id STRING, mean DOUBLE, top DOUBLE) PARTITIONED BY (h STRING);"""
CONTRACTS = """CREATE TABLE obs_source_table (file_name STRING, content STRING);
    CREATE TABLE ayco_dli.contracts (contract_number STRING, vendor_name STRING, monto_total STRING, plazo_dias STRING,
        penalizacion_pct STRING, garantia_pct STRING, content STRING, ingestion_time TIMESTAMP);
    INSERT INTO obs_source_table VALUES ('c1.txt', 'CONTRATO: A-17\\nPROVEEDOR: Obras y Caminos\\nMONTO: $1,250.00
        PLAZO: 90 PENALIZACIÓN: 5% GARANTÍA: 10%'), ('c2.pdf', 'CONTRATO: B');"""
RISKS = """CREATE TABLE risk_results (contract_number TEXT PRIMARY KEY, vendor_name TEXT, monto_total NUMERIC(12,2),
        risk_score INT, risk_level TEXT, alertas TEXT, recomendaciones TEXT, resumen TEXT, analyzed_at TIMESTAMP);
    CREATE TABLE dli_external_contracts (LIKE risk_results);
    INSERT INTO risk_results VALUES ('A', 'v', 10, 5, 'ALTO', '', '', '', '2024-01-01'),
        ('C', 'v', 0, NULL, 'NADA', '', '', '', '2024-01-01');
    INSERT INTO dli_external_contracts VALUES ('A', 'v', 10, 9, 'CRITICO', '', '', '', '2024-02-01'),
        ('B', 'v', 20, 1, 'BAJO', '', '', '', '2024-02-01');"""

RUNS = {
    "ayco-data-quality-check": Case(
        before=RISKS,
        rows=[(2, 1, 1, 1, "2024-01-01 00:00:00", "2024-01-01 00:00:00")],
        missing="risk_results does not exist",
    ),
    "ayco-load-risk-results": Case(
        before=RISKS,
        shown="SELECT contract_number, risk_score FROM risk_results ORDER BY contract_number",
        rows=[("A", 9), ("B", 1), ("C", None)],
        missing="risk_results does not exist",
    ),
    "ayco-parse-contracts": Case(
        before=CONTRACTS,
        shown="SELECT contract_number, vendor_name, monto_total, plazo_dias, penalizacion_pct, garantia_pct "
        "FROM contracts",
        rows=[("A-17", "Obras y Caminos", "1,250.00", "90", "5", "10")],
        missing="contracts is no table of the workspace",
    ),
    "iot_alarm_insert": Case(
        before=SENSORS,
        values={"payload": '{"deviceId":"d1","code":"E7"}'},
        shown="SELECT device, code FROM alarm",
        rows=[("d1", "E7")],
        missing="alarm does not exist",
    ),
    "iot_compact": Case(
        before=SENSORS
        + "INSERT INTO iot.sensor VALUES ('d1', '10:00', 1, '', ''), ('d1', '10:00', 3, '', '');"
        + "INSERT INTO iot.sensor_5m VALUES ('old', '', 0);",
        shown="SELECT * FROM sensor_5m",
        rows=[("d1", "10:00", 2.0)],
        missing="sensor_5m is no table",
    ),
    "iot_rollup": Case(
        before=SENSORS.replace("sensor_5m (device_id STRING,", "sensor_5m (device_id STRING, h STRING,")
        + "INSERT INTO iot.sensor_5m VALUES ('d1', '2024060110', '', 1), ('d1', '2024060110', '', 3);"
        "INSERT INTO iot.sensor_5m VALUES ('d1', 'x', '', 9);",
        values={"hour": "2024060110"},
        shown="SELECT * FROM sensor_1h",
        rows=[("d1", 2.0, 3.0, "2024060110")],
        missing="sensor_1h is no table",
    ),
    "iot_sensor_merge": Case(
        before=SENSORS + "INSERT INTO iot.sensor_stage VALUES ('d1', '10:00', 1.5);",
        values={"received": "2024-06-01 10:00:00", "project": "p1"},
        shown="SELECT * FROM sensor",
        rows=[("d1", "10:00", 1.5, "2024-06-01 10:00:00", "p1")],
        missing="sensor does not exist",
    ),
    "copy_table": Case(
        before=STAGED,
        values={"table": "orders", "day": "2024-01-31"},
        shown="SELECT * FROM ods.orders ORDER BY id",
        rows=[(1, 2.5, "2024-01-31"), (2, 3.0, "2024-01-31")],
        missing="orders is no table of the workspace",
    ),
    "count_table": Case(
        before=STAGED + "INSERT INTO ods.orders VALUES (1, 1, 'x');",
        values={"table": "orders"},
        rows=[(1,)],
        missing='"ods.orders" does not exist',
    ),
    "list_stage_tables": Case(
        before="""CREATE DATABASE meta; CREATE TABLE meta.stage_tables (table_name STRING, key_columns STRING,
            owner STRING);
            INSERT INTO meta.stage_tables VALUES ('b', 'id', 'me'), ('a', 'id', 'me'), ('c', '', 'you');""",
        values={"owner": "me"},
        rows=[("a", "id"), ("b", "id")],
        missing='"meta.stage_tables" does not exist',
    ),
    "refresh_views_sql": Case(
        before="""CREATE SCHEMA mart; CREATE TABLE mart.sales (day DATE, n INT);
            CREATE MATERIALIZED VIEW mart.sales_by_day AS SELECT day, sum(n) AS n FROM mart.sales GROUP BY day;
            INSERT INTO mart.sales VALUES ('2024-01-31', 1), ('2024-01-31', 2);""",
        values={"schema": "mart"},
        shown="SELECT * FROM mart.sales_by_day",
        rows=[("2024-01-31", 3)],
        missing="sales_by_day is no materialized view",
    ),
    "event_rds": Case(
        before="CREATE TABLE run_log (job VARCHAR(64) PRIMARY KEY, at DATETIME);"
        "INSERT INTO run_log VALUES ('j', '2024-01-01');",
        values={"job": "j"},
        shown="SELECT job, at > '2024-01-02' FROM run_log",
        rows=[("j", True)],
        missing="run_log does not exist",
    ),
    "event_react": Case(
        before="CREATE TABLE react (id STRING, kind STRING, at TIMESTAMP);",
        values={"id": "7", "kind": "raw"},
        shown="SELECT id, kind FROM react",
        rows=[("7", "raw")],
        missing="react does not exist",
    ),
    "event_stage": Case(
        before="""CREATE TABLE stage (file STRING, line STRING);
            CREATE TABLE drop_zone (line STRING) USING csv LOCATION 'obs://acme-drop/in';""",
        values={"files": "obs://acme-drop/in/new.csv"},
        shown="SELECT * FROM stage",
        rows=[("obs://acme-drop/in/new.csv", "fresh")],
        missing="needs one external table",
    ),
    "hetu_quality_sql": Case(
        before="CREATE DATABASE sales; CREATE TABLE sales.orders (region STRING);"
        "INSERT INTO sales.orders VALUES ('n'), ('n');",
        rows=[("n", 2)],
        missing='"sales.orders" does not exist',
    ),
    "publish_mart": Case(
        before="CREATE SCHEMA mart; CREATE SCHEMA mart_next; CREATE TABLE mart_next.t AS SELECT 2 AS a;",
        shown="SELECT a FROM mart.t",
        rows=[(2,)],
        missing="no schema mart",
    ),
    "mig_merge": Case(
        before="""CREATE SCHEMA stage; CREATE TABLE crm (id INT, load_day DATE); CREATE TABLE stage.crm (id INT);
            INSERT INTO crm VALUES (1, NULL), (2, NULL); INSERT INTO stage.crm VALUES (2);""",
        values={"table": "crm", "day": "2024-01-31"},
        shown="SELECT * FROM crm ORDER BY id",
        rows=[(1, None), (2, "2024-01-31")],
        missing="crm does not exist",
    ),
    "mig_reconcile": Case(
        before="""CREATE TABLE reconcile (table_name TEXT, src_rows INT, dst_rows INT, day DATE);
            INSERT INTO reconcile VALUES ('a', 1, 1, '2024-01-31'), ('b', 1, 2, '2024-01-31');""",
        values={"day": "2024-01-31"},
        rows=[("b", 1, 2)],
        missing="reconcile does not exist",
    ),
    "dws_inv_forecast_1d": Case(
        before="CREATE SCHEMA dws;",
        shown="SELECT count(*) FROM dws.dws_inv_forecast_1d",
        rows=[(0,)],
        missing="dws does not exist",
    ),
    "dlisql1": Case(before="CREATE TABLE t (a INT);", rows=[("testDatabase1", "t", False)]),
    "mrs_spark_sql": Case(rows=[(1,)]),
}

NO_EQUAL = {"tf_test_script": "Not understood"}  # "#test" is no SQL: a placeholder of a test of another tool

NO_SQL = {"iot_enrich_flink": "FlinkSQL", "probe_disk": "Shell", "echoTimeShell": "Shell"}


def scripts_of(samples: Path) -> dict[str, dict[str, Any]]:
    """The sample scripts by the names of their files."""
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted(samples.glob("*.script.json"))}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    dropped = tmp_path / "obs" / "acme-drop" / "in"
    dropped.mkdir(parents=True)
    (dropped / "new.csv").write_text("fresh\n")
    (dropped / "old.csv").write_text("stale\n")
    opened = EmbeddedEngine(tmp_path / "samples.duckdb", tmp_path / "obs")
    yield opened
    opened.close()


def made_by(before: str, dialect: Dialect) -> Dialect:
    """The dialect of the statements before: Hive's where the script's own has no words for making such tables."""
    if "USING csv" in before:
        return SPARK
    return HIVE if re.search(r"\b(?:STRING|CREATE DATABASE)\b", before) and dialect.name != "spark" else dialect


def test_scripts__each_of_the_samples_is_told_here(samples: Path) -> None:
    named = {script["name"] for script in scripts_of(samples).values()}
    assert named == set(RUNS) | set(NO_EQUAL) | set(NO_SQL)
    assert {
        script["name"]: script["type"] for script in scripts_of(samples).values() if dialect_of(script["type"]) is None
    } == NO_SQL


@pytest.mark.parametrize("name", RUNS)
def test_script__runs_once_what_it_needs_is_there(samples: Path, engine: EmbeddedEngine, name: str) -> None:
    script = next(each for each in scripts_of(samples).values() if each["name"] == name)
    case, dialect, database = RUNS[name], dialect_of(script["type"]), script.get("database")
    assert dialect is not None
    content = re.sub(r"\$\{(\w+)\}", lambda found: case.values[found[1]], script["content"])
    if case.missing:
        with pytest.raises(SqlError, match=case.missing):
            engine.execute(content, dialect, database)
    if case.before:
        engine.execute(case.before, made_by(case.before, dialect), database)
    results = engine.execute(content, dialect, database)
    if case.shown:
        results = engine.execute(case.shown, dialect, database)
    assert list(results[-1].rows) == case.rows


@pytest.mark.parametrize("name", NO_EQUAL)
def test_script__without_an_equal_says_why(samples: Path, engine: EmbeddedEngine, name: str) -> None:
    found = [each for each in scripts_of(samples).values() if each["name"] == name]
    assert found
    for script in found:
        dialect = dialect_of(script["type"])
        assert dialect is not None
        with pytest.raises(SqlError, match=NO_EQUAL[name]) as caught:
            engine.execute(script["content"], dialect, script.get("database"))
        assert caught.value.position == "line 1, column 1"


def test_statement_of_a_job__runs_with_its_schema(samples: Path, engine: EmbeddedEngine) -> None:
    job = json.loads((samples / "c10-review-limits__release_gate.job.json").read_text("utf-8"))
    properties = {each["name"]: each["value"] for each in job["nodes"][0]["properties"]}
    statement = re.sub(r"#\{.*?\}", "2024-01-31", properties["statement"])
    engine.execute(
        "CREATE TABLE orders (dt TEXT, amount INT); INSERT INTO orders VALUES ('2024-01-31', -1);", POSTGRES, "sales"
    )
    dialect = dialect_of(job["nodes"][0]["type"])
    assert dialect is not None
    assert list(engine.execute(statement, dialect, properties["Schema"])[-1].rows) == [(1,)]
