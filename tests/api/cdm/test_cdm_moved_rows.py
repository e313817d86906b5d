"""Migration jobs that really move rows, started by the official client; on both kinds of metadata database."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from huaweicloudsdkcdm.v1 import model
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from moving import ENDED, Moving, awaited, moved
from tests.conftest import ServerStarter

from headrace.objectstore.path import ObsPath
from headrace.sql.dialects import HIVE

MANY = 200_000  # rows; several batches


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def moving(
    request: pytest.FixtureRequest, start_server: ServerStarter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Moving]:
    url = request.getfixturevalue("new_module_postgres_url")() if request.param == "postgresql" else None
    with start_server(tmp_path_factory.mktemp("home"), database_url=url, time_zone="UTC") as server:
        made = Moving(server)
        for name in ("shop", "copy"):
            made.sqlite(name)
        made.link("store", "obs-connector")
        made.link("tables", "hive-connector")
        made.run_sql("shop.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY, price TEXT, day TEXT)")
        days = ["2026-03-09", "2026-03-10"]
        rows = [(n, f"{n}.50", days[n % 2]) for n in range(1, 11)]
        made.run_sql("shop.db", "INSERT INTO orders VALUES (?, ?, ?)", rows=rows)
        made.run_sql("shop.db", "CREATE TABLE many (id INTEGER PRIMARY KEY)")
        made.run_sql("shop.db", "INSERT INTO many VALUES (?)", rows=[(n,) for n in range(MANY)])
        made.run_sql("copy.db", "CREATE TABLE many (id INTEGER PRIMARY KEY)")
        yield made


def hive(moving: Moving, sql: str) -> list[list[Any]]:
    """What a statement gives on the embedded engine of the default workspace."""
    workspace = moving.server.credentials["workspace_id"]
    (result,) = moving.server.services.open_sql(workspace).execute(sql, HIVE, None)
    return [list(row) for row in result.rows]


def refused(moving: Moving, name: str, act: str) -> tuple[int, str]:
    """The code of what the official client is refused."""
    asked = {
        "start": (model.StartJobRequest, moving.sdk.start_job),
        "stop": (model.StopJobRequest, moving.sdk.stop_job),
    }
    request, call = asked[act]
    with pytest.raises(ClientRequestException) as failed:
        call(request(cluster_id=moving.cluster, job_name=name))
    return failed.value.status_code, failed.value.error_code


def test_job__with_variables_moves_rows_of_a_day_into_a_file(moving: Moving) -> None:
    source = {"tableName": "orders", "columnList": "id&price", "whereClause": "day = '${day}'"}
    target = {"bucketName": "lake", "outputDirectory": "orders/${day}", "outputFormat": "CSV_FILE"}
    moving.job("daily", ("shop", "store:obs-connector"), source, target)
    started = moving.start("daily", {"day": "2026-03-09"})
    assert (started.status, started.job_name, started.is_execute_auto) == ("BOOTING", "daily", False)
    assert moved(moving.ended("daily")) == ("SUCCEEDED", 5, 5, 0)
    files = moving.objects("lake/orders/2026-03-09")
    assert [text.split() for text in files.values()] == [["2,2.50", "4,4.50", "6,6.50", "8,8.50", "10,10.50"]]
    missing = moving.run("daily")
    assert missing["status"] == "FAILURE_ON_SUBMIT"
    assert "${day} is no variable of this start" in missing["error-summary"]


def test_job__moves_a_file_into_a_table_and_the_table_into_the_warehouse(moving: Moving) -> None:
    moving.server.services.store.put(ObsPath("lake", "in/prices.csv"), b"article,price\nA,1.5\nB,2.25\n")
    source = {"bucketName": "lake", "inputDirectory": "in", "inputFormat": "CSV_FILE", "firstRowAsHeader": "true"}
    moving.run_sql("copy.db", "CREATE TABLE IF NOT EXISTS prices (article TEXT, price TEXT)")
    moving.job(
        "load", ("store:obs-connector", "copy"), source, {"tableName": "prices", "beforeImportType": "shouldClearTable"}
    )
    assert moved(moving.run("load"))[0:3:2] == ("SUCCEEDED", 2)
    assert moving.run_sql("copy.db", "SELECT * FROM prices ORDER BY article") == [("A", "1.5"), ("B", "2.25")]
    hive(moving, "CREATE TABLE prices (article STRING, price DECIMAL(12,2))")
    target = {"database": "default", "table": "prices"}
    moving.job("publish", ("copy", "tables:hive-connector"), {"tableName": "prices"}, target)
    assert moved(moving.run("publish")) == ("SUCCEEDED", 2, 2, 0)
    assert sorted((row[0], str(row[1])) for row in hive(moving, "SELECT * FROM prices")) == [
        ("A", "1.50"),
        ("B", "2.25"),
    ]


def test_job__that_runs_shows_growing_counts_and_is_stopped(moving: Moving) -> None:
    limits = {"throttlingConfig_throttling": "true", "throttlingConfig_recordRate": "40000"}
    moving.job("slow", ("shop", "copy"), {"tableName": "many"}, {"tableName": "many"}, **limits)
    moving.start("slow")
    first = awaited(lambda: moving.status("slow"), lambda one: one["counters"]["ROWS_READ"] > 0)
    assert (first["status"], "error-summary" in first) == ("RUNNING", False)
    assert refused(moving, "slow", "start") == (400, "Cdm.0052")
    shown = moving.sdk.show_job_status(model.ShowJobStatusRequest(cluster_id=moving.cluster, job_name="slow"))
    assert shown.submissions[0].status == "RUNNING"
    awaited(lambda: moving.status("slow"), lambda one: one["counters"]["ROWS_READ"] > first["counters"]["ROWS_READ"])
    moving.sdk.stop_job(model.StopJobRequest(cluster_id=moving.cluster, job_name="slow"))
    ended = moving.ended("slow")
    assert (ended["status"], ended["progress"], ended["error-summary"]) == ("FAILED", -1, "stopped by user")
    assert 0 < ended["counters"]["ROWS_READ"] < MANY
    assert refused(moving, "slow", "stop") == (400, "Cdm.0053")
    assert moving.run_sql("copy.db", "SELECT COUNT(*) FROM many") == [(0,)]  # it was staged
    tables = moving.run_sql("copy.db", "SELECT name FROM sqlite_master WHERE name LIKE '%stage%'")
    assert tables == []


def test_submissions__are_pages_newest_first(moving: Moving) -> None:
    target = {"bucketName": "lake", "outputDirectory": "again", "outputFormat": "CSV_FILE"}
    moving.job("again", ("shop", "store:obs-connector"), {"tableName": "orders"}, target)
    numbers = [moving.run("again")["submission-id"] for _ in range(3)]
    page = {"jname": "again", "page_no": 2, "page_size": 2}
    shown = moving.server.http.get(f"{moving.path}/submissions", params=page).json()
    assert ([one["submission-id"] for one in shown["submissions"]], shown["total"]) == (numbers[:1], 3)
    listed = moving.sdk.show_submissions(model.ShowSubmissionsRequest(cluster_id=moving.cluster, jname="again"))
    assert [one.submission_id for one in listed.submissions] == numbers[::-1]
    job = moving.server.http.get(f"{moving.path}/job/again").json()["jobs"][0]
    assert (job["status"], job["rows_read"], job["rows_written"]) == ("SUCCEEDED", 10, 10)


def test_submission__has_numbers_as_numbers(moving: Moving) -> None:
    """Each of these breaks the Go client when it is text, or is missing. Source: reference on connectors, §2."""
    target = {"bucketName": "lake", "outputDirectory": "numbers", "outputFormat": "CSV_FILE"}
    moving.job("numbers", ("shop", "store:obs-connector"), {"tableName": "orders"}, target)
    moving.start("numbers")
    moving.ended("numbers")
    shown = moving.status("numbers")
    numbers = ("submission-id", "progress", "creation-date", "execute-date", "last-update-date", "write_rows")
    assert [type(shown[name]) for name in numbers] == [int] * len(numbers)
    truths = ("isIncrementing", "is-execute-auto", "isDeleteJob")
    assert [shown[name] for name in truths] == [False, False, False]
    flat = {name: count for name, count in shown["counters"].items() if "." not in name}
    assert shown["counters"]["org.apache.sqoop.submission.counter.SqoopCounters"] == flat
    assert {type(count) for count in flat.values()} == {int}
    assert shown["last-update-user"] == shown["last-udpate-user"] == "admin"


@pytest.mark.parametrize(
    ("allowed", "status", "written"), [("1", "FAILED", 0), ("2", "SUCCEEDED", 3), ("3", "SUCCEEDED", 3)]
)
@pytest.mark.parametrize("link", ["", "store"])
def test_dirty_rows__are_kept_as_json_lines_up_to_the_limit(
    moving: Moving, allowed: str, status: str, written: int, link: str
) -> None:
    """Two of five rows do not fit; the third bad row would end the job where two are allowed."""
    name = f"dirty_{allowed}_{link}"
    moving.server.services.store.put(ObsPath("lake", "dirty/in.csv"), b'1,a\n2,b\nx,c\n4,d\ny,"e,f"\n')
    hive(moving, f"CREATE TABLE {name} (id INT, word STRING)")
    moving.job(
        name,
        ("store:obs-connector", "tables:hive-connector"),
        {"bucketName": "lake", "inputDirectory": "dirty", "inputFormat": "CSV_FILE", "quoteChar": "true"},
        {"database": "default", "table": name},
        throttlingConfig_recordDirtyData="true",
        throttlingConfig_maxErrorRecords=allowed,
        throttlingConfig_writeToLink=link,
        throttlingConfig_obsBucket="bad" if link else "",
        throttlingConfig_dirtyDataDirectory="/rows" if link else "obs://bad/rows",
    )
    ended = moving.run(name)
    assert (ended["status"], ended["counters"]["ROWS_WRITTEN_SKIPPED"]) == (status, 2), ended
    assert hive(moving, f"SELECT COUNT(*) FROM {name}") == [[written]]
    ((path, text),) = moving.objects(f"bad/rows/{name}").items()
    assert path == f"{ended['submission-id']}/0.jsonl"
    lines = [json.loads(line) for line in text.splitlines()]
    assert [list(line["row"].values()) for line in lines] == [["x", "c"], ["y", "e,f"]]
    assert [line["error"] for line in lines] == [f"Column '1': {bad!r} does not fit int32." for bad in ("x", "y")]
    if status == "FAILED":
        assert ended["error-details"].startswith("Cdm.0936: ")


def test_dirty_rows__without_a_bucket_are_refused_before_anything_is_read(moving: Moving) -> None:
    dirty = {"throttlingConfig_recordDirtyData": "true", "throttlingConfig_dirtyDataDirectory": "/rows"}
    moving.job("no_bucket", ("shop", "copy"), {"tableName": "many"}, {"tableName": "many"}, **dirty)
    ended = moving.run("no_bucket")
    assert (ended["status"], ended["counters"]["ROWS_READ"]) == ("FAILED", 0)
    assert "throttlingConfig.obsBucket: missing" in ended["error-summary"]


def test_job__whose_link_is_wrong_tells_no_secret(moving: Moving, caplog: pytest.LogCaptureFixture) -> None:
    secret = "pw-of-nobody-at-all"
    values = {"host": "127.0.0.1", "port": "9", "username": "me", "password": secret, "database": "db"}
    moving.link("wrong", "generic-jdbc-connector", databaseType="POSTGRESQL", **values)
    moving.job("leak", ("wrong", "copy"), {"tableName": "many"}, {"tableName": "many"})
    with caplog.at_level(logging.DEBUG):
        ended = moving.run("leak")
    assert ended["status"] == "FAILED"
    assert ended["error-details"].startswith("Cdm.0901: ")
    answers = [
        moving.server.http.get(f"{moving.path}/{end}").text
        for end in ("job/leak", "link/wrong", "submissions?jname=leak")
    ]
    assert secret not in "".join([json.dumps(ended), caplog.text, *answers])


@pytest.mark.parametrize(("kind", "left"), [("DELETE", False), ("DELETE_AFTER_SUCCEED", True), ("NONE", True)])
def test_job__that_removes_itself_says_so(moving: Moving, kind: str, left: bool) -> None:
    """It fails, as its table is missing: so only DELETE removes it."""
    name = f"once_{kind}"
    moving.job(name, ("shop", "copy"), {"tableName": "no"}, {"tableName": "no"}, schedulerConfig_disposableType=kind)
    answer = moving.server.http.put(f"{moving.path}/job/{name}/start")
    assert answer.json()["submissions"][0]["isDeleteJob"] is (kind != "NONE")
    look = lambda: moving.server.http.get(f"{moving.path}/job/{name}/status").json()  # noqa: E731
    shown = awaited(look, lambda one: "submissions" not in one or one["submissions"][0]["status"] == "FAILED")
    if left:
        assert shown["submissions"][0]["isDeleteJob"] is (kind != "NONE")
        return
    assert awaited(look, lambda one: "submissions" not in one)["errCode"] == "Cdm.0100"


def test_scheduled_job__starts_by_itself_and_says_so(moving: Moving) -> None:
    """At the latest in the next minute, where making it took too long."""
    begin = datetime.now(UTC) + timedelta(seconds=3)
    moving.job(
        "timed",
        ("shop", "store:obs-connector"),
        {"tableName": "orders"},
        {"bucketName": "lake", "outputDirectory": "timed", "outputFormat": "CSV_FILE"},
        schedulerConfig_isSchedulerJob="true",
        schedulerConfig_cycleType="minute",
        schedulerConfig_cycle="1",
        schedulerConfig_startDate=f"{begin:%Y-%m-%d %H:%M:%S}",
    )
    ended = awaited(lambda: moving.status("timed"), lambda one: one["status"] in ENDED, seconds=100)
    assert (moved(ended), ended["is-execute-auto"]) == (("SUCCEEDED", 10, 10, 0), True)
    assert ended["creation-date"] >= begin.replace(microsecond=0).timestamp() * 1000
    request = model.DeleteJobRequest(cluster_id=moving.cluster, job_name="timed")
    moving.sdk.delete_job(request)


def test_scheduled_job__whose_times_cannot_be_understood_is_refused(moving: Moving) -> None:
    with pytest.raises(ClientRequestException) as failed:
        moving.job("no_times", ("a", "b"), {}, {}, schedulerConfig_isSchedulerJob="1", schedulerConfig_cycleType="year")
    assert failed.value.error_code == "Cdm.0014"
    assert failed.value.error_msg.endswith("cycleType: 'year' is none of minute, hour, day, week, month.")
