"""Splits on a real Spark: the executor of one machine, with the Python of these tests, and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from split_runs import STAGES, TABLES, Run, sql

from headrace.errors_cdm import CdmError, RunStopped, TooManyDirtyRows
from headrace.transfer.connector import Elsewhere
from headrace.transfer.job import abandon_job

pytestmark = [pytest.mark.spark, pytest.mark.postgres]


@pytest.fixture(scope="module")
def spark() -> Elsewhere:
    pytest.importorskip("pyspark.sql.connect", reason="the extra headrace[spark] is not installed")
    port = int(os.environ.get("HEADRACE_TEST_SPARK_PORT", "55002"))
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError as error:
        pytest.skip(f"no Spark Connect on 127.0.0.1:{port} (make services starts one): {error}")
    return Elsewhere(spark=f"sc://127.0.0.1:{port}", spark_python=sys.executable)


AWKWARD = r"""
    CREATE TABLE awkward AS SELECT i AS id,
      CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE E'"a\n,\\中' END AS text,
      CASE i % 3 WHEN 0 THEN 'NaN' ELSE i / 7::numeric END::numeric AS free,
      (i / 7.0)::numeric(38, 20) AS exact,
      CASE i % 3 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE i / 7.0 END::float8 AS ratio,
      timestamptz '2024-03-31 01:59:59.123456+02' + make_interval(hours => i) AS moment,
      date '0001-01-01' + i AS day,
      decode(md5(i::text), 'hex') AS bytes,
      CASE WHEN i % 2 = 0 THEN i % 3 = 0 END AS truth,
      jsonb_build_object('n', i) AS json,
      CASE WHEN i % 2 = 0 THEN gen_random_uuid() END AS uuid,
      ARRAY[i, NULL] AS list
    FROM generate_series(1, 500) i
"""
SERVER = """
import json, sys
from pathlib import Path
from split_runs import Run
from headrace.transfer.connector import Elsewhere
from headrace.transfer.job import Listener
listener = Listener(prepared=lambda state: print(json.dumps(state), flush=True))
place = Elsewhere(*json.loads(sys.argv[3]))
direct = {"useStageTable": "false"}
Run(sys.argv[1], Path(sys.argv[2]), place, "slower", "left_over", listener, target=direct).start().end()
"""
CONNECTED = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
READING = f"{CONNECTED} AND query LIKE '%slow%' AND state = 'active'"


@pytest.fixture(scope="module")
def url(new_module_postgres_url: Callable[[], str]) -> str:
    made = new_module_postgres_url()
    sql(made, TABLES)
    sql(made, "CREATE VIEW slower AS SELECT slowly(i) AS id FROM generate_series(1, 600) i")
    return made


def test_splits__on_executors_give_what_threads_give(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    for table, elsewhere in (("by_threads", Elsewhere()), ("by_executors", spark)):
        run = Run(url, tmp_path, elsewhere, "many", table, partition="id", parallel=4).start().end()
        counts = run.counters.now()
        assert (counts.parts, counts.parts_done, counts.rows_read, counts.rows_written) == (4, 4, 20000, 20000)
        assert sql(url, f"SELECT * FROM many EXCEPT ALL SELECT * FROM {table}") == []
    assert [line for line in run.lines if line.startswith("Hands 4 parts to Spark 4.")]
    assert sql(url, STAGES) == [(0,)]


def test_splits__awkward_values_arrive_as_they_left(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    sql(url, AWKWARD)
    run = Run(url, tmp_path, spark, "awkward", "as_they_left", partition="id", parallel=2).start().end()
    assert run.counters.now().rows_written == 500
    for one, other in (("awkward", "as_they_left"), ("as_they_left", "awkward")):
        shown = "SELECT row(a.*)::text FROM {} a"
        assert sql(url, f"{shown.format(one)} EXCEPT ALL {shown.format(other)}") == []


def test_splits__an_error_of_an_executor_is_the_error_of_the_job(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    sql(url, "CREATE TABLE narrow (id SMALLINT, name TEXT, part NUMERIC); INSERT INTO narrow VALUES (0, 'kept', 0)")
    sql(url, "CREATE VIEW wide AS SELECT id + 20000 AS id, name, part FROM many")
    run = Run(url, tmp_path, spark, "wide", "narrow", partition="id", parallel=2).start()
    with pytest.raises(TooManyDirtyRows, match="does not fit int16"):
        run.end()
    assert sql(url, "SELECT * FROM narrow") == [(0, "kept", 0)]
    assert sql(url, STAGES) == [(0,)]


def test_splits__rows_that_may_be_left_out_are(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    sql(url, "CREATE TABLE few (id SMALLINT, name TEXT, part NUMERIC)")
    sql(url, "CREATE VIEW some_wide AS SELECT id + 32757 AS id, name, part FROM many WHERE id <= 13")
    run = Run(url, tmp_path, spark, "some_wide", "few", most_dirty=3).start().end()
    counts = run.counters.now()
    assert (counts.rows_read, counts.rows_written, counts.rows_skipped) == (13, 10, 3)
    assert sql(url, "SELECT count(*), max(id) FROM few") == [(10, 32767)]


def test_splits__end_when_the_job_is_stopped(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    run = Run(url, tmp_path, spark, "slower", "stopped").start()
    await_executor(url, run)
    run.cancellation.cancel()
    with pytest.raises(RunStopped):
        run.end()
    assert sql(url, "SELECT count(*) FROM stopped") == [(0,)]
    assert sql(url, STAGES) == [(0,)]
    await_no_work(url)


def test_splits__an_executor_killed_in_the_middle_fails_the_job_where_spark_tries_no_more(
    spark: Elsewhere, url: str, tmp_path: Path
) -> None:
    run = Run(url, tmp_path, spark, "slow", "killed").start()
    os.kill(await_executor(url, run), signal.SIGKILL)
    with pytest.raises(CdmError, match=r"Spark could not run a split: Job aborted .*Python worker exited"):
        run.end()
    assert sql(url, "SELECT count(*) FROM killed") == [(0,)]
    assert sql(url, STAGES) == [(0,)]


def test_abandon__ends_what_a_server_that_was_killed_left_running(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_text(SERVER)
    command = [sys.executable, str(program), url, str(tmp_path), json.dumps(spark)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            state = json.loads(server.stdout.readline())
            await_executor(url)
        finally:
            server.kill()
    run = Run(url, tmp_path, spark, "slower", "left_over")
    abandon_job(run.job, run.surroundings, state)
    await_no_work(url)
    ((rows,),) = sql(url, "SELECT count(*) FROM left_over")
    assert rows < 600
    abandon_job(run.job, run.surroundings, state)  # a second time there is nothing left to do


def test_splits__what_lives_here_runs_here(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    run = Run(url, tmp_path, spark, "many", "file:many.csv").start().end()
    assert "Runs in this process and not on Spark: its files are on this machine." in run.lines
    (written,) = tmp_path.rglob("many.csv")
    assert written.read_text().count("\n") >= 20000


@pytest.mark.parametrize(("wish", "chosen"), [("true", "Spark"), ("false", "Dask")])
def test_splits__a_job_chooses_where_both_are_named(
    spark: Elsewhere, url: str, tmp_path: Path, wish: str, chosen: str
) -> None:
    run = Run(url, tmp_path, spark._replace(dask="tcp://127.0.0.1:1"), "many", "file:many.csv")
    run.job = replace(run.job, driver={**run.job.driver, "throttlingConfig.submitToCluster": wish})
    run.start().end()
    assert f"Runs in this process and not on {chosen}: its files are on this machine." in run.lines


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sc://127.0.0.1:1/;use_ssl=true;token=hidden", r"spark_connect: 127\.0\.0\.1:1 cannot be used: .*refused"),
        ("https://spark.example/;token=hidden", "spark_connect: it is no URL"),
        ("sc://127.0.0.1/;token=hidden=hidden", "spark_connect: it is no URL"),
    ],
)
def test_splits__a_spark_that_is_not_there_is_told(
    spark: Elsewhere, url: str, tmp_path: Path, address: str, said: str
) -> None:
    run = Run(url, tmp_path, spark._replace(spark=address), "many", "nowhere").start()
    with pytest.raises(CdmError, match=said) as failure:
        run.end()
    assert "hidden" not in failure.value.message
    assert sql(url, STAGES) == [(0,)]


def test_splits__executors_without_headrace_are_told(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    bare = str(Path(sys.base_prefix, "bin", "python3"))
    run = Run(url, tmp_path, spark._replace(spark_python=bare), "many", "without").start()
    with pytest.raises(CdmError, match=r"Python of Spark's executors has no Headrace.*spark_python"):
        run.end()
    assert sql(url, "SELECT count(*) FROM without") == [(0,)]
    assert sql(url, STAGES) == [(0,)]


def test_splits__executors_without_their_python_are_told(spark: Elsewhere, url: str, tmp_path: Path) -> None:
    run = Run(url, tmp_path, spark._replace(spark_python="/nowhere/python"), "many", "without_python").start()
    with pytest.raises(CdmError, match=r'Spark could not run a split: .*Cannot run program "/nowhere/python"'):
        run.end()


def await_executor(url: str, run: Run | None = None) -> int:
    """Wait until a split reads; the process that does."""
    found: list[int] = []

    def look() -> bool:
        ports = {port for (port,) in sql(url, f"SELECT client_port FROM pg_stat_activity WHERE {READING}")}
        ends = [end for end in psutil.net_connections("tcp") if end.laddr.port in ports and end.pid]
        found.extend(end.pid for end in ends if end.pid != os.getpid())
        return found != []

    await_true(look, run)
    return found[0]


def await_no_work(url: str) -> None:
    """Wait until all connections are gone: those of the splits too."""
    await_true(lambda: sql(url, f"SELECT 1 FROM pg_stat_activity WHERE {CONNECTED}") == [])


def await_true(condition: Callable[[], bool], run: Run | None = None) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert run is None or run.failure is None, run and run.failure
        assert time.monotonic() < deadline
        time.sleep(0.05)
