"""What a job is: nodes in an order, with conditions, policies and parameters. Frozen; read from a stored document."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from headrace.domain.dependency_words import DependFailPolicy, UpstreamJob
from headrace.domain.event_words import EventSource
from headrace.domain.obs_listening import ObsListening
from headrace.errors import InvalidParameter


class FailPolicy(StrEnum):
    """What a failed node does to its job. Source: reference on scheduling §7."""

    FAIL = "FAIL"  # the job ends; what runs is stopped, what waits is not run
    FAIL_CHILD = "FAIL_CHILD"  # what comes after the node is not run; the job fails when the rest has ended
    IGNORE = "IGNORE"  # the next nodes run; the job succeeds, marked "failure ignored"
    SUSPEND = "SUSPEND"  # the job waits, abnormal, for a person


FAIL_POLICY_WORDS: Mapping[str, FailPolicy] = {
    "FAIL": FailPolicy.FAIL,
    "EXIT": FailPolicy.FAIL,
    "FAIL_CHILD": FailPolicy.FAIL_CHILD,
    "EXIT_CHILD": FailPolicy.FAIL_CHILD,
    "IGNORE": FailPolicy.IGNORE,
    "CONTINUE": FailPolicy.IGNORE,
    "SUSPEND": FailPolicy.SUSPEND,
}


class SkipPolicy(StrEnum):
    """What a condition that does not hold skips. Source: reference on scheduling §7, "Joins and conditions"."""

    ALL_SUBSEQUENT = "ALL_SUBSEQUENT"
    NEXT = "NEXT"


class MultiIf(StrEnum):
    """How several conditions into one node are joined; OR is the default of the service."""

    OR = "OR"
    AND = "AND"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """Further attempts after a failed one."""

    times: int = 0  # 0 means never
    interval: timedelta = timedelta(seconds=120)
    after_timeout: bool | None = None  # None: as the workspace says


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """An expression on the line from another node."""

    pre_node_name: str
    expression: str
    skip: SkipPolicy = SkipPolicy.ALL_SUBSEQUENT


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeDefinition:
    """One node. ``properties`` are texts as written; those named in ``sensitive`` are sealed."""

    name: str
    type: str
    predecessors: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    polling_interval: timedelta = timedelta(seconds=10)
    max_execution_time: timedelta = timedelta(minutes=60)
    retry: RetryPolicy = RetryPolicy()
    fail_policy: FailPolicy = FailPolicy.FAIL
    dry_run: bool = False
    task_group: str | None = None  # None: that of the job; empty: none


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleDefinition:
    """When a job runs. ``kind``: EXECUTE_ONCE, CRON or EVENT.

    ``concurrent``: how many instances of the job run at once, 0 for any number. ``confirm``: each waits for a person.
    ``interval_type`` (``hours``), ``period`` (``5 minutes``): as written. ``depends_on_itself``: an instance waits for
    the one before; ``skips_waiting``: of several waiting ones only the newest runs. ``calendar``: the name of one;
    on its days off an instance is a dry run. ``event``: what makes an EVENT job run. ``listening``: for which file an
    instance of a CRON job waits.
    """

    kind: str = "EXECUTE_ONCE"
    expression: str = ""
    expression_time_zone: str = ""  # empty: the service's
    start_time: str = ""
    end_time: str = ""
    concurrent: int = 0
    confirm: bool = False
    interval_type: str = ""
    period: str = ""
    upstream: tuple[UpstreamJob, ...] = ()
    upstream_fail_policy: DependFailPolicy = DependFailPolicy.FAIL
    depends_on_itself: bool = False
    skips_waiting: bool = False
    calendar: str = ""
    event: EventSource = EventSource()  # noqa: RUF009  # frozen
    listening: ObsListening | None = None


@dataclass(frozen=True, kw_only=True)
class JobDefinition:
    """A job as one version of its document says it. ``log_path``: an obs:// path, or empty.

    ``execution_user``: under whose name it runs, empty for whoever starts it. ``task_group``: the id of the group whose
    slots its nodes take, empty for none. ``timeout``: when an instance has run long enough to tell somebody, counted
    from its start or, with ``timeout_counts_waiting``, from when it began to wait. ``waits_at_most``: how long a
    scheduled instance waits before it is cancelled, None for as long as the service says.
    """

    name: str
    real_time: bool = False
    nodes: tuple[NodeDefinition, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    schedule: ScheduleDefinition = ScheduleDefinition()
    log_path: str = ""
    dry_run: bool = False
    execution_user: str = ""
    task_group: str = ""
    timeout: timedelta | None = None
    timeout_counts_waiting: bool = False
    waits_at_most: timedelta | None = None

    def task_group_of(self, position: int) -> str:
        """The task group of a node: its own beats the job's."""
        own = self.nodes[position].task_group
        return self.task_group if own is None else own

    def overdue_at(self, submit_time: int, start_time: int | None) -> int | None:
        """When an instance has taken too long (milliseconds); None for never, or not before it has begun."""
        begun = submit_time if self.timeout_counts_waiting else start_time
        return None if self.timeout is None or begun is None else begun + self.timeout // timedelta(milliseconds=1)

    @cached_property
    def task_groups(self) -> frozenset[str]:
        """The task groups of its nodes."""
        return frozenset(filter(None, map(self.task_group_of, range(len(self.nodes)))))

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Where each node stands in ``nodes``."""
        return {node.name: position for position, node in enumerate(self.nodes)}

    @cached_property
    def before(self) -> tuple[tuple[int, ...], ...]:
        """The positions of each node's predecessors."""
        return tuple(tuple(self.positions[name] for name in node.predecessors) for node in self.nodes)

    @cached_property
    def after(self) -> tuple[tuple[int, ...], ...]:
        """The positions of each node's successors."""
        lists: list[list[int]] = [[] for _ in self.nodes]
        for position, predecessors in enumerate(self.before):
            for predecessor in predecessors:
                lists[predecessor].append(position)
        return tuple(map(tuple, lists))

    def descendants(self, positions: Iterable[int]) -> frozenset[int]:
        """The nodes after any of these, at any distance."""
        found: set[int] = set()
        waiting = list(positions)
        while waiting:
            for successor in self.after[waiting.pop()]:
                if successor not in found:
                    found.add(successor)
                    waiting.append(successor)
        return frozenset(found)

    def upstream(self, position: int) -> frozenset[int]:
        """The nodes before this one, at any distance."""
        found: set[int] = set()
        waiting = [position]
        while waiting:
            for predecessor in self.before[waiting.pop()]:
                if predecessor not in found:
                    found.add(predecessor)
                    waiting.append(predecessor)
        return frozenset(found)


def check_graph(job: JobDefinition) -> None:
    """Every node has a name of its own, its predecessors exist, none waits for itself. Raises InvalidParameter."""
    graph: dict[str, tuple[str, ...]] = {}
    for node in job.nodes:
        if not node.name or node.name in graph:
            raise InvalidParameter(f"nodes: the name {node.name!r} is empty or occurs twice.")
        graph[node.name] = node.predecessors
    for node in job.nodes:
        for name in node.predecessors:
            if name not in graph:
                raise InvalidParameter(f"nodes[{node.name}].preNodeName: there is no node {name!r}.")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        raise InvalidParameter(f"nodes: they wait for each other: {' → '.join(error.args[1])}.") from error
