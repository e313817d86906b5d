"""Simulates the schedules of a workspace, with the history of its jobs for estimates."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.dependency_rules import Mode
from headrace.domain.identity import Caller
from headrace.domain.job import JobDefinition
from headrace.domain.working_days import Works
from headrace.errors import HeadraceError, InvalidParameter, JobNotFound
from headrace.scheduling.simulated_nodes import nodes_of
from headrace.scheduling.simulation import (
    Awaited,
    SimulatedInstance,
    SimulatedJob,
    Simulation,
    listens_to,
    usual_durations,
)
from headrace.services import Services
from headrace.storage import calendars, default_items, simulated_jobs
from headrace.storage import jobs as stored_jobs
from headrace.storage.database import Connection
from headrace.storage.simulated_jobs import SimulatedJobRecord
from headrace.wire.v1 import simulation as wire
from headrace.wire.v1.definition import read_definition

DURATIONS = 20  # instances of a job that tell how long it usually takes
_EARLIEST, _LATEST = 0, 221_845_392_000_000  # ms; the years 1970 to 8999


def simulate(services: Services, caller: Caller, request: wire.SimulationRequest) -> wire.SimulationAnswer:
    """The instances of an interval, past or to come, and what they wait for.

    Raises InvalidParameter (no interval; a job that is not scheduled; too many instances), JobNotFound.
    """
    since, until = _interval(request)
    with services.db.reading() as connection:
        loaded = _Jobs(connection, as_if_started=bool(request.as_if_started))
        names = request.jobs or loaded.names(caller.workspace.id)
        chosen = loaded.load(caller.workspace.id, names, asked=bool(request.jobs))
    simulation = Simulation(loaded.found.values(), ZoneInfo(services.settings.time_zone))
    instances = simulation.run(since, until, chosen)
    return wire.SimulationAnswer(
        total=len(instances),
        instances=[_shown(each, caller.workspace.id) for each in instances],
        warnings=[*loaded.warnings, *simulation.warnings],
    )


def _interval(request: wire.SimulationRequest) -> tuple[datetime, datetime]:
    found = []
    for member, value in (("minPlanTime", request.min_plan_time), ("maxPlanTime", request.max_plan_time)):
        if value is None or not _EARLIEST <= value <= _LATEST:
            raise InvalidParameter(f"{member}: {value} is no time in milliseconds of the years 1970 to 8999.")
        found.append(from_millis(value))
    if found[1] < found[0]:
        raise InvalidParameter("maxPlanTime: it is before minPlanTime.")
    return found[0], found[1]


class _Jobs:
    """The jobs that are simulated: those asked for, and whatever they depend on."""

    def __init__(self, connection: Connection, *, as_if_started: bool) -> None:
        self._connection, self._as_if_started = connection, as_if_started
        self._modes: dict[str, Mode] = {}
        self._calendars: dict[tuple[str, str], Works | None] = {}
        self._nodes: dict[tuple[str, str], SimulatedJobRecord] = {}  # of real-time jobs
        self.found: dict[tuple[str, str], SimulatedJob] = {}
        self.warnings: list[str] = []

    def names(self, workspace_id: str) -> list[str]:
        """Every job of a workspace that is started, or taken to be."""
        every = stored_jobs.names if self._as_if_started else simulated_jobs.started_names
        return every(self._connection, workspace_id)

    def load(self, workspace_id: str, names: list[str], *, asked: bool) -> list[SimulatedJob]:
        """Load jobs and what they depend on; the jobs themselves. ``asked``: complain of those that do not run."""
        queue = deque((workspace_id, name) for name in dict.fromkeys(names))
        own, seen = set(queue), set(queue)
        while queue:
            key = queue.popleft()
            record = self._record(*key)
            if record is not None and record.process_type == "REAL_TIME":
                nodes = self._nodes_of(*key, record, asked=asked) - seen
                queue.extend(sorted(nodes))
                own |= nodes if key in own else set()
                seen |= nodes
                continue
            job = self._job(*key, record, asked=asked and key in own)
            if job is not None:
                self.found[key] = job
                upstream = {
                    (each.workspace_id or key[0], each.job)
                    for each in job.schedule.upstream
                    if stored_jobs.upstream(self._connection, key[0], each.workspace_id, each.job) is not None
                } - seen
                queue.extend(sorted(upstream))
                seen |= upstream
        return [self.found[key] for key in sorted(own) if key in self.found]

    def _record(self, workspace_id: str, name: str) -> SimulatedJobRecord | None:
        node = self._nodes.get((workspace_id, name))
        return simulated_jobs.by_name(self._connection, workspace_id, name) if node is None else node

    def _nodes_of(
        self, workspace_id: str, name: str, record: SimulatedJobRecord, *, asked: bool
    ) -> set[tuple[str, str]]:
        """The nodes of a real-time job that cron triggers."""
        try:
            found = nodes_of(self._connection, workspace_id, name, record, as_if_started=self._as_if_started)
        except HeadraceError as error:
            self.warnings.append(f"The job {name!r} cannot be read: {error.message}")
            return set()
        if asked and not found:
            raise InvalidParameter(f"jobs: {name!r} has no submitted version with a node that has a cronTrigger.")
        nodes = {(workspace_id, node): each for node, each in found.items()}
        self._nodes |= nodes
        return set(nodes)

    def _job(
        self, workspace_id: str, name: str, record: SimulatedJobRecord | None, *, asked: bool
    ) -> SimulatedJob | None:
        if record is None:
            if asked:
                raise JobNotFound(f"jobs: there is no job {name!r}.")
            return None
        definition = self._definition(record, name)
        is_cron = definition is not None and definition.schedule.kind == "CRON"
        if definition is None or not is_cron or not (self._as_if_started or record.schedule_of is not None):
            if asked:
                reason = (
                    "is not started; set asIfStarted" if is_cron else "has no submitted version with a cron schedule"
                )
                raise InvalidParameter(f"jobs: {name!r} {reason}.")
            return None
        return self._simulated(workspace_id, name, record, definition)

    def _simulated(
        self, workspace_id: str, name: str, record: SimulatedJobRecord, definition: JobDefinition
    ) -> SimulatedJob:
        taken = simulated_jobs.durations(self._connection, record.id, DURATIONS)
        real = not self._as_if_started
        coming = record.held_time if record.next_time is None else record.next_time
        first = min((each for each in (record.first_made, coming) if each is not None), default=None)
        paused = real and record.next_time is None and record.held_time is not None
        if paused:
            self.warnings.append(f"The job {name!r} is paused: what waits for its next instances waits on.")
        return SimulatedJob(
            key=record.id,
            workspace_id=workspace_id,
            name=name.replace("/", "_", 1),  # a node of a real-time job, as its instances are listed
            schedule=replace(definition.schedule, listening=None) if definition.dry_run else definition.schedule,
            since=from_millis(first) if real and first is not None else None,
            alone_at=from_millis(record.alone_at) if real and record.alone_at is not None else None,
            paused=paused,
            duration=usual_durations({record.id: taken}).get(record.id),
            works=self._works(workspace_id, definition.schedule.calendar),
            periods=self._periods(workspace_id),
        )

    def _definition(self, record: SimulatedJobRecord, name: str) -> JobDefinition | None:
        try:
            return None if record.document is None else read_definition(record.document)
        except HeadraceError as error:
            self.warnings.append(f"The job {name!r} cannot be read: {error.message}")
            return None

    def _periods(self, workspace_id: str) -> Mode:
        if workspace_id not in self._modes:
            self._modes[workspace_id] = default_items.of_workspace(self._connection, workspace_id).periods
        return self._modes[workspace_id]

    def _works(self, workspace_id: str, calendar: str) -> Works | None:
        if not calendar:
            return None
        key = (workspace_id, calendar)
        if key not in self._calendars:
            days = calendars.working_days(self._connection, workspace_id, calendar)
            if days is None:
                self.warnings.append(f"The calendar {calendar!r} does not exist; every day counts.")
            self._calendars[key] = None if days is None else days.works
        return self._calendars[key]


def _shown(instance: SimulatedInstance, workspace_id: str) -> wire.SimulatedInstance:
    shown = wire.SimulatedInstance(
        job_name=instance.job.name,
        plan_time=to_millis(instance.planned),
        dry_run=instance.dry_run,
        waits_for=[_awaited(each, workspace_id) for each in instance.waits],
    )
    if path := listens_to(instance.job, dry_run=instance.dry_run):
        shown.waits_for_file = path
    if instance.start is not None:
        shown.estimated_start_time = to_millis(instance.start)
    if instance.finish is not None:
        shown.estimated_end_time = to_millis(instance.finish)
    return shown


def _awaited(awaited: Awaited, workspace_id: str) -> wire.SimulatedDependency:
    shown = wire.SimulatedDependency(
        job_name=awaited.job.name,
        rule=awaited.upstream.rule,
        fail_policy=awaited.policy.value,
        any_suffices=awaited.upstream.any_suffices,
        plan_times=[to_millis(each) for each in awaited.upstream.plan_times],
    )
    if awaited.job.workspace_id != workspace_id:
        shown.workspace_id = awaited.job.workspace_id
    return shown
