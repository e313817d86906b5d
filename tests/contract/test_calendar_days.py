"""Scheduling calendars: dry runs on days off, and working days in expressions. Source: reference on scheduling §2.3."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scheduled_jobs import START, Factory, moment

from headrace.errors import InvalidParameter
from headrace.factory import backfill, calendars, instances, jobs, parameter_preview, runs
from headrace.wire.v1.calendars import CalendarRequest
from headrace.wire.v1.jobs import JobInfo
from headrace.wire.v1.parameter_preview import PreviewParametersRequest
from headrace.wire.v2.supplement_data import CreateSupplementData


def put(factory: Factory, name: str, **members: Any) -> None:
    calendars.put(factory.services, factory.caller(START), name, CalendarRequest(**members))


def ran(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def dry(factory: Factory, job: str) -> list[bool]:
    caller = factory.caller(START)
    shown = [instances.show(factory.services, caller, job, str(item.id)) for item in factory.of(job)]
    return [item.empty_running_job for item in shown]


def test_on_a_day_off_an_instance_succeeds_and_does_nothing(factory: Factory, tmp_path: Path) -> None:
    """8 May 2026 is a Friday; Saturday the 9th is a working day by exception, Monday the 11th a holiday."""
    put(factory, "office", working_days=["2026-05-09"], days_off=["2026-05-11"])
    out = tmp_path / "out"
    job = factory.create("0 0 1 * * ?", at=START, statement=f"echo x >> {out}", calendarScheduling="office")
    factory.start(job, moment("08 00:00"))
    factory.tick(moment("12 01:00"))
    factory.run_all()
    assert factory.states(job) == ["success"] * 5
    assert dry(factory, job) == [False, False, True, True, False]
    assert len(ran(out)) == 3


def test_the_plan_date_is_that_of_the_schedules_zone(factory: Factory) -> None:
    """23:00 in Berlin on Friday is Saturday in Shanghai."""
    put(factory, "office")
    zone: dict[str, Any] = {"expressionTimeZone": "Europe/Berlin"}
    job = factory.create("0 0 23 * * ?", at=START, calendarScheduling="office", **zone)
    factory.start(job, moment("08 12:00"))
    factory.tick(moment("11 12:00"))
    factory.run_all()
    assert dry(factory, job) == [False, True, True]


def test_an_edit_counts_for_instances_that_do_not_exist_yet(factory: Factory) -> None:
    put(factory, "office", weekdays=["SUN"])
    late = factory.create("0 0 3 * * ?", at=START)
    job = factory.create("0 0 1 * * ?", at=START, calendarScheduling="office", dependJobs={"jobs": late})
    factory.start(late, START)
    factory.start(job, START)
    factory.tick(moment("04 01:00"))
    put(factory, "office", weekdays=["MON", "TUE"])
    factory.tick(moment("05 03:00"))
    factory.run_all()
    assert dry(factory, job) == [True, False]


@pytest.mark.parametrize("value", ["false", "true", "", "unknown"])
def test_a_job_without_a_known_calendar_works_every_day(factory: Factory, value: str) -> None:
    job = factory.create("0 0 1 * * ?", at=START, calendarScheduling=value)
    factory.start(job, START)
    factory.tick(moment("10 01:00"))
    assert not any(dry(factory, job))


def test_expressions_read_the_jobs_calendar_and_others(factory: Factory, tmp_path: Path) -> None:
    """Row 38 of the golden expressions, in a run: the fifth working day before Friday, 8 May 2026."""
    put(factory, "office")
    put(factory, "weekend", weekdays=["SAT", "SUN"])
    out = tmp_path / "out"
    statement = (
        'echo #{Job.getPreviousWorkday(5,"yyyyMMdd")} #{Job.getPreviousNonWorkday(1,"yyyyMMdd")} '
        '#{Job.getCalendarNextWorkday(1,"yyyyMMdd")} #{Job.getCalendarNextWorkday("weekend",1,"yyyyMMdd")} '
        f'#{{Job.getCalendarPreviousWorkday("none",1,"yyyyMMdd")}} >> {out}'
    )
    job = factory.create("0 0 1 * * ?", at=START, statement=statement, calendarScheduling="office")
    factory.start(job, moment("08 00:00"))
    factory.tick(moment("08 01:00"))
    factory.run_all()
    assert factory.states(job) == ["success"]
    assert ran(out)[:4] == ["20260501", "20260503", "20260511", "20260509"]


def test_a_preview_of_parameters_reads_the_calendar(factory: Factory) -> None:
    put(factory, "office")
    body = {
        "name": "previewed",
        "processType": "BATCH",
        "nodes": [{"name": "n", "type": "Dummy"}],
        "params": [{"name": "day", "value": '#{Job.getPreviousWorkday(5,"yyyyMMdd")}'}],
        "schedule": {"type": "CRON", "cron": {"expression": "0 30 8 * * ?", "calendarScheduling": "office"}},
    }
    text = json.dumps(body).encode()
    caller = factory.caller(START)
    jobs.create(factory.services, caller, msgspec.json.decode(text, type=JobInfo), text)
    asked = PreviewParametersRequest(plan_time="2024-05-10 08:30:00")
    (shown,) = parameter_preview.preview(factory.services, caller, "previewed", asked).previews
    assert [item.value for item in shown.parameters] == ["20240503"]


@pytest.mark.parametrize(
    ("name", "members", "message"),
    [
        ("a b", {}, "calendar_name: 'a b'"),
        ("false", {}, "truth value"),
        ("c", {"weekdays": ["MO"]}, "weekdays: 'MO' is none of MON"),
        ("c", {"working_days": ["10.10.2026"]}, "workingDays: '10.10.2026' is no day"),
        ("c", {"days_off": ["2026-02-30"]}, "daysOff: '2026-02-30' is no day"),
        ("c", {"working_days": ["2026-05-09"], "days_off": ["2026-05-09"]}, "daysOff: 2026-05-09 is among workingDays"),
    ],
)
def test_put__says_what_is_wrong(factory: Factory, name: str, members: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        put(factory, name, **members)
    assert calendars.list_all(factory.services, factory.caller(START)).total == 0


def test_delete__only_what_no_job_uses(factory: Factory) -> None:
    put(factory, "office")
    job = factory.create("0 0 1 * * ?", at=START, calendarScheduling="office")
    caller = factory.caller(START)
    with pytest.raises(InvalidParameter, match=f"used by the job '{job}'"):
        calendars.delete(factory.services, caller, "office")
    factory.change(job, "0 0 1 * * ?", at=START)
    calendars.delete(factory.services, caller, "office")
    with pytest.raises(InvalidParameter, match="there is no calendar 'office'"):
        calendars.show(factory.services, caller, "office")


def test_dates_of_a_backfill_are_dry_runs_on_days_off(factory: Factory, tmp_path: Path) -> None:
    put(factory, "office")
    out = tmp_path / "out"
    statement = f'echo #{{Job.getPlanTime("dd")}} >> {out}'
    job = factory.create("0 0 2 * * ?", at=START, statement=statement, calendarScheduling="office")
    body = {
        "name": "task",
        "job_name": job,
        "start_date": "2026-05-08T00:00:00 +08",
        "end_date": "2026-05-11T23:59:00 +08",
        "parallel": 1,
    }
    text = json.dumps(body).encode()
    caller = factory.caller(moment("20 12:00"))
    backfill.create(factory.services, caller, msgspec.json.decode(text, type=CreateSupplementData), text)
    deadline = time.monotonic() + 30
    while backfill.progress(factory.services, caller, "task").status != "SUCCESS":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert ran(out) == ["08", "11"]


def test_a_run_by_hand_works_on_any_day(factory: Factory) -> None:
    put(factory, "never", weekdays=[])
    job = factory.create("0 0 1 * * ?", at=START, statement="exit 1", calendarScheduling="never")
    number = runs.run_once(factory.services, factory.caller(START), job, ())
    assert factory.installation.engine.wait(number, 30).status == "fail"
