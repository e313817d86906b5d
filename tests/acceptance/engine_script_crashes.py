"""Lets processes die while a script instance is begun, runs, ends or is cancelled, and starts their homes again."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import msgspec
from engine_crashes import SECONDS, Death, die_at, opened
from engine_invariants import processes_of
from engine_plays import caller_of
from engine_trouble import fail_at
from sqlalchemy import select

from headrace.app import Installation
from headrace.engine import engine
from headrace.factory import script_runs, scripts
from headrace.storage.statement import Statement
from headrace.storage.tables import script_instances
from headrace.wire.v1.scripts import ScriptInfo

_ALL = Statement(
    select(*(script_instances.c[name] for name in ("status", "message", "wish", "start_time", "end_time")))
)


def script_home(home: Path) -> Path:
    """A home with a script that marks that it runs."""
    installation = opened(home)
    text = json.dumps({"name": "s", "type": "Shell", "content": 'echo x >> "$HEADRACE_OBS_ROOT.ran"; sleep 0.1'})
    info = msgspec.json.decode(text, type=ScriptInfo)
    scripts.create(installation.services, caller_of(installation), info, text.encode())
    installation.stop()
    return home


def _all(installation: Installation) -> list[Any]:
    with installation.services.db.reading() as connection:
        return connection.all(_ALL)


def _until_ended(installation: Installation) -> list[Any]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = _all(installation)
        if all(row[0] in ("FINISHED", "FAILED") for row in found):
            break
        time.sleep(0.02)
    return found


def execute_and_die(home: Path, death: Death, cancels: bool) -> None:
    """Run the script, and cancel it when it has begun; die at a write."""
    installation = opened(home)
    installation.start()
    die_at(installation, death)
    _play(installation, cancels)
    _until_ended(installation)
    os._exit(0)


def execute_and_stumble(home: Path, death: Death, cancels: bool) -> None:
    """The same, with a write of the engine that fails."""
    engine.TROUBLE_SECONDS = 0.02
    installation = opened(home)
    installation.start()
    fail_at(installation, death)
    _play(installation, cancels)
    _tell(home, installation)


def start_scripts_again(home: Path) -> None:
    """What became of the script instances, and whether processes of theirs are left."""
    installation = opened(home)
    installation.start()
    _tell(home, installation)


def _play(installation: Installation, cancels: bool) -> None:
    number = script_runs.execute(installation.services, caller_of(installation), "s", {})
    if cancels:
        time.sleep(0.05)
        script_runs.cancel(installation.services, caller_of(installation), "s", number)


def _tell(home: Path, installation: Installation) -> None:
    found = [[status, message] for status, message, *_ in _until_ended(installation)]
    deadline = time.monotonic() + SECONDS
    while (left := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.02)
    (home / "answer.json").write_text(json.dumps({"found": found, "left": left}))
    os._exit(0)
