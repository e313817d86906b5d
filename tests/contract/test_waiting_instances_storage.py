"""What a waiting instance waits for, told to a person, and taken away by one. Source: reference on scheduling §5.4."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET
from scheduled_jobs import START, Factory, depending, moment

from headrace.domain.clock import to_millis
from headrace.errors import InstanceNotFound, InvalidParameter
from headrace.factory import dependency_graph, instance_operations, job_dependencies, waiting
from headrace.wire.v1.waiting import RemoveDependencyRequest, WaitingReasons
from headrace.wire.v2.dependencies import DependInstance, DependInstancesQuery

SHELL_ON_HOURS = "0 0 0/6 * * ?"  # 00:00, 06:00, 12:00, 18:00


def why(factory: Factory, job: str, at: int = -1) -> WaitingReasons:
    return waiting.why(factory.services, factory.caller(START), job, str(factory.of(job)[at].id))


def remove(factory: Factory, job: str, upstream: str, plan_time: str | None = None) -> None:
    request = RemoveDependencyRequest(
        job_name=upstream, plan_time=None if plan_time is None else to_millis(moment(plan_time))
    )
    number = str(factory.of(job)[-1].id)
    waiting.remove_dependency(factory.services, factory.caller(START), job, number, request)


def day_on_hours(factory: Factory, statement: str = "", **members: str) -> tuple[str, str]:
    """A day job planned at 05:00 that waits for four instances of its day, of which one has been made."""
    hours = factory.create(SHELL_ON_HOURS, at=START, statement=statement)
    day = factory.create("0 0 5 * * ?", at=START, **depending(hours, **members))
    factory.start(hours, START)
    factory.start(day, START)
    factory.tick(moment("04 05:00"))
    factory.run_all()
    return hours, day


def test_why__says_which_upstream_instances_are_missing(factory: Factory) -> None:
    hours, day = day_on_hours(factory)
    told = why(factory, day)
    rule = "day on hour, same period: the natural day"
    assert told.reasons == [f"It waits for 4 instances of the job {hours!r} ({rule}): 3 not made yet."]
    (dependency,) = told.dependencies
    assert (dependency.job_status, dependency.fail_policy, dependency.satisfied) == ("SCHEDULING", "FAIL", False)
    first, *others = dependency.instances
    assert (first.blocking, first.status, first.instance_id) == (False, "success", factory.of(hours)[0].id)
    assert [(each.blocking, each.status) for each in others] == [(True, UNSET)] * 3
    assert [each.plan_time for each in dependency.instances] == [
        to_millis(moment(f"04 {hour}:00")) for hour in ("00", "06", "12", "18")
    ]
    factory.tick(moment("04 18:00"))
    factory.run_all()
    told = why(factory, day)
    assert (told.status, told.reasons, told.dependencies[0].satisfied) == ("success", [], True)


def test_why__says_that_upstream_instances_failed(factory: Factory) -> None:
    hours, day = day_on_hours(factory, statement="exit 1", dependFailPolicy="SUSPEND")
    assert why(factory, day).reasons[0].endswith(": 3 not made yet, 1 failed, stopped or frozen.")
    assert why(factory, hours).reasons == []


def test_why__says_that_upstream_instances_will_not_come(factory: Factory) -> None:
    hours, day = day_on_hours(factory)
    factory.change(hours, "0 0 12 * * ?", at=moment("04 05:30"))
    assert (
        why(factory, day)
        .reasons[0]
        .endswith(": 1 not made yet, 2 that the schedule of the job does not make any more.")
    )


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (instance_operations.freeze, "A person froze it; unfreeze it to let it go on."),
        (instance_operations.pause, "A person paused it, or one of its nodes; resume it to let it go on."),
    ],
)
def test_why__says_that_a_person_holds_it(factory: Factory, operation: object, sentence: str) -> None:
    _, day = day_on_hours(factory)
    assert callable(operation)
    operation(factory.services, factory.caller(START), day, str(factory.of(day)[0].id))
    assert why(factory, day).reasons == [sentence]


def test_remove_dependency__on_one_instance_leaves_the_others(factory: Factory) -> None:
    hours, day = day_on_hours(factory)
    for hour in ("06", "12"):
        remove(factory, day, hours, f"04 {hour}:00")
        factory.run_all()
    assert factory.states(day) == ["waiting"]
    assert len(why(factory, day).dependencies[0].instances) == 2
    remove(factory, day, hours, "04 18:00")
    factory.run_all()
    assert factory.states(day) == ["success"]


def test_remove_dependency__on_a_job_leaves_other_jobs(factory: Factory) -> None:
    first = factory.create("0 0 3 * * ?", at=START)
    second = factory.create("0 0 4 * * ?", at=START)
    job = factory.create("0 0 2 * * ?", at=START, dependJobs={"jobs": [first, second]})
    for name in (first, second, job):
        factory.start(name, START)
    factory.tick(moment("04 02:00"))
    remove(factory, job, first)
    assert [each.satisfied for each in why(factory, job).dependencies] == [True, False]
    factory.tick(moment("04 04:00"))
    factory.run_all()
    assert factory.states(job) == ["success"]


def test_remove_dependency__of_what_it_does_not_wait_for_is_refused(factory: Factory) -> None:
    hours, day = day_on_hours(factory)
    with pytest.raises(InvalidParameter, match="waits for no instance of 'other'"):
        remove(factory, day, "other")
    with pytest.raises(InvalidParameter, match="planned at"):
        remove(factory, day, hours, "04 07:00")
    with pytest.raises(InvalidParameter, match="remove dependency is possible when it is waiting"):
        remove(factory, hours, day)
    assert factory.states(day) == ["waiting"]


def test_run_without_dependencies__runs_at_once(factory: Factory) -> None:
    _, day = day_on_hours(factory)
    number, caller = str(factory.of(day)[0].id), factory.caller(START)
    waiting.run_without_dependencies(factory.services, caller, day, number)
    factory.run_all()
    assert factory.states(day) == ["success"]
    with pytest.raises(InvalidParameter):
        waiting.run_without_dependencies(factory.services, caller, day, number)


def test_run_without_dependencies__also_without_the_instance_before(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START, statement="exit 1", dependPrePeriod=True)
    factory.start(job, moment("04 00:30"))
    factory.tick(moment("04 02:00"))
    factory.run_all()
    assert factory.states(job) == ["fail", "waiting"]
    number = str(factory.of(job)[1].id)
    waiting.run_without_dependencies(factory.services, factory.caller(START), job, number)
    factory.run_all()
    assert factory.states(job) == ["fail", "fail"]


# ---- the graph


def walked(factory: Factory, job: str, at: int = -1, **query: Any) -> list[DependInstance]:
    number = str(factory.of(job)[at].id)
    asked = DependInstancesQuery(**query)
    answer = dependency_graph.walk(factory.services, factory.caller(START), number, asked)
    assert answer.total == len(answer.depend_instances_info)
    return answer.depend_instances_info


def chain(factory: Factory) -> list[str]:
    """Three day jobs, each of which depends on the one before."""
    names = [factory.create("0 0 1 * * ?", at=START)]
    for hour in (2, 3):
        names.append(factory.create(f"0 0 {hour} * * ?", at=START, **depending(names[-1])))
    for name in names:
        factory.start(name, START)
    factory.tick(moment("04 03:00"))
    factory.run_all()
    return names


def test_depend_instances__level_by_level_in_both_directions(factory: Factory) -> None:
    first, second, third = chain(factory)
    assert [item.job_name for item in walked(factory, second)] == [first, third]
    assert [item.job_name for item in walked(factory, third)] == [second]
    assert [item.job_name for item in walked(factory, third, depth=2)] == [second, first]
    assert [item.job_name for item in walked(factory, first, depth=50, relation="child")] == [second, third]
    assert walked(factory, first, relation="parent") == []
    (shown,) = walked(factory, third)
    assert shown.parent_instance_ids == [factory.of(first)[0].id]
    assert (shown.status, shown.workspace_name, shown.directory_path) == ("success", "default", "/")
    assert (shown.avg_execute_time_ms, shown.running_time) == (shown.running_time, shown.end_time - shown.start_time)  # type: ignore[operator]


def test_depend_instances__the_latest_of_each_job_or_all(factory: Factory) -> None:
    hours, day = day_on_hours(factory)
    factory.tick(moment("04 12:00"))
    factory.run_all()
    assert len(walked(factory, day, latest=False)) == 3
    (latest,) = walked(factory, day)
    assert latest.end_time == max(item.end_time for item in factory.of(hours) if item.end_time is not None)


@pytest.mark.parametrize(
    ("query", "member"), [({"depth": 0}, "depth"), ({"depth": 51}, "depth"), ({"relation": "x"}, "relation")]
)
def test_depend_instances__what_is_asked_must_be_possible(factory: Factory, query: dict[str, Any], member: str) -> None:
    first, *_ = chain(factory)
    with pytest.raises(InvalidParameter, match=member):
        walked(factory, first, **query)
    with pytest.raises(InstanceNotFound):
        dependency_graph.walk(factory.services, factory.caller(START), "12345", DependInstancesQuery())


def test_job_depend__names_direct_neighbours(factory: Factory) -> None:
    first, second, third = chain(factory)

    def layers(name: str, relation: str = "both") -> list[tuple[str, str]]:
        found = job_dependencies.neighbours(factory.services, factory.caller(START), name, relation)
        return [(item.depend_layer, item.job_name) for item in found]

    assert layers(second) == [("parent", first), ("child", third)]
    assert layers(first) == [("child", second)]
    assert layers(third, "child") == []
    factory.change(third, "0 0 3 * * ?", at=START)
    assert layers(second, "child") == []
