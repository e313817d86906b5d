"""What a real-time job and its nodes are, by their instances."""

from __future__ import annotations

import pytest

from headrace.domain.instance import JobState
from headrace.domain.real_time import RunStatus, Trigger, ending_status, job_status, node_status


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (None, "STARTING"),
        ("waiting", "STARTING"),
        ("waiting-confirm", "STARTING"),
        ("running", "NORMAL"),
        ("pause", "NORMAL"),
        ("success", "NORMAL"),
        ("fail", "EXCEPTION"),
        ("running-exception", "EXCEPTION"),
        ("manual-stop", "STOPPED"),
    ],
)
def test_node_status__without_a_trigger_it_is_as_its_instance(last: str | None, status: str) -> None:
    assert node_status(Trigger.NONE, last=last, going=(), failed=False) == status


def test_node_status__every_state_of_an_instance_has_one() -> None:
    for state in JobState:
        assert node_status(Trigger.NONE, last=state, going=(), failed=False) in RunStatus


@pytest.mark.parametrize("trigger", [Trigger.CRON, Trigger.EVENT])
@pytest.mark.parametrize(
    ("going", "failed", "status"),
    [
        ((), False, "NORMAL"),
        (("running", "waiting"), False, "NORMAL"),
        (("running",), True, "EXCEPTION"),
        (("running", "running-exception"), False, "EXCEPTION"),
    ],
)
def test_node_status__with_a_trigger_only_failures_count(
    trigger: Trigger, going: tuple[str, ...], failed: bool, status: str
) -> None:
    for last in (None, "waiting", "fail", "manual-stop"):
        assert node_status(trigger, last=last, going=going, failed=failed) == status


@pytest.mark.parametrize(
    ("nodes", "status"),
    [
        ([], "NORMAL"),
        (["NORMAL", "STOPPED"], "NORMAL"),
        (["NORMAL", "STARTING"], "STARTING"),
        (["STARTING", "EXCEPTION", "NORMAL"], "EXCEPTION"),
    ],
)
def test_job_status__is_that_of_its_worst_node(nodes: list[str], status: str) -> None:
    assert job_status(nodes) == status


def test_ending_status__stops_when_nothing_goes_on() -> None:
    assert (ending_status(going=True), ending_status(going=False)) == ("STOPPING", "STOPPED")
