"""Dependencies in a workspace with traditional periods, by the published examples. The clock is an argument.

Source: "Traditional Periodic Scheduling" (documented).
"""

from __future__ import annotations

import pytest
from scheduled_jobs import START, Factory, depending, moment

from headrace.domain.clock import to_millis
from headrace.domain.dependency_rules import Mode
from headrace.errors import InvalidSchedule
from headrace.factory import default_items, waiting
from headrace.scheduling.simulated_workspace import simulate
from headrace.wire.v1.default_items import DefaultItemsBody
from headrace.wire.v1.simulation import SimulationRequest


def choose(factory: Factory, mode: Mode) -> None:
    caller = factory.caller(START)
    default_items.change(factory.services, caller, caller.workspace.id, DefaultItemsBody(dependency_periods=mode.value))


@pytest.fixture
def traditional(factory: Factory) -> Factory:
    choose(factory, Mode.TRADITIONAL)
    return factory


def pair(factory: Factory, upstream: str, own: str, **members: str) -> tuple[str, str]:
    b = factory.create(upstream, at=START)
    a = factory.create(own, at=START, **depending(b, **members))
    factory.start(b, START)
    factory.start(a, START)
    return a, b


@pytest.mark.parametrize(
    ("own", "upstream", "mode", "sentence"),
    [
        (
            "0 0 2 ? * 2",
            "0 0/5 * * * ?",
            Mode.NATURAL,
            "a job with the period week cannot depend on one with the period minute",
        ),
        (
            "0 0 2 ? * 2",
            "0 0 1 * * ?",
            Mode.TRADITIONAL,
            "a job with the period week cannot depend on one with the period day",
        ),
        (
            "0 0/5 * * * ?",
            "0 0/10 * * * ?",
            Mode.TRADITIONAL,
            "an interval of 5 minutes is shorter than the 10 minutes",
        ),
    ],
)
def test_start__periods_that_do_not_fit_are_refused(
    factory: Factory, own: str, upstream: str, mode: Mode, sentence: str
) -> None:
    choose(factory, mode)
    with pytest.raises(InvalidSchedule, match=rf"schedule.cron.dependJobs: 'job_1': {sentence}.*\({mode} periods\)"):
        pair(factory, upstream, own)


def test_start__periods_are_not_compared_with_an_upstream_job_that_runs_on_events_or_is_the_job_itself(
    traditional: Factory,
) -> None:
    events = {"schedule": {"type": "EVENT", "event": {"eventType": "OBS", "channel": "obs://inbox/a/"}}}
    upstream = traditional.create("", at=START, members=events)
    traditional.start(upstream, START)
    traditional.start(traditional.create("0 0 2 ? * 2", at=START, **depending(upstream)), START)
    traditional.start(traditional.create("0 0 2 ? * 2", at=START, **depending("job_3")), START)


def awaited(factory: Factory, job: str, at: int = -1) -> list[int]:
    told = waiting.why(factory.services, factory.caller(START), job, str(factory.of(job)[at].id))
    return [each.plan_time for dependency in told.dependencies for each in dependency.instances]


def test_an_instance_waits_for_the_interval_before(traditional: Factory) -> None:
    a, _ = pair(traditional, "0 0/10 * * * ?", "0 0/20 * * * ?")
    traditional.tick(moment("04 10:20"))
    assert awaited(traditional, a) == [to_millis(moment("04 10:10")), to_millis(moment("04 10:20"))]


def test_a_day_waits_for_the_hours_of_the_day_before_and_says_by_which_rule(traditional: Factory) -> None:
    a, _ = pair(traditional, "0 0 0/10 * * ?", "0 0 2 * * ?")
    traditional.tick(moment("05 02:00"))
    assert awaited(traditional, a) == [to_millis(moment(f"04 {hour}:00")) for hour in ("00", "10", "20")]
    told = waiting.why(traditional.services, traditional.caller(START), a, str(traditional.of(a)[-1].id))
    assert told.reasons[0].startswith("It waits for 3 instances of the job")
    assert told.dependencies[0].rule.endswith(": the natural day before, traditional periods")


def test_an_instance_for_which_none_counts_is_cancelled_with_those_that_depend_on_it(traditional: Factory) -> None:
    a, b = pair(traditional, "0 0 10 * * ?", "0 0 9 * * ?")
    last = traditional.create("0 0 9 * * ?", at=START, **depending(a))
    traditional.start(last, START)
    traditional.tick(moment("04 09:00"))
    assert traditional.states(a) == traditional.states(last) == ["manual-stop"]
    assert traditional.of(a)[0].error_message.startswith(f"Cancelled: no instance of the job {b!r} counts for it (")
    traditional.tick(moment("05 09:00"))
    traditional.run_all()
    assert traditional.states(a) == traditional.states(last) == ["manual-stop", "success"]


def test_the_choice_counts_from_the_next_instance_on(factory: Factory) -> None:
    a, _ = pair(factory, "0 0 10 * * ?", "0 0 9 * * ?")
    factory.tick(moment("04 09:00"))
    choose(factory, Mode.TRADITIONAL)
    factory.tick(moment("05 09:00"))
    assert awaited(factory, a, 0) == [to_millis(moment("04 10:00"))] == awaited(factory, a, 1)
    choose(factory, Mode.NATURAL)
    factory.tick(moment("06 09:00"))
    assert awaited(factory, a, 2) == [to_millis(moment("06 10:00"))]


def test_a_simulation_tells_what_the_schedules_do(traditional: Factory) -> None:
    a, b = pair(traditional, "0 0 10 * * ?", "0 0 9 * * ?")
    request = SimulationRequest(min_plan_time=to_millis(START), max_plan_time=to_millis(moment("05 09:00")), jobs=[a])
    first, second = simulate(traditional.services, traditional.caller(START), request).instances
    rule = "day on day, same period: the day before t, traditional periods"
    assert [(each.waits_for[0].plan_times, each.waits_for[0].rule) for each in (first, second)] == [
        ([], rule),
        ([to_millis(moment("04 10:00"))], rule),
    ]
    traditional.tick(moment("04 09:00"))
    assert traditional.states(a) == ["manual-stop"]
    assert traditional.states(b) == []
