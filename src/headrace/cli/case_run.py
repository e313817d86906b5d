"""Runs one test of a package in a temporary home of its own, and says what does not hold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from headrace.app import Installation
from headrace.cli.case_given import fill_tables, given_objects, has_tables, put_objects
from headrace.cli.cases import FoundCase, InvalidCase, cell_text
from headrace.cli.expectations import instance_failures, object_failures, table_failures
from headrace.cli.installation import caller_for
from headrace.cli.instance_view import Observer
from headrace.cli.standalone import Standalone, standalone
from headrace.domain.schedule_time import read_schedule_time
from headrace.engine.surroundings import SqlEngines
from headrace.errors import HeadraceError, InvalidSchedule
from headrace.packages.model import PackageObject
from headrace.wire.v1.runs import RunParameter


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a test ended: passed, failed or skipped. ``failures``: what does not hold, several lines each."""

    found: FoundCase
    outcome: str
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    interrupted: bool = False


def run_case(objects: Sequence[PackageObject], found: FoundCase) -> Outcome:
    """Run a test; an error of the test itself is a failure of it."""
    if found.case.skip:
        return Outcome(found=found, outcome="skipped")
    began, interrupted = time.monotonic(), False
    try:
        as_run = given_objects(objects, found)
        with standalone(None, before=lambda installation: _prepare(installation, found)) as running:
            running.import_objects(as_run)
            failures = list(_failures(running, found))
            interrupted = running.interrupted
    except (InvalidCase, HeadraceError) as error:
        failures = [error.message if isinstance(error, HeadraceError) else str(error)]
    outcome = "failed" if failures else "passed"
    seconds = time.monotonic() - began
    return Outcome(found=found, outcome=outcome, seconds=seconds, failures=failures, interrupted=interrupted)


def _prepare(installation: Installation, found: FoundCase) -> None:
    """Make what the test gives, before the engine holds the database of its tables."""
    services = installation.services
    put_objects(services.store, found)
    if has_tables(found.case):
        engines = SqlEngines(services.settings, services.store)
        try:
            fill_tables(engines.of(caller_for(installation, None).workspace.id), found)
        finally:
            engines.close()


def _failures(running: Standalone, found: FoundCase) -> Iterator[str]:
    case, services = found.case, running.installation.services
    values = [RunParameter(name=name, value=cell_text(value)) for name, value in case.params.items()]
    instance = running.run(case.job, values, _plan_time(found, ZoneInfo(services.settings.time_zone)))
    logs = Observer(services)
    yield from instance_failures(case.expect, instance, lambda node: logs.log(instance.id, node.name))
    running.installation.engine.stop()
    if case.expect.table or case.expect.query:
        engines = SqlEngines(services.settings, services.store)
        try:
            yield from table_failures(engines.of(running.caller.workspace.id), found)
        finally:
            engines.close()
    yield from object_failures(services.store, case.expect)


def _plan_time(found: FoundCase, zone: ZoneInfo) -> int | None:
    """Milliseconds; None for now. Raises InvalidCase."""
    value = found.case.plan_time
    if not value:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        try:
            moment = read_schedule_time(str(value), "plan_time")
        except InvalidSchedule as error:
            raise InvalidCase(f"{found.label}: {error.detail}") from error
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return int(aware.timestamp() * 1000)
