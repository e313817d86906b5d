"""Draws the states of instances from the tables of moves, for ``scripts/reference.py``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from headrace.domain.instance import (
    JOB_MOVES,
    JOB_OPERATIONS,
    NODE_MOVES,
    NODE_OPERATIONS,
    SCRIPT_MOVES,
    JobState,
    NodeState,
    ScriptState,
)

Moves = Mapping[Any, Mapping[Any, str]]

INTRODUCTION = """
What runs is kept in the database as job instances and their node instances. Each change of a state is one transaction
with all that follows from it, and asks the tables below (`domain/instance.py`); a move that is not there cannot happen,
whoever wants it. Names of states are those of the API."""

JOBS = """
An instance that ended well because a failure was ignored, by the policy of the node or by a person who let it go on, is
`success` with `ignoreSuccess`; one that a person declared successful is `success` with `forceSuccess`. What waits in
`waiting-confirm`, `pause` or `freeze` goes on only when a person says so; for an instance that depends on it, a frozen
one has failed, and a paused one has not ended."""

NODES = """
A node that is retried by its own policy goes back to `waiting` with the time of the next attempt. How each attempt
ended stays on record (ListNodeAttempts), also when the instance is run again."""


def page(note: str) -> Iterator[str]:
    """The lines of the page."""
    yield f"# States of instances\n\n{note}\n{INTRODUCTION}"
    yield f"\n## Job instances\n{JOBS}\n"
    yield from _drawn(JOB_MOVES, JobState.WAITING, JobState.WAITING_CONFIRM)
    yield "\n### Operations on an instance\n\n| operation | possible when the instance is |\n|---|---|"
    yield from (f"| {operation} | {_listed(states)} |" for operation, states in JOB_OPERATIONS.items())
    yield f"\n## Node instances\n{NODES}\n"
    yield from _drawn(NODE_MOVES, NodeState.WAITING)
    yield "\n### Operations on a node\n"
    yield "| operation | possible when the node is | and its instance is |\n|---|---|---|"
    for operation, (of_instance, of_node) in NODE_OPERATIONS.items():
        yield f"| {operation} | {_listed(of_node)} | {_listed(of_instance)} |"
    yield "\n## Script instances\n"
    yield from _drawn(SCRIPT_MOVES, ScriptState.LAUNCHING)


def _drawn(moves: Moves, *first: StrEnum) -> Iterator[str]:
    """A diagram, and a sentence for each of its arrows."""
    yield "```mermaid\nstateDiagram-v2"
    yield from (f"    {_name(state)} : {state}" for state in moves)
    yield from (f"    [*] --> {_name(state)}" for state in first)
    for before, after in _arrows(moves):
        yield f"    {_name(before)} --> {_name(after)}"
    yield "```\n\n| from | to | when |\n|---|---|---|"
    for before, after in _arrows(moves):
        yield f"| `{before}` | `{after}` | {moves[before][after]} |"


def _arrows(moves: Moves) -> Iterator[tuple[Any, Any]]:
    return ((before, after) for before in moves for after in moves[before])


def _name(state: StrEnum) -> str:
    """Mermaid takes no hyphens in names."""
    return state.value.replace("-", "_")


def _listed(states: frozenset[Any]) -> str:
    return ", ".join(f"`{state}`" for state in sorted(states))
