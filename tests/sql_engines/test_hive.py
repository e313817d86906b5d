"""Scripts through a real HiveServer2 (that of Spark), as HIVE connections run them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from headrace.sql.dialects import HIVE
from headrace.sql.engine import Cancellation, ExecutionCancelled, SqlEngine, StatementFailed, StatementResult
from headrace.sql.engines import open_real
from headrace.sql.real.target import EngineUnavailable

pytestmark = pytest.mark.spark


@pytest.fixture
def engine(hive_config: dict[str, Any]) -> SqlEngine:
    return open_real("lake", "HIVE", hive_config)[0]


def test_execute__each_statement_gives_its_result(engine: SqlEngine, spark_database: str) -> None:
    made, filled, told, shown = engine.execute(
        "CREATE TABLE told (id BIGINT, name STRING) PARTITIONED BY (dt STRING) STORED AS ORC;"
        "INSERT INTO told PARTITION (dt='2024-01-01') VALUES (1, 'a'), (2, NULL);"
        "SELECT * FROM told ORDER BY id; SHOW PARTITIONS told",
        HIVE,
        spark_database,
    )
    assert (made.row_count, made.schema, filled.schema, filled.input_row_count) == (0, (), (), None)
    assert (told.rows, told.row_count) == (((1, "a", "2024-01-01"), (2, None, "2024-01-01")), 2)
    assert told.schema == (("id", "bigint"), ("name", "string"), ("dt", "string"))
    assert shown.rows == (("dt=2024-01-01",),)


def test_execute__values_are_json_scalars(engine: SqlEngine) -> None:
    result = engine.execute(
        """SELECT 1, 2.50, 1.5D, true, NULL, 'a', date'2024-01-31', timestamp'2024-01-31 10:00:00',
        timestamp'2024-01-31 10:00:00.5', x'00ff', array(1, 2), map('a', 1.5), named_struct('a', 1, 'b', 'x')""",
        HIVE,
        None,
    )[-1]
    assert result.rows == (
        (
            *(1, "2.50", 1.5, True, None, "a", "2024-01-31", "2024-01-31 10:00:00", "2024-01-31 10:00:00.500000"),
            *("00ff", "[1,2]", '{"a":1.5}', '{"a":1,"b":"x"}'),
        ),
    )


def test_execute__a_type_that_the_driver_lacks_is_told(engine: SqlEngine) -> None:
    with pytest.raises(StatementFailed, match="cast it to string"):
        engine.execute("SELECT interval 1 month", HIVE, None)


def test_execute__stops_at_the_first_failure_with_its_place(engine: SqlEngine) -> None:
    heard: list[StatementResult] = []
    with pytest.raises(StatementFailed) as failure:
        engine.execute("SELECT 1;\n  SELECT * FROM missing; SELECT 2", HIVE, None, heard.append)
    assert "The table or view `missing` cannot be found." in failure.value.reason
    assert "\tat " not in failure.value.reason
    assert failure.value.position == "line 2, column 3"
    assert [result.statement for result in heard] == ["SELECT 1"]


def test_execute__an_error_while_it_runs_is_told(engine: SqlEngine) -> None:
    with pytest.raises(StatementFailed, match="no luck"):
        engine.execute("SELECT raise_error('no luck')", HIVE, None)


def test_execute__program_parameters_are_hive_variables(engine: SqlEngine) -> None:
    result = engine.execute("SELECT '${hiveconf:day}' AS day", HIVE, None, settings={"day": "2024-01-31"})
    assert result[0].rows == (("2024-01-31",),)
    with pytest.raises(EngineUnavailable, match="no setting"):
        engine.execute("SELECT 1", HIVE, None, settings={"day": "1; DROP TABLE t"})


def test_execute__shows_rows_up_to_the_limit(engine: SqlEngine) -> None:
    result = engine.execute("SELECT id FROM range(100000)", HIVE, None, row_limit=3)[0]
    assert (len(result.rows), result.row_count, result.truncated) == (3, 3, True)


def test_cancel__ends_the_statement(engine: SqlEngine) -> None:
    cancellation = Cancellation()
    threading.Timer(1.0, cancellation.cancel).start()
    began = time.monotonic()
    long = "SELECT count(*) FROM range(100000000) a CROSS JOIN range(100000000) b WHERE a.id * b.id % 7 = 3"
    with pytest.raises(ExecutionCancelled) as failure:
        engine.execute(f"{long}; SELECT 1", HIVE, None, cancellation=cancellation)
    assert time.monotonic() - began < 15
    assert failure.value.statement == long
    began = time.monotonic()  # the cores are free again
    engine.execute("SELECT count(*) FROM range(1000) WHERE id % 2 = 0", HIVE, None)
    assert time.monotonic() - began < 15


def test_execute__closed_port_says_so(hive_config: dict[str, Any]) -> None:
    engine, _ = open_real("lake", "HIVE", {**hive_config, "port": "9"})
    with pytest.raises(EngineUnavailable, match="Connection 'lake'"):
        engine.execute("SELECT 1", HIVE, None)


def test_open_real__kerberos_is_refused_with_a_reason(hive_config: dict[str, Any]) -> None:
    engine, _ = open_real("lake", "HIVE", {**hive_config, "authentication": "Kerberos"})
    with pytest.raises(EngineUnavailable, match=r"authentication.*Kerberos"):
        engine.execute("SELECT 1", HIVE, None)
