"""Stored documents are read tolerantly, whatever client wrote them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from headrace.domain.event_words import EventFailPolicy, EventSource, EventType, ReadPolicy
from headrace.domain.job import Condition, FailPolicy, JobDefinition, RetryPolicy, check_graph
from headrace.errors import InvalidParameter
from headrace.wire.v1.definition import read_definition


def read(**members: Any) -> JobDefinition:
    return read_definition(json.dumps({"name": "j", **members}))


def test_a_node_without_anything_has_the_documented_defaults() -> None:
    (node,) = read(nodes=[{"name": "a", "type": "Shell"}]).nodes
    assert node.max_execution_time == timedelta(minutes=60)
    assert node.polling_interval == timedelta(seconds=10)
    assert node.retry == RetryPolicy(times=0, interval=timedelta(seconds=120), after_timeout=None)
    assert (node.fail_policy, node.predecessors, node.dry_run) == (FailPolicy.FAIL, (), False)


def test_numbers_may_be_texts_and_flags_texts() -> None:
    members = {"maxExecutionTime": "360", "retryTimes": "2", "retryInterval": "5.0", "execTimeOutRetry": "true"}
    (node,) = read(nodes=[{"name": "a", "type": "Shell", **members}]).nodes
    assert node.max_execution_time == timedelta(hours=6)
    assert node.retry == RetryPolicy(times=2, interval=timedelta(seconds=5), after_timeout=True)


@pytest.mark.parametrize("value", [None, "soon", -3, True, [], 1e300])
def test_a_number_that_is_none_counts_as_absent(value: Any) -> None:
    (node,) = read(nodes=[{"name": "a", "type": "Shell", "retryInterval": value}]).nodes
    assert node.retry.interval == timedelta(seconds=120)


@pytest.mark.parametrize(
    ("word", "policy"),
    [
        ("FAIL", FailPolicy.FAIL),
        ("EXIT", FailPolicy.FAIL),
        ("FAIL_CHILD", FailPolicy.FAIL_CHILD),
        ("EXIT_CHILD", FailPolicy.FAIL_CHILD),
        ("IGNORE", FailPolicy.IGNORE),
        ("CONTINUE", FailPolicy.IGNORE),
        ("SUSPEND", FailPolicy.SUSPEND),
        ("END", FailPolicy.FAIL),
    ],
)
def test_fail_policies_have_words_of_two_generations(word: str, policy: FailPolicy) -> None:
    assert read(nodes=[{"name": "a", "failPolicy": word}]).nodes[0].fail_policy is policy


def test_the_older_spellings_count_where_the_canonical_ones_are_missing() -> None:
    job = read(
        jobType="REAL_TIME",
        schedule={"scheType": "CRON", "cron": {"expression": "0 0 1 * * ?", "startTime": "2024-01-01T00:00:00+08"}},
        nodes=[
            {"name": "a", "nodeType": "Dummy"},
            {
                "name": "b",
                "nodeType": "Shell",
                "preNodeNames": "a, ",
                "condition": [{"preNodeName": "a", "expression": "#{true}"}],
                "nodeProperties": '[{"name": "statement", "value": 5}]',
            },
        ],
    )
    assert (job.real_time, job.schedule.kind, job.schedule.expression) == (True, "CRON", "0 0 1 * * ?")
    b = job.nodes[1]
    assert (b.type, b.predecessors, dict(b.properties)) == ("Shell", ("a",), {"statement": "5"})
    assert b.conditions == (Condition(pre_node_name="a", expression="#{true}"),)


def test_a_node_that_only_a_condition_names_is_a_predecessor() -> None:
    conditions = [{"preNodeName": "a", "expression": "#{1 == 1}"}]
    job = read(nodes=[{"name": "a"}, {"name": "b", "conditions": conditions}])
    assert job.before == ((), (0,))


def test_a_condition_without_an_expression_is_no_condition() -> None:
    conditions = [{"preNodeName": "a", "expression": " "}, {"preNodeName": "a"}]
    job = read(nodes=[{"name": "a"}, {"name": "b", "preNodeName": ["a"], "conditions": conditions}])
    assert job.nodes[1].conditions == ()


def test_sensitive_properties_are_named() -> None:
    properties = [{"name": "body", "value": "sealed:v1:x", "value_is_sensitive": True}, {"name": "url", "value": "u"}]
    (node,) = read(nodes=[{"name": "a", "properties": properties}]).nodes
    assert node.sensitive == {"body"}


@pytest.mark.parametrize(
    "members",
    [{"emptyRunningJob": "1"}, {"schedule": {"type": "CRON", "emptyRunningJob": "1"}}, {"emptyRunningJob": 1}],
)
def test_a_job_may_be_a_dry_run(members: dict[str, Any]) -> None:
    assert read(**members).dry_run


def test_a_node_may_be_a_dry_run() -> None:
    properties = [{"name": "emptyRunningJob", "value": "1"}]
    assert read(nodes=[{"name": "a", "properties": properties}]).nodes[0].dry_run


def test_parameters_keep_their_expressions() -> None:
    job = read(params=[{"name": "day", "value": "#{Job.planTime}"}, {"name": "n", "value": 7}, {"value": "x"}])
    assert dict(job.parameters) == {"day": "#{Job.planTime}", "n": "7"}


@pytest.mark.parametrize("text", ["[]", "1", "nothing", "{"])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        read_definition(text)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([{"name": "a", "preNodeName": ["b"]}], "no node 'b'"),
        ([{"name": "a"}, {"name": "a"}], "occurs twice"),
        ([{"name": "a", "preNodeName": ["b"]}, {"name": "b", "preNodeName": ["a"]}], "wait for each other"),
        ([{"type": "Dummy"}], "is empty"),
    ],
)
def test_check_graph__refuses_what_cannot_run(nodes: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        check_graph(read(nodes=nodes))


def test_descendants_and_upstream_are_found_at_any_distance() -> None:
    job = read(nodes=[{"name": "a"}, {"name": "b", "preNodeName": ["a"]}, {"name": "c", "preNodeName": ["b"]}])
    assert (job.descendants([0]), job.upstream(2)) == ({1, 2}, {0, 1})


def test_concurrency_is_that_of_the_kind_of_schedule() -> None:
    def concurrent(**schedule: Any) -> int:
        return read(schedule={"cron": {"concurrent": "3"}, "event": {"concurrent": 7}, **schedule}).schedule.concurrent

    assert [concurrent(type=kind) for kind in ("CRON", "EVENT", "EXECUTE_ONCE")] == [3, 7, 0]
    assert concurrent(type="EVENT", event={}) == 1
    assert concurrent(type="EVENT", event={"concurrent": 999}) == 128


def test_an_event_with_empty_members_has_the_documented_defaults() -> None:
    written = {"channel": "t", "failPolicy": "", "readPolicy": "", "concurrent": 0, "interval": 0}
    event = read(schedule={"type": "EVENT", "event": written}).schedule.event
    assert event == EventSource(type=None, channel="t")
    assert (event.read_policy, event.fail_policy) == ("LAST", "SUSPEND")


@pytest.mark.parametrize("member", ["eventType", "engineType"])
def test_an_event_is_read(member: str) -> None:
    written = {member: "obs", "channel": "obs://b/", "failPolicy": "IGNORE", "readPolicy": "NEW", "interval": "60"}
    event = read(schedule={"type": "EVENT_TRIGGER", "event": written}).schedule.event
    assert event == EventSource(
        type=EventType.OBS,
        channel="obs://b/",
        read_policy=ReadPolicy.NEW,
        fail_policy=EventFailPolicy.IGNORE,
        interval=timedelta(minutes=1),
    )


@pytest.mark.parametrize(
    ("job", "node", "group"),
    [
        ({}, {}, ""),
        ({"taskWorkGroupId": "g"}, {}, "g"),
        ({"taskWorkGroupId": "g"}, {"taskWorkGroupId": "h"}, "h"),
        ({"taskWorkGroupId": "g"}, {"taskWorkGroupId": "-1"}, ""),
        ({"taskWorkGroupId": "g"}, {"taskWorkGroupId": ""}, ""),
        ({"taskWorkGroupId": "g"}, {"taskWorkGroupId": None}, "g"),
        ({"taskWorkGroupId": -1}, {}, ""),
    ],
)
def test_a_task_group_of_a_node_beats_that_of_the_job(job: Any, node: Any, group: str) -> None:
    assert read(nodes=[{"name": "a", "type": "Shell", **node}], **job).task_group_of(0) == group


@pytest.mark.parametrize(
    ("config", "timeout", "counts_waiting"),
    [
        ({}, None, False),
        ({"instanceTimeout": 0}, None, False),
        ({"instanceTimeout": "30"}, timedelta(minutes=30), False),
        ({"instanceTimeout": 5, "isIgnoreWaiting": 1}, timedelta(minutes=5), False),
        ({"instanceTimeout": 5, "isIgnoreWaiting": "0"}, timedelta(minutes=5), True),
    ],
)
def test_an_instance_timeout_is_in_minutes(config: Any, timeout: timedelta | None, counts_waiting: bool) -> None:
    job = read(basicConfig=config)
    assert (job.timeout, job.timeout_counts_waiting) == (timeout, counts_waiting)


def test_an_instance_is_overdue_counted_from_its_start_or_from_when_it_was_made() -> None:
    from_start = read(basicConfig={"instanceTimeout": 5})
    with_waiting = read(basicConfig={"instanceTimeout": 5, "isIgnoreWaiting": 0})
    assert [job.overdue_at(1_000, 2_000) for job in (read(), from_start, with_waiting)] == [None, 302_000, 301_000]
    assert [job.overdue_at(1_000, None) for job in (read(), from_start, with_waiting)] == [None, None, 301_000]


def test_confirmation_and_execution_user() -> None:
    job = read(schedule={"requireManualConfirmBeforeExecute": "true"}, basicConfig={"executeUser": "etl"})
    assert (job.schedule.confirm, job.execution_user) == (True, "etl")
    assert (read().schedule.confirm, read().execution_user) == (False, "")
