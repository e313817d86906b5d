"""Scheduled jobs of an installation whose scheduler is the test; the clock is an argument."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from headrace.app import Installation
from headrace.domain.clock import from_millis, to_millis
from headrace.domain.identity import Caller
from headrace.factory import job_schedules, jobs, runs, workspaces
from headrace.scheduling.cleanup import cancel_overdue
from headrace.scheduling.generation import generate
from headrace.storage import identity, instance_lists, waits
from headrace.storage.instances import InstanceRecord
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances
from headrace.wire.v1.jobs import JobInfo

_MOVING = Statement(
    select(job_instances.c.id).where((job_instances.c.status == "running") | (job_instances.c.wish != ""))
)
ZONE = ZoneInfo("Asia/Shanghai")


class Factory:
    """Jobs of an installation whose scheduler is the test."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.services = installation.services
        self._count = 0

    def caller(self, at: datetime) -> Caller:
        with self.services.db.reading() as connection:
            user = identity.all_users(connection)[0]
        workspace = workspaces.find(self.services, user.project_id, "")
        return Caller(user=user, workspace=workspace, now=to_millis(at))

    def create(
        self,
        expression: str,
        *,
        statement: str = "",
        at: datetime,
        members: Mapping[str, Any] | None = None,
        **cron: Any,
    ) -> str:
        """A job with a cron schedule; ``members``: further ones of its document."""
        self._count += 1
        name = f"job_{self._count}"
        self._save(jobs.create, at, name, expression, statement, cron, members)
        return name

    def change(self, name: str, expression: str, *, at: datetime, **cron: Any) -> None:
        def save(services: Any, caller: Caller, job: JobInfo, text: bytes) -> None:
            jobs.replace(replace(services, now=lambda: to_millis(at)), caller, name, job, text)

        self._save(save, at, name, expression, "", cron)

    def _save(
        self,
        save: Callable[..., Any],
        at: datetime,
        name: str,
        expression: str,
        statement: str,
        cron: dict[str, Any],
        members: Mapping[str, Any] | None = None,
    ) -> None:
        kind = {"type": "Shell", "properties": [{"name": "statement", "value": statement}]} if statement else {}
        body = {
            "name": name,
            "processType": "BATCH",
            "nodes": [{"name": "n", "type": "Dummy", **kind}],
            "schedule": {"type": "CRON", "cron": {"expression": expression, **cron}},
            **(members or {}),
        }
        text = json.dumps(body).encode()
        save(self.services, self.caller(at), msgspec.json.decode(text, type=JobInfo), text)

    def start(self, name: str, at: datetime, start_date: int | None = None, *, first_alone: bool = False) -> None:
        runs.start(self.services, self.caller(at), name, (), start_date, first_alone=first_alone)

    def stop(self, name: str, at: datetime) -> None:
        runs.stop(self.services, self.caller(at), name)

    def pause(self, name: str, at: datetime) -> None:
        job_schedules.pause(self.services, self.caller(at), name)

    def restore(self, name: str, at: datetime) -> None:
        job_schedules.restore(self.services, self.caller(at), name)

    def tick(self, at: datetime, **settings: Any) -> None:
        services = replace(self.services, settings=replace(self.services.settings, **settings))
        while True:
            due, waiting = generate(services, to_millis(at))
            with services.db.writing() as connection:
                waits.settle(connection, waiting, to_millis(at))
            if not due:
                return

    def clean(self, at: datetime) -> int:
        return cancel_overdue(self.services, to_millis(at))

    def of(self, name: str) -> list[InstanceRecord]:
        with self.services.db.reading() as connection:
            total, found = instance_lists.page(
                connection,
                self.caller(datetime.now(UTC)).workspace.id,
                after=0,
                until=2**53,
                job_name=name,
                precise=True,
                status="",
                instance_type=0,
                skip=0,
                rows=1000,
            )
        assert total == len(found)
        return found[::-1]

    def plan_times(self, name: str) -> list[str]:
        return [f"{from_millis(item.plan_time).astimezone(ZONE):%d %H:%M}" for item in self.of(name)]

    def states(self, name: str) -> list[str]:
        return [item.status for item in self.of(name)]

    def run_all(self) -> None:
        """Let the engine run what may begin, until nothing moves any more."""
        self.installation.engine.wake()
        deadline = time.monotonic() + 30
        while True:
            with self.services.db.reading() as connection:
                moving = connection.all(_MOVING)
            if not moving:
                return
            assert time.monotonic() < deadline, moving
            time.sleep(0.01)


def moment(text: str) -> datetime:
    """``05 02:00`` of May 2026, in the service's zone."""
    return datetime.strptime(f"2026-05-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


START = moment("04 00:00")


def depending(job: str, **members: Any) -> dict[str, Any]:
    return {"dependJobs": {"jobs": job, **members}}
