"""Which dates a backfill has, in which order, and which wait for which."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.domain.dependency_rules import Mode
from headrace.domain.dependency_words import DependFailPolicy, DependPeriod, DependType, UpstreamJob
from headrace.domain.job import JobDefinition, ScheduleDefinition
from headrace.domain.run_window import TimeOfDay
from headrace.domain.steps import read_step
from headrace.errors import BackfillTooLarge, InvalidParameter
from headrace.factory.backfill_plan import Part, Patched, Plan, plan, plan_times_in, stepped
from headrace.storage.jobs import JobRecord

ZONE = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


WEEK = [Part(at("03-26 00:00"), at("03-31 23:59"))]  # the clock changes on 29 March


def job(name: str, expression: str, *upstream: UpstreamJob, itself: bool = False, workspace: str = "w") -> Patched:
    schedule = ScheduleDefinition(
        kind="CRON",
        expression=expression,
        upstream=upstream,
        depends_on_itself=itself,
        start_time="2030-01-01T00:00:00Z",
    )
    definition = JobDefinition(name=name, schedule=schedule)
    record = JobRecord(1, workspace, name, "BATCH", "/", "", 0, 0, None, 1, "STOPPED", "", 0, "", 0)
    return Patched(record, definition, plan_times_in(definition, WEEK, ZONE))


def planned(*jobs: Patched, by_day: bool = False, reverse: bool = False) -> Plan:
    return plan(jobs, ZONE, ZONE, by_day=by_day, reverse=reverse)


def order(found: Plan) -> list[str]:
    return [_words(found, position) for position in range(len(found.dates))]


def awaited(found: Plan, name: str) -> dict[str, list[str]]:
    waits: dict[str, list[str]] = {}
    for each in found.waits:
        if found.jobs[found.dates[each.position].number].record.name == name:
            waits.setdefault(_words(found, each.position), []).append(_words(found, each.upstream))
    return waits


def _words(found: Plan, position: int) -> str:
    date = found.dates[position]
    return f"{found.jobs[date.number].record.name} {date.plan_time.astimezone(ZONE):%d %H:%M}"


def test_the_schedules_own_start_does_not_count_and_the_clock_may_change() -> None:
    days = job("days", "0 30 2 * * ?")
    times = [(day, "03" if day == 29 else "02") for day in range(26, 32)]
    assert order(planned(days)) == [f"days {day} {hour}:30" for day, hour in times]


def test_a_part_of_the_day_is_of_the_schedules_zone() -> None:
    definition = JobDefinition(
        name="hours",
        schedule=ScheduleDefinition(kind="CRON", expression="0 0 * * * ?", expression_time_zone="Asia/Shanghai"),
    )
    parts = [Part(at("05-01 00:00"), at("05-01 23:59"), TimeOfDay(22 * 60, 60))]
    found = plan_times_in(definition, parts, ZONE)
    assert [moment.astimezone(ZoneInfo("Asia/Shanghai")).hour for moment in found] == [22, 23, 0, 1]


def test_parts_that_overlap_give_a_date_once() -> None:
    days = job("days", "0 0 2 * * ?")
    assert plan_times_in(days.definition, WEEK * 2, ZONE) == days.plan_times


def test_too_many_dates_are_refused_before_they_are_all_made() -> None:
    definition = JobDefinition(name="m", schedule=ScheduleDefinition(kind="CRON", expression="0 * * * * ?"))
    with pytest.raises(BackfillTooLarge):
        plan_times_in(definition, [Part(datetime(1000, 1, 1, tzinfo=UTC), at("05-01 00:00"))], ZONE)
    with pytest.raises(BackfillTooLarge):
        many = replace(
            job("a", "0 0 2 * * ?"), plan_times=tuple(at("01-01 00:00") + timedelta(minutes=n) for n in range(6000))
        )
        planned(many, replace(many))


STEPS = [  # expression, range of 2026, step, dates by the clock of Berlin
    ("0 0 2 * * ?", "01-01 00:00", "01-10 23:59", "2d", ["01-01 02", "01-03 02", "01-05 02", "01-07 02", "01-09 02"]),
    ("0 30 2 * * ?", "03-28 00:00", "03-30 23:59", "1d", ["03-28 02", "03-29 03", "03-30 02"]),  # no 02:30 on the 29th
    ("0 30 2 * * ?", "10-24 00:00", "10-26 23:59", "1d", ["10-24 02", "10-25 02", "10-26 02"]),  # 02:30 comes twice
    (
        "0 0 0/12 * * ?",
        "03-27 06:00",
        "03-31 23:59",
        "2d",
        ["03-27 12", "03-29 00", "03-29 12", "03-31 00", "03-31 12"],
    ),
    ("0 0 2 * * ?", "01-01 12:00", "01-06 00:00", "2d", ["01-02 02", "01-04 02"]),  # from the first date on
    ("0 0 2 L * ?", "01-10 00:00", "06-15 00:00", "2M", ["01-31 02", "03-31 02", "05-31 02"]),
    ("0 0 2 * * ?", "01-31 00:00", "04-30 23:59", "1M", ["01-31 02", "02-28 02", "03-31 02", "04-30 02"]),
    ("0 0 2 15 * ?", "01-31 00:00", "05-31 00:00", "1M", ["02-15 02", "03-15 02", "04-15 02", "05-15 02"]),
    ("0 0 2 ? * 6", "01-01 00:00", "02-01 00:00", "2w", ["01-02 02", "01-16 02", "01-30 02"]),
    ("0 0 23 * * ?", "01-01 00:00", "01-03 22:00", "2d", ["01-01 23"]),
    ("0 0 2 1 1 ?", "02-01 00:00", "12-01 00:00", "1d", []),
]


@pytest.mark.parametrize(("expression", "first", "last", "words", "dates"), STEPS)
def test_a_step_takes_whole_days_from_the_first_date_on(
    expression: str, first: str, last: str, words: str, dates: list[str]
) -> None:
    definition = JobDefinition(name="j", schedule=ScheduleDefinition(kind="CRON", expression=expression))
    step = read_step(words)
    assert step is not None
    parts = stepped(definition, Part(at(first), at(last)), step, ZONE)
    assert [f"{each.astimezone(ZONE):%m-%d %H}" for each in plan_times_in(definition, parts, ZONE)] == dates


def test_a_step_counts_days_of_the_schedules_zone_and_keeps_the_part_of_the_day() -> None:
    schedule = ScheduleDefinition(kind="CRON", expression="0 0 0/6 * * ?", expression_time_zone="Asia/Shanghai")
    part = Part(at("05-01 00:00"), at("05-03 23:59"), TimeOfDay(0, 6 * 60))
    definition = JobDefinition(name="j", schedule=schedule)
    step = read_step("2d")
    assert step is not None
    found = plan_times_in(definition, stepped(definition, part, step, ZONE), ZONE)
    shanghai = ZoneInfo("Asia/Shanghai")
    # 1 May 06:00 in Shanghai is 00:00 in Berlin, where the range begins
    assert [f"{each.astimezone(shanghai):%d %H}" for each in found] == ["01 06", "03 00", "03 06"]


def test_steps_over_too_many_days_are_refused_before_their_dates_are_made() -> None:
    definition = JobDefinition(name="y", schedule=ScheduleDefinition(kind="CRON", expression="0 0 2 1 1 ?"))
    step = read_step("1d")
    assert step is not None
    with pytest.raises(BackfillTooLarge):
        stepped(definition, Part(datetime(1000, 1, 1, tzinfo=UTC), at("05-01 00:00")), step, ZONE)


def test_a_day_waits_for_all_hours_of_its_natural_day_and_not_for_jobs_outside() -> None:
    hours = job("hours", "0 0 0/12 * * ?")
    days = job("days", "0 0 2 * * ?", UpstreamJob(job="hours"), UpstreamJob(job="elsewhere"))
    found = planned(hours, days)
    assert awaited(found, "days")["days 28 02:00"] == ["hours 28 00:00", "hours 28 12:00"]
    assert awaited(planned(days), "days") == {}


def test_jobs_of_one_name_in_two_workspaces_are_told_apart() -> None:
    here, there = job("up", "0 0 1 * * ?"), job("up", "0 0 1 * * ?", workspace="other")
    down = job("down", "0 0 2 * * ?", UpstreamJob(job="up", workspace_id="other"))
    found = planned(here, there, down)
    assert {found.dates[each.upstream].number for each in found.waits} == {1}


def test_what_is_asked_of_a_dependency_is_kept() -> None:
    hours = job("hours", "0 0 0/12 * * ?")
    upstream = UpstreamJob(job="hours", period=DependPeriod.PRE_PERIOD, type=DependType.ANY)
    down = job("down", "0 0 2 * * ?", upstream)
    schedule = replace(down.definition.schedule, upstream_fail_policy=DependFailPolicy.IGNORE)
    down = replace(down, definition=replace(down.definition, schedule=schedule))
    found = planned(hours, down)
    assert "down 26 02:00" not in awaited(found, "down")  # the day before is not in the task
    assert {(each.any_suffices, each.policy) for each in found.waits} == {(True, DependFailPolicy.IGNORE)}


def test_a_pair_of_periods_that_is_not_allowed_has_no_effect() -> None:
    minutes = job("minutes", "0 0/30 12 * * ?")
    weeks = job("weeks", "0 0 2 ? * 5", UpstreamJob(job="minutes"))
    assert awaited(planned(minutes, weeks), "weeks") == {}


def test_reverse_ignores_what_lies_on_days_that_run_later() -> None:
    days = job("days", "0 0 0/12 * * ?", itself=True)
    found = planned(days, reverse=True)
    assert order(found)[:3] == ["days 31 00:00", "days 31 12:00", "days 30 00:00"]
    assert awaited(found, "days")["days 31 12:00"] == ["days 31 00:00"]
    assert "days 31 00:00" not in awaited(found, "days")


def test_jobs_that_wait_for_each_other_are_named() -> None:
    first = job("first", "0 0 1 * * ?", UpstreamJob(job="second"))
    second = job("second", "0 0 2 * * ?", UpstreamJob(job="first"))
    with pytest.raises(
        InvalidParameter, match=r"wait for each other: (first → second → first|second → first → second)"
    ):
        planned(first, second)


EXPRESSIONS = ["0 0 2 * * ?", "0 30 0/6 * * ?", "0 0/20 3 * * ?", "0 0 9,15 * * ?", "0 0 1 ? * 2,6"]


@given(
    st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=3),
    st.sets(st.tuples(st.integers(0, 2), st.integers(0, 2))),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_date_is_there_once_and_can_begin(
    expressions: list[str], edges: set[tuple[int, int]], itself: bool, by_day: bool, reverse: bool
) -> None:
    """Beginning whatever waits for nothing that is open, day by day where asked, ends with nothing left."""
    jobs = [
        job(
            f"j{n}",
            text,
            *(UpstreamJob(job=f"j{up}") for down, up in sorted(edges) if down == n and up < n),
            itself=itself,
        )
        for n, text in enumerate(expressions)
    ]
    found = planned(*jobs, by_day=by_day, reverse=reverse)
    assert sorted((each.number, each.plan_time) for each in found.dates) == [
        (n, moment) for n, each in enumerate(jobs) for moment in each.plan_times
    ]
    days = [each.day for each in found.dates]
    assert days == sorted(days)
    left = set(range(len(days)))
    while left:
        day = min(days[at] for at in left) if by_day else max(days)
        blocked = {each.position for each in found.waits if each.upstream in left}
        ready = {at for at in left if at not in blocked and days[at] <= day}
        assert ready
        left -= ready


def test_dates_are_matched_as_their_workspace_says() -> None:
    hours, days = job("hours", "0 0 0/12 * * ?"), job("days", "0 0 2 * * ?", UpstreamJob(job="hours"))
    assert awaited(planned(hours, days), "days")["days 27 02:00"] == ["hours 27 00:00", "hours 27 12:00"]
    found = awaited(planned(hours, replace(days, periods=Mode.TRADITIONAL)), "days")
    assert found["days 27 02:00"] == ["hours 26 00:00", "hours 26 12:00"]
    assert "days 26 02:00" not in found  # the day before is not in the task
