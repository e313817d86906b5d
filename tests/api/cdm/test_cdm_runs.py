"""Runs of migration jobs. Source: contract, startJob, stopJob, showJobStatus."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cdm_bodies import job
from tests.conftest import Server


@pytest.fixture(scope="module")
def idle(server: Server, cluster: str) -> str:
    """The path of a job that never ran."""
    answer = server.http.post(f"/v1.1/{{p}}/clusters/{cluster}/cdm/job", json={"jobs": [job("idle")]})
    assert answer.status_code == 200
    return f"/v1.1/{{p}}/clusters/{cluster}/cdm/job/idle"


def failure(code: str, message: str) -> tuple[int, dict[str, str]]:
    return 400, {"code": code, "errCode": code, "message": message, "externalMessage": message}


@pytest.mark.parametrize("body", [None, {}, {"variables": {"day": "1"}}])
def test_start_job__that_has_no_links_ends_with_the_reason(server: Server, cluster: str, idle: str, body: Any) -> None:
    path = idle.replace("idle", f"started_{len(str(body))}")
    name = path.rpartition("/")[2]
    server.http.post(f"/v1.1/{{p}}/clusters/{cluster}/cdm/job", json={"jobs": [job(name)]}).raise_for_status()
    answer = server.http.put(f"{path}/start", json=body) if body is not None else server.http.put(f"{path}/start")
    assert answer.status_code == 200
    assert answer.json()["submissions"][0]["status"] == "BOOTING"
    ended = settled(server, path)
    assert ended["status"] == "FAILURE_ON_SUBMIT"
    assert ended["error-summary"].startswith("Link [")
    assert ended["counters"]["ROWS_READ"] == 0
    assert server.http.get(path).json()["jobs"][0]["status"] == "FAILED"
    server.http.delete(path).raise_for_status()


def settled(server: Server, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while (shown := server.http.get(f"{path}/status").json()["submissions"][0])["status"] in ("BOOTING", "RUNNING"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return dict(shown)


def test_stop_job__of_a_job_that_never_ran_answers_cdm_0053(server: Server, idle: str) -> None:
    answer = server.http.put(f"{idle}/stop")
    assert (answer.status_code, answer.json()) == failure("Cdm.0053", "The job is not running. [idle]")


@pytest.mark.parametrize("wish", ["start", "stop"])
def test_start_and_stop__unknown_job_answers_cdm_0100(server: Server, cluster: str, wish: str) -> None:
    answer = server.http.put(f"/v1.1/{{p}}/clusters/{cluster}/cdm/job/nobody/{wish}")
    assert (answer.status_code, answer.json()) == failure("Cdm.0100", "Job [nobody] does not exist.")


def test_random_start__makes_and_starts_jobs_in_a_cluster_that_runs(server: Server, cluster: str) -> None:
    body = {"jobs": [job("anywhere")], "clusters": ["nowhere", cluster]}
    answer = server.http.post("/v1.1/{p}/clusters/job", json=body)
    assert [one["job-name"] for one in answer.json()["submissions"]] == ["anywhere"]
    assert settled(server, f"/v1.1/{{p}}/clusters/{cluster}/cdm/job/anywhere")["status"] == "FAILURE_ON_SUBMIT"


def test_random_start__where_no_cluster_runs_nothing_is_made(server: Server, cluster: str) -> None:
    body = {"jobs": [job("lost")], "clusters": ["nowhere"]}
    assert server.http.post("/v1.1/{p}/clusters/job", json=body).json()["code"] == "Cdm.0001"
    missing = server.http.get(f"/v1.1/{{p}}/clusters/{cluster}/cdm/job/lost")
    assert missing.json()["errCode"] == "Cdm.0100"


def test_random_start__without_jobs_answers_cdm_0018(server: Server, cluster: str) -> None:
    assert server.http.post("/v1.1/{p}/clusters/job", json={"clusters": [cluster]}).json()["code"] == "Cdm.0018"


def test_show_job_status__of_a_job_that_never_ran_is_one_submission(server: Server, idle: str) -> None:
    shown = server.http.get(idle).json()["jobs"][0]
    assert server.http.get(f"{idle}/status").json() == {
        "submissions": [
            {
                "job-name": "idle",
                "status": "NEVER_EXECUTED",
                "progress": 0,
                "creation-user": "admin",
                "creation-date": shown["creation-date"],
                "last-update-date": shown["update-date"],
                "last-update-user": "admin",
                "last-udpate-user": "admin",
                "isIncrementing": False,
                "isStopingIncrement": "",
                "is-execute-auto": False,
                "isDeleteJob": False,
                "delete_rows": 0,
                "update_rows": 0,
                "write_rows": 0,
            }
        ]
    }


def test_show_submissions__of_a_job_that_never_ran_is_an_empty_page(server: Server, cluster: str, idle: str) -> None:
    answer = server.http.get(f"/v1.1/{{p}}/clusters/{cluster}/cdm/submissions", params={"jname": "idle"})
    assert answer.json() == {"submissions": [], "total": 0, "page_no": 1, "page_size": 10}


@pytest.mark.parametrize(
    ("query", "code"), [({}, "Cdm.0014"), ({"jname": "nobody"}, "Cdm.0100"), ({"jname": "x", "page_no": 0}, "Cdm.0014")]
)
def test_show_submissions__of_no_job_or_page_is_refused(server: Server, cluster: str, query: Any, code: str) -> None:
    answer = server.http.get(f"/v1.1/{{p}}/clusters/{cluster}/cdm/submissions", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_catalogue__says_what_is_installed(server: Server, cluster: str) -> None:
    shown = server.http.get(f"/v1.1/{{p}}/clusters/{cluster}").json()
    store = server.http.get("/v1.1/{p}/datastores").json()["datastores"][0]
    assert (store["name"], store["defaultVersion"]) == (shown["datastore"]["type"], shown["datastore"]["version"])
    projects = server.http.get("/v1.1/{p}/enterprise-projects").json()
    assert projects == {"resources": [{"cluster_id": cluster, "sys_tags": []}]}
    assert server.http.get(f"/v1.1/{{p}}/clusters/{cluster}/enterprise-projects").json() == {"sys_tags": []}
