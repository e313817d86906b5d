"""Scripts and jobs whose connection leads to a real PostgreSQL, as a client sees them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from running_jobs import Jobs
from sqlalchemy import Engine, create_engine, make_url, text

pytestmark = pytest.mark.postgres
PASSWORD = "kept-out-of-sight"


@pytest.fixture(scope="module")
def warehouse(new_module_postgres_url: Callable[[], str]) -> Iterator[Engine]:
    engine = create_engine(make_url(new_module_postgres_url()).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def jobs(server: Any, warehouse: Engine) -> Jobs:
    made = Jobs(server)
    config = {"ip": warehouse.url.host, "port": str(warehouse.url.port), "userName": warehouse.url.username}
    config |= {"password": PASSWORD, "sslEnable": False, "kmsKey": "k", "agentName": "a"}
    body = {"name": "dws", "type": "DWS", "config": config}
    answer = server.http.post("/v1/{p}/connections", json=body, headers=made.headers)
    assert answer.status_code == 204, answer.text
    return made


def script(jobs: Jobs, warehouse: Engine, name: str, content: str) -> str:
    body = {"name": name, "type": "DWSSQL", "content": content, "connectionName": "dws"}
    body["database"] = warehouse.url.database
    answer = jobs.server.http.post("/v1/{p}/scripts", json=body, headers=jobs.headers)
    assert answer.status_code == 204, answer.text
    return name


def execute(jobs: Jobs, name: str) -> str:
    answer = jobs.server.http.post(f"/v1/{{p}}/scripts/{name}/execute", json={}, headers=jobs.headers)
    number: str = answer.json()["instanceId"]
    return number


def results(jobs: Jobs, name: str, number: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        path = f"/v1/{{p}}/scripts/{name}/instances/{number}"
        found: dict[str, Any] = jobs.server.http.get(path, headers=jobs.headers).json()
        if found["status"] in ("FINISHED", "FAILED"):
            return found
        time.sleep(0.01)
    raise AssertionError(found)


def asleep(warehouse: Engine, mark: str) -> int:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE :like AND pid <> pg_backend_pid()"
    )
    with warehouse.connect() as connection:
        return int(connection.execute(text(query), {"like": f"%{mark}%"}).scalar_one())


def until_asleep(warehouse: Engine, mark: str, count: int = 1, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while asleep(warehouse, mark) != count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def node(name: str, script_name: str, *before: str, **properties: str) -> dict[str, Any]:
    given = [{"name": key, "value": value} for key, value in ({"scriptName": script_name} | properties).items()]
    return {"name": name, "type": "DWSSQL", "preNodeName": list(before), "properties": given}


def test_job__runs_in_the_database_and_hands_on_its_output(jobs: Jobs, warehouse: Engine) -> None:
    fill = "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, '${who}'), (2, NULL); SELECT count(*) FROM t"
    script(jobs, warehouse, "fill", fill)
    script(jobs, warehouse, "note", "INSERT INTO t VALUES (3, '${found}')")
    arguments = 'found=#{Job.getNodeOutput("fill")}'
    name = jobs.create(
        "load", node("fill", "fill", scriptArgs="who=you"), node("note", "note", "fill", scriptArgs=arguments)
    )
    shown = jobs.ended(name, jobs.run(name))
    assert shown["status"] == "success", shown
    with warehouse.connect() as connection:
        rows = connection.execute(text("SELECT a, b FROM t ORDER BY a")).all()
    assert [tuple(row) for row in rows] == [(1, "you"), (2, None), (3, '[["2"]]')]
    log = jobs.log(shown, "fill")
    assert "Connection 'dws' (DWS): running on" in log
    assert PASSWORD not in log


def test_script__failure_tells_the_engines_text_and_the_place(jobs: Jobs, warehouse: Engine) -> None:
    name = script(jobs, warehouse, "broken", "SELECT 1 AS one;\nSELECT * FROM nowhere")
    found = results(jobs, name, execute(jobs, name))
    assert (found["status"], found["results"][0]["rows"], found["results"][0]["schema"]) == (
        "FAILED",
        [[1]],
        [{"one": "int4"}],
    )
    assert 'relation "nowhere" does not exist [42P01] (line 2, column 1: SELECT * FROM nowhere)' in found["message"]


def test_script__stopping_it_ends_the_statement_in_the_database(jobs: Jobs, warehouse: Engine) -> None:
    name = script(jobs, warehouse, "sleepy_script", "SELECT pg_sleep(60), 'sleepy script'")
    number = execute(jobs, name)
    until_asleep(warehouse, "sleepy script")
    path = f"/v1/{{p}}/scripts/{name}/instances/{number}/stop"
    assert jobs.server.http.post(path, headers=jobs.headers).status_code == 204
    found = results(jobs, name, number)
    assert (found["status"], found["message"]) == ("FAILED", "canceled")
    until_asleep(warehouse, "sleepy script", 0, seconds=5)


def test_job__stopping_its_instance_ends_the_statement_in_the_database(jobs: Jobs, warehouse: Engine) -> None:
    script(jobs, warehouse, "sleepy_job", "SELECT pg_sleep(60), 'sleepy job'")
    name = jobs.create("sleepy", node("sleep", "sleepy_job"))
    number = jobs.run(name)
    until_asleep(warehouse, "sleepy job")
    assert jobs.call("POST", f"/{name}/instances/{number}/stop").status_code in (200, 204)
    assert jobs.ended(name, number)["status"] == "manual-stop"
    until_asleep(warehouse, "sleepy job", 0, seconds=5)


def dli_node(name: str, sql: str, *before: str) -> dict[str, Any]:
    properties = [{"name": "sql", "value": sql}, {"name": "statementOrScript", "value": "STATEMENT"}]
    return {"name": name, "type": "DLISQL", "preNodeName": list(before), "properties": properties}


def test_dli__ids_of_statements_reach_later_nodes(jobs: Jobs) -> None:
    ids = '#{JSONUtil.path(Job.getRunningData("one"),"jobIds[1]")}'
    name = jobs.create(
        "ids",
        dli_node("one", "CREATE TABLE ids (a INT); INSERT INTO ids VALUES (1)"),
        dli_node("two", f"SELECT '{ids}' = '#{{Job.getInsertJobId(\"one\")}}' AS same, length('{ids}') AS n", "one"),
        dli_node("three", "SELECT '#{Job.getNodeOutput(\"two\")}' AS told", "two"),
    )
    shown = jobs.ended(name, jobs.run(name))
    assert shown["status"] == "success", shown
    assert '[["true","36"]]' in jobs.log(shown, "three")


@pytest.mark.spark
def test_job__runs_hive_scripts_on_spark_without_a_password(jobs: Jobs) -> None:
    port = int(os.environ.get("HEADRACE_TEST_SPARK_PORT", "55002"))
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError as error:
        pytest.skip(f"no Spark Connect on 127.0.0.1:{port} (make services starts one): {error}")
    config = {"clusterName": "c", "connectionMethod": "direct", "ip": "127.0.0.1", "port": str(port)}
    config |= {"authentication": "NONE", "protocol": "spark-connect"}
    body = {"name": "lake", "type": "HIVE", "config": config}
    answer = jobs.server.http.post("/v1/{p}/connections", json=body, headers=jobs.headers)
    assert answer.status_code == 204, answer.text
    properties = {"statement": "SELECT '${hiveconf:day}' AS day, current_user() = 'nobody' AS n"}
    properties |= {"connectionName": "lake", "programParameter": "--hiveconf day=2024-01-31", "database": "default"}
    given = [{"name": key, "value": value} for key, value in properties.items()]
    look = {"name": "look", "type": "HiveSQL", "preNodeName": [], "properties": given}
    name = jobs.create("on_spark", look, dli_node("told", "SELECT '#{Job.getNodeOutput(\"look\")}' AS told", "look"))
    shown = jobs.ended(name, jobs.run(name))
    assert shown["status"] == "success", jobs.log(shown, "look")
    assert '[["2024-01-31","false"]]' in jobs.log(shown, "told")
