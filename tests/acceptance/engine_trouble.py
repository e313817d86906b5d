"""Lets one write of a running engine fail, without the process ending: before its commit, or in doubt after it."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine_crashes import PARALLEL, SECONDS, Death, in_process, opened
from engine_invariants import broken_rules
from engine_plays import Play

from headrace.app import Installation
from headrace.engine import engine


class Trouble(Exception):
    """What a database says that is away for a moment."""


def fail_at(installation: Installation, death: Death) -> None:
    """From now on the engine's writes are counted, and one of them fails; committed ones fail only in appearance."""
    home, kind = installation.services.settings.home, type(installation.services.db)
    original, count = kind.writing, 0

    @contextmanager
    def writing(database: Any, *, durable: bool = True) -> Iterator[Any]:
        nonlocal count
        count += threading.current_thread().name == "engine"
        mine = threading.current_thread().name == "engine" and count == death.number
        with original(database, durable=durable) as connection:
            yield connection
            if mine and not death.committed:
                (home / "outcome").write_text("failed")
                raise Trouble("before the commit")
        if mine:
            (home / "outcome").write_text("failed")
            raise Trouble("in doubt")

    kind.writing = writing


def stumble(home: Path, death: Death, play: Play) -> None:
    """The process whose engine stumbles and goes on."""
    engine.TROUBLE_SECONDS = 0.02
    installation = opened(home)
    fail_at(installation, death)
    installation.start()
    play.act(installation, lambda: None)
    broken = broken_rules(installation, play.jobs, SECONDS, PARALLEL)
    (home / "broken.json").write_text(json.dumps(broken))
    os._exit(0)


def stumbled(template: Path, home: Path, death: Death, play: Play) -> tuple[bool, list[str]]:
    """Play on a copy of a home while a write fails: whether one did, and the rules that are broken."""
    shutil.copytree(template, home)
    in_process(stumble, home, death, play)
    answer = home / "broken.json"
    broken: list[str] = json.loads(answer.read_text()) if answer.exists() else ["it did not come to its end"]
    return (home / "outcome").exists(), [f"{death}: {rule}" for rule in broken]
