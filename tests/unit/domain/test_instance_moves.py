"""States move only as the tables say."""

from __future__ import annotations

import pytest

from headrace.domain.instance import (
    ENDED_JOB_STATES,
    JOB_MOVES,
    NODE_MOVES,
    SCRIPT_MOVES,
    UNENDED_JOB_STATES,
    IllegalMove,
    JobState,
    NodeState,
    ScriptState,
    moved,
)


def test_every_state_has_a_row_in_its_table() -> None:
    assert (set(JOB_MOVES), set(NODE_MOVES), set(SCRIPT_MOVES)) == (set(JobState), set(NodeState), set(ScriptState))


def test_no_state_moves_to_itself() -> None:
    tables = (JOB_MOVES, NODE_MOVES, SCRIPT_MOVES)
    assert [state for table in tables for state, after in table.items() if state in after] == []


def test_every_state_can_be_reached_from_the_first() -> None:
    for first, table in ((JobState.WAITING, JOB_MOVES), (NodeState.WAITING, NODE_MOVES)):
        reached, waiting = {first}, [first]
        while waiting:
            for after in table[waiting.pop()]:  # type: ignore[index]
                if after not in reached:
                    reached.add(after)
                    waiting.append(after)
        assert reached == set(table)


def test_an_unended_instance_can_be_stopped() -> None:
    assert all(JobState.MANUAL_STOP in JOB_MOVES[state] for state in UNENDED_JOB_STATES)


def test_an_ended_instance_can_only_be_run_again_or_declared_successful() -> None:
    assert all(JOB_MOVES[state] <= {JobState.WAITING, JobState.SUCCESS} for state in ENDED_JOB_STATES)


def test_moved__a_known_move_gives_the_new_state() -> None:
    assert moved(NodeState.WAITING, NodeState.RUNNING) is NodeState.RUNNING


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (JobState.SUCCESS, JobState.FAIL),
        (JobState.WAITING, JobState.SUCCESS),
        (NodeState.SUCCESS, NodeState.RUNNING),
        (NodeState.WAITING, NodeState.SUCCESS),
        (ScriptState.FINISHED, ScriptState.FAILED),
    ],
)
def test_moved__an_unknown_move_is_refused(before: NodeState, after: NodeState) -> None:
    with pytest.raises(IllegalMove, match=f"from {before} to {after}"):
        moved(before, after)
