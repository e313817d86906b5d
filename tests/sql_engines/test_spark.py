"""Scripts on a real Spark, as SparkSQL connections run them through Spark Connect."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headrace.sql.dialects import SPARK
from headrace.sql.engine import Cancellation, ExecutionCancelled, SqlEngine, StatementFailed, StatementResult
from headrace.sql.engines import open_real
from headrace.sql.real.target import EngineUnavailable

pytestmark = pytest.mark.spark


@pytest.fixture
def engine(spark_config: dict[str, Any]) -> SqlEngine:
    return open_real("lake", "SparkSQL", spark_config)[0]


def test_execute__each_statement_gives_its_result(engine: SqlEngine, spark_database: str) -> None:
    made, filled, told, shown = engine.execute(
        "CREATE TABLE told (id BIGINT, name STRING) PARTITIONED BY (dt STRING) STORED AS PARQUET;"
        "INSERT INTO told PARTITION (dt='2024-01-01') VALUES (1, 'a'), (2, NULL);"
        "SELECT * FROM told ORDER BY id; SHOW PARTITIONS told",
        SPARK,
        spark_database,
    )
    assert (made.row_count, made.schema, filled.schema, filled.input_row_count) == (0, (), (), None)
    assert (told.rows, told.row_count) == (((1, "a", "2024-01-01"), (2, None, "2024-01-01")), 2)
    assert told.schema == (("id", "bigint"), ("name", "string"), ("dt", "string"))
    assert shown.rows == (("dt=2024-01-01",),)


def test_execute__values_are_json_scalars(engine: SqlEngine) -> None:
    result = engine.execute(
        """SELECT 1, 2.50BD, 1.5D, true, NULL, 'a', date'2024-01-31', timestamp'2024-01-31 10:00:00',
        timestamp'2024-01-31 10:00:00.5', x'00ff', array(1, null), map('a', array(2.50BD)),
        named_struct('a', 1, 'b', date'2024-01-31', 'c', timestamp'2024-01-31 10:00:00'), interval 1 month,
        cast('NaN' AS double), cast(null AS date), 1 AS same, 2 AS same""",
        SPARK,
        None,
    )[-1]
    assert result.rows == (
        (
            *(1, "2.50", 1.5, True, None, "a", "2024-01-31", "2024-01-31 10:00:00", "2024-01-31 10:00:00.500000"),
            *("00ff", "[1,null]", '{"a":["2.50"]}', '{"a":1,"b":"2024-01-31","c":"2024-01-31 10:00:00"}'),
            *("INTERVAL '1' MONTH", "nan", None, 1, 2),
        ),
    )
    assert [name for name, _ in result.schema[-2:]] == ["same", "same"]


def test_execute__stops_at_the_first_failure_with_its_place(engine: SqlEngine) -> None:
    heard: list[StatementResult] = []
    with pytest.raises(StatementFailed) as failure:
        engine.execute("SELECT 1;\n  SELECT * FROM missing; SELECT 2", SPARK, None, heard.append)
    assert failure.value.reason.startswith("[TABLE_OR_VIEW_NOT_FOUND] The table or view `missing` cannot be found.")
    assert "JVM" not in failure.value.reason
    assert "UnresolvedRelation" not in failure.value.reason
    assert failure.value.position == "line 2, column 3"
    assert [result.statement for result in heard] == ["SELECT 1"]


def test_execute__an_error_while_it_runs_is_told(engine: SqlEngine) -> None:
    with pytest.raises(StatementFailed, match="no luck"):
        engine.execute("SELECT raise_error('no luck')", SPARK, None)


def test_execute__one_execution_is_one_session(engine: SqlEngine) -> None:
    script = "SET spark.sql.ansi.enabled=false; CREATE TEMPORARY VIEW mine AS SELECT 1 / 0 AS n; SELECT n FROM mine"
    assert engine.execute(script, SPARK, None)[-1].rows == ((None,),)
    with pytest.raises(StatementFailed, match="mine"):
        engine.execute("SELECT * FROM mine", SPARK, None)


def test_execute__settings_are_those_of_the_session(engine: SqlEngine) -> None:
    settings = {"dli.sql.shuffle.partitions": "7", "day": "2024-01-31"}
    results = engine.execute(
        "SET spark.sql.shuffle.partitions; SELECT '${hiveconf:day}' AS day", SPARK, None, settings=settings
    )
    assert [result.rows for result in results] == [(("spark.sql.shuffle.partitions", "7"),), (("2024-01-31",),)]


def test_execute__shows_rows_up_to_the_limit(engine: SqlEngine) -> None:
    result = engine.execute("SELECT id FROM range(100000)", SPARK, None, row_limit=3)[0]
    assert (len(result.rows), result.row_count, result.truncated) == (3, 3, True)
    assert not engine.execute("SELECT id FROM range(3)", SPARK, None, row_limit=3)[0].truncated


def test_cancel__ends_the_statement_in_spark(engine: SqlEngine) -> None:
    cancellation = Cancellation()
    threading.Timer(1.0, cancellation.cancel).start()
    began = time.monotonic()
    long = "SELECT count(*) FROM range(100000000) a CROSS JOIN range(100000000) b WHERE a.id * b.id % 7 = 3"
    with pytest.raises(ExecutionCancelled) as failure:
        engine.execute(f"{long}; SELECT 1", SPARK, None, cancellation=cancellation)
    assert time.monotonic() - began < 15
    assert failure.value.statement == long
    began = time.monotonic()  # its two cores are free again
    engine.execute("SELECT count(*) FROM range(1000) WHERE id % 2 = 0", SPARK, None)
    assert time.monotonic() - began < 15


def test_execute__closed_port_says_so_soon(spark_config: dict[str, Any]) -> None:
    engine, _ = open_real("lake", "SparkSQL", {**spark_config, "port": "9"})
    with pytest.raises(EngineUnavailable, match=r"Connection 'lake': .*refused"):
        engine.execute("SELECT 1", SPARK, None)


def test_execute__unknown_database_says_so(engine: SqlEngine) -> None:
    with pytest.raises(EngineUnavailable, match="SCHEMA_NOT_FOUND"):
        engine.execute("SELECT 1", SPARK, "nowhere")


def test_execute__a_password_is_not_sent_in_clear(spark_config: dict[str, Any]) -> None:
    engine, _ = open_real("lake", "SparkSQL", {**spark_config, "authentication": "", "password": "clear words"})
    with pytest.raises(EngineUnavailable, match="sslEnable") as failure:
        engine.execute("SELECT 1", SPARK, None)
    assert "clear words" not in str(failure.value)


def test_execute__scripts_at_the_same_time_keep_to_their_sessions(engine: SqlEngine) -> None:
    def told(number: int) -> Any:
        script = f"SET spark.sql.shuffle.partitions={number}; SET spark.sql.shuffle.partitions"
        return engine.execute(script, SPARK, None)[-1].rows

    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(told, range(1, 17)))
    assert rows == [(("spark.sql.shuffle.partitions", str(number)),) for number in range(1, 17)]
