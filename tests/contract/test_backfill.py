"""Backfills: each past plan time once, a few at a time, in their order, after what they depend on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scheduled_jobs import START, ZONE, Factory, depending, moment
from sqlalchemy import update

from headrace.app import open_installation
from headrace.domain.clock import from_millis, to_millis
from headrace.errors import (
    BackfillNameExists,
    BackfillNeedsPeriods,
    BackfillNotFound,
    BackfillRunning,
    BackfillTooLarge,
    HeadraceError,
    InvalidBackfillName,
    InvalidBackfillRange,
    InvalidParameter,
    JobNotFound,
)
from headrace.factory import backfill, calendars, instance_operations, instance_reruns, jobs, waiting
from headrace.scheduling.backfill_windows import open_windows
from headrace.settings import Settings
from headrace.storage import backfill_progress, backfills, instance_lists, instances, tables
from headrace.storage.statement import Statement
from headrace.wire.v1.calendars import CalendarRequest
from headrace.wire.v1.jobs import JobInfo
from headrace.wire.v2.supplement_data import CreateSupplementData, ListSupplementDataQuery, SupplementDataProgress

NOW = moment("20 12:00")
DAILY = "0 0 2 * * ?"


def asked(job: str, first: str = "05 00:00", last: str = "09 23:59", **members: Any) -> dict[str, Any]:
    def date(text: str) -> str:
        return f"{moment(text):%Y-%m-%dT%H:%M:%S} +08"

    return {
        "name": "task",
        "job_name": job,
        "start_date": date(first),
        "end_date": date(last),
        "parallel": 1,
        **members,
    }


def create(factory: Factory, at: datetime = NOW, **body: Any) -> None:
    text = json.dumps(body).encode()
    backfill.create(factory.services, factory.caller(at), msgspec.json.decode(text, type=CreateSupplementData), text)


def progress(factory: Factory, name: str = "task") -> SupplementDataProgress:
    return backfill.progress(factory.services, factory.caller(NOW), name)


def states(factory: Factory, job: str | None = None, name: str = "task") -> list[str]:
    dates = progress(factory, name).dates
    return [f"{_shown(each.plan_time)} {each.state}" for each in dates if job in (None, each.job_name)]


def finish(factory: Factory, name: str = "task") -> str:
    """Wait until a task has ended; its status."""
    deadline = time.monotonic() + 30
    while (status := progress(factory, name).status) == "RUNNING":
        assert time.monotonic() < deadline, states(factory, name=name)
        time.sleep(0.01)
    factory.run_all()
    return status


def wait_for(factory: Factory, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, states(factory)
        time.sleep(0.01)


def until(factory: Factory, state: str, count: int) -> None:
    wait_for(factory, lambda: progress(factory).counts.get(state, 0) >= count)


def record(factory: Factory, number: int | msgspec.UnsetType) -> instances.InstanceRecord:
    assert isinstance(number, int)
    with factory.services.db.reading() as connection:
        found = instances.by_id(connection, number)
    assert found is not None
    return found


def begun(factory: Factory, name: str = "task") -> list[instances.InstanceRecord]:
    dates = progress(factory, name).dates
    return [record(factory, each.instance_id) for each in dates if each.instance_id is not msgspec.UNSET]


def spans(factory: Factory, name: str = "task") -> list[tuple[int, int]]:
    """When instances ran, in the order of their dates."""
    return [(each.start_time or 0, each.end_time or 0) for each in begun(factory, name)]


def _shown(plan_time: int) -> str:
    return f"{from_millis(plan_time).astimezone(ZONE):%d %H:%M}"


def test_each_past_plan_time_runs_once(factory: Factory) -> None:
    job = factory.create(DAILY, at=START)
    create(factory, **asked(job))
    assert finish(factory) == "SUCCESS"
    assert states(factory) == [f"{day:02} 02:00 success" for day in range(5, 10)]
    found = begun(factory)
    assert {each.instance_type for each in found} == {5}
    assert {each.instance_name for each in found} == {"task"}
    assert [_shown(each.plan_time) for each in found] == [f"{day:02} 02:00" for day in range(5, 10)]
    assert len({each.id for each in found}) == 5


def test_the_range_ends_now_and_does_not_care_when_the_schedule_begins(factory: Factory) -> None:
    job = factory.create(DAILY, at=START, startTime="2026-05-19T00:00:00+08", endTime="2026-05-19T12:00:00+08")
    create(factory, **asked(job, "18 00:00", "25 00:00"))
    assert finish(factory) == "SUCCESS"
    assert states(factory) == ["18 02:00 success", "19 02:00 success", "20 02:00 success"]


def test_days_and_a_part_of_the_day_choose_the_dates(factory: Factory) -> None:
    job = factory.create("0 0 0/6 * * ?", at=START)
    chosen = {"days": ["2026/05/05-2026/05/06", "2026/05/08-2026/05/08"], "time_of_day": "06:00-12:00"}
    create(factory, **asked(job, parallel=5, supplement_data_instance_time=chosen))
    assert finish(factory) == "SUCCESS"
    assert states(factory) == [f"{day:02} {hour:02}:00 success" for day in (5, 6, 8) for hour in (6, 12)]


def test_a_step_takes_each_of_its_days_once(factory: Factory) -> None:
    upstream = factory.create("0 0 1 * * ?", at=START)
    job = factory.create(DAILY, at=START)
    every = {"unit": "DAY", "step": 2}
    others = [{"job_name": upstream}]
    create(factory, **asked(job, supplement_data_period=every, depend_jobs=others, reverse_order=1))
    assert finish(factory) == "SUCCESS"
    assert states(factory) == [f"{day:02} {hour:02}:00 success" for day in (9, 7, 5) for hour in (1, 2)]
    assert len({each.id for each in begun(factory)}) == 6


def test_a_step_goes_with_one_range_and_jobs_of_one_period(factory: Factory) -> None:
    hours, job = factory.create("0 0 * * * ?", at=START), factory.create(DAILY, at=START)
    every = {"unit": "WEEK", "step": 1}
    with pytest.raises(InvalidParameter, match=f"depend_jobs: '{hours}' runs every hour, not every day"):
        create(factory, **asked(job, supplement_data_period=every, depend_jobs=[{"job_name": hours}]))
    days = {"days": ["2026/05/05", "2026/05/07"]}
    with pytest.raises(InvalidParameter, match="not of several days"):
        create(factory, **asked(job, supplement_data_period=every, supplement_data_instance_time=days))


def test_no_more_run_at_once_than_asked(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START, statement="sleep 0.1")
    create(factory, **asked(job, "05 00:00", "05 07:30", parallel=2))
    assert finish(factory) == "SUCCESS"
    found = spans(factory)
    assert len(found) == 8
    most = max(sum(start <= at < end for start, end in found) for at, _ in found)
    assert most == 2


def test_a_job_that_moves_data_runs_one_date_at_a_time(factory: Factory) -> None:
    body = {
        "name": "moving",
        "processType": "BATCH",
        "nodes": [{"name": "n", "type": "CDMJob"}],
        "schedule": {"type": "CRON", "cron": {"expression": DAILY}},
    }
    text = json.dumps(body).encode()
    jobs.create(factory.services, factory.caller(START), msgspec.json.decode(text, type=JobInfo), text)
    request = msgspec.convert(asked("moving", parallel=5), CreateSupplementData)
    assert backfill.preview(factory.services, factory.caller(NOW), request).parallel == 1


def test_by_day_one_day_ends_before_the_next_begins(factory: Factory) -> None:
    job = factory.create("0 0 0/8 * * ?", at=START, statement="sleep 0.05")
    create(factory, **asked(job, "05 00:00", "07 23:59", parallel=5, is_day_granularity=True))
    assert finish(factory) == "SUCCESS"
    found = spans(factory)
    days = [found[at : at + 3] for at in (0, 3, 6)]
    for before, after in pairwise(days):
        assert max(end for _, end in before) <= min(start for start, _ in after)
    assert max(start for start, _ in days[0]) < min(end for _, end in days[0])


def test_reverse_takes_the_newest_day_first_and_hours_ascending(factory: Factory) -> None:
    job = factory.create("0 0 0/12 * * ?", at=START, dependPrePeriod=True)
    create(factory, **asked(job, "05 00:00", "06 23:59", reverse_order=1))
    assert finish(factory) == "SUCCESS"
    assert states(factory) == [f"{each} success" for each in ("06 00:00", "06 12:00", "05 00:00", "05 12:00")]
    ends = [end for _, end in spans(factory)]
    assert ends == sorted(ends)


FAILS_ON_6 = 'test "#{DateUtil.format(Job.planTime, "dd")}" != "06"'


def test_a_failed_day_stops_the_following_ones_where_asked(factory: Factory) -> None:
    job = factory.create("0 0 0/12 * * ?", at=START, statement=FAILS_ON_6)
    create(factory, **asked(job, "05 00:00", "07 23:59", is_day_granularity=True, is_stop_when_fail=True))
    assert finish(factory) == "FAIL"
    outcomes = ["success", "success", "fail", "fail", "dropped", "dropped"]
    assert [each.state for each in progress(factory).dates] == outcomes
    assert len(begun(factory)) == 4


def test_a_failed_date_does_not_stop_the_others(factory: Factory) -> None:
    job = factory.create(DAILY, at=START, statement=FAILS_ON_6)
    create(factory, **asked(job))
    assert finish(factory) == "FAIL"
    assert [each.state for each in progress(factory).dates] == ["success", "fail", *["success"] * 3]


def test_without_days_a_failure_stops_what_has_not_begun(factory: Factory) -> None:
    job = factory.create(DAILY, at=START, statement=FAILS_ON_6)
    create(factory, **asked(job, is_stop_when_fail=True))
    assert finish(factory) == "FAIL"
    assert [each.state for each in progress(factory).dates] == ["success", "fail", *["dropped"] * 3]


def test_dates_wait_for_those_of_the_jobs_they_depend_on(factory: Factory) -> None:
    """Day on hour: all of the natural day; instances of schedules do not count."""
    hourly = factory.create("0 0 0/12 * * ?", at=START, statement="sleep 0.05")
    job = factory.create(DAILY, at=START, **depending(hourly))
    create(factory, **asked(job, "05 00:00", "06 23:59", parallel=5, depend_jobs=[{"job_name": hourly}]))
    assert finish(factory) == "SUCCESS"
    by_date = {(each.job_name, _shown(each.plan_time)): each for each in begun(factory)}
    for day in ("05", "06"):
        before = [by_date[hourly, f"{day} {hour}:00"].end_time or 0 for hour in ("00", "12")]
        assert max(before) <= (by_date[job, f"{day} 02:00"].start_time or 0)


def test_a_failed_upstream_date_drops_those_that_wait_for_it_and_so_on(factory: Factory) -> None:
    first = factory.create("0 0 1 * * ?", at=START, statement=FAILS_ON_6)
    second = factory.create(DAILY, at=START, **depending(first))
    third = factory.create("0 0 3 * * ?", at=START, **depending(second))
    others = [{"job_name": first}, {"job_name": second}]
    create(factory, **asked(third, "05 00:00", "06 23:59", depend_jobs=others))
    assert finish(factory) == "FAIL"
    assert states(factory, second) == ["05 02:00 success", "06 02:00 dropped"]
    assert states(factory, third) == ["05 03:00 success", "06 03:00 dropped"]


def test_a_date_of_a_job_that_depends_on_itself_waits_until_the_one_before_succeeds(factory: Factory) -> None:
    job = factory.create(DAILY, at=START, statement=FAILS_ON_6, dependPrePeriod=True)
    create(factory, **asked(job, parallel=3))
    until(factory, "fail", 1)
    factory.run_all()
    assert [each.state for each in progress(factory).dates] == ["success", "fail", "waiting", "waiting", "waiting"]
    failed = str(begun(factory)[1].id)
    instance_operations.force_success(factory.services, factory.caller(NOW), job, failed)
    assert finish(factory) == "SUCCESS"


def test_jobs_that_wait_for_each_other_are_refused(factory: Factory) -> None:
    first = factory.create("0 0 1 * * ?", at=START)
    second = factory.create(DAILY, at=START, **depending(first))
    factory.change(first, "0 0 1 * * ?", at=START + timedelta(minutes=5), **depending(second))
    with pytest.raises(InvalidParameter, match="wait for each other"):
        create(factory, **asked(second, depend_jobs=[{"job_name": first}]))


def test_a_stopped_task_stops_what_runs_and_drops_the_rest(factory: Factory) -> None:
    job = factory.create(DAILY, at=START, statement="sleep 60")
    create(factory, **asked(job, parallel=2))
    until(factory, "begun", 2)
    backfill.stop(factory.services, factory.caller(NOW), "task")
    until(factory, "manual-stop", 2)
    assert progress(factory).status == "CANCLE"
    assert [each.state for each in progress(factory).dates] == ["manual-stop", "manual-stop", *["dropped"] * 3]
    assert {each.status for each in begun(factory)} == {"manual-stop"}
    with pytest.raises(InvalidParameter, match="is CANCLE"):
        backfill.stop(factory.services, factory.caller(NOW), "task")


def test_failed_and_dropped_dates_run_again(factory: Factory, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    job = factory.create(DAILY, at=START, statement=f"test -e {flag} || {FAILS_ON_6}")
    create(factory, **asked(job, is_stop_when_fail=True))
    assert finish(factory) == "FAIL"
    flag.touch()
    before = [each.id for each in begun(factory)]
    assert backfill.retry(factory.services, factory.caller(NOW), "task") == 4
    assert finish(factory) == "SUCCESS"
    assert [each.id for each in begun(factory)][:2] == before
    with pytest.raises(InvalidParameter, match="no dates to run again"):
        backfill.retry(factory.services, factory.caller(NOW), "task")


def held(factory: Factory, tmp_path: Path) -> list[instances.InstanceRecord]:
    """A task that repeats five dates one at a time; the first one runs until the file ``go`` is there, then fails."""
    statement = f"test ! -e {tmp_path}/flag || while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; exit 1"
    job = factory.create(DAILY, at=START, statement=statement)
    create(factory, **asked(job))
    assert finish(factory) == "FAIL"
    (tmp_path / "flag").touch()
    assert backfill.retry(factory.services, factory.caller(NOW), "task") == 5
    wait_for(factory, lambda: begun(factory)[0].status == "running")
    assert progress(factory).counts == {"begun": 1, "ready": 4}
    return begun(factory)


def test_dates_that_run_again_wait_for_a_slot(factory: Factory, tmp_path: Path) -> None:
    found = held(factory, tmp_path)
    assert [each.status for each in found] == ["running", "waiting", "waiting", "waiting", "waiting"]
    why = waiting.why(factory.services, factory.caller(NOW), found[1].job_name, str(found[1].id))
    assert why.reasons == ["It runs again when its backfill has a free slot."]
    (tmp_path / "go").touch()
    assert finish(factory) == "FAIL"
    assert [each.status for each in begun(factory)] == ["fail"] * 5
    assert [each.id for each in begun(factory)] == [each.id for each in found]


def test_what_waits_to_run_again_ends_with_the_task(factory: Factory, tmp_path: Path) -> None:
    held(factory, tmp_path)
    backfill.stop(factory.services, factory.caller(NOW), "task")
    wait_for(factory, lambda: {each.status for each in begun(factory)} == {"manual-stop"})
    factory.run_all()
    assert progress(factory).status == "CANCLE"


def test_what_waits_to_run_again_ends_with_a_failure_where_asked(factory: Factory) -> None:
    job = factory.create(DAILY, at=START, statement="exit 1")
    create(factory, **asked(job))
    assert finish(factory) == "FAIL"
    with factory.services.db.writing() as connection:
        connection.run(Statement(update(tables.backfills).values(stops_on_failure=1)))
    backfill.retry(factory.services, factory.caller(NOW), "task")
    assert finish(factory) == "FAIL"
    assert [each.state for each in progress(factory).dates] == ["fail", *["dropped"] * 4]
    assert [each.status for each in begun(factory)] == ["fail", *["manual-stop"] * 4]


def test_a_rerun_of_one_failed_instance_counts_for_its_task(factory: Factory, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    job = factory.create(DAILY, at=START, statement=f"test -e {flag} || {FAILS_ON_6}")
    create(factory, **asked(job))
    assert finish(factory) == "FAIL"
    flag.touch()
    failed = begun(factory)[1]
    instance_reruns.restore(factory.services, factory.caller(NOW), job, str(failed.id), None)
    until(factory, "success", 5)
    assert progress(factory).status == "SUCCESS"


def test_the_dates_of_a_deleted_job_are_dropped(factory: Factory) -> None:
    job = factory.create(DAILY, at=START, statement="sleep 60")
    create(factory, **asked(job))
    until(factory, "begun", 1)
    jobs.delete(factory.services, factory.caller(NOW), job)
    assert finish(factory) == "FAIL"
    assert [each.state for each in progress(factory).dates] == ["manual-stop", *["dropped"] * 4]


def test_dates_begin_only_while_the_window_is_open(factory: Factory) -> None:
    real = datetime.now(ZONE)
    opening = (real + timedelta(days=8)).replace(hour=10, minute=15, second=0, microsecond=0)
    window = {"time_of_day": "10:15-23:30", "day_of_month": str(opening.day)}
    job = factory.create(DAILY, at=START)
    create(factory, real, **asked(job, parallel=2, supplement_data_run_time=window))
    factory.run_all()
    assert progress(factory).counts == {"ready": 5}
    with factory.services.db.reading() as connection:
        assert backfills.earliest(connection) == to_millis(opening)
    assert open_windows(factory.services, to_millis(opening) - 1) == 0
    assert open_windows(factory.services, to_millis(opening)) == 1
    factory.run_all()  # the engine's clock says that the window is closed
    assert progress(factory).counts == {"ready": 3, "success": 2}
    backfill.stop(factory.services, factory.caller(NOW), "task")
    with factory.services.db.reading() as connection:
        assert backfills.earliest(connection) is None


def test_a_scheduled_instance_of_the_same_plan_time_is_another_one(factory: Factory) -> None:
    job = factory.create(DAILY, at=START)
    factory.start(job, START)
    factory.tick(moment("05 03:00"))
    create(factory, **asked(job, "05 00:00", "05 23:59"))
    assert finish(factory) == "SUCCESS"
    assert factory.plan_times(job) == ["04 02:00", "05 02:00"]
    assert states(factory) == ["05 02:00 success"]


def test_the_version_is_the_newest_when_the_task_is_made(factory: Factory) -> None:
    job = factory.create(DAILY, at=START)
    factory.change(job, "0 0 5 * * ?", at=START + timedelta(minutes=5))
    create(factory, **asked(job, "05 00:00", "05 23:59"))
    assert finish(factory) == "SUCCESS"
    assert [each.version for each in begun(factory)] == [2]
    assert states(factory) == ["05 05:00 success"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"name": "a b"}, InvalidBackfillName),
        ({"name": None}, InvalidBackfillName),
        ({"job_name": "none"}, JobNotFound),
        ({"parallel": 6}, InvalidParameter),
        ({"parallel": None}, InvalidParameter),
        ({"reverse_order": 2}, InvalidParameter),
        ({"force": "perhaps"}, InvalidParameter),
        ({"start_date": "2026-05-05"}, InvalidBackfillRange),
        ({"start_date": "2026-05-05T00:00:00+08"}, InvalidBackfillRange),
        ({"start_date": "2026-13-05T00:00:00 +08"}, InvalidBackfillRange),
        ({"start_date": "2026-05-09T23:59:58 +08"}, InvalidBackfillRange),
        ({"end_date": "2026-05-04T00:00:00 +08"}, InvalidBackfillRange),
        ({"start_date": "2026-05-05T02:00:01 +08", "end_date": "2026-05-06T01:59:59 +08"}, InvalidParameter),
        ({"supplement_data_run_time": {"time_of_day": "25:00-26:00"}}, InvalidParameter),
        ({"supplement_data_run_time": {"day_of_week": "8"}}, InvalidParameter),
        ({"supplement_data_instance_time": {"days": ["2026/05/09-2026/05/05"]}}, InvalidParameter),
        ({"supplement_data_instance_time": {"days": ["2026/02/30"]}}, InvalidParameter),
        ({"depend_jobs": [{"job_name": "none"}]}, JobNotFound),
        ({"supplement_data_period": {"unit": "DAY"}}, InvalidParameter),
        ({"supplement_data_period": {"unit": "HOUR", "step": 2}}, InvalidParameter),
        ({"supplement_data_period": {"unit": "DAY", "step": 0}}, InvalidParameter),
        ({"supplement_data_period": {"unit": "DAY", "step": 367}}, InvalidParameter),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    factory: Factory, changed: dict[str, Any], error: type[HeadraceError]
) -> None:
    job = factory.create(DAILY, at=START)
    with pytest.raises(error):
        create(factory, **asked(job) | changed)
    with factory.services.db.reading() as connection:
        assert backfills.page(connection, factory.caller(NOW).workspace.id, skip=0, rows=1) == (0, [])


def test_a_job_without_a_cron_schedule_is_refused(factory: Factory) -> None:
    body = {"name": "once", "processType": "BATCH", "nodes": [{"name": "n", "type": "Dummy"}]}
    text = json.dumps(body).encode()
    jobs.create(factory.services, factory.caller(START), msgspec.json.decode(text, type=JobInfo), text)
    with pytest.raises(BackfillNeedsPeriods):
        create(factory, **asked("once"))


def test_more_dates_than_a_task_may_have_are_refused(factory: Factory) -> None:
    job = factory.create("0 * * * * ?", at=START)
    with pytest.raises(BackfillTooLarge, match="10,000"):
        create(factory, **asked(job, "01 00:00", "09 23:59"))


def test_a_job_that_is_backfilled_is_not_backfilled_beside_it_unless_forced(factory: Factory) -> None:
    job = factory.create(DAILY, at=START, statement="sleep 60")
    create(factory, **asked(job))
    with pytest.raises(BackfillRunning, match="'task' runs the job"):
        create(factory, **asked(job) | {"name": "other"})
    with pytest.raises(BackfillNameExists):
        create(factory, **asked(job, force="true"))
    create(factory, **asked(job, force=True) | {"name": "other"})
    for name in ("task", "other"):
        backfill.stop(factory.services, factory.caller(NOW), name)
    factory.run_all()
    with pytest.raises(BackfillNotFound, match=r"The supplement \[none\] does not exist\."):
        backfill.stop(factory.services, factory.caller(NOW), "none")


def test_a_restart_goes_on_with_the_dates_that_are_left(tmp_path: Path) -> None:
    """Attempts that a process takes with it fail, as without a backfill; no date is lost, none runs twice."""
    settings = Settings.load({"home": tmp_path / "home", "local_execution": True}, {})
    ended = 0
    while True:
        installation = open_installation(settings, {})
        installation.engine.start()
        factory = Factory(installation)
        try:
            if not ended:
                job = factory.create(DAILY, at=START, statement="sleep 0.02")
                create(factory, **asked(job, "01 00:00", "19 23:59", parallel=3))
            ended = min(ended + 4, 19)
            wait_for(factory, lambda: _ended(factory) >= ended)  # noqa: B023
            if ended == 19:
                found = begun(factory)
                assert sorted(_shown(each.plan_time) for each in found) == [f"{day:02} 02:00" for day in range(1, 20)]
                assert _made(factory) == len({each.id for each in found}) == 19
                assert progress(factory).status != "RUNNING"
                return
        finally:
            installation.stop()


def test_a_transaction_that_fails_makes_nothing_twice(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    job = factory.create(DAILY, at=START)
    original, calls = backfill_progress.ended, []

    def fails_at_first(*arguments: Any) -> list[int]:
        made = original(*arguments)
        calls.append(made)
        if made and len([each for each in calls if each]) in (1, 3):
            raise RuntimeError("the process ends before the commit")
        return made

    monkeypatch.setattr(backfill_progress, "ended", fails_at_first)
    create(factory, **asked(job))
    assert finish(factory) == "SUCCESS"
    assert _made(factory) == len({each.id for each in begun(factory)}) == 5


def _ended(factory: Factory) -> int:
    counts = progress(factory).counts
    return counts.get("success", 0) + counts.get("fail", 0)


def _made(factory: Factory) -> int:
    """How many instances of backfills there are, whatever the task says."""
    with factory.services.db.reading() as connection:
        total, _ = instance_lists.page(
            connection,
            factory.caller(NOW).workspace.id,
            after=0,
            until=2**53,
            job_name="",
            precise=False,
            status="",
            instance_type=5,
            skip=0,
            rows=1,
        )
    return total


def test_the_list_filters_and_pages(factory: Factory) -> None:
    job = factory.create(DAILY, at=START)
    for at in range(3):
        create(factory, NOW + timedelta(seconds=at), **asked(job) | {"name": f"task_{at}"})
        finish(factory, f"task_{at}")

    def listed(**query: Any) -> tuple[int, list[str]]:
        page = backfill.list_page(factory.services, factory.caller(NOW), ListSupplementDataQuery(**query))
        return page.total, [row.name for row in page.rows]

    assert listed() == (3, ["task_2", "task_1", "task_0"])
    assert listed(sort="asc", page=1, size=2) == (3, ["task_2"])
    assert listed(name="k_1") == (1, ["task_1"])
    assert listed(status="CANCEL") == (0, [])
    assert listed(status="SUCCESS", user_name=factory.caller(NOW).user.name)[0] == 3
    assert listed(user_name="nobody") == (0, [])
    assert listed(start_date=to_millis(moment("05 00:00")), end_date=to_millis(moment("09 23:59")))[0] == 3
    assert listed(start_date=to_millis(moment("05 00:01"))) == (0, [])
    for wrong in ({"status": "DONE"}, {"sort": "up"}, {"size": 0}, {"page": -1}):
        with pytest.raises(InvalidParameter):
            listed(**wrong)


def test_of_two_tasks_of_one_name_begun_at_once_one_is_refused(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = factory.create(DAILY, at=START)
    create(factory, **asked(job))
    finish(factory)
    monkeypatch.setattr(backfills, "by_name", lambda *_: None)  # neither has seen the other
    with pytest.raises(BackfillNameExists):
        create(factory, **asked(job))


def test_a_preview_tells_the_days_off_of_a_calendar(factory: Factory) -> None:
    """9 and 10 May 2026 are a weekend."""
    calendars.put(factory.services, factory.caller(START), "office", CalendarRequest())
    job = factory.create(DAILY, at=START, calendarScheduling="office")
    request = msgspec.convert(asked(job, "08 00:00", "11 23:59"), CreateSupplementData)
    told = backfill.preview(factory.services, factory.caller(NOW), request)
    assert [each.dry_run for each in told.dates] == [False, True, True, False]


def test_a_date_that_waits_for_a_person_keeps_its_slot(factory: Factory) -> None:
    body = {
        "name": "confirmed",
        "processType": "BATCH",
        "nodes": [{"name": "n", "type": "Dummy"}],
        "schedule": {"type": "CRON", "cron": {"expression": DAILY}, "requireManualConfirmBeforeExecute": True},
    }
    text = json.dumps(body).encode()
    jobs.create(factory.services, factory.caller(START), msgspec.json.decode(text, type=JobInfo), text)
    create(factory, **asked("confirmed", "05 00:00", "06 23:59"))
    for day in range(2):
        factory.run_all()
        assert progress(factory).counts["begun"] == 1
        (waits,) = (each for each in begun(factory) if each.status == "waiting-confirm")
        assert _shown(waits.plan_time) == f"{5 + day:02} 02:00"
        instance_operations.confirm(factory.services, factory.caller(NOW), "confirmed", str(waits.id))
        factory.installation.engine.wait(waits.id, 30)
    assert finish(factory) == "SUCCESS"
