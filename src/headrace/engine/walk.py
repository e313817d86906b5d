"""One instance on its way through its graph: kept in memory by the coordinator, moved, and written back.

A walk reads no clock and no database; what it changed is in ``record`` and ``changed_nodes``. Times in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from headrace.domain.instance import (
    ENDED_JOB_STATES,
    HELD_JOB_STATES,
    UNENDED_JOB_STATES,
    JobState,
    NodeState,
    Passage,
    moved,
)
from headrace.domain.job import Condition, FailPolicy, JobDefinition, MultiIf, NodeDefinition
from headrace.engine.graph import Step, View, failures, next_step, verdict
from headrace.errors import HeadraceError
from headrace.nodes.base import NodeResult, is_inline
from headrace.storage.default_items import DefaultItems
from headrace.storage.instance_children import ChildRecord
from headrace.storage.instances import AttemptRecord, InstanceRecord, NodeRecord, attempt_ended

_NOTHING, _DEFAULTS = NodeResult(success=True), DefaultItems()
_BAD = frozenset({JobState.FAIL, JobState.MANUAL_STOP, JobState.SKIP_BY_DEPEND})
_CHILD_ENDED = _BAD | {JobState.SUCCESS}

LOST = "The server ended while this attempt ran; what it did and its output are unknown."


class Walk:
    """The state of an instance, and the moves it can make.

    ``candidates``: waiting nodes to be decided; ``startable``: decided, to be claimed; ``cancelled``: positions and
    fences of attempts that must be ended, because their nodes were; ``outcomes``: attempts that have ended;
    ``abandoned``: nodes whose child instances must end; ``begun``: child instances that can begin.
    """

    def __init__(
        self, record: InstanceRecord, nodes: Sequence[NodeRecord], job: JobDefinition, items: DefaultItems = _DEFAULTS
    ) -> None:
        self.loaded = record
        self.record = record
        self.nodes = list(nodes)
        self.job = job
        self._multi_if = MultiIf.AND if items.all_conditions else MultiIf.OR
        self._retry_after_timeout = bool(items.retry_after_timeout)
        self.states = [NodeState(node.status) for node in nodes]
        self.candidates = {node.position for node in nodes if node.status == NodeState.WAITING and not node.retry_at}
        self.startable: list[int] = []
        self.cancelled: list[tuple[int, int]] = []
        self.changed_nodes: set[int] = set()
        self.outcomes: list[AttemptRecord] = []
        self.abandoned: set[int] = set()
        self.begun: list[int] = []

    # ---- what it looks like

    @property
    def state(self) -> JobState:
        """The state of the instance."""
        return JobState(self.record.status)

    def definition(self, position: int) -> NodeDefinition:
        """The node as its job defines it."""
        return self.job.nodes[position]

    def running(self) -> list[int]:
        """The nodes that run."""
        return [position for position, state in enumerate(self.states) if state is NodeState.RUNNING]

    def attempting(self) -> list[int]:
        """The running nodes that have an attempt, on a slot of their own; not those whose children run."""
        return [position for position in self.running() if self.nodes[position].children is None]

    def claimed(self) -> list[int]:
        """The nodes whose attempts begin when this is written."""
        return [at for at in self.changed_nodes if self.states[at] is NodeState.RUNNING and self.nodes[at].lease_until]

    def with_children(self) -> list[int]:
        """The running nodes that wait for their child instances."""
        return [position for position in self.running() if self.nodes[position].children is not None]

    def retrying(self) -> list[int]:
        """The nodes that wait for another attempt."""
        return [node.position for node in self.nodes if node.retry_at is not None]

    def written(self) -> None:
        """What was changed is in the database now."""
        self.loaded = self.record
        self.changed_nodes.clear()
        self.outcomes.clear()
        self.abandoned.clear()
        self.begun.clear()

    # ---- moves of the instance

    def begin(self, now: int, owner: str) -> None:
        """Start the instance, unless it has started already; from here on it is the owner's."""
        if self.state is JobState.WAITING:
            self._move(JobState.RUNNING, start_time=now, end_time=None)
        if self.state not in ENDED_JOB_STATES:
            self.record = self.record._replace(owner=owner)

    def see(self) -> None:
        """The wish was seen; an instance that has ended belongs to no engine any more."""
        owner = "" if self.state in ENDED_JOB_STATES else self.record.owner
        self.record = self.record._replace(wish="", owner=owner)

    def stop(self, now: int) -> None:
        """The instance that runs this one wishes it to end."""
        if self.state in UNENDED_JOB_STATES | HELD_JOB_STATES:
            self._stop_rest(now)
            self._move(JobState.MANUAL_STOP, end_time=now, error_message="Stopped by the node that runs it.")

    def fail(self, message: str, now: int) -> None:
        """The whole instance fails, outside of any node."""
        self.begin(now, self.record.owner)
        self._stop_rest(now)
        self._move(JobState.FAIL, end_time=now, error_message=message)

    def decide(self, now: int, holds: Callable[[int, Condition], bool]) -> None:
        """Decide the candidates: skip, complete or make startable. ``holds`` raises HeadraceError if it cannot tell.

        What one decision completes is seen by the next call only, so that each step along a path is written by itself.
        """
        if self.state is not JobState.RUNNING:
            self.candidates.clear()  # an instance that goes on later is read again, with all its waiting nodes
            return
        candidates, self.candidates = sorted(self.candidates), set()
        view = self._views().__getitem__
        for position in candidates:
            if self.states[position] is not NodeState.WAITING or self.state is not JobState.RUNNING:
                continue
            try:
                step = next_step(self.job, position, view, partial(holds, position), self._multi_if)
            except HeadraceError as error:
                self._fail_node(position, error.message, now)
                continue
            self._take(position, step, now)

    def settle(self, now: int) -> None:
        """End the instance when nothing of it runs, waits for an attempt, or is to be decided."""
        if self.state is not JobState.RUNNING or self.candidates or self.startable:
            return
        if NodeState.RUNNING in self.states or self.retrying():
            return
        state, ignored = verdict(self.job, self._views())
        if state in (JobState.PAUSE, JobState.RUNNING_EXCEPTION):
            self._move(state, error_message=self._first_failure())
            return
        message = "" if state is JobState.SUCCESS else self._first_failure()
        self._move(state, end_time=now, ignore_success=int(ignored), error_message=message)

    # ---- moves of a node

    def claim(self, position: int, now: int, log_path: str) -> NodeRecord:
        """Begin an attempt: a new fence, and a lease that ends when the node has run too long."""
        node = self.nodes[position]
        until = now + int(self.definition(position).max_execution_time.total_seconds() * 1000)
        return self._change(
            position,
            NodeState.RUNNING,
            fence=node.fence + 1,
            lease_until=until,
            start_time=now if node.start_time is None else node.start_time,
            end_time=None,
            log_path=log_path,
            error_message="",
            children=None,
            attempt_time=now,
            task_group=self.job.task_group_of(position),
        )

    def ended(self, position: int, fence: int, result: NodeResult, now: int) -> bool:
        """Record how an attempt ended; False when its claim was lost, and nothing is recorded."""
        node = self.nodes[position]
        if node.fence != fence or self.states[position] is not NodeState.RUNNING:
            return False
        if result.success:
            self._record(position, "success", now)
            self._succeed(position, now, result)
            return True
        self._record(position, "timeout" if result.timed_out else "fail", now, result.message)
        again = result.retry and self._retry(position, result.message, now, timed_out=result.timed_out)
        if not again:
            self._fail_node(position, result.message, now, output=result.output)
        return True

    def adopt(self, position: int, fence: int, children: str) -> bool:
        """The attempt has become child instances; False when its claim was lost, or when it has them already."""
        node = self.nodes[position]
        if node.fence != fence or self.states[position] is not NodeState.RUNNING or node.children is not None:
            return False
        self._set(position, children=children)
        return True

    def tally(self, position: int, children: Sequence[ChildRecord], parallel: int, now: int) -> None:
        """Look at the child instances of a node: begin more of them, or end it.

        One that did not succeed fails the node; the ones that run go on, and no more are begun.
        """
        fence = self.nodes[position].fence
        bad = [child for child in children if child.status in _BAD and child.start_time is not None]
        unbegun = [child.id for child in children if child.status == JobState.WAITING and not child.wish]
        unended = [child for child in children if child.status not in _CHILD_ENDED]
        active = len(unended) - len(unbegun)
        if not bad and unended:
            self.begun += unbegun[: max(0, parallel - active)]
        elif not unended:
            self.ended(position, fence, _result_of(children), now)
        elif active == 0:
            self.abandoned.add(position)
            self.ended(position, fence, _result_of([child for child in children if child.id not in unbegun]), now)

    def timed_out(self, position: int, fence: int, now: int) -> bool:
        """The lease ended before the attempt did: the node fails, or is tried again where its policy says so."""
        minutes = self.definition(position).max_execution_time.total_seconds() / 60
        message = f"The node ran longer than its maximum of {minutes:g} minutes and was stopped."
        recorded = self.ended(position, fence, NodeResult(success=False, message=message, timed_out=True), now)
        if recorded:
            self.cancelled.append((position, fence))
            self.abandoned.add(position)
        return recorded

    def lost(self, now: int, runs_on: Callable[[NodeRecord], bool] = lambda _: False) -> None:
        """The process that held the running attempts is gone: retry or fail them as their policies say.

        ``runs_on`` tells of the ones that are not lost.
        """
        for position in self.attempting():
            if self.states[position] is not NodeState.RUNNING:  # ended by the failure of one before it
                continue
            if runs_on(self.nodes[position]):
                continue
            self._record(position, "lost", now, LOST)
            if not self._retry(position, LOST, now, at_once=True):
                self._fail_node(position, LOST, now)

    def retry_due(self, position: int) -> None:
        """The interval before another attempt is over."""
        node = self.nodes[position]
        if node.retry_at is None or self.state is not JobState.RUNNING:
            return
        self._set(position, retry_at=None)
        self.startable.append(position)

    # ---- within

    def _take(self, position: int, step: Step, now: int) -> None:
        if step in (Step.SKIP, Step.SKIP_ALL):
            self._change(
                position,
                NodeState.SKIP,
                end_time=now,
                closed=int(Passage.CLOSED if step is Step.SKIP_ALL else Passage.BY_POLICY),
            )
            self.candidates.update(self.job.after[position])
        elif step is Step.RUN:
            definition = self.definition(position)
            if definition.dry_run or self.job.dry_run or self.record.dry_run or is_inline(definition.type):
                self._change(position, NodeState.RUNNING, start_time=now, fence=self.nodes[position].fence + 1)
                self._succeed(position, now, _NOTHING)
            else:
                self.startable.append(position)

    def _succeed(self, position: int, now: int, result: NodeResult) -> None:
        self._change(
            position,
            NodeState.SUCCESS,
            end_time=now,
            lease_until=None,
            output=result.output,
            input_row_count=result.input_row_count,
            running_data=result.running_data,
            variables=json.dumps(dict(result.variables), ensure_ascii=False) if result.variables else None,
            error_message="",
        )
        self.candidates.update(self.job.after[position])

    def _record(self, position: int, outcome: str, now: int, message: str = "") -> None:
        self.outcomes.append(attempt_ended(self.nodes[position], outcome, now, message))

    def _retry(self, position: int, message: str, now: int, *, timed_out: bool = False, at_once: bool = False) -> bool:
        policy, node = self.definition(position).retry, self.nodes[position]
        after_timeout = self._retry_after_timeout if policy.after_timeout is None else policy.after_timeout
        if node.retry_times >= policy.times or (timed_out and not after_timeout):
            return False
        due = now if at_once else now + int(policy.interval.total_seconds() * 1000)
        self._change(
            position,
            NodeState.WAITING,
            retry_times=node.retry_times + 1,
            retry_at=due,
            lease_until=None,
            error_message=message,
        )
        return True

    def _fail_node(self, position: int, message: str, now: int, output: str | None = None) -> None:
        """A node has failed for good; its policy says what that means for the rest."""
        self._change(
            position,
            NodeState.FAIL,
            end_time=now,
            lease_until=None,
            error_message=message,
            output=output,
            retry_at=None,
        )
        policy = self.definition(position).fail_policy
        if policy is FailPolicy.IGNORE:
            self.candidates.update(self.job.after[position])
        elif policy is FailPolicy.FAIL:
            self._stop_rest(now)
            self._move(JobState.FAIL, end_time=now, error_message=self._first_failure())
        elif policy is FailPolicy.SUSPEND and self.state is JobState.RUNNING:
            self.startable.clear()
            self._move(JobState.RUNNING_EXCEPTION, error_message=self._first_failure())

    def _stop_rest(self, now: int) -> None:
        self.candidates.clear()
        self.startable.clear()
        for position in self.running():
            fence = self.nodes[position].fence
            self._record(position, "stopped", now)
            self._change(position, NodeState.MANUAL_STOP, end_time=now, lease_until=None, fence=fence + 1)
            self.cancelled.append((position, fence))
            self.abandoned.add(position)
        for position in self.retrying():
            self._set(position, retry_at=None)

    def _views(self) -> list[View]:
        """What a decision sees of the nodes as they are now."""
        return [
            View(state, node.closed == Passage.CLOSED, node.closed == Passage.PASSED)
            for state, node in zip(self.states, self.nodes, strict=True)
        ]

    def _first_failure(self) -> str:
        """The node that made the instance fail, and why."""
        failed = failures(self.job, self._views())
        return f"Node {self.nodes[failed[0]].name!r}: {self.nodes[failed[0]].error_message}" if failed else ""

    def _move(self, after: JobState, **values: Any) -> None:
        if after in ENDED_JOB_STATES:
            values["owner"] = ""
        self.record = self.record._replace(status=moved(self.state, after).value, **values)

    def _change(self, position: int, after: NodeState, **values: Any) -> NodeRecord:
        self.states[position] = moved(self.states[position], after)
        return self._set(position, status=after.value, **values)

    def _set(self, position: int, **values: Any) -> NodeRecord:
        node = self.nodes[position] = self.nodes[position]._replace(**values)
        self.changed_nodes.add(position)
        return node


def _result_of(children: Sequence[ChildRecord]) -> NodeResult:
    """How a node ends whose child instances have ended."""
    bad = [child for child in children if child.status in _BAD]
    if not bad:
        return NodeResult(success=True)
    first = bad[0]
    reason = f"instance {first.id} ({first.instance_name}): {first.status}. {first.error_message}".rstrip()
    if len(children) == 1:
        return NodeResult(success=False, message=f"The subjob did not succeed, {reason}")
    message = f"{len(bad)} of {len(children)} instances that ran did not succeed; the first is {reason}"
    return NodeResult(success=False, message=message)
