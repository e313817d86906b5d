"""Baselines over HTTP: the documented operations, with the body of the published example."""

from __future__ import annotations

import time
from typing import Any

import pytest

ROOT = "/v2/{p}/factory/aiops/studio-1"


class Baselines:
    """A workspace of its own with a scheduled job."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.workspace = server.workspace()
        self.job = f"job_{time.time_ns()}"
        cron = {"type": "CRON", "cron": {"expression": "0 0 1 * * ?"}}
        nodes = [{"name": "a", "type": "Dummy"}]
        body = {"name": self.job, "processType": "BATCH", "nodes": nodes, "schedule": cron}
        assert self.call("POST", "/v1/{p}/jobs", body).status_code == 204
        shown = self.call("GET", f"/v1/{{p}}/jobs/{self.job}")
        assert shown.status_code == 200
        self.job_id = str(shown.json()["id"])

    def call(self, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        headers = {"workspace": self.workspace}
        return self.server.http.request(method, path, json=body, params=query, headers=headers)

    def body(self, **members: Any) -> dict[str, Any]:
        """The published example, for our job."""
        topic = {
            "duty_schedule_name": "444",
            "max_send_times": 1,
            "name": None,
            "notify_method": "DUTY_SCHEDULE",
            "other_persons": None,
            "protocol": '["sms","email","callnotify"]',
            "send_interval": 60,
            "smn_config_name": None,
            "urn": None,
        }
        return {
            "alarm_enable": True,
            "baseline_alarm_enable": True,
            "buffer": 3600000,
            "enable": True,
            "event_alarm": [],
            "name": "3333334457",
            "owner_name": "test",
            "priority": 3,
            "sign_enable": False,
            "sla_hour": "00",
            "sla_min": "00",
            "sla_task_ids": [self.job_id],
            "smn_topics": [topic],
            "type": "DAY",
            "workspace_id": self.workspace,
            **members,
        }


@pytest.fixture
def baselines(server: Any) -> Baselines:
    return Baselines(server)


def test_baseline__published_example_is_made_listed_changed_and_deleted(baselines: Baselines) -> None:
    made = baselines.call("POST", ROOT + "/baseline", baselines.body())
    assert (made.status_code, made.content) == (200, b"")
    answer = baselines.call("GET", ROOT + "/baseline", query={"workspace_id": baselines.workspace})
    assert answer.status_code == 200
    [shown] = answer.json()["baselines"]
    assert answer.json()["total"] == 1
    assert {name: shown[name] for name in ("name", "sla_hour", "sla_min", "exp_hour", "exp_min", "instance_id")} == {
        "name": "3333334457",
        "sla_hour": 0,
        "sla_min": 0,
        "exp_hour": 23,
        "exp_min": 0,
        "instance_id": "studio-1",
    }
    assert shown["sla_task_ids"] == [baselines.job_id]
    changed = baselines.call("PUT", f"{ROOT}/baseline/{shown['id']}", baselines.body(priority=5))
    assert changed.status_code == 200
    several = [("priority", 1), ("priority", 5)]
    assert baselines.call("GET", ROOT + "/baseline", query=several).json()["baselines"][0]["version"] == 2
    assert baselines.call("GET", ROOT + "/baseline", query=[("priority", 1)]).json()["total"] == 0
    deleted = baselines.call("DELETE", f"{ROOT}/baseline/{shown['id']}")
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert baselines.call("DELETE", f"{ROOT}/baseline/{shown['id']}").json()["error_code"] == "DLF.21203"


def test_baseline__of_hours_shows_its_times_as_documented(baselines: Baselines) -> None:
    period = [{"period_num": 1, "period_time": "00:30"}, {"period_num": 24, "period_time": "25:00"}]
    body = baselines.body(type="HOUR", period=period)
    assert baselines.call("POST", ROOT + "/baseline", body).status_code == 200
    [shown] = baselines.call("GET", ROOT + "/baseline").json()["baselines"]
    assert (shown["type"], shown["period"]) == ("HOUR", period)
    assert shown["hour_sla_detail"] == '{"1": "00:30", "24": "25:00"}'
    assert shown["hour_exp_detail"] == '{"1": "23:30", "24": "24:00"}'
    assert "sla_hour" not in shown
    refused = baselines.call("POST", ROOT + "/baseline", baselines.body(type="HOUR", name="none"))
    assert (refused.status_code, refused.json()["error_code"]) == (400, "DLF.3051")


def test_baseline__unknown_job_answers_dlf_21203(baselines: Baselines) -> None:
    answer = baselines.call("POST", ROOT + "/baseline", baselines.body(sla_task_ids=["1"]))
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "DLF.21203"
    assert answer.json()["error_msg"] == (
        "The value of parameter [sla_task_ids] does not exist, please check again its value."
    )


def test_baseline_instances__appear_once_the_scheduler_has_looked(baselines: Baselines) -> None:
    assert baselines.call("POST", ROOT + "/baseline", baselines.body()).status_code == 200
    now = time.time_ns() // 1_000_000
    query = {"start_time": now, "end_time": now + 3 * 86_400_000, "workspace_id": baselines.workspace}
    deadline = time.monotonic() + 30
    while not (found := baselines.call("GET", ROOT + "/baselineinstance", query=query).json()["baseline_instances"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    [shown] = found
    assert (shown["baseline_name"], shown["finish_status"]) == ("3333334457", "UNFINISH")
    assert shown["error_message"] == f"Not scheduled: {baselines.job} (STOPPED)."
    assert shown["sla_time"] - shown["expect_time"] == 3_600_000


def test_baseline_instances__need_both_bounds_or_none(baselines: Baselines) -> None:
    answer = baselines.call("GET", ROOT + "/baselineinstance", query={"start_time": 5})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "DLF.3051"


def test_baselines__pages_begin_with_one(baselines: Baselines) -> None:
    assert baselines.call("GET", ROOT + "/baseline", query={"offset": 0}).status_code == 400
    assert baselines.call("GET", ROOT + "/baseline", query={"offset": 2}).json() == {"baselines": [], "total": 0}
