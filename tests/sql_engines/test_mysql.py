"""Scripts on a real MariaDB, as RDS connections run them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from headrace.sql.dialects import MYSQL, POSTGRES
from headrace.sql.engine import Cancellation, ExecutionCancelled, SqlEngine, StatementFailed, StatementResult
from headrace.sql.engines import open_real
from headrace.sql.real.target import EngineUnavailable

pytestmark = pytest.mark.mariadb


@pytest.fixture
def engine(mariadb_config: dict[str, Any]) -> SqlEngine:
    return open_real("shop", "RDS", mariadb_config)[0]


def last(engine: SqlEngine, script: str, **options: Any) -> StatementResult:
    return engine.execute(script, MYSQL, None, **options)[-1]


def test_execute__each_statement_gives_its_result(engine: SqlEngine) -> None:
    made, filled, changed, told, dropped = engine.execute(
        "CREATE TABLE told (id INT, name VARCHAR(10), price DECIMAL(12,2)); INSERT INTO told VALUES (1, 'a', 1.5),"
        "(2, NULL, -2); UPDATE told SET name = 'b' WHERE id = 2; SELECT * FROM told ORDER BY id; DROP TABLE told",
        MYSQL,
        None,
    )
    assert (made.row_count, made.schema, made.input_row_count) == (0, (), None)
    assert (filled.row_count, filled.input_row_count) == (2, 2)
    assert (changed.row_count, changed.input_row_count) == (1, None)
    assert told.statement == "SELECT * FROM told ORDER BY id"
    assert (told.rows, told.row_count, told.truncated) == (((1, "a", "1.50"), (2, "b", "-2.00")), 2, False)
    assert told.schema == (("id", "int"), ("name", "varchar"), ("price", "decimal(12,2)"))
    assert dropped.duration_seconds >= 0


def test_execute__values_are_json_scalars(engine: SqlEngine) -> None:
    result = last(
        engine,
        """SELECT 1, 2.50, 1.5e0, true, NULL, 'a', date '2024-01-31', timestamp '2024-01-31 10:00:00',
        cast('2024-01-31 10:00:00.5' AS DATETIME(3)), NULL, x'00ff',
        json_object('a', json_array(1)), timediff('12:00:00', '10:30:00'), b'101', '%s'""",
    )
    assert result.rows == (
        (
            *(1, "2.50", 1.5, 1, None, "a", "2024-01-31", "2024-01-31 10:00:00"),
            *("2024-01-31 10:00:00.500000", None, "00ff", '{"a": [1]}', "01:30:00", "05", "%s"),
        ),
    )


def test_execute__dates_that_no_calendar_has_survive(engine: SqlEngine) -> None:
    script = "SET sql_mode = ''; CREATE TABLE odd (d DATE); INSERT INTO odd VALUES ('0000-00-00'); SELECT d FROM odd"
    assert last(engine, script).rows == (("0000-00-00",),)


def test_execute__warnings_are_the_message(engine: SqlEngine) -> None:
    result = last(engine, "SET sql_mode = ''; CREATE TABLE warned (n TINYINT); INSERT INTO warned VALUES (1000)")
    assert result.message == "Warning: Out of range value for column 'n' at row 1 [1264]"


def test_execute__stops_at_the_first_failure_and_keeps_what_was_before(engine: SqlEngine) -> None:
    heard: list[StatementResult] = []
    with pytest.raises(StatementFailed) as failure:
        script = "CREATE TABLE kept AS SELECT 1 AS id;\n  SELECT * FROM missing;\nDROP TABLE kept"
        engine.execute(script, MYSQL, None, heard.append)
    assert "missing' doesn't exist [1146]" in failure.value.reason
    assert failure.value.position == "line 2, column 3"
    assert [result.statement for result in heard] == ["CREATE TABLE kept AS SELECT 1 AS id"]
    assert last(engine, "SELECT count(*) FROM kept").rows == ((1,),)


def test_execute__a_transaction_left_open_is_rolled_back(engine: SqlEngine) -> None:
    engine.execute("CREATE TABLE undone (id INT); START TRANSACTION; INSERT INTO undone VALUES (1)", MYSQL, None)
    engine.execute("START TRANSACTION; INSERT INTO undone VALUES (2); COMMIT", MYSQL, None)
    assert last(engine, "SELECT id FROM undone").rows == ((2,),)


def test_execute__shows_rows_up_to_the_limit(engine: SqlEngine) -> None:
    result = last(engine, "SELECT seq FROM seq_1_to_10000", row_limit=3)
    assert (result.rows, result.row_count, result.truncated) == (((1,), (2,), (3,)), 3, True)
    result = last(engine, "SELECT seq FROM seq_1_to_10000 LIMIT 5000; SELECT 1 AS one", row_limit=3)
    assert (result.rows, result.truncated) == (((1,),), False)


def test_execute__the_limit_is_not_one_of_inserts(engine: SqlEngine) -> None:
    script = "CREATE TABLE many AS SELECT seq FROM seq_1_to_5000; INSERT INTO many SELECT seq FROM seq_1_to_5000"
    assert last(engine, script, row_limit=3).input_row_count == 5000
    assert last(engine, "SELECT count(*) FROM many").rows == ((10000,),)


def test_execute__a_procedure_gives_its_first_result(engine: SqlEngine) -> None:
    script = (
        "CREATE PROCEDURE two() BEGIN SELECT seq FROM seq_1_to_10\\; SELECT 'b'\\; END; CALL two(); SELECT 'after' AS a"
    )
    _, called, after = engine.execute(script, MYSQL, None, row_limit=2)
    assert (called.rows, called.truncated) == (((1,), (2,)), True)
    assert after.rows == (("after",),)


def test_execute__the_database_of_the_script_beats_that_of_the_connection(engine: SqlEngine) -> None:
    assert engine.execute("SELECT database() AS d", MYSQL, "mysql")[0].rows == (("mysql",),)


@pytest.mark.parametrize("begun", ["", "START TRANSACTION;"])
def test_cancel__ends_the_statement_in_the_database(engine: SqlEngine, begun: str) -> None:
    cancellation = Cancellation()
    threading.Timer(0.3, cancellation.cancel).start()
    began = time.monotonic()
    with pytest.raises(ExecutionCancelled) as failure:
        engine.execute(f"{begun} SELECT sleep(60), 'cancelled'; SELECT 1", MYSQL, None, cancellation=cancellation)
    assert time.monotonic() - began < 5
    assert "sleep" in failure.value.statement
    running = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%cancelled%'"
    assert last(engine, f"{running} AND id <> connection_id()").rows == ((0,),)


def test_execute__wrong_password_says_so_and_keeps_it(mariadb_config: dict[str, Any]) -> None:
    engine, _ = open_real("shop", "RDS", {**mariadb_config, "password": "a-wrong-one"})
    with pytest.raises(EngineUnavailable) as failure:
        engine.execute("SELECT 1", MYSQL, None)
    assert "Access denied" in failure.value.reason
    assert "a-wrong-one" not in failure.value.reason


def test_execute__a_file_of_the_server_of_headrace_cannot_be_loaded(engine: SqlEngine) -> None:
    with pytest.raises(StatementFailed):
        engine.execute(
            "CREATE TABLE stolen (t TEXT); LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE stolen", MYSQL, None
        )


def test_open_real__the_driver_of_an_rds_connection_says_which_database_it_is(mariadb_config: dict[str, Any]) -> None:
    driver = {"driverName": "org.postgresql.Driver"}
    assert open_real("shop", "RDS", mariadb_config | driver)[1] is POSTGRES
    assert open_real("shop", "RDS", mariadb_config)[1] is None


def test_abandon__ends_the_wait_for_a_server_that_does_not_react(
    engine: SqlEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.sql.real.session._INTERRUPT_AGAIN", 0.01)
    monkeypatch.setattr("headrace.sql.real.mysql.MysqlSession.interrupt", lambda session: None)
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    began = time.monotonic()
    with pytest.raises(ExecutionCancelled):
        engine.execute("SELECT sleep(20)", MYSQL, None, cancellation=cancellation)
    assert time.monotonic() - began < 5
