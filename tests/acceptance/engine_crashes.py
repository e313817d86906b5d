"""Lets processes die at a chosen write of the engine, starts the same home again, and looks at what is left.

Nothing in the product knows of this: the children wrap the writes of the database themselves.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import msgspec
from engine_invariants import Job, Look, at_rest, broken_rules, looked_at, shown
from engine_plays import Play, caller_of
from sqlalchemy import func, update

from headrace.app import Installation, open_installation
from headrace.factory import jobs
from headrace.settings import Settings
from headrace.storage.statement import Statement
from headrace.storage.tables import job_versions
from headrace.wire.v1.jobs import JobInfo

SECONDS = 20.0  # until everything must be at rest after a restart
PARALLEL = 2  # attempts at once
_QUICK = Statement(
    update(job_versions).values(
        document=func.replace(
            func.replace(job_versions.c.document, '"retryInterval": 5', '"retryInterval": 0'),
            '"maxExecutionTime": 5',
            '"maxExecutionTime": 0.01',
        )
    )
)


def opened(home: Path, **settings: Any) -> Installation:
    """An installation whose engine has not been started."""
    values = {"home": home, "local_execution": True, "max_parallel_nodes": PARALLEL, **settings}
    return open_installation(Settings.load(values, {}), {})


def new_home(home: Path, described: Sequence[Job], **settings: Any) -> Path:
    """A home with jobs, whose retries and timeouts of five seconds and minutes, the least there are, come at once."""
    installation = opened(home, **settings)
    for job in described:
        text = json.dumps({"processType": "BATCH", **job}).encode()
        jobs.create(installation.services, caller_of(installation), msgspec.json.decode(text, type=JobInfo), text)
    with installation.services.db.writing() as connection:
        connection.run(_QUICK)
    installation.stop()
    return home


@dataclass(frozen=True)
class Death:
    """At which write a process dies: before its commit, or when it is committed and nothing else was done."""

    number: int
    committed: bool

    def __str__(self) -> str:
        return f"{'after' if self.committed else 'before'} the commit of write {self.number}"


def die_at(installation: Installation, death: Death) -> None:
    """From now on this process counts its writes, and kills itself at one of them."""
    home, kind = installation.services.settings.home, type(installation.services.db)
    original, lock, count = kind.writing, threading.Lock(), 0

    @contextmanager
    def writing(database: Any, *, durable: bool = True) -> Iterator[Any]:
        nonlocal count
        with lock:
            count += 1
            mine = count == death.number
        with original(database, durable=durable) as connection:
            yield connection
            if mine and not death.committed:
                _die(home)
        if mine:
            _die(home)

    kind.writing = writing


def _die(home: Path) -> None:
    (home / "outcome").write_text("died")
    os.kill(os.getpid(), signal.SIGKILL)


def live_and_die(home: Path, death: Death, play: Play, settings: dict[str, Any]) -> None:
    """The process that dies, unless all was at rest before."""
    installation = opened(home, **settings)
    installation.start()
    play.act(installation, partial(die_at, installation, death))
    (home / "acknowledged").touch()
    at_rest(installation, play.jobs, SECONDS)
    (home / "outcome").write_text("survived")
    os._exit(0)


def _start_again(home: Path, play: Play) -> None:
    """The process after it: goes on until all is at rest, and writes down which rules are broken."""
    installation = opened(home)
    installation.start()
    broken = broken_rules(installation, play.jobs, SECONDS, PARALLEL)
    broken += _of_play(looked_at(installation, play.jobs), play, acknowledged=(home / "acknowledged").exists())
    (home / "broken.json").write_text(json.dumps(broken))
    os._exit(0)


def _of_play(looks: Sequence[Look], play: Play, *, acknowledged: bool) -> list[str]:
    tops = [look for look in looks if look.record.parent_id is None]
    lost = any(item.outcome == "lost" for look in looks for attempts in look.attempts.values() for item in attempts)
    broken = [f"not possible: {shown(look)}" for look in tops if look.record.status not in play.possible]
    if acknowledged and not tops:
        broken.append("what was acknowledged is gone")
    if acknowledged and play.acknowledged and not lost:
        broken += [f"forgotten: {shown(look)}" for look in tops if look.record.status != play.acknowledged]
    return broken


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["headrace.app", "headrace.factory.jobs", "headrace.factory.runs"])
    return context


def in_process(work: Callable[..., None], *values: Any) -> None:
    """Run something in a process of its own, to its end; exit codes are not to be had by several threads at once."""
    process = _context().Process(target=work, args=values)
    process.start()
    process.join(2 * SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def crashed(template: Path, home: Path, death: Death, play: Play) -> tuple[bool, list[str]]:
    """Play on a copy of a home, die, start again: whether it died, and the rules that are broken."""
    shutil.copytree(template, home)
    outcome, answer = home / "outcome", home / "broken.json"
    in_process(live_and_die, home, death, play, {})
    if not outcome.exists():
        return True, ["the first process did not come to its write"]
    in_process(_start_again, home, play)
    if not answer.exists():
        return True, ["the second process did not come to its end"]
    died = outcome.read_text() == "died"
    broken: list[str] = json.loads(answer.read_text())
    if not broken:
        shutil.rmtree(home)
    return died, broken


def broken_at_writes(folder: Path, play: Play, deaths: Sequence[Death]) -> tuple[int, list[str]]:
    """Let a process die at each of these writes: how many did, and what was broken afterwards."""
    folder.mkdir()
    template = new_home(folder / "template", play.jobs[::-1])

    def die(death: Death) -> tuple[bool, list[str]]:
        home = folder / f"{death.number}{'ba'[death.committed]}"
        died, broken = crashed(template, home, death, play)
        return died, [f"{death}: {rule}" for rule in broken]

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(die, deaths))
    return sum(died for died, _ in results), [rule for _, broken in results for rule in broken]


def broken_at_any_write(folder: Path, play: Play) -> tuple[int, list[str]]:
    """Let processes die at the first write, the second, and so on until one comes to the end."""
    total, broken, first = 0, [], 1
    while True:
        deaths = [Death(number, committed) for number in range(first, first + 4) for committed in (False, True)]
        died, found = broken_at_writes(folder / str(first), play, deaths)
        total, broken, first = total + died, broken + found, first + 4
        if broken or died < len(deaths):
            return total, broken
