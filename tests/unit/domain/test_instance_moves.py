"""States move only as the tables say."""

from __future__ import annotations

import re

import pytest

from headrace.domain.instance import (
    ENDED_JOB_STATES,
    HELD_JOB_STATES,
    JOB_MOVES,
    JOB_OPERATIONS,
    NODE_MOVES,
    NODE_OPERATIONS,
    SCRIPT_MOVES,
    UNENDED_JOB_STATES,
    IllegalMove,
    JobOperation,
    JobState,
    NodeOperation,
    NodeState,
    ScriptState,
    moved,
)


def test_every_state_has_a_row_in_its_table() -> None:
    assert (set(JOB_MOVES), set(NODE_MOVES), set(SCRIPT_MOVES)) == (set(JobState), set(NodeState), set(ScriptState))


def test_no_state_moves_to_itself() -> None:
    tables = (JOB_MOVES, NODE_MOVES, SCRIPT_MOVES)
    assert [state for table in tables for state, after in table.items() if state in after] == []


def test_every_move_has_a_sentence() -> None:
    tables = (JOB_MOVES, NODE_MOVES, SCRIPT_MOVES)
    sentences = [text for table in tables for moves in table.values() for text in moves.values()]  # type: ignore[attr-defined]
    assert [text for text in sentences if not re.fullmatch(r"[A-Z][^.]+\.", text)] == []


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
    again = {JobState.WAITING, JobState.WAITING_CONFIRM, JobState.SUCCESS}
    assert all(JOB_MOVES[state].keys() <= again for state in ENDED_JOB_STATES)


def test_every_state_is_unended_held_or_ended_but_for_the_skipped_one() -> None:
    groups = [*UNENDED_JOB_STATES, *HELD_JOB_STATES, *ENDED_JOB_STATES, JobState.SKIP_BY_DEPEND]
    assert sorted(groups) == sorted(JobState)


JOB_EFFECTS = {
    JobOperation.STOP: {JobState.MANUAL_STOP},
    JobOperation.RERUN: {JobState.WAITING, JobState.WAITING_CONFIRM},
    JobOperation.RETRY: {JobState.RUNNING},
    JobOperation.CONTINUE: {JobState.RUNNING},
    JobOperation.FORCE_SUCCESS: {JobState.SUCCESS},
    JobOperation.CONFIRM: {JobState.WAITING},
    JobOperation.FREEZE: {JobState.FREEZE},
    JobOperation.UNFREEZE: {JobState.WAITING},
    JobOperation.PAUSE: {JobState.PAUSE},
    JobOperation.RESUME: {JobState.WAITING, JobState.RUNNING},
    JobOperation.REMOVE_DEPENDENCY: {JobState.RUNNING, JobState.WAITING_CONFIRM},
    JobOperation.RUN_WITHOUT_DEPENDENCIES: {JobState.RUNNING, JobState.WAITING_CONFIRM},
}
NODE_EFFECTS = {
    NodeOperation.RETRY: NodeState.WAITING,
    NodeOperation.SUCCEED: NodeState.SUCCESS,
    NodeOperation.SKIP: NodeState.SKIP,
    NodeOperation.PAUSE: NodeState.PAUSE,
    NodeOperation.RESUME: NodeState.WAITING,
}


@pytest.mark.parametrize("operation", JobOperation)
def test_what_an_operation_does_is_a_known_move_from_each_state_it_is_possible_in(operation: JobOperation) -> None:
    allowed = JOB_OPERATIONS[operation]
    assert allowed
    assert all(JOB_MOVES[state].keys() >= JOB_EFFECTS[operation] for state in allowed)


@pytest.mark.parametrize("operation", NodeOperation)
def test_what_an_operation_does_to_a_node_is_a_known_move(operation: NodeOperation) -> None:
    of_instance, of_node = NODE_OPERATIONS[operation]
    assert of_instance
    assert of_node
    assert all(NODE_EFFECTS[operation] in NODE_MOVES[state] for state in of_node)


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
