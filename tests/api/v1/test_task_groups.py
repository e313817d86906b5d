"""Task groups as a client sees them. Source: reference on scheduling §8."""

from __future__ import annotations

from typing import Any

import pytest
from error_answers import failure
from running_jobs import Jobs, dummy


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


def groups(jobs: Jobs, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
    url = f"/v1/{{p}}/task-groups{path}"
    return jobs.server.http.request(method, url, json=body, headers={**jobs.headers, **headers})


def created(jobs: Jobs, name: str, most: int = 2) -> str:
    answer = groups(jobs, "POST", "", {"name": name, "maxNodes": most})
    assert answer.status_code == 200, answer.text
    number: str = answer.json()["id"]
    return number


def test_a_group_is_made_listed_changed_and_deleted(server: Any) -> None:
    jobs = Jobs(server)
    second, first = created(jobs, "second"), created(jobs, "first", 7)
    listed = [
        {"id": first, "name": "first", "maxNodes": 7},
        {"id": second, "name": "second", "maxNodes": 2},
    ]
    assert groups(jobs, "GET").json() == {"total": 2, "taskGroups": listed}
    changed = {"id": second, "name": "renamed", "maxNodes": 1000}
    assert groups(jobs, "PUT", f"/{second}", {"name": "renamed", "maxNodes": 1000}).json() == changed
    assert groups(jobs, "GET", f"/{second}").json() == changed
    assert groups(jobs, "DELETE", f"/{first}").status_code == 204
    assert groups(jobs, "GET").json() == {"total": 1, "taskGroups": [changed]}


def test_put__makes_a_group_with_the_id_that_jobs_from_elsewhere_name(jobs: Jobs) -> None:
    body = {"name": "imported", "maxNodes": 3}
    assert groups(jobs, "PUT", "/cloud-group_1", body).json() == {"id": "cloud-group_1", **body}


def test_groups_of_another_workspace_are_not_seen(server: Any) -> None:
    here, there = Jobs(server), Jobs(server)
    number = created(here, "mine")
    assert groups(there, "GET").json() == {"total": 0, "taskGroups": []}
    for method in ("GET", "DELETE"):
        assert failure(groups(there, method, f"/{number}", None))["error_code"] == "DLF.3051"
    assert groups(there, "PUT", f"/{number}", {"name": "theirs", "maxNodes": 1}).json()["maxNodes"] == 1
    assert groups(here, "GET", f"/{number}").json()["maxNodes"] == 2


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({}, "name"),
        ({"name": "a b", "maxNodes": 1}, "name"),
        ({"name": "n" * 129, "maxNodes": 1}, "name"),
        ({"name": "a"}, "maxNodes"),
        ({"name": "a", "maxNodes": 0}, "maxNodes"),
        ({"name": "a", "maxNodes": 1001}, "maxNodes"),
    ],
)
def test_a_wrong_member_is_named(jobs: Jobs, body: Any, member: str) -> None:
    for method, path in (("POST", ""), ("PUT", "/some")):
        answer = groups(jobs, method, path, body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "DLF.3051")
        assert f"{member}: " in answer.json()["error_msg"]


def test_a_name_is_unique_in_its_workspace(jobs: Jobs) -> None:
    created(jobs, "only")
    assert "'only'" in groups(jobs, "POST", "", {"name": "only", "maxNodes": 1}).json()["error_msg"]


@pytest.mark.parametrize("place", ["job", "node"])
def test_a_group_that_a_job_uses_is_not_deleted(jobs: Jobs, place: str) -> None:
    number = created(jobs, f"used_by_{place}")
    used = {"taskWorkGroupId": number}
    job = jobs.create(
        f"uses_{place}", dummy("a", **(used if place == "node" else {})), **(used if place == "job" else {})
    )
    refused = groups(jobs, "DELETE", f"/{number}")
    assert (refused.status_code, refused.json()["error_code"]) == (400, "DLF.3051")
    assert f"is used by the job '{job}'" in refused.json()["error_msg"]
    assert jobs.call("DELETE", f"/{job}").status_code == 204
    assert groups(jobs, "DELETE", f"/{number}").status_code == 204


def test_a_group_that_a_job_only_mentions_is_deleted(jobs: Jobs) -> None:
    number = created(jobs, "mentioned")
    jobs.create("mentions", dummy("a"), description=number)
    assert groups(jobs, "DELETE", f"/{number}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", ""), ("GET", "/x"), ("PUT", "/x"), ("DELETE", "/x")]
)
def test_an_unknown_workspace_answers_dlf_0819(jobs: Jobs, method: str, path: str) -> None:
    body = {"name": "a", "maxNodes": 1} if method in ("POST", "PUT") else None
    assert failure(groups(jobs, method, path, body, workspace="nowhere"))["error_code"] == "DLF.0819"
