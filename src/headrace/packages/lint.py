"""Finds in a package what would fail later: before it is imported, started, or run at two in the morning."""

from __future__ import annotations

import graphlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from headrace.domain.names import JOB_NAME, NODE_NAME, PARAMETER_NAME
from headrace.domain.quality_document import read_rule_job
from headrace.errors import HeadraceError
from headrace.packages.model import Kind, PackageObject
from headrace.packages.references import Reference, ReferenceKind, compact, properties_of, references_of
from headrace.packages.text import members, objects_in
from headrace.wire.document import as_text, number_value
from headrace.wire.v1.quality import rule_job_document

_EXPRESSION = re.compile(r"#\{")
_FAIL_POLICIES = ("FAIL", "IGNORE", "SUSPEND", "FAIL_CHILD", "EXIT", "CONTINUE", "EXIT_CHILD")
_RANGES = (
    ("pollingInterval", 1, 60),
    ("maxExecutionTime", 5, 7200),
    ("retryTimes", 0, 5),
    ("retryInterval", 5, 600),
)
_MAX_VALUE = 1024  # characters of a parameter
_HELD_AS = {
    ReferenceKind.SCRIPT: Kind.SCRIPT,
    ReferenceKind.RESOURCE: Kind.RESOURCE,
    ReferenceKind.SUBJOB: Kind.JOB,
    ReferenceKind.UPSTREAM: Kind.JOB,
    ReferenceKind.CDM_JOB: Kind.CDM_JOB,
    ReferenceKind.CDM_LINK: Kind.CDM_LINK,
    ReferenceKind.CONNECTION: Kind.CONNECTION,
    ReferenceKind.QUALITY_RULES: Kind.QUALITY_RULES,
}
# What a package rarely carries: the target often has it, so its absence is only worth a look.
_OFTEN_ELSEWHERE = (
    ReferenceKind.CONNECTION,
    ReferenceKind.UPSTREAM,
    ReferenceKind.CDM_LINK,
    ReferenceKind.QUALITY_RULES,
)


class Level(StrEnum):
    """An error fails when the job runs (or cannot be saved); a warning may."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding: ``rule`` names the check, ``where`` the place in the object, ``repair`` what to do."""

    level: Level
    rule: str
    object: str
    where: str
    message: str
    repair: str = ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What packages know nothing of and ask others; each check raises a HeadraceError that says what is wrong."""

    known_node_type: Callable[[str], bool]
    check_expression: Callable[[str], None]
    check_cron: Callable[[str], None]
    check_time: Callable[[str], object]
    max_nodes: int = 200


@dataclass
class _Held:
    keys: set[tuple[Kind, str, str]] = field(default_factory=set)
    names: dict[Kind, set[str]] = field(default_factory=dict)

    def add(self, item: PackageObject) -> None:
        self.keys.add(item.key)
        self.names.setdefault(item.kind, set()).add(item.name)

    def has(self, reference: Reference) -> bool:
        kind = _HELD_AS[reference.kind]
        if reference.cluster:
            return (kind, reference.cluster, reference.name) in self.keys
        return reference.name in self.names.get(kind, set())


def lint(objects: Iterable[PackageObject], rules: Rules) -> list[Finding]:
    """Check objects together: what each says, and what it names that the others do not hold."""
    items = list(objects)
    held = _Held()
    for item in items:
        held.add(item)
    findings = [finding for item in items for finding in _lint_object(item, rules, held)]
    findings += _job_cycles(items, ReferenceKind.SUBJOB, Level.ERROR, "run each other as subjobs")
    findings += _job_cycles(items, ReferenceKind.UPSTREAM, Level.WARNING, "wait for each other")
    return findings


def _lint_object(item: PackageObject, rules: Rules, held: _Held) -> Iterator[Finding]:
    if item.kind is Kind.JOB:
        yield from _Job(item, rules).findings()
    elif item.kind is Kind.QUALITY_RULES:
        yield from _lint_rule_job(item)
    for reference in references_of(item):
        if reference.kind in _HELD_AS and not held.has(reference):
            elsewhere = reference.kind in _OFTEN_ELSEWHERE
            yield Finding(
                level=Level.WARNING if elsewhere else Level.ERROR,
                rule=f"missing-{reference.kind.value.replace(' ', '-').lower()}",
                object=item.label(),
                where=f"nodes[{reference.node}].{reference.property}" if reference.node else reference.property,
                message=f"the package has no {reference.kind.value} {reference.name!r}",
                repair="export it along, or make sure that the target has it"
                if elsewhere
                else f"add the {reference.kind.value}, or correct the name",
            )


def _lint_rule_job(item: PackageObject) -> Iterator[Finding]:
    try:
        read_rule_job(rule_job_document(item.text), deferred=True)
    except HeadraceError as error:
        where, _, text = error.detail.partition(": ")
        yield Finding(level=Level.ERROR, rule="quality-rule", object=item.label(), where=where, message=text)


class _Job:
    """The checks of one job."""

    def __init__(self, item: PackageObject, rules: Rules) -> None:
        self._item, self._rules = item, rules
        self._job = members(item.text)

    def _finding(self, level: Level, rule: str, where: str, message: str, repair: str = "") -> Finding:
        return Finding(level=level, rule=rule, object=self._item.label(), where=where, message=message, repair=repair)

    def findings(self) -> Iterator[Finding]:
        if not JOB_NAME.fullmatch(self._item.name):
            text = "a job name is 1 to 128 letters, digits, Chinese characters, '-', '_' or '.'"
            yield self._finding(Level.ERROR, "job-name", "name", text)
        kind = self._job.get("processType") or self._job.get("jobType")
        if kind not in ("BATCH", "REAL_TIME"):
            text = f"processType is {kind!r}, neither BATCH nor REAL_TIME"
            yield self._finding(Level.ERROR, "process-type", "processType", text)
        nodes = objects_in(self._job.get("nodes"))
        if not nodes:
            yield self._finding(Level.WARNING, "no-nodes", "nodes", "the job has no nodes and cannot run")
        if len(nodes) > self._rules.max_nodes:
            text = f"{len(nodes)} nodes are more than the original's {self._rules.max_nodes}"
            yield self._finding(Level.WARNING, "too-many-nodes", "nodes", text)
        yield from self._graph(nodes)
        for node in nodes:
            yield from self._node(node)
        yield from self._parameters()
        yield from self._schedule(self._job.get("schedule"))

    def _graph(self, nodes: list[dict[str, Any]]) -> Iterator[Finding]:
        graph: dict[str, list[str]] = {}
        for node in nodes:
            name = as_text(node.get("name"))
            if name in graph:
                yield self._finding(Level.ERROR, "duplicate-node", f"nodes[{name}]", f"two nodes are called {name!r}")
            graph[name] = _predecessors(node)
        for name, before in graph.items():
            for one in before:
                if one not in graph:
                    text, repair = f"there is no node {one!r}", "correct the name, or remove the line"
                    yield self._finding(Level.ERROR, "unknown-predecessor", f"nodes[{name}].preNodeName", text, repair)
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            text = f"nodes wait for each other: {' → '.join(error.args[1])}"
            yield self._finding(Level.ERROR, "cycle", "nodes", text, "remove one of these lines")

    def _node(self, node: dict[str, Any]) -> Iterator[Finding]:
        name = as_text(node.get("name"))
        where = f"nodes[{name}]"
        if not NODE_NAME.fullmatch(name):
            yield self._finding(
                Level.ERROR, "node-name", where, "a node name is 1 to 128 letters, digits or - _ . / < >"
            )
        kind = as_text(node.get("type") or node.get("nodeType"))
        if not self._rules.known_node_type(kind):
            text = f"the node type {kind!r} cannot run here"
            repair = "it is kept and exported; switch on its dry run, or replace it"
            yield self._finding(Level.WARNING, "unknown-node-type", f"{where}.type", text, repair)
        policy = node.get("failPolicy")
        if policy and policy not in _FAIL_POLICIES:
            text = f"failPolicy {policy!r} is none of {', '.join(_FAIL_POLICIES)}"
            yield self._finding(Level.ERROR, "fail-policy", f"{where}.failPolicy", text)
        for member, low, high in _RANGES:
            value = number_value(node.get(member))
            if isinstance(value, int | float) and not low <= value <= high:
                text = f"{member} is {value}; the original takes {low} to {high}"
                yield self._finding(Level.WARNING, "out-of-range", f"{where}.{member}", text)
        yield from self._properties(node, where, kind)
        before = _predecessors(node)
        for condition in objects_in(node.get("conditions")):
            source = as_text(condition.get("preNodeName"))
            yield from self._expression(as_text(condition.get("expression")), f"{where}.conditions[{source}]")
            if source not in before:
                text = f"the condition is on {source!r}, which is no predecessor"
                yield self._finding(Level.ERROR, "condition-without-line", f"{where}.conditions[{source}]", text)
        yield from self._cron(node.get("cronTrigger"), f"{where}.cronTrigger")

    def _properties(self, node: dict[str, Any], where: str, kind: str) -> Iterator[Finding]:
        values = properties_of(node)
        for name, value in values.items():
            yield from self._expression(value, f"{where}.properties[{name}]")
        runs_script = compact(kind).endswith("sql") or compact(kind) in ("shell", "python")
        inline = values.get("statementOrScript", "SCRIPT").upper() == "STATEMENT"
        if runs_script and not inline and not values.get("scriptName"):
            text = "the node runs a script and names none"
            yield self._finding(Level.ERROR, "no-script", f"{where}.properties", text, "set scriptName")
        if inline and not (values.get("sql") or values.get("statement")):
            text = "the node runs a statement and has none"
            yield self._finding(Level.ERROR, "no-statement", f"{where}.properties", text, "set sql")

    def _expression(self, text: str, where: str) -> Iterator[Finding]:
        if _EXPRESSION.search(text):
            try:
                self._rules.check_expression(text)
            except HeadraceError as error:
                yield self._finding(Level.ERROR, "expression", where, error.detail or error.message)

    def _parameters(self) -> Iterator[Finding]:
        for parameter in objects_in(self._job.get("params")):
            name = as_text(parameter.get("name"))
            if not PARAMETER_NAME.fullmatch(name):
                text = f"the parameter name {name!r} is not 1 to 64 letters, digits, '-', '_' or '.'"
                yield self._finding(Level.ERROR, "parameter-name", f"params[{name}]", text)
            value = as_text(parameter.get("value"))
            if len(value) > _MAX_VALUE:
                text = f"the value has {len(value)} characters; the original takes {_MAX_VALUE}"
                yield self._finding(Level.WARNING, "out-of-range", f"params[{name}]", text)
            yield from self._expression(value, f"params[{name}]")

    def _schedule(self, schedule: Any) -> Iterator[Finding]:
        if not isinstance(schedule, dict):
            return
        kind = schedule.get("type") or schedule.get("scheType")
        if kind in ("CRON", "SCHEDULE") and not isinstance(schedule.get("cron"), dict):
            text = "the schedule is CRON and has no cron block, so the job cannot be started"
            yield self._finding(Level.WARNING, "no-cron", "schedule", text)
        yield from self._cron(schedule.get("cron"), "schedule.cron")

    def _cron(self, cron: Any, where: str) -> Iterator[Finding]:
        if not isinstance(cron, dict):
            return
        checks: list[tuple[str, Callable[[str], object]]] = [("expression", self._rules.check_cron)]
        checks += [("startTime", self._rules.check_time), ("endTime", self._rules.check_time)]
        for member, check in checks:
            if value := as_text(cron.get(member)):
                try:
                    check(value)
                except HeadraceError as error:
                    rule = "cron" if member == "expression" else "schedule-time"
                    yield self._finding(Level.ERROR, rule, f"{where}.{member}", error.detail)


def _predecessors(node: dict[str, Any]) -> list[str]:
    before = node.get("preNodeName")
    return [as_text(one) for one in before] if isinstance(before, list) else []


def _job_cycles(items: list[PackageObject], kind: ReferenceKind, level: Level, how: str) -> Iterator[Finding]:
    graph = {
        item.name: [one.name for one in references_of(item) if one.kind is kind]
        for item in items
        if item.kind is Kind.JOB
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield Finding(
            level=level,
            rule="subjob-cycle" if kind is ReferenceKind.SUBJOB else "upstream-cycle",
            object=f"job {error.args[1][0]!r}",
            where="nodes" if kind is ReferenceKind.SUBJOB else "schedule.cron",
            message=f"jobs {how}: {' → '.join(error.args[1])}",
            repair="remove one of these references"
            if kind is ReferenceKind.SUBJOB
            else "remove one of these dependencies, unless one is on the last period",
        )
