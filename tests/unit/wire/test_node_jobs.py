"""The nodes of a real-time job as the documents of batch jobs."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.domain.event_words import EventFailPolicy, EventType
from headrace.domain.job import JobDefinition
from headrace.domain.real_time import Trigger
from headrace.errors import InvalidSchedule
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.node_jobs import node_jobs

CRON = {"expression": "0 0 * * * ?"}


def of(node: dict[str, Any], **members: Any) -> JobDefinition:
    """The job of one node of a real-time job."""
    body = {"name": "rt", "processType": "REAL_TIME", "nodes": [{"name": "first"}, {"name": "n", **node}], **members}
    return read_definition(node_jobs(json.dumps(body))[1].document)


def test_node_jobs__each_node_alone_without_its_lines() -> None:
    condition = {"preNodeName": "first", "expression": "#{1 == 2}"}
    for lines in (
        {"preNodeName": ["first"], "conditions": [condition]},
        {"preNodeNames": "first", "condition": [condition]},
    ):
        job = of(lines)
        assert (job.name, job.real_time, [node.name for node in job.nodes]) == ("rt_n", False, ["n"])
        assert (job.nodes[0].predecessors, job.nodes[0].conditions) == ((), ())


def test_node_jobs__what_the_job_says_of_all_nodes_stays() -> None:
    job = of(
        {"cronTrigger": CRON},
        params=[{"name": "x", "value": "1"}],
        logPath="obs://logs",
        basicConfig={"executeUser": "u", "instanceTimeout": 30},
    )
    assert (job.parameters, job.log_path, job.execution_user) == ({"x": "1"}, "obs://logs", "u")
    assert job.timeout == timedelta(minutes=30)


def test_node_jobs__a_node_without_a_trigger_runs_for_ever() -> None:
    job = of({"maxExecutionTime": 5}, basicConfig={"instanceTimeout": 30}, schedule={"type": "CRON", "cron": CRON})
    assert (job.schedule.kind, job.timeout) == ("EXECUTE_ONCE", None)
    assert job.nodes[0].max_execution_time > timedelta(days=365 * 10)


@pytest.mark.parametrize("spelling", ["cronTrigger", "cron_trigger"])
@pytest.mark.parametrize(("given", "counts"), [({}, 10), ({"concurrent": 0}, 10), ({"concurrent": "3"}, 3)])
def test_node_jobs__a_cron_trigger_is_its_schedule(spelling: str, given: dict[str, Any], counts: int) -> None:
    batch_only = {"calendarScheduling": "office", "isSkipSelfDepJob": "true"}
    job = of({spelling: CRON | given | batch_only | {"dependPrePeriod": True}, "maxExecutionTime": 5})
    assert (job.schedule.kind, job.schedule.expression) == ("CRON", CRON["expression"])
    assert (job.schedule.concurrent, job.schedule.depends_on_itself) == (counts, True)
    assert (job.schedule.calendar, job.schedule.skips_waiting) == ("", False)
    assert job.nodes[0].max_execution_time == timedelta(minutes=5)


@pytest.mark.parametrize(("given", "counts"), [({}, 1), ({"concurrent": 0}, 1), ({"concurrent": 4}, 4)])
def test_node_jobs__an_event_trigger_is_its_schedule(given: dict[str, Any], counts: int) -> None:
    job = of({"eventTrigger": {"eventType": "DIS", "channel": "c", "failPolicy": "IGNORE", **given}})
    event = job.schedule.event
    assert (job.schedule.kind, event.type, event.channel) == ("EVENT", EventType.DIS, "c")
    assert (event.fail_policy, job.schedule.concurrent) == (EventFailPolicy.IGNORE, counts)


@pytest.mark.parametrize("concurrent", [11, 128, "128", 1e9])
def test_node_jobs__at_most_ten_events_at_once(concurrent: Any) -> None:
    assert of({"eventTrigger": {"eventType": "KAFKA", "concurrent": concurrent}}).schedule.concurrent == 10


@pytest.mark.parametrize("none", [{}, None, "", {"eventType": None}])
def test_node_jobs__an_empty_trigger_is_none(none: Any) -> None:
    assert of({"cronTrigger": none, "eventTrigger": none}).schedule.kind == "EXECUTE_ONCE"


def test_node_jobs__task_groups_do_not_count() -> None:
    job = of({"taskWorkGroupId": "1", "cronTrigger": CRON}, taskWorkGroupId="2")
    assert job.task_groups == frozenset()


def test_node_jobs__two_triggers_are_refused() -> None:
    with pytest.raises(InvalidSchedule, match=r"nodes\[1\]\.eventTrigger: the node 'n' has a cronTrigger"):
        of({"cronTrigger": CRON, "eventTrigger": {"eventType": "KAFKA"}})


def test_node_jobs__the_stream_of_the_samples(samples: Path) -> None:
    text = (samples / "c02-iot-stream__iot_stream.job.json").read_text("utf-8")
    found = {each.name: each for each in node_jobs(text)}
    assert {name: each.trigger for name, each in found.items()} == {
        "flink_enrich": Trigger.NONE,
        "on_alarm_event": Trigger.EVENT,
        "on_sensor_batch": Trigger.EVENT,
        "on_firmware_file": Trigger.EVENT,
        "compact_5min": Trigger.CRON,
        "hourly_rollup": Trigger.CRON,
        "notify_gap": Trigger.NONE,
    }
    rollup = read_definition(found["hourly_rollup"].document)
    assert [each.job for each in rollup.schedule.upstream] == ["device_registry_sync"]
    assert rollup.parameters == {"topic": "iot.telemetry.v2", "alarm_level": "3"}
    assert found["hourly_rollup"].where == "nodes[5]"
