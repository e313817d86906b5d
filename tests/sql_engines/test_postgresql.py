"""Scripts on a real PostgreSQL, as DWS connections run them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from headrace.sql.dialects import POSTGRES
from headrace.sql.engine import Cancellation, ExecutionCancelled, SqlEngine, StatementFailed, StatementResult
from headrace.sql.engines import open_real
from headrace.sql.real.target import EngineUnavailable

pytestmark = pytest.mark.postgres


@pytest.fixture
def engine(postgres_config: dict[str, Any]) -> SqlEngine:
    opened, dialect = open_real("dws", "DWS", postgres_config)
    assert dialect is POSTGRES
    return opened


def last(engine: SqlEngine, script: str, **options: Any) -> StatementResult:
    return engine.execute(script, POSTGRES, None, **options)[-1]


def test_execute__each_statement_gives_its_result(engine: SqlEngine) -> None:
    made, filled, changed, told, dropped = engine.execute(
        "CREATE TABLE told (id int, name varchar(10)); INSERT INTO told VALUES (1, 'a'), (2, NULL);"
        "UPDATE told SET name = 'b' WHERE id = 2; SELECT * FROM told ORDER BY id; DROP TABLE told",
        POSTGRES,
        None,
    )
    assert (made.row_count, made.schema, made.input_row_count) == (0, (), None)
    assert (filled.row_count, filled.input_row_count) == (2, 2)
    assert (changed.row_count, changed.input_row_count) == (1, None)
    assert told.statement == "SELECT * FROM told ORDER BY id"
    assert (told.rows, told.row_count, told.truncated) == (((1, "a"), (2, "b")), 2, False)
    assert told.schema == (("id", "int4"), ("name", "varchar(10)"))
    assert dropped.duration_seconds >= 0


def test_execute__values_are_json_scalars(engine: SqlEngine) -> None:
    result = last(
        engine,
        """SELECT 1, 2.50::numeric, 1.5::float8, true, NULL, 'a', date '2024-01-31', timestamp '2024-01-31 10:00:00',
        timestamp '2024-01-31 10:00:00.5', timestamp 'infinity', '\\x00ff'::bytea, ARRAY[1, 2], '{"a": [1]}'::jsonb,
        ROW(1, 'error message'), interval '1 day', 'NaN'::float8, ARRAY[date '2024-01-31']""",
    )
    assert result.rows == (
        (
            *(1, "2.50", 1.5, True, None, "a", "2024-01-31", "2024-01-31 10:00:00"),
            *("2024-01-31 10:00:00.500000", "infinity", "00ff", "[1,2]", '{"a": [1]}'),
            *('(1,"error message")', "1 day", "nan", '["2024-01-31"]'),
        ),
    )


def test_execute__values_that_are_no_json_are_as_the_server_writes_them(engine: SqlEngine) -> None:
    result = last(
        engine,
        """SELECT 1.10::money, inet '1.2.3.4', int4range(1, 5), point '(1,2)', time '24:00', timetz '12:00:00.5+02',
        date '0044-03-15 BC', date '99999-01-01', ARRAY[timestamp 'infinity'], timestamptz '2024-01-01 00:00+00'""",
    )
    assert result.rows == (
        (
            *("$1.10", "1.2.3.4", "[1,5)", "(1,2)", "24:00:00", "12:00:00.500000+02"),
            *("0044-03-15 BC", "99999-01-01", '["infinity"]', "2024-01-01 00:00:00+00"),
        ),
    )


def test_execute__a_statement_that_would_be_cut_is_refused(engine: SqlEngine) -> None:
    with pytest.raises(StatementFailed, match="code 0"):
        engine.execute("DELETE FROM t \0 WHERE id = 1", POSTGRES, None)


def test_execute__stops_at_the_first_failure_and_keeps_what_was_before(engine: SqlEngine) -> None:
    heard: list[StatementResult] = []
    with pytest.raises(StatementFailed) as failure:
        engine.execute(
            "CREATE TABLE kept AS SELECT 1 AS id;\n  SELECT * FROM missing;\nDROP TABLE kept",
            POSTGRES,
            None,
            heard.append,
        )
    assert 'relation "missing" does not exist' in failure.value.reason
    assert failure.value.reason.endswith("[42P01]")
    assert failure.value.position == "line 2, column 3"
    assert [result.statement for result in heard] == ["CREATE TABLE kept AS SELECT 1 AS id"]
    assert last(engine, "SELECT count(*) FROM kept").rows == ((1,),)


def test_execute__a_transaction_left_open_is_rolled_back(engine: SqlEngine) -> None:
    engine.execute("CREATE TABLE undone (id int); BEGIN; INSERT INTO undone VALUES (1)", POSTGRES, None)
    engine.execute("START TRANSACTION; INSERT INTO undone VALUES (2); COMMIT", POSTGRES, None)
    assert last(engine, "SELECT id FROM undone").rows == ((2,),)


def test_execute__one_execution_is_one_session(engine: SqlEngine) -> None:
    script = "SET search_path TO pg_catalog; CREATE TEMP TABLE mine (id int); INSERT INTO mine VALUES (1); TABLE mine"
    assert last(engine, script).rows == ((1,),)
    with pytest.raises(StatementFailed, match="mine"):
        engine.execute("SELECT * FROM mine", POSTGRES, None)


def test_execute__shows_rows_up_to_the_limit(engine: SqlEngine) -> None:
    result = last(engine, "SELECT generate_series(1, 10000)", row_limit=3)
    assert (result.rows, result.row_count, result.truncated) == (((1,), (2,), (3,)), 3, True)
    assert not last(engine, "SELECT generate_series(1, 3)", row_limit=3).truncated


def test_execute__a_function_with_effects_runs_to_its_end_beyond_the_limit(engine: SqlEngine) -> None:
    script = (
        "CREATE SEQUENCE counted; SELECT nextval('counted') FROM generate_series(1, 50); SELECT last_value FROM counted"
    )
    assert last(engine, script, row_limit=2).rows == ((50,),)


def test_execute__notices_are_the_message(engine: SqlEngine) -> None:
    result = last(engine, "DO $$ BEGIN RAISE NOTICE 'rows: %', 5; END $$")
    assert result.message == "rows: 5"


def test_execute__insert_returning_gives_rows_and_counts_them(engine: SqlEngine) -> None:
    result = last(engine, "CREATE TABLE back (id int); INSERT INTO back VALUES (1), (2) RETURNING id")
    assert (result.rows, result.input_row_count) == (((1,), (2,)), 2)
    result = last(engine, "WITH more AS (SELECT 3 AS id) INSERT INTO back SELECT id FROM more")
    assert (result.row_count, result.schema, result.input_row_count) == (1, (), 1)


def test_execute__copying_to_and_from_the_client_is_refused(engine: SqlEngine) -> None:
    for copy in ("COPY copied FROM STDIN", "COPY copied TO STDOUT"):
        with pytest.raises(StatementFailed, match="not possible in a script"):
            engine.execute(f"CREATE TEMP TABLE copied (id int); {copy}; SELECT 1", POSTGRES, None)


def test_execute__a_statement_larger_than_the_buffers_of_the_socket_arrives(engine: SqlEngine) -> None:
    assert last(engine, f"SELECT length('{'x' * 5_000_000}')").rows == ((5_000_000,),)


def test_execute__types_of_the_database_are_named(engine: SqlEngine) -> None:
    script = "CREATE TYPE mood AS ENUM ('sad', 'glad'); SELECT 'glad'::mood AS m, NULL::mood[] AS l"
    result = last(engine, script)
    assert (result.rows, result.schema) == ((("glad", None),), (("m", "mood"), ("l", "mood[]")))


def test_execute__the_engine_is_lost_in_the_middle(engine: SqlEngine) -> None:
    with pytest.raises(StatementFailed, match=r"terminating connection|closed the connection"):
        engine.execute("SELECT pg_terminate_backend(pg_backend_pid()); SELECT 1", POSTGRES, None)


def test_execute__the_database_of_the_script_beats_that_of_the_connection(engine: SqlEngine) -> None:
    assert engine.execute("SELECT current_database()", POSTGRES, "postgres")[0].rows == (("postgres",),)


@pytest.mark.parametrize("begun", ["", "BEGIN;"])
def test_cancel__ends_the_statement_in_the_database(engine: SqlEngine, begun: str) -> None:
    cancellation = Cancellation()
    mark = f"cancelled {begun}"
    threading.Timer(0.3, cancellation.cancel).start()
    began = time.monotonic()
    with pytest.raises(ExecutionCancelled) as failure:
        engine.execute(f"{begun} SELECT pg_sleep(60), '{mark}'; SELECT 1", POSTGRES, None, cancellation=cancellation)
    assert time.monotonic() - began < 5
    assert "pg_sleep" in failure.value.statement
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%{}%' AND pid <> pg_backend_pid()"
    )
    assert last(engine, running.format(mark)).rows == ((0,),)


def test_cancel__before_the_first_statement_runs_none(engine: SqlEngine) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(ExecutionCancelled):
        engine.execute("CREATE TABLE never (id int)", POSTGRES, None, cancellation=cancellation)
    assert last(engine, "SELECT to_regclass('never')").rows == ((None,),)


def test_execute__unknown_database_says_so_and_keeps_the_password(postgres_config: dict[str, Any]) -> None:
    engine, _ = open_real("dws", "DWS", {**postgres_config, "password": "nowhere", "databaseName": "nowhere"})
    with pytest.raises(EngineUnavailable) as failure:
        engine.execute("SELECT 1", POSTGRES, None)
    assert "Connection 'dws'" in failure.value.reason
    assert "nowhere" not in failure.value.reason


def test_execute__closed_port_says_so(postgres_config: dict[str, Any]) -> None:
    engine, _ = open_real("dws", "DWS", {**postgres_config, "port": "9"})
    with pytest.raises(EngineUnavailable, match="9"):
        engine.execute("SELECT 1", POSTGRES, None)


def test_abandon__ends_the_wait_for_a_server_that_does_not_react(
    postgres_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.sql.real.session._INTERRUPT_AGAIN", 0.01)
    monkeypatch.setattr("headrace.sql.real.postgresql.PostgresSession.interrupt", lambda session: None)
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    began = time.monotonic()
    with pytest.raises(ExecutionCancelled):
        engine, _ = open_real("dws", "DWS", postgres_config)
        engine.execute("SELECT pg_sleep(20)", POSTGRES, None, cancellation=cancellation)
    assert time.monotonic() - began < 5
