"""An alarm that is queued, or on its way, when its server is killed is sent by the next one."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from test_engine_cluster import shell, until
from test_kill import port, serving

from node_surroundings import Request, load_apprise, web_service

__all__ = ["port"]  # a fixture
load_apprise()


def test_a_queued_alarm_survives_the_end_of_its_server(tmp_path: Path, port: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    on_its_way, over = threading.Event(), threading.Event()

    def answer(request: Request) -> tuple[int, bytes, dict[str, str]]:
        if not over.is_set():
            on_its_way.set()
            over.wait(30)
        return 200, b"", {}

    with web_service(answer) as service:
        hook = service.url.replace("http://", "json://") + "/hook"
        (home / "headrace.toml").write_text(f'local_execution = true\n[topics]\nops = "{hook}?rto=60"\n')
        with serving(home, port) as server:
            root = str(server.http.base_url).replace("/v1/", "/v2/").rstrip("/") + "/factory"
            rule = {"remind_type": 1, "topics": ["ops"]}
            assert server.http.put(f"{root}/alarm/rules/failures", json=rule).status_code == 200
            job = {"name": "j", "processType": "BATCH", "nodes": [shell("a", "exit 3")]}
            assert server.http.post("/jobs", json=job).status_code == 204
            assert server.http.post("/jobs/j/run-immediate", json={}).status_code == 200
            assert on_its_way.wait(30)
            assert server.http.get(f"{root}/alarm-info").json() == {"alarm_info": [], "total": 0}
        over.set()
        with serving(home, port) as server:
            until(lambda: server.http.get(f"{root}/alarm-info").json()["total"] > 0)
            [record] = server.http.get(f"{root}/alarm-info").json()["alarm_info"]
    assert (record["job_name"], record["remind_type"], record["send_status"]) == ("j", 1, 0)
    assert {json.loads(request.body)["title"] for request in service.requests} == {"Job j failed"}
    assert len(service.requests) == 2
