"""The nightly migration, imported as a package, moves real rows; also when its server is killed in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from migration_systems import (
    MARIADB,
    MERGED,
    MOVES,
    ROWS,
    TABLES,
    Systems,
    clicks,
    more_moves,
    postgres_inputs,
    prepared,
)

from free_port import free_port

EXAMPLE = Path(__file__).parents[2] / "examples/nightly_migration/package"
CLICKS = 5_000
NEW = "updated_at >= CURDATE() - INTERVAL 1 DAY"

pytestmark = [pytest.mark.postgres, pytest.mark.mariadb, pytest.mark.s3, pytest.mark.timeout(300)]


class Server:
    """A server of its own process, and both its APIs."""

    def __init__(self, home: Path, port: int) -> None:
        self._home, self._port = home, port
        self._url = f"http://127.0.0.1:{port}"
        self.start()
        self._project = json.loads((home / "credentials.json").read_text("utf-8"))["project_id"]

    def start(self) -> None:
        command = [sys.executable, "-m", "headrace", "up", "--home", str(self._home), "--port", str(self._port)]
        environment = {**os.environ, "HEADRACE_AUTH": "none", "HEADRACE_TIME_ZONE": "UTC"}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, "the server left"
            try:
                if httpx.get(f"{self._url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                assert time.monotonic() < deadline, "it never answered"
            time.sleep(0.02)

    def call(self, method: str, path: str, version: str = "v1", **options: Any) -> Any:
        answer = httpx.request(method, f"{self._url}/{version}/{self._project}{path}", timeout=60, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def cdm(self, method: str, path: str, **options: Any) -> Any:
        return self.call(method, path, "v1.1", **options)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def clusters(self) -> dict[str, str]:
        return {one["name"]: one["id"] for one in self.cdm("GET", "/clusters")["clusters"]}

    def submissions(self, cluster: str, job: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cdm("GET", f"/clusters/{cluster}/cdm/submissions?jname={job}")["submissions"]
        return found

    def instance(self, number: int) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("GET", f"/jobs/nightly_migration/instances/{number}")
        return shown

    def ended(self, number: int, seconds: float = 120) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while (shown := self.instance(number))["status"] in ("waiting", "running"):
            states = [(node["nodeName"], node["status"], node.get("errorMessage", "")) for node in shown["nodes"]]
            assert time.monotonic() < deadline, states
            errors = [(name, error) for name, _, error in states if error]
            assert errors == []  # a second attempt would come after two minutes
            time.sleep(0.1)
        return shown


@pytest.fixture
def systems(new_postgres_url: Any, s3_endpoint: str) -> Iterator[Systems]:
    """The lake's database is called lake, as the scripts say; one test at a time has it."""
    admin = new_postgres_url()
    with psycopg.connect(admin.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(20240501)")
        connection.execute("DROP DATABASE IF EXISTS lake WITH (FORCE)")
        connection.execute("CREATE DATABASE lake")
        made = prepared(admin.rpartition("/")[0] + "/lake", s3_endpoint)
        yield made
        made.close()
        connection.execute("DROP DATABASE lake WITH (FORCE)")


@pytest.fixture
def s3_clicks(systems: Systems) -> bytes:
    from obstore.store import S3Store

    content = clicks(CLICKS)
    httpx.put(f"{systems.s3}/acme-web").raise_for_status()
    store = S3Store(
        "acme-web",
        endpoint=systems.s3,
        access_key_id="AK",
        secret_access_key="SK",
        region="us-east-1",
        client_options={"allow_http": True},
    )
    store.put(f"clicks/{systems.yesterday:%Y/%m/%d}/part-0.csv", content)
    return content


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "home", free_port())
    yield running
    running.kill()


def inputs(**values: str) -> dict[str, Any]:
    named = [{"name": f"linkConfig.{name}", "value": value} for name, value in values.items()]
    return {"configs": [{"name": "linkConfig", "inputs": named}]}


def imported(server: Server, systems: Systems, folder: Path) -> None:
    """Import the package, then give its links and its connection their real addresses and passwords."""
    archive = folder / "nightly.zip"
    subprocess.run([sys.executable, "-m", "headrace", "pack", str(EXAMPLE), "-o", str(archive)], check=True)
    headers = {"content-type": "application/zip"}
    task = server.call("POST", "/jobs/import", content=archive.read_bytes(), headers=headers)["taskId"]
    deadline = time.monotonic() + 60
    while (shown := server.call("GET", f"/system-tasks/{task}"))["status"] != "SUCCESSFUL":
        assert shown["status"] != "FAILED", shown
        assert time.monotonic() < deadline
        time.sleep(0.05)
    lake = postgres_inputs(systems.postgres)
    mysql = {"databaseType": "MYSQL", "host": MARIADB["host"], "port": str(MARIADB["port"])}
    mysql |= {"username": MARIADB["user"], "password": MARIADB["password"]}
    obs = {"storageType": "OBS", "server": systems.s3, "port": "80", "accessKey": "AK", "securityKey": "SK"}
    for name, cluster in server.clusters().items():
        if not name.startswith("cdm-"):
            continue
        for path in sorted((EXAMPLE / "cdm" / name / "links").glob("*.json")):
            link = json.loads(path.read_text("utf-8"))["links"][0]
            schema = path.stem.removeprefix("mysql_")
            values = {
                "dws_lake": lake,
                "obs_web": obs,
            }.get(path.stem) or mysql | {"database": f"{systems.prefix}{schema}"}
            if path.stem != "hive_lake":
                link["link-config-values"] = inputs(**values)
                server.cdm("PUT", f"/clusters/{cluster}/cdm/link/{path.stem}", json={"links": [link]})
        for path in sorted((EXAMPLE / "cdm" / name).glob("mig_*.json")):
            with_schema(server, cluster, path.stem, systems)
    config = {
        "ip": lake["host"],
        "port": lake["port"],
        "userName": lake["username"],
        "password": lake["password"],
        "databaseName": lake["database"],
        "sslEnable": False,
    }
    server.call("PUT", "/connections/dws_retail", json={"name": "dws_retail", "type": "DWS", "config": config})


def with_schema(server: Server, cluster: str, name: str, systems: Systems, **settings: str) -> None:
    """The databases of MariaDB have a prefix here; ``settings`` go to the job's throttlingConfig."""
    job = server.cdm("GET", f"/clusters/{cluster}/cdm/job/{name}")["jobs"][0]
    for config in job["from-config-values"]["configs"]:
        for item in config["inputs"]:
            if item["name"] == "fromJobConfig.schemaName" and not item["value"].startswith(systems.prefix):
                item["value"] = systems.prefix + item["value"]
    throttling = job["driver-config-values"]["configs"][0]["inputs"]
    throttling += [{"name": f"throttlingConfig.{setting}", "value": value} for setting, value in settings.items()]
    server.cdm("PUT", f"/clusters/{cluster}/cdm/job/{name}", json={"jobs": [job]})


def run_script(server: Server, name: str, content: str, kind: str = "HiveSQL") -> list[list[str]]:
    """Run a script on the embedded engine; the rows of its last result."""
    script = {"name": name, "type": kind, "content": content, "connectionName": "lake_hive", "database": "stage"}
    server.call("POST", "/scripts", json=script)
    number = server.call("POST", f"/scripts/{name}/execute", json={})["instanceId"]
    deadline = time.monotonic() + 60
    while (shown := server.call("GET", f"/scripts/{name}/instances/{number}"))["status"] in ("LAUNCHING", "RUNNING"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert shown["status"] == "FINISHED", shown
    rows: list[list[str]] = (shown.get("results") or [{}])[-1].get("rows", [])
    return rows


def started(server: Server) -> int:
    number: int = server.call("POST", "/jobs/nightly_migration/run-immediate")["instanceId"]
    return number


def check_lake(systems: Systems) -> None:
    """Every table of the lake holds what its job should have moved, value by value."""
    same = (
        ("crm", "accounts", "id, name, segment, updated_at", NEW),
        ("crm", "contacts", "id, account_id, email, born, updated_at", NEW),
        ("erp", "invoices", "id, customer_id, amount, currency, issued_on, updated_at", NEW),
        ("erp", "payments", "id, line, invoice_id, amount, paid_at", "1=1"),
        ("hr", "people", "id, full_name, active <> 0, photo, hired_on", "1=1"),
        ("pos", "receipts", "id, line, shop, article, quantity, price, sold_at", NEW.replace("updated", "sold")),
        ("wms", "moves", "id, article, from_place, to_place, moved_at", "1=1"),
    )
    assert {(schema, table) for schema, table, _, _ in same} == set(TABLES)
    for schema, table, columns, where in same:
        expected = systems.source_rows(schema, table, columns, where)
        found = systems.lake_rows(f"stage.{schema}_{table}", columns.replace("active <> 0", "active::int"))
        assert [row[0] for row in found] == [row[0] for row in expected], table
        assert [tuple(map(plain, row)) for row in found] == [tuple(map(plain, row)) for row in expected], table


def plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else bytes(value) if isinstance(value, memoryview) else value


def test_nightly_migration__moves_every_row_and_counts_them(
    server: Server, systems: Systems, s3_clicks: bytes, tmp_path: Path
) -> None:
    imported(server, systems, tmp_path)
    run_script(server, "make", "CREATE TABLE web_clicks (ts TIMESTAMP, user_id BIGINT, url STRING, ref STRING)")
    shown = server.ended(started(server))
    states = {node["nodeName"]: node["status"] for node in shown["nodes"]}
    assert shown["status"] == "success", shown
    assert states.pop("alert") == "skip"
    assert set(states.values()) == {"success"}, states
    check_lake(systems)
    assert run_script(server, "count", "SELECT count(*), min(user_id), max(ref) FROM web_clicks") == [[CLICKS, 0, "r8"]]
    today = datetime.now(UTC).date()
    for name in MERGED:
        rows = dict(systems.lake_rows(f"lake.{name}"))
        assert rows[1] in (systems.yesterday, today), name
        assert rows[-5] is None
    clusters = server.clusters()
    for cluster, job, read, written in (
        ("cdm-a", "mig_crm_accounts", ROWS // 2, ROWS // 2),
        ("cdm-b", "mig_erp_payments", ROWS, ROWS),
        ("cdm-b", "mig_web_clicks", CLICKS, CLICKS),
    ):
        (submission,) = server.submissions(clusters[cluster], job)
        counters = submission["counters"]["org.apache.sqoop.submission.counter.SqoopCounters"]
        assert (submission["status"], submission["progress"]) == ("SUCCEEDED", 100)
        assert counters["ROWS_WRITTEN"] == written
        assert counters["ROWS_READ"] - counters["ROWS_WRITTEN"] in (0, 1)  # a header counts as read
        assert read <= counters["ROWS_READ"]


def test_nightly_migration__a_second_night_adds_only_clicks(
    server: Server, systems: Systems, s3_clicks: bytes, tmp_path: Path
) -> None:
    imported(server, systems, tmp_path)
    run_script(server, "make", "CREATE TABLE web_clicks (ts TIMESTAMP, user_id BIGINT, url STRING, ref STRING)")
    for _ in range(2):
        assert server.ended(started(server))["status"] == "success"
    check_lake(systems)
    assert run_script(server, "count", "SELECT count(*) FROM web_clicks") == [[2 * CLICKS]]


def until_it_writes(server: Server, systems: Systems, number: int) -> None:
    """Wait until the fast branches are through, and the slow one has written some of its rows."""
    slow = {"pos_receipts", "web_clicks", "wms_moves"}
    fast = {f"merge_{name}" for name in (*MERGED, "web_clicks") if name not in slow}
    deadline = time.monotonic() + 100
    while True:
        nodes = server.instance(number)["nodes"]
        states = {node["nodeName"]: node["status"] for node in nodes}
        if {states[name] for name in fast} == {"success"} and 0 < written(systems) < MOVES:
            break
        open_nodes = [(one["nodeName"], one["status"], one.get("errorMessage")) for one in nodes]
        waiting = [str(one) for one in open_nodes if one[1] != "success"]
        assert time.monotonic() < deadline, f"{written(systems)} rows; {' '.join(waiting)}"
        time.sleep(0.02)
    assert {states[f"cdm_{name}"] for name in slow} == {"running"}


def written(systems: Systems) -> int:
    """Rows of the slow table in the lake so far."""
    try:
        return int(systems.lake_rows("stage.wms_moves", "count(*)")[0][0])
    except psycopg.errors.UndefinedTable:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 2])
def test_nightly_migration__killed_in_the_middle_it_ends_with_the_right_rows(
    server: Server, systems: Systems, s3_clicks: bytes, tmp_path: Path, kills: int
) -> None:
    imported(server, systems, tmp_path)
    run_script(server, "make", "CREATE TABLE web_clicks (ts TIMESTAMP, user_id BIGINT, url STRING, ref STRING)")
    more_moves(systems)
    clusters = server.clusters()
    slowed = (
        ("cdm-b", "mig_wms_moves", "8000"),
        ("cdm-b", "mig_web_clicks", "200"),
        ("cdm-a", "mig_pos_receipts", "40"),
    )
    for cluster, job, rate in slowed:  # half a minute each, so that a slow machine has time to see them run
        limits = {"throttling": "true", "byteRate": "0", "recordRate": rate, "numExtractors": "1"}
        with_schema(server, clusters[cluster], job, systems, **limits)
    number = started(server)
    for kill in range(kills):
        until_it_writes(server, systems, number)
        if kill == kills - 1:
            for cluster, job, _ in slowed:
                with_schema(server, clusters[cluster], job, systems, throttling="false")
        server.kill()
        server.start()
    shown = server.ended(number)
    assert shown["status"] == "success", shown
    check_lake(systems)
    assert run_script(server, "count", "SELECT count(*), count(DISTINCT user_id) FROM web_clicks") == [[CLICKS, CLICKS]]
    assert [row for row in systems.lake_rows("pg_tables", "tablename") if "cdm_stage" in row[0]] == []
