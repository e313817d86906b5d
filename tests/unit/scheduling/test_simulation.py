"""What will run, and what it will wait for: the documented examples of dependencies, told by the simulation."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.dependency_rules import Mode
from headrace.domain.dependency_words import DependPeriod, DependType, UpstreamJob
from headrace.domain.job import ScheduleDefinition
from headrace.errors import InvalidParameter
from headrace.scheduling.simulation import SimulatedInstance, SimulatedJob, Simulation, usual_durations

ZONE = ZoneInfo("Asia/Shanghai")
DAILY, MINUTES = "0 0 2 * * ?", "0 0/5 * * * ?"


def moment(text: str) -> datetime:
    """``31 02:00`` of May 2026."""
    return datetime.strptime(f"2026-05-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


def job(name: str, expression: str, *upstream: str | UpstreamJob, **members: Any) -> SimulatedJob:
    of_job = {
        key: members.pop(key)
        for key in ("since", "alone_at", "paused", "duration", "works", "workspace_id", "periods")
        if key in members
    }
    listed = tuple(UpstreamJob(job=each) if isinstance(each, str) else each for each in upstream)
    schedule = ScheduleDefinition(kind="CRON", expression=expression, upstream=listed, **members)
    return SimulatedJob(**{"key": hash(name), "workspace_id": "w", "name": name, "schedule": schedule, **of_job})


def run(jobs: list[SimulatedJob], since: str, until: str, only: str = "") -> list[SimulatedInstance]:
    chosen = [each for each in jobs if each.name == only] if only else None
    return Simulation(jobs, ZONE).run(moment(since), moment(until), chosen)


def told(found: list[SimulatedInstance]) -> list[str]:
    """``job 31 02:00 <- upstream 31 01:00, 31 01:30``."""
    return [
        f"{each.job.name} {at(each.planned)}"
        + "".join(f" <- {awaited.job.name} {', '.join(map(at, awaited.upstream.plan_times))}" for awaited in each.waits)
        for each in found
    ]


def at(planned: datetime | None) -> str:
    return "?" if planned is None else f"{planned.astimezone(ZONE):%d %H:%M}"


def test_what_runs_on_the_31st_and_what_it_waits_for() -> None:
    jobs = [job("month", "0 0 3 31 * ?", "day"), job("day", "0 0 4 * * ?"), job("week", "0 0 5 ? * 2", "day")]
    found = run(jobs, "31 00:00", "31 23:59")
    assert told(found) == ["month 31 03:00 <- day 31 04:00", "day 31 04:00"]
    assert [each.upstream.rule for each in found[0].waits] == ["month on day, same period: the natural day"]


# Source: "Natural Periodic Scheduling: Same-Period Dependency" (documented).
@pytest.mark.parametrize(
    ("own", "upstream", "planned", "awaited"),
    [
        ("0 0/20 * * * ?", "0 0/10 * * * ?", "05 00:20", "05 00:10, 05 00:20"),
        ("0 0/10 * * * ?", "0 0/20 * * * ?", "05 00:20", "05 00:20"),
        ("0 0 2 * * ?", "0 0 0/6 * * ?", "05 02:00", "05 00:00, 05 06:00, 05 12:00, 05 18:00"),
        ("0 0 0/2 * * ?", "0 30 0/1 * * ?", "05 02:00", "05 02:30"),
        ("0 0 5 * * ?", "0 0 23 * * ?", "05 05:00", "05 23:00"),
    ],
)
def test_same_period(own: str, upstream: str, planned: str, awaited: str) -> None:
    found = run([job("a", own, "b"), job("b", upstream)], planned, planned, only="a")
    assert told(found) == [f"a {planned} <- b {awaited}"]


# Source: "Natural Periodic Scheduling: Dependency on the Previous Period" (documented).
@pytest.mark.parametrize(
    ("own", "upstream", "previous", "awaited"),
    [
        ("0 0 2 * * ?", "0 0 5 * * ?", 1, "30 05:00"),
        ("0 0 2 * * ?", "0 0 5 * * ?", 3, "28 05:00, 29 05:00, 30 05:00"),
        ("0 0 2 * * ?", "0 0 0/6 * * ?", 1, "30 18:00"),
    ],
)
def test_previous_period(own: str, upstream: str, previous: int, awaited: str) -> None:
    on = UpstreamJob(job="b", period=DependPeriod.PRE_PERIOD, previous=previous)
    found = run([job("a", own, on), job("b", upstream)], "31 00:00", "31 23:59", only="a")
    assert told(found) == [f"a 31 02:00 <- b {awaited}"]


def test_plan_times_of_one_day_that_look_at_the_nearest_one_differ() -> None:
    nearest = UpstreamJob(job="b", type=DependType.NEAREST)
    jobs = [job("a", "0 0 5 * * ?", nearest), job("c", "0 0 9 * * ?", nearest), job("b", "0 0 0/4 * * ?")]
    assert told(run(jobs, "05 05:00", "05 09:00"))[::2] == ["a 05 05:00 <- b 05 04:00", "c 05 09:00 <- b 05 08:00"]


def test_a_job_that_depends_on_itself() -> None:
    found = run([job("a", DAILY, depends_on_itself=True, since=moment("05 02:00"))], "01 00:00", "06 23:59")
    assert told(found) == ["a 05 02:00", "a 06 02:00 <- a 05 02:00"]


def test_the_first_instance_after_a_start_can_go_without_the_one_before() -> None:
    found = run([job("a", DAILY, depends_on_itself=True, alone_at=moment("06 02:00"))], "05 00:00", "06 23:59")
    assert told(found) == ["a 05 02:00 <- a 04 02:00", "a 06 02:00"]


def test_an_instance_does_not_wait_for_what_was_before_the_start_of_its_upstream() -> None:
    jobs = [job("a", DAILY, "b"), job("b", DAILY, since=moment("05 00:00"))]
    assert told(run(jobs, "04 00:00", "05 23:59", only="a")) == ["a 04 02:00", "a 05 02:00 <- b 05 02:00"]


def test_a_paused_job_has_no_instances_but_is_waited_for() -> None:
    jobs = [job("a", DAILY, "b", duration=timedelta(0)), job("b", DAILY, paused=True, duration=timedelta(0))]
    (found,) = run(jobs, "05 00:00", "05 23:59")
    assert told([found]) == ["a 05 02:00 <- b 05 02:00"]
    assert (found.start, found.finish) == (None, None)


def test_estimates_follow_what_is_waited_for() -> None:
    jobs = [
        job("early", "0 0 1 * * ?", duration=timedelta(hours=2)),
        job("late", "0 0 5 * * ?", duration=timedelta(minutes=1)),
        job("all", DAILY, "early", "late", duration=timedelta(minutes=30)),
        job("any", DAILY, UpstreamJob(job="hours", type=DependType.ANY), duration=timedelta(minutes=3)),
        job("hours", "0 0 3-5 * * ?", duration=timedelta(minutes=7)),
        job("new", DAILY, "all"),
        job("newer", DAILY, "new", duration=timedelta(minutes=1)),
    ]
    found = {each.job.name: (at(each.start), at(each.finish)) for each in run(jobs, "05 00:00", "05 23:59")}
    assert found["all"] == ("05 05:01", "05 05:31")
    assert found["any"] == ("05 03:07", "05 03:10")
    assert found["new"] == ("05 05:31", "?")
    assert found["newer"] == ("?", "?")


def test_upstream_jobs_that_are_not_shown_take_part_in_estimates() -> None:
    hour = timedelta(hours=1)
    jobs = [job("a", DAILY, "b", duration=hour), job("b", DAILY, "c", duration=hour), job("c", DAILY, duration=hour)]
    (found,) = run(jobs, "05 00:00", "05 23:59", only="a")
    assert (at(found.start), at(found.finish)) == ("05 04:00", "05 05:00")


def test_instances_that_wait_for_each_other_have_no_estimates() -> None:
    jobs = [job("a", DAILY, "b", duration=timedelta(0)), job("b", DAILY, "a", duration=timedelta(0))]
    assert [(each.start, each.finish) for each in run(jobs, "05 00:00", "05 23:59")] == [(None, None)] * 2


def test_a_long_chain_is_estimated_without_recursion() -> None:
    chain = job("a", MINUTES, depends_on_itself=True, duration=timedelta(minutes=6))
    found = run([chain], "01 00:00", "11 00:00")[::-1]
    assert found[0].start == moment("01 00:01") + (len(found) - 1) * timedelta(minutes=6)


def test_an_instance_that_a_person_confirms_has_no_estimate() -> None:
    (found,) = run([job("a", DAILY, confirm=True, duration=timedelta(0))], "05 00:00", "05 23:59")
    assert (found.start, found.finish) == (None, None)


def test_days_off_are_dry_runs_that_take_no_time() -> None:
    def works(day: date) -> bool:
        return day.isoweekday() < 6

    found = run([job("a", DAILY, duration=timedelta(hours=1), works=works)], "08 00:00", "09 23:59")
    assert [(each.dry_run, at(each.finish)) for each in found] == [(False, "08 03:00"), (True, "09 02:00")]


def test_a_dependency_without_effect_is_told() -> None:
    jobs = [
        job("a", DAILY, "gone", "wrong"),
        job("wrong", "0 0 99 * * ?"),
        job("minute", MINUTES, "week"),
        job("week", "0 0 2 ? * 2"),
    ]
    simulation = Simulation(jobs, ZONE)
    assert told(simulation.run(moment("05 02:00"), moment("05 02:00"))) == ["a 05 02:00", "minute 05 02:00"]
    assert [each.partition(":")[0] for each in simulation.warnings] == [
        "'a' does not wait for 'gone', which is not scheduled.",
        "'a' does not wait for 'wrong', which is not scheduled.",
        "'minute' does not wait for 'week'",
        "The job 'wrong' cannot be scheduled",
    ]


def test_a_dependency_on_a_job_of_another_workspace() -> None:
    jobs = [job("a", DAILY, UpstreamJob(job="a", workspace_id="other")), job("a ", DAILY)]
    other = SimulatedJob(key=7, workspace_id="other", name="a", schedule=jobs[1].schedule)
    found = Simulation([jobs[0], other], ZONE).run(moment("05 00:00"), moment("05 23:59"), [jobs[0]])
    assert [awaited.job.workspace_id for awaited in found[0].waits] == ["other"]


@pytest.mark.parametrize("jobs", [[job("a", "0 * * * * ?")], [job("a", DAILY, "b"), job("b", "0 * * * * ?")]])
def test_too_many_instances_are_refused_without_working_them_out(jobs: list[SimulatedJob]) -> None:
    with pytest.raises(InvalidParameter, match=r"More than 100 instances.*shorter interval"):
        Simulation(jobs, ZONE, most=100).run(moment("01 00:00"), datetime(2926, 1, 1, tzinfo=ZONE), jobs[:1])


def test_usual_durations_are_medians() -> None:
    assert usual_durations({1: [5, 1, 1000], 2: []}) == {1: timedelta(milliseconds=5)}


def test_an_instance_that_is_cancelled_for_want_of_another_has_no_estimates() -> None:
    a = job("a", "0 0 9 * * ?", "b", periods=Mode.TRADITIONAL, duration=timedelta(minutes=5))
    b = job("b", "0 0 10 * * ?", since=moment("05 00:00"), duration=timedelta(minutes=5))
    found = run([a, b], "05 00:00", "06 23:59", only="a")
    assert told(found) == ["a 05 09:00 <- b ", "a 06 09:00 <- b 05 10:00"]
    assert [(at(each.start), at(each.finish)) for each in found] == [("?", "?"), ("06 09:00", "06 09:05")]
