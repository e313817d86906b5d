"""Job instances over v2. Source: factory-v2-notes, "Job instances and rerun"."""

from __future__ import annotations

import time
from typing import Any

import pytest


class Factory:
    """Jobs of a workspace of their own, made over v1 and asked for over v2."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.workspace = server.workspace()

    def call(self, method: str, path: str, body: Any = None, workspace: str = "", **query: Any) -> Any:
        headers = {"workspace": workspace or self.workspace}
        return self.server.http.request(method, path, json=body, params=query, headers=headers)

    def job(self, prefix: str, node_type: str = "Dummy", **members: Any) -> str:
        name = f"{prefix}_{time.time_ns()}"
        node = {"name": "a", "type": node_type, **members}
        body = {"name": name, "processType": "BATCH", "nodes": [node]}
        assert self.call("POST", "/v1/{p}/jobs", body).status_code == 204
        return name

    def run(self, name: str) -> dict[str, Any]:
        """The instance, as v2 shows it, when it has ended."""
        number = self.call("POST", f"/v1/{{p}}/jobs/{name}/run-immediate").json()["instanceId"]
        return self.ended(name, number)

    def ended(self, name: str, number: int) -> dict[str, Any]:
        self.server.installation.engine.wait(number, 30)
        shown: dict[str, Any] = self.call("GET", f"{JOBS}/{name}/instances/{number}").json()
        return shown

    def listed(self, name: str, **query: Any) -> Any:
        return self.call("GET", f"{JOBS}/{name}/instances/detail", **query)

    def retry(self, name: str, **body: Any) -> Any:
        asked = {"retry_location": "firstNode", "retry_task_version": "original_version", **body}
        return self.call("POST", f"{JOBS}/{name}/instances/retry", asked)


JOBS = "/v2/{p}/factory/jobs"


@pytest.fixture(scope="module")
def factory(server: Any) -> Factory:
    return Factory(server)


def named(*shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: item[name] for name in ("job_id", "plan_time", "submit_time")} for item in shown]


def failed(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def test_an_instance_is_shown_and_listed_in_snake_case(factory: Factory) -> None:
    name = factory.job("shown")
    shown = factory.run(name)
    assert sorted(shown) == [
        "end_time",
        "execute_time",
        "force_success",
        "ignore_success",
        "instance_id",
        "instance_type",
        "job_id",
        "job_instance_name",
        "job_name",
        "plan_time",
        "start_time",
        "status",
        "submit_time",
        "version",
    ]
    assert (shown["status"], shown["job_name"], shown["instance_type"]) == ("success", name, 2)
    assert factory.listed(name).json() == {"total": 1, "instances": [shown]}


def test_list__pages_newest_first_and_filters(factory: Factory) -> None:
    name = factory.job("paged")
    first, second, third = (factory.run(name) for _ in range(3))
    assert factory.listed(name, limit=2).json() == {"total": 3, "instances": [third, second]}
    assert factory.listed(name, limit=2, offset=1).json() == {"total": 3, "instances": [first]}
    bounds = {"min_plan_time": first["plan_time"] - 1, "max_plan_time": second["plan_time"]}
    assert [item["instance_id"] for item in factory.listed(name, **bounds).json()["instances"]] == [
        first["instance_id"]
    ]
    old = {"min_plain_time": bounds["min_plan_time"], "max_plain_time": bounds["max_plan_time"]}
    assert factory.listed(name, **old).json() == factory.listed(name, **bounds).json()
    assert factory.listed(name, status="fail").json()["total"] == 0
    assert factory.listed(name, instance_type="0").json()["total"] == 0


def test_list__only_those_that_were_forced_to_success(factory: Factory) -> None:
    name = factory.job("forced", "Unknown")
    one, other = factory.run(name), factory.run(name)
    path = f"/v1/{{p}}/jobs/{name}/instances/{one['instance_id']}/force-success"
    assert factory.call("POST", path).status_code == 204
    found = factory.listed(name, status="success", force_success="true").json()
    assert [item["instance_id"] for item in found["instances"]] == [one["instance_id"]]
    assert factory.listed(name, status="success", ignore_success="true").json()["total"] == 0
    assert factory.listed(name, status="fail").json()["instances"] == [other]
    v1 = factory.call("GET", "/v1/{p}/jobs/instances/detail", jobName=name, status="forceSuccess").json()
    assert [item["instanceId"] for item in v1["instances"]] == [one["instance_id"]]
    ignored = factory.call("GET", "/v1/{p}/jobs/instances/detail", jobName=name, status="ignoreSuccess").json()
    assert ignored["total"] == 0


def test_list__a_month_at_most_and_jobs_that_exist(factory: Factory) -> None:
    name, now, day = factory.job("month"), int(time.time() * 1000), 86_400_000
    assert factory.listed(name, min_plan_time=now - 31 * day, max_plan_time=now).status_code == 200
    too_long = factory.listed(name, min_plan_time=now - 32 * day, max_plan_time=now)
    assert failed(too_long) == (400, "DLF.3051")
    assert failed(factory.listed("nobody")) == (400, "DLF.0100")
    assert failed(factory.call("GET", f"{JOBS}/{name}/instances/detail", workspace="nowhere")) == (400, "DLF.0819")


def test_show__an_unknown_instance_answers_dlf_0137(factory: Factory) -> None:
    assert failed(factory.call("GET", f"{JOBS}/{factory.job('one')}/instances/1")) == (400, "DLF.0137")
    path = f"{JOBS}/{factory.job('one')}/instances/1"
    assert failed(factory.call("GET", path, workspace="nowhere")) == (400, "DLF.0819")


def test_retry__runs_the_named_instances_again(factory: Factory) -> None:
    name = factory.job("again")
    one, two = factory.run(name), factory.run(name)
    answer = factory.retry(name, task_retrys=named(one, two))
    assert (answer.status_code, answer.content) == (200, b"")
    for before in (one, two):
        after = factory.ended(name, before["instance_id"])
        assert (after["status"], after["plan_time"]) == ("success", before["plan_time"])
        assert after["start_time"] >= before["end_time"]


def test_retry__all_of_them_or_none(factory: Factory) -> None:
    name = factory.job("none")
    one = factory.run(name)
    unknown = {**named(one)[0], "plan_time": 1}
    assert failed(factory.retry(name, task_retrys=[*named(one), unknown])) == (400, "DLF.0137")
    assert factory.ended(name, one["instance_id"]) == one


def test_retry__an_instance_that_has_not_ended_answers_dlf_3051(factory: Factory) -> None:
    name = factory.job("busy", "Shell", properties=[{"name": "statement", "value": "sleep 60"}])
    number = factory.call("POST", f"/v1/{{p}}/jobs/{name}/run-immediate").json()["instanceId"]
    (shown,) = factory.listed(name).json()["instances"]
    assert failed(factory.retry(name, task_retrys=named(shown))) == (400, "DLF.3051")
    assert factory.call("POST", f"/v1/{{p}}/jobs/{name}/instances/{number}/stop").status_code == 204


def test_retry__the_ended_instances_of_jobs_in_a_range(factory: Factory) -> None:
    name, other = factory.job("range"), factory.job("other")
    one, two, beside = factory.run(name), factory.run(name), factory.run(other)
    jobs = [{"job_name": item, "workspace_id": factory.workspace} for item in (name, other)]
    span = {"begin_time": two["plan_time"], "end_time": beside["plan_time"]}
    assert factory.retry(name, jobs=jobs, concurrent=2, **span).status_code == 200
    assert factory.ended(name, two["instance_id"])["start_time"] >= two["end_time"]
    assert factory.ended(other, beside["instance_id"])["start_time"] >= beside["end_time"]
    assert factory.ended(name, one["instance_id"]) == one


def test_retry__where_nothing_is_to_be_run_again(factory: Factory) -> None:
    name = factory.job("empty")
    answer = factory.retry(name, begin_time=1, end_time=2)
    assert failed(answer) == (400, "DLF.3051")
    assert f"Job {name} have no instances to rerun" in answer.json()["error_msg"]
    assert failed(factory.retry("nobody", begin_time=1, end_time=2)) == (400, "DLF.0100")
    elsewhere = [{"job_name": name, "workspace_id": "nowhere"}]
    assert failed(factory.retry(name, jobs=elsewhere, begin_time=1, end_time=2)) == (400, "DLF.0819")


@pytest.mark.parametrize(
    ("member", "body"),
    [
        ("retry_location", {"retry_location": "first_node"}),
        ("retry_location", {"retry_location": None}),
        ("retry_task_version", {"retry_task_version": "latest_version"}),
        ("task_retrys", {}),
        ("begin_time", {"begin_time": 2, "end_time": 1}),
    ],
)
def test_retry__a_wrong_member_is_named(factory: Factory, member: str, body: Any) -> None:
    answer = factory.retry(factory.job("wrong"), **body)
    assert failed(answer) == (400, "DLF.3051")
    assert member in answer.json()["error_msg"]


def test_retry__from_a_node_in_the_current_version(factory: Factory) -> None:
    name = factory.job("current", "Unknown")
    one = factory.run(name)
    assert one["status"] == "fail"
    body = {"name": name, "processType": "BATCH", "nodes": [{"name": "a", "type": "Dummy"}]}
    assert factory.call("PUT", f"/v1/{{p}}/jobs/{name}", body).status_code == 204
    asked = {"retry_location": "specifiedNode", "node_name": "a", "retry_task_version": "current_version"}
    assert factory.retry(name, task_retrys=named(one), **asked).status_code == 200
    after = factory.ended(name, one["instance_id"])
    assert (after["status"], after["version"]) == ("success", 2)
