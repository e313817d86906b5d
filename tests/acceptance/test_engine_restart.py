"""An installation that is stopped in the middle of a run completes it after the next start."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.app import Installation, open_installation
from headrace.domain.identity import Caller
from headrace.engine.engine import Engine
from headrace.engine.recovery import EngineTaken
from headrace.engine.walk import LOST
from headrace.factory import jobs, runs, workspaces
from headrace.settings import Settings
from headrace.storage import identity, instances
from headrace.wire.v1.jobs import JobInfo


def opened(home: Path) -> Installation:
    """A started installation."""
    installation = open_installation(Settings.load({"home": home, "local_execution": True}, {}), {})
    installation.start()
    return installation


def caller_of(installation: Installation) -> Caller:
    services = installation.services
    with services.db.reading() as connection:
        user = identity.all_users(connection)[0]
    return Caller(user=user, workspace=workspaces.find(services, user.project_id, ""), now=services.now())


def shell(name: str, statement: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "Shell", "properties": [{"name": "statement", "value": statement}], **members}


def test_what_a_stop_interrupted_goes_on_where_policies_let_it(tmp_path: Path) -> None:
    home, marks = tmp_path / "home", tmp_path / "marks"
    nodes = [
        shell("again", f"echo x >> {marks}; test $(wc -l < {marks}) -gt 1 || sleep 60", retryTimes=1),
        shell("never", "sleep 60", failPolicy="IGNORE"),
        {"name": "join", "type": "Dummy", "preNodeName": ["again", "never"]},
    ]
    text = json.dumps({"name": "j", "processType": "BATCH", "nodes": nodes}).encode()
    first = opened(home)
    jobs.create(first.services, caller_of(first), msgspec.json.decode(text, type=JobInfo), text)
    number = runs.run_once(first.services, caller_of(first), "j", ())
    deadline = time.monotonic() + 20
    while not marks.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    first.stop()

    second = opened(home)
    ended = second.engine.wait(number, 30)
    with second.services.db.reading() as connection:
        shown = instances.nodes_of(connection, number)
    second.stop()
    assert (ended.status, ended.ignore_success, marks.read_text()) == ("success", 1, "x\nx\n")
    seen = [(node.status, node.retry_times, node.error_message) for node in shown]
    assert seen == [("success", 1, ""), ("fail", 0, LOST), ("success", 0, "")]


def test_a_home_has_one_engine(tmp_path: Path) -> None:
    installation = opened(tmp_path / "home")
    with pytest.raises(EngineTaken, match="holds"):
        Engine(installation.services).start()
    installation.stop()
