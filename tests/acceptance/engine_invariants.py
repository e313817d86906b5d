"""What must hold of instances at rest, whatever happened to the processes that ran them: a slow reading of the rules.

It knows the rules on policies, joins and conditions by itself, and compares them with the database, with the marks that
the programs of nodes left in a file, and with the processes of this machine.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from headrace.app import Installation
from headrace.domain.instance import Passage
from headrace.engine.surroundings import files_root
from headrace.nodes.process import ATTEMPT_VARIABLE
from headrace.storage import instances
from headrace.storage.instances import AttemptRecord, InstanceRecord, NodeRecord
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances

Job = dict[str, Any]  # as it is sent to the API
Key = tuple[int, int]  # instance and position

AT_REST = ("success", "fail", "manual-stop", "running-exception", "pause", "freeze")
_IDS = Statement(select(job_instances.c.id).order_by(job_instances.c.id))


class Look(NamedTuple):
    """Everything about one instance."""

    record: InstanceRecord
    nodes: list[NodeRecord]
    attempts: dict[int, list[AttemptRecord]]  # by the position of the node, oldest first
    job: Job


class Mark(NamedTuple):
    """What the program of an attempt wrote: ``b`` when it began, ``e`` at its end."""

    instance: int
    position: int
    fence: int
    what: str


def marks_of(installation: Installation) -> list[Mark]:
    """The marks of programs, in the order in which they were made."""
    file, found = Path(f"{files_root(installation.services.settings)}.marks"), []
    for line in file.read_text().splitlines() if file.exists() else ():
        token, what = line.rsplit(maxsplit=1)
        _, instance, position, fence = token.rsplit(":", 3)
        found.append(Mark(int(instance), int(position), int(fence), what))
    return found


def marking(name: str, body: str = "sleep 0.02", **members: Any) -> dict[str, Any]:
    """A Shell node that marks when its program begins and ends; ``$n`` is the number of the attempt."""
    mark = 'echo "$HEADRACE_ATTEMPT {}" >> "$HEADRACE_OBS_ROOT.marks"'
    statement = f"n=${{HEADRACE_ATTEMPT##*:}}\n{mark.format('b')}\n{body}\n{mark.format('e')}"
    return {"name": name, "type": "Shell", "properties": [{"name": "statement", "value": statement}], **members}


def looked_at(installation: Installation, described: list[Job]) -> list[Look]:
    """Every instance."""
    jobs = {job["name"]: job for job in described}
    with installation.services.db.reading() as connection:
        found = []
        for (key,) in connection.all(_IDS):
            record = instances.by_id(connection, key)
            assert record is not None
            nodes = instances.nodes_of(connection, key)
            attempts = {node.position: instances.attempts_of(connection, key, node.position) for node in nodes}
            found.append(Look(record, nodes, attempts, jobs[record.job_name]))
    return found


def at_rest(installation: Installation, described: list[Job], seconds: float) -> tuple[bool, list[Look]]:
    """Wait until nothing moves any more; whether that came to be, and the instances."""
    deadline = time.monotonic() + seconds
    while True:
        looks = looked_at(installation, described)
        still = all(map(_is_still, looks))
        if still or time.monotonic() > deadline:
            return still, looks
        time.sleep(0.02)


def _is_still(look: Look) -> bool:
    running = any(node.status == "running" for node in look.nodes)
    return look.record.status in AT_REST and not look.record.wish and not running


def broken_rules(
    installation: Installation, described: list[Job], seconds: float, parallel: int, homes: Collection[Path] = ()
) -> list[str]:
    """Wait until all is at rest; what must hold and does not."""
    deadline = time.monotonic() + seconds
    still, looks = at_rest(installation, described, seconds)
    if not still:
        return [f"never at rest: {shown(look)}" for look in looks]
    broken = [
        *(f"{rule}: {shown(look)}" for look in looks for rule in (*_of_instance(look), *_of_nodes(look))),
        *_of_children(looks),
        *_of_marks(looks, marks_of(installation), parallel),
    ]
    homes = homes or [installation.services.settings.home]
    while running := [token for home in homes for token in processes_of(home)]:
        if time.monotonic() > deadline:
            return [*broken, f"processes left: {running}"]
        time.sleep(0.02)
    return broken


def shown(look: Look) -> str:
    """An instance in a line."""
    nodes = {
        node.name: (node.status, [f"{item.fence}:{item.outcome}" for item in look.attempts[node.position]])
        for node in look.nodes
    }
    record = look.record
    return f"{record.job_name} {record.id} {record.status} wish={record.wish!r} owner={record.owner!r} {nodes}"


def processes_of(home: Path) -> list[str]:
    """The attempts whose processes are alive on this machine."""
    start, found = f"{ATTEMPT_VARIABLE}={home}:".encode(), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            variables = Path(f"/proc/{name}/environ").read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        found += [item.decode() for item in variables if item.startswith(start)]
    return found


# ---- the rules of policies, joins and conditions


def _of_instance(look: Look) -> list[str]:
    """The state of an instance follows from the policies of the nodes that failed."""
    record, definitions = look.record, look.job["nodes"]
    broken = []
    if record.status not in ("running-exception", "pause") and record.owner:
        broken.append("ended and still owned")
    if record.status != "running-exception" and any(node.retry_at is not None for node in look.nodes):
        broken.append("a retry is due and will never be made")
    if record.status == "manual-stop" or record.force_success:
        return broken
    failed = [
        definitions[node.position].get("failPolicy", "FAIL")
        for node in look.nodes
        if node.status == "fail" and node.closed != Passage.PASSED
    ]
    if "FAIL" in failed:
        expected = "fail"
    elif "SUSPEND" in failed:
        expected = "running-exception"
    elif any(node.status == "pause" for node in look.nodes):
        expected = "pause"
    elif "FAIL_CHILD" in failed:
        expected = "fail"
    else:
        expected = "success"
    if record.status != expected:
        broken.append(f"must be {expected}")
    passed = any(node.closed == Passage.PASSED for node in look.nodes)
    if expected == "success" and bool(record.ignore_success) is not ("IGNORE" in failed or passed):
        broken.append("the mark of an ignored failure is wrong")
    return broken


def _of_nodes(look: Look) -> list[str]:
    broken = []
    for node in look.nodes:
        definition = look.job["nodes"][node.position]
        outcomes = [item.outcome for item in look.attempts[node.position]]
        fences = [item.fence for item in look.attempts[node.position]]
        if fences != sorted(set(fences)):
            broken.append(f"{node.name}: attempts in no order")
        if outcomes.count("success") > 1 or "success" in outcomes[:-1]:
            broken.append(f"{node.name}: ran after it had succeeded")
        if (rule := _of_outcomes(node, definition, outcomes)) and not look.record.force_success:
            broken.append(f"{node.name}: {rule}")
        if rule := _of_place(look, node, definition):
            broken.append(f"{node.name}: {rule}")
    return broken


def _of_outcomes(node: NodeRecord, definition: Job, outcomes: list[str]) -> str:
    """Whether the state of a node is what became of its attempts."""
    last = outcomes[-1] if outcomes else ""
    if definition["type"] == "Dummy":
        return "a dummy has no attempts" if outcomes else ""
    unlucky = sum(outcome in ("fail", "lost", "timeout") for outcome in outcomes)
    retries = definition.get("retryTimes", 0)
    legal = {
        "success": last == "success",
        "fail": last in ("fail", "lost", "timeout") and unlucky >= retries + 1,
        "manual-stop": last == "stopped",
        "waiting": last in ("", "fail", "lost", "stopped"),
        "skip": not outcomes,
        "pause": "success" not in outcomes,
    }
    return "" if legal[node.status] else f"{node.status} after {outcomes}"


def _of_place(look: Look, node: NodeRecord, definition: Job) -> str:
    """Whether a node was, or was not, run where the ends of those before it say so."""
    before = [_named(look, name) for name in definition.get("preNodeName", ())]
    blocked = any(_blocks(look, item) for item in before)
    unended = any(item.status in ("waiting", "pause") for item in before)
    if node.status in ("waiting", "pause"):
        over = look.record.status in ("fail", "running-exception", "manual-stop") or look.record.force_success
        return "" if over or blocked or unended or node.status == "pause" else "was never decided"
    if blocked or unended:
        return "moved before all before it had ended well"
    closed = bool(before) and all(item.closed == Passage.CLOSED for item in before)
    conditions = definition.get("conditions", ())
    unmet = [
        item
        for item in conditions
        if "false" in item["expression"] or _named(look, item["preNodeName"]).closed == Passage.CLOSED
    ]
    skipped = closed or (bool(conditions) and len(unmet) == len(conditions))
    if skipped is not (node.status == "skip"):
        return "must be skipped" if skipped else "must not be skipped"
    onward = not closed and all("NEXT" in item.get("skipPolicy", "") for item in unmet)
    if skipped and (node.closed == Passage.CLOSED) is onward:
        return "what comes after it is wrong"
    return ""


def _named(look: Look, name: str) -> NodeRecord:
    return next(node for node in look.nodes if node.name == name)


def _blocks(look: Look, node: NodeRecord) -> bool:
    policy = look.job["nodes"][node.position].get("failPolicy", "FAIL")
    failed = node.status == "fail" and policy != "IGNORE" and node.closed != Passage.PASSED
    return failed or node.status == "manual-stop"


# ---- jobs that nodes run


def _of_children(looks: list[Look]) -> list[str]:
    """Each row that a successful node had was run once, by the attempt that succeeded, and nothing runs on its own."""
    broken = []
    children: dict[tuple[int, int, int], list[InstanceRecord]] = defaultdict(list)
    for look in looks:
        record = look.record
        if record.parent_id is not None:
            children[record.parent_id, record.parent_position or 0, record.parent_fence or 0].append(record)
    for look in looks:
        for node in look.nodes:
            rows = look.job["nodes"][node.position].get("rows")
            if rows is None:
                continue
            for attempt in look.attempts[node.position]:
                made = children.pop((look.record.id, node.position, attempt.fence), [])
                good = [item.child_number for item in made if item.status == "success"]
                if attempt.outcome == "success" and sorted(map(int, filter(None, good))) != list(range(1, rows + 1)):
                    broken.append(f"rows {good} of {rows} succeeded: {shown(look)}")
                if attempt.outcome == "lost" and made:
                    broken.append(f"children of an attempt that was lost: {shown(look)}")
                if len({item.child_number for item in made}) != len(made) or len(made) not in (0, rows):
                    broken.append(f"rows doubled or lost: {shown(look)}")
    return broken + [f"children of no attempt: {key} {made}" for key, made in children.items()]


# ---- what really ran


def _of_marks(looks: list[Look], marks: list[Mark], parallel: int) -> list[str]:
    broken, outcomes = [], {}
    for look in looks:
        for position, attempts in look.attempts.items():
            for item in attempts:
                outcomes[item.instance_id, position, item.fence] = item.outcome
                program = look.job["nodes"][position]["type"] == "Shell"
                seen = Counter(mark.what for mark in marks if mark[:3] == (item.instance_id, position, item.fence))
                if program and item.outcome == "success" and seen != {"b": 1, "e": 1}:
                    broken.append(f"succeeded, with the marks {dict(seen)}: {item}")
    for at, count in Counter(mark[:3] for mark in marks if mark.what == "b").items():
        if at not in outcomes:
            broken.append(f"ran unnoticed: {at}")
        if count != 1:
            broken.append(f"one attempt ran {count} times: {at}")
    latest: dict[Key, int] = {}
    for mark in marks:
        key = (mark.instance, mark.position)
        if mark.fence < latest.get(key, 0):
            broken.append(f"attempts overlapped: {mark}")
        latest[key] = max(mark.fence, latest.get(key, 0))
    return broken + _too_many_at_once(marks, outcomes, parallel)


def _too_many_at_once(marks: list[Mark], outcomes: dict[tuple[int, int, int], str], parallel: int) -> list[str]:
    """Counts attempts that succeeded: of the others nobody knows when they ended."""
    running = 0
    for mark in marks:
        if outcomes.get((mark.instance, mark.position, mark.fence)) == "success":
            running += 1 if mark.what == "b" else -1
        if running > parallel:
            return [f"{running} ran at once: {mark}"]
    return []
