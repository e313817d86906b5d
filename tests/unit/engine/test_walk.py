"""A walk moves an instance without a clock or a database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.domain.instance import JobState, Passage
from headrace.domain.job import Condition
from headrace.engine.walk import LOST, Walk
from headrace.errors import InvalidParameter
from headrace.nodes.base import NodeResult
from headrace.storage.default_items import DefaultItems
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.wire.v1.definition import read_definition

GOOD, BAD = NodeResult(success=True, output="1"), NodeResult(success=False, message="no luck")


def never(position: int, condition: Condition) -> bool:
    return False


def unreadable(position: int, condition: Condition) -> bool:
    raise InvalidParameter("not an expression")


def walk_of(*nodes: dict[str, Any], items: DefaultItems = DefaultItems(), **members: Any) -> Walk:  # noqa: B008
    job = read_definition(json.dumps({"name": "j", "nodes": list(nodes), **members}))
    record = InstanceRecord(
        id=1,
        workspace_id="w",
        job_id=2,
        job_name="j",
        instance_name="j",
        instance_type=2,
        status="waiting",
        wish="START",
        version=1,
        parameters="{}",
        run_as="u",
        project_id="p",
        log_root="",
        plan_time=0,
        submit_time=0,
    )
    rows = [
        NodeRecord(instance_id=1, position=at, name=node.name, type=node.type, status="waiting", plan_time=0)
        for at, node in enumerate(job.nodes)
    ]
    walk = Walk(record, rows, job, items)
    walk.begin(10, "me")
    return walk


def shell(name: str, *before: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "Shell", "preNodeName": list(before), **members}


def advance(walk: Walk, now: int = 20) -> list[int]:
    """Decide until nothing follows, and claim what can start; the claimed positions."""
    while walk.candidates:
        walk.decide(now, never)
    claimed, walk.startable = walk.startable, []
    for position in claimed:
        walk.claim(position, now, "")
    walk.settle(now)
    return claimed


def end(walk: Walk, position: int, result: NodeResult, now: int = 30) -> list[int]:
    assert walk.ended(position, walk.nodes[position].fence, result, now)
    return advance(walk, now)


def statuses(walk: Walk) -> list[str]:
    return [node.status for node in walk.nodes]


def test_a_chain_of_dummies_moves_one_node_at_each_decision() -> None:
    walk = walk_of(*({"name": f"n{i}", "type": "Dummy", "preNodeName": [f"n{i - 1}"] if i else []} for i in range(3)))
    seen = []
    while walk.candidates:
        walk.decide(20, never)
        seen.append(statuses(walk).count("success"))
    walk.settle(20)
    assert (seen, walk.state) == ([1, 2, 3], JobState.SUCCESS)


def test_independent_nodes_start_together_and_the_join_waits() -> None:
    walk = walk_of(shell("a"), shell("b"), shell("c", "a", "b"))
    assert advance(walk) == [0, 1]
    assert end(walk, 0, GOOD) == []
    assert end(walk, 1, GOOD) == [2]
    assert end(walk, 2, GOOD, 40) == []
    assert (walk.state, walk.record.end_time, walk.nodes[0].output) == (JobState.SUCCESS, 40, "1")


def test_fail__ends_the_job_and_stops_what_runs() -> None:
    walk = walk_of(shell("a"), shell("b"), shell("c", "b"))
    advance(walk)
    end(walk, 0, BAD)
    assert (walk.state, statuses(walk)) == (JobState.FAIL, ["fail", "manual-stop", "waiting"])
    assert (walk.cancelled, walk.record.error_message) == ([(1, 1)], "Node 'a': no luck")


def test_fail__the_result_of_a_stopped_attempt_is_refused() -> None:
    walk = walk_of(shell("a"), shell("b"))
    advance(walk)
    end(walk, 0, BAD)
    assert not walk.ended(1, 1, GOOD, 50)
    assert walk.nodes[1].status == "manual-stop"


def test_fail_child__other_branches_go_on_and_the_job_fails_at_the_end() -> None:
    walk = walk_of(shell("a", failPolicy="FAIL_CHILD"), shell("b"), shell("c", "a"), shell("d", "b"), shell("e", "c"))
    advance(walk)
    assert end(walk, 0, BAD) == []
    assert walk.state is JobState.RUNNING
    assert end(walk, 1, GOOD) == [3]
    end(walk, 3, GOOD)
    assert (walk.state, statuses(walk)) == (JobState.FAIL, ["fail", "success", "waiting", "success", "waiting"])


def test_ignore__successors_run_and_the_job_succeeds_with_a_mark() -> None:
    walk = walk_of(shell("a", failPolicy="IGNORE"), shell("b", "a"))
    advance(walk)
    assert end(walk, 0, BAD) == [1]
    end(walk, 1, GOOD)
    assert (walk.state, walk.record.ignore_success) == (JobState.SUCCESS, 1)


def test_suspend__the_job_becomes_abnormal_and_nothing_else_starts() -> None:
    walk = walk_of(shell("a", failPolicy="SUSPEND"), shell("b"), shell("c", "b"))
    advance(walk)
    end(walk, 0, BAD)
    assert walk.state is JobState.RUNNING_EXCEPTION
    assert end(walk, 1, GOOD) == []
    assert (walk.state, statuses(walk)) == (JobState.RUNNING_EXCEPTION, ["fail", "success", "waiting"])


def resumed(walk: Walk, status: JobState, *nodes: tuple[int, dict[str, Any]]) -> Walk:
    """The walk as it is read again after a person changed it."""
    changed = list(walk.nodes)
    for position, values in nodes:
        changed[position] = changed[position]._replace(**values)
    return Walk(walk.record._replace(status=status.value), changed, walk.job)


def test_suspend__a_failure_that_is_passed_over_lets_the_job_go_on_and_is_marked() -> None:
    walk = walk_of(shell("a", failPolicy="SUSPEND"), shell("b", "a"))
    advance(walk)
    end(walk, 0, BAD)
    walk = resumed(walk, JobState.RUNNING, (0, {"closed": Passage.PASSED}))
    assert advance(walk) == [1]
    end(walk, 1, GOOD)
    assert (walk.state, walk.record.ignore_success, walk.record.error_message) == (JobState.SUCCESS, 1, "")


def test_suspend__a_second_failure_keeps_the_job_abnormal_when_only_one_was_retried() -> None:
    walk = walk_of(shell("a", failPolicy="SUSPEND"), shell("b", failPolicy="SUSPEND"))
    advance(walk)
    end(walk, 0, BAD)
    end(walk, 1, BAD)
    walk = resumed(walk, JobState.RUNNING, (0, {"status": "waiting", "error_message": ""}))
    assert advance(walk) == [0]
    end(walk, 0, GOOD)
    assert (walk.state, walk.record.error_message) == (JobState.RUNNING_EXCEPTION, "Node 'b': no luck")


def test_pause__the_job_is_paused_when_nothing_but_the_paused_node_is_left_and_goes_on_after() -> None:
    walk = walk_of(shell("a"), shell("b", "a"), shell("c"))
    walk = resumed(walk, JobState.RUNNING, (1, {"status": "pause"}))
    assert advance(walk) == [0, 2]
    end(walk, 0, GOOD)
    assert walk.state is JobState.RUNNING
    end(walk, 2, GOOD)
    assert (walk.state, walk.record.end_time) == (JobState.PAUSE, None)
    walk = resumed(walk, JobState.RUNNING, (1, {"status": "waiting"}))
    assert advance(walk) == [1]
    end(walk, 1, GOOD)
    assert walk.state is JobState.SUCCESS


def test_an_ended_instance_names_the_node_that_made_it_fail_not_one_that_was_ignored() -> None:
    walk = walk_of(shell("a", failPolicy="IGNORE"), shell("b"))
    advance(walk)
    end(walk, 0, BAD)
    end(walk, 1, NodeResult(success=False, message="the real one"))
    assert (walk.state, walk.record.error_message) == (JobState.FAIL, "Node 'b': the real one")


def test_retry__a_failed_attempt_waits_for_its_interval_and_runs_again() -> None:
    walk = walk_of(shell("a", retryTimes=1, retryInterval=5))
    advance(walk)
    end(walk, 0, BAD, 1_000)
    assert (walk.nodes[0].status, walk.nodes[0].retry_at, walk.state) == ("waiting", 6_000, JobState.RUNNING)
    walk.retry_due(0)
    assert advance(walk, 6_000) == [0]
    end(walk, 0, BAD, 7_000)
    assert (walk.state, walk.nodes[0].retry_times, walk.nodes[0].fence) == (JobState.FAIL, 1, 2)


def test_retry__the_result_of_an_earlier_attempt_is_refused() -> None:
    walk = walk_of(shell("a", retryTimes=1, retryInterval=5))
    advance(walk)
    end(walk, 0, BAD)
    walk.retry_due(0)
    advance(walk)
    assert not walk.ended(0, 1, GOOD, 60)
    assert walk.nodes[0].status == "running"


def test_timeout__fails_without_a_retry_unless_the_node_says_so() -> None:
    plain = walk_of(shell("a", retryTimes=3))
    advance(plain)
    assert plain.timed_out(0, 1, 99)
    assert (plain.state, plain.cancelled) == (JobState.FAIL, [(0, 1)])
    stubborn = walk_of(shell("a", retryTimes=3, execTimeOutRetry="true"))
    advance(stubborn)
    assert stubborn.timed_out(0, 1, 99)
    assert (stubborn.state, stubborn.nodes[0].retry_times) == (JobState.RUNNING, 1)


def test_lease__ends_after_the_maximum_execution_time() -> None:
    walk = walk_of(shell("a", maxExecutionTime=5))
    advance(walk, 1_000)
    assert walk.nodes[0].lease_until == 301_000


def test_lost__is_retried_at_once_where_retries_are_left_and_fails_where_not() -> None:
    walk = walk_of(shell("a", retryTimes=1, retryInterval=100), shell("b", failPolicy="FAIL_CHILD"))
    advance(walk)
    walk.lost(500)
    assert (walk.nodes[0].status, walk.nodes[0].retry_at) == ("waiting", 500)
    assert (walk.nodes[1].status, walk.nodes[1].error_message) == ("fail", LOST)


def test_lost__the_failure_of_one_ends_the_others_only_once() -> None:
    walk = walk_of(shell("a"), shell("b"))
    advance(walk)
    walk.lost(500)
    assert (walk.state, statuses(walk)) == (JobState.FAIL, ["fail", "manual-stop"])


def test_dry_run__succeeds_without_running() -> None:
    walk = walk_of(shell("a"), shell("b", "a"), emptyRunningJob="1")
    assert advance(walk) == []
    assert (walk.state, statuses(walk)) == (JobState.SUCCESS, ["success", "success"])


def test_unmet_condition__skips_all_that_follows_and_the_job_succeeds() -> None:
    conditions = [{"preNodeName": "a", "expression": "#{false}"}]
    walk = walk_of(shell("a"), shell("b", "a", conditions=conditions), shell("c", "b"), shell("d", "a"))
    advance(walk)
    assert end(walk, 0, GOOD) == [3]
    end(walk, 3, GOOD)
    assert (walk.state, statuses(walk)) == (JobState.SUCCESS, ["success", "skip", "skip", "success"])


def test_unreadable_condition__fails_the_node() -> None:
    conditions = [{"preNodeName": "a", "expression": "#{"}]
    walk = walk_of({"name": "a", "type": "Dummy"}, shell("b", "a", conditions=conditions))
    while walk.candidates:
        walk.decide(20, unreadable)
    assert (walk.state, walk.nodes[1].status) == (JobState.FAIL, "fail")
    assert "not an expression" in walk.nodes[1].error_message


def test_of_several_conditions_one_must_hold_or_all_as_the_workspace_says() -> None:
    nodes = [
        {"name": "a", "type": "Dummy"},
        {"name": "b", "type": "Dummy"},
        {
            "name": "c",
            "type": "Dummy",
            "preNodeName": ["a", "b"],
            "conditions": [{"preNodeName": "a", "expression": "yes"}, {"preNodeName": "b", "expression": "no"}],
        },
    ]
    for items, state in ((DefaultItems(), "success"), (DefaultItems(all_conditions=1), "skip")):
        walk = walk_of(*nodes, items=items)
        while walk.candidates:
            walk.decide(20, lambda position, condition: condition.expression == "yes")
        assert statuses(walk)[2] == state


@pytest.mark.parametrize(
    ("own", "workspace", "state"),
    [(None, 0, "fail"), (None, 1, "waiting"), ("false", 1, "fail"), ("true", 0, "waiting")],
)
def test_a_node_is_tried_again_after_a_timeout_where_it_or_the_workspace_says_so(
    own: str | None, workspace: int, state: str
) -> None:
    members = {} if own is None else {"execTimeOutRetry": own}
    walk = walk_of(shell("a", retryTimes=1, **members), items=DefaultItems(retry_after_timeout=workspace))
    advance(walk)
    assert walk.timed_out(0, 1, 30)
    assert statuses(walk) == [state]


def test_an_unmet_condition_skips_the_next_node_only_where_it_says_so() -> None:
    nodes = [
        {"name": "a", "type": "Dummy"},
        {
            "name": "b",
            "type": "Dummy",
            "preNodeName": ["a"],
            "conditions": [{"preNodeName": "a", "expression": "no", "skipPolicy": "SKIP_NEXT"}],
        },
        {"name": "c", "type": "Dummy", "preNodeName": ["b"]},
    ]
    walk = walk_of(*nodes)
    advance(walk)
    assert statuses(walk) == ["success", "skip", "success"]


def test_adopt__an_attempt_whose_children_were_made_makes_them_once() -> None:
    walk = walk_of({"name": "a", "type": "DLFSubJob"})
    advance(walk)
    assert walk.adopt(0, 1, '{"total": 1}')
    assert not walk.adopt(0, 1, '{"total": 2}')
    assert walk.nodes[0].children == '{"total": 1}'


@pytest.mark.parametrize(("policy", "state", "ignored"), [("FAIL", "fail", 0), ("IGNORE", "success", 1)])
def test_a_single_task_ends_its_job_or_is_ignored(policy: str, state: str, ignored: int) -> None:
    walk = walk_of(shell("only", failPolicy=policy), singleNodeJobFlag=True)
    advance(walk)
    end(walk, 0, BAD)
    assert (walk.record.status, walk.record.ignore_success) == (state, ignored)


def test_a_node_that_says_nothing_is_not_tried_again_and_stops_its_job() -> None:
    walk = walk_of(shell("a"), shell("b", "a"), shell("c"))
    advance(walk)
    end(walk, 0, BAD)
    assert (statuses(walk), walk.record.status) == (["fail", "waiting", "manual-stop"], "fail")
