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
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import msgspec
from engine_invariants import Job, broken_rules
from sqlalchemy import func, update

from headrace.app import Installation, open_installation
from headrace.domain.identity import Caller
from headrace.factory import jobs, runs, workspaces
from headrace.settings import Settings
from headrace.storage import identity
from headrace.storage.database import SqliteDatabase
from headrace.storage.statement import Statement
from headrace.storage.tables import job_versions
from headrace.wire.v1.jobs import JobInfo

SECONDS = 20.0  # until everything must be at rest after a restart
PARALLEL = 2  # attempts at once
_NO_PAUSE = Statement(
    update(job_versions).values(
        document=func.replace(job_versions.c.document, '"retryInterval": 5', '"retryInterval": 0')
    )
)


def opened(home: Path) -> Installation:
    """An installation whose engine has not been started."""
    values = {"home": home, "local_execution": True, "max_parallel_nodes": PARALLEL}
    return open_installation(Settings.load(values, {}), {})


def caller_of(installation: Installation) -> Caller:
    services = installation.services
    with services.db.reading() as connection:
        user = identity.all_users(connection)[0]
    return Caller(user=user, workspace=workspaces.find(services, user.project_id, ""), now=services.now())


def new_home(home: Path, described: Sequence[Job]) -> Path:
    """A home with jobs, whose retries come at once (the API takes five seconds or more)."""
    installation = opened(home)
    for job in described:
        text = json.dumps({"processType": "BATCH", **job}).encode()
        jobs.create(installation.services, caller_of(installation), msgspec.json.decode(text, type=JobInfo), text)
    with installation.services.db.writing() as connection:
        connection.run(_NO_PAUSE)
    installation.stop()
    return home


@dataclass(frozen=True)
class Death:
    """At which write a process dies: before its commit, or when it is committed and nothing else was done."""

    number: int
    committed: bool

    def __str__(self) -> str:
        return f"{'after' if self.committed else 'before'} the commit of write {self.number}"


def die_at(death: Death) -> None:
    """From now on this process counts its writes, and kills itself at one of them."""
    original, lock, count = SqliteDatabase.writing, threading.Lock(), 0

    @contextmanager
    def writing(database: SqliteDatabase, *, durable: bool = True) -> Iterator[Any]:
        nonlocal count
        with lock:
            count += 1
            mine = count == death.number
        with original(database, durable=durable) as connection:
            yield connection
            if mine and not death.committed:
                os.kill(os.getpid(), signal.SIGKILL)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)

    SqliteDatabase.writing = writing  # type: ignore[method-assign]


def _run(home: Path, death: Death, job: str) -> None:
    """The process that dies, unless the job has ended before."""
    installation = opened(home)
    die_at(death)
    installation.start()
    number = runs.run_once(installation.services, caller_of(installation), job, ())
    installation.engine.wait(number, SECONDS)
    os._exit(0)


def _start_again(home: Path, described: Sequence[Job]) -> None:
    """The process after it: goes on until all is at rest, and writes down which rules are broken."""
    installation = opened(home)
    installation.start()
    broken = broken_rules(installation, described, SECONDS, PARALLEL)
    (home / "broken.json").write_text(json.dumps(broken))
    os._exit(0)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["headrace.app", "headrace.factory.jobs", "headrace.factory.runs"])
    return context


def in_process(work: Callable[..., None], *values: Any) -> int | None:
    """Run something in a process of its own; its exit code, None when it had to be ended."""
    process = _context().Process(target=work, args=values)
    process.start()
    process.join(2 * SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None
    return process.exitcode


def crashed(template: Path, home: Path, death: Death, described: Sequence[Job]) -> tuple[bool, list[str]]:
    """Run the first job on a copy of a home, die, start again: whether it died, and the rules that are broken."""
    shutil.copytree(template, home)
    code = in_process(_run, home, death, described[0]["name"])
    if code not in (0, -signal.SIGKILL):
        return True, [f"the first process ended with {code}"]
    if (again := in_process(_start_again, home, described)) != 0:
        return True, [f"the second process ended with {again}"]
    broken: list[str] = json.loads((home / "broken.json").read_text())
    if not broken:
        shutil.rmtree(home)
    return code != 0, broken
