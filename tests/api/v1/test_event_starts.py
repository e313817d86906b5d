"""Starting jobs that events trigger: what comes after the answer counts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from headrace.factory import event_jobs
from headrace.objectstore.path import ObsPath
from headrace.storage import event_triggers


def create(server: Any, workspace: str, event: dict[str, Any]) -> None:
    body = {
        "name": "job",
        "processType": "BATCH",
        "nodes": [{"name": "n", "type": "Dummy"}],
        "schedule": {"type": "EVENT", "event": event},
    }
    answer = server.http.post("/v1/{p}/jobs", json=body, headers={"workspace": workspace})
    assert answer.status_code == 204, answer.text


def start(server: Any, workspace: str) -> None:
    answer = server.http.post("/v1/{p}/jobs/job/start", headers={"workspace": workspace})
    assert answer.status_code == 204, answer.text


def instances(server: Any, workspace: str) -> list[dict[str, Any]]:
    answer = server.http.get(
        "/v1/{p}/jobs/instances/detail?jobName=job&preciseQuery=true", headers={"workspace": workspace}
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.content)["instances"]
    return found


def test_start_job__an_object_put_after_the_answer_is_an_event_and_one_before_is_none(server: Any) -> None:
    workspace = server.workspace()
    folder = ObsPath.parse(f"obs://events-{workspace[:8]}/in/")
    server.services.store.create_bucket(folder.bucket)
    server.services.store.put(folder / "old.csv", b"1")
    create(server, workspace, {"eventType": "OBS", "channel": str(folder), "interval": 1})
    start(server, workspace)
    server.services.store.put(folder / "new.csv", b"1")
    deadline = time.monotonic() + 30
    while not (found := instances(server, workspace)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(found) == 1
    with server.services.db.reading() as connection:
        event = event_triggers.event_of(connection, found[0]["instanceId"])
    assert event is not None
    assert event.data == f"{folder}new.csv"
    answer = server.http.post("/v1/{p}/jobs/job/stop", headers={"workspace": workspace})
    assert answer.status_code == 204, answer.text


def test_start_job__a_source_that_does_not_answer_does_not_keep_it_for_ever(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_jobs, "FIRST_LOOK_SECONDS", 0.05)
    workspace = server.workspace()
    create(server, workspace, {"eventType": "KAFKA", "channel": "topic", "connectionName": "nowhere"})
    start(server, workspace)
    answer = server.http.get("/v1/{p}/jobs/job/status", headers={"workspace": workspace})
    assert (answer.status_code, answer.json()["status"]) == (200, "SCHEDULING")
    answer = server.http.post("/v1/{p}/jobs/job/stop", headers={"workspace": workspace})
    assert answer.status_code == 204, answer.text
