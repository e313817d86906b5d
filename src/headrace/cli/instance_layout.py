"""Lays out job instances as lines: the whole tree for a terminal, what has ended since for plain output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headrace.cli.instance_view import InstanceView, NodeView
from headrace.domain.instance import UNENDED_JOB_STATES, JobState
from headrace.packages.text import printable

MOST_SIBLINGS = 8  # child instances that are shown one by one
NAME_WIDTH = 28
_MARKS = {
    "success": ("✓", "green"),
    "fail": ("✗", "red"),
    "skip": ("-", "dim"),
    "skip-by-depend": ("-", "dim"),
    "manual-stop": ("■", "yellow"),
    "running": ("▶", "cyan"),
    "running-exception": ("!", "red"),
}
_QUIET = ("success", "skip", "waiting", "skip-by-depend")  # what a tree that is too tall shows as numbers


@dataclass(frozen=True)
class Line:
    """A line of output and how a terminal shows it (a style of Rich, empty for plain)."""

    text: str
    style: str = ""


def tree(instance: InstanceView, height: int | None = None) -> list[Line]:
    """An instance with its nodes and what they run. Where ``height`` lines do not hold it, what is quiet is counted."""
    lines = list(_tree(instance, "", folded=False))
    if height is None or len(lines) <= height:
        return lines
    lines = list(_tree(instance, "", folded=True))
    return lines if len(lines) <= height else [*lines[: height - 1], Line(f"… {len(lines) - height + 1} more lines")]


def _tree(instance: InstanceView, indent: str, *, folded: bool) -> Iterator[Line]:
    yield _headline(instance, indent)
    shown = [node for node in instance.nodes if not (folded and node.status in _QUIET)]
    for node in shown:
        yield node_line(node, indent + "  ")
        yield from _details(node, indent + "    ")
        yield from _children(node, indent + "    ", folded=folded)
    rest = Counter(node.status for node in instance.nodes if node not in shown)
    if rest:
        yield Line(f"{indent}  · nodes: {_counts(rest)}", "dim")


def _headline(instance: InstanceView, indent: str) -> Line:
    mark, style = _MARKS.get(instance.status, ("·", "dim"))
    seconds = "" if instance.seconds is None else f"  {instance.seconds:.2f} s"
    return Line(f"{indent}{mark} {printable(instance.name)}: {instance.status}{seconds}", style)


def node_line(node: NodeView, indent: str) -> Line:
    """A node in one line: mark, name, type, state, seconds."""
    mark, style = _MARKS.get(node.status, ("·", "dim"))
    seconds = "" if node.seconds is None else f"{node.seconds:8.2f} s"
    retries = f"  retries: {node.retries}" if node.retries else ""
    name, kind = printable(node.name), printable(node.type)
    return Line(f"{indent}{mark} {name:<{NAME_WIDTH}} {kind:<12} {node.status:<11}{seconds}{retries}".rstrip(), style)


def _details(node: NodeView, indent: str) -> Iterator[Line]:
    """Why it failed, and the last lines of its log."""
    if node.message:
        for text in node.message.splitlines():
            yield Line(f"{indent}{printable(text)}", "red" if node.status == "fail" else "")
    said = [text for text in node.tail if not text.endswith(f"] Ended: failed. {node.message}")]
    for text in said:
        yield Line(f"{indent}│ {text}", "dim")


def _children(node: NodeView, indent: str, *, folded: bool) -> Iterator[Line]:
    many = folded or len(node.children) > MOST_SIBLINGS
    shown = [child for child in node.children if not (many and child.status in _QUIET)]
    for child in shown[:MOST_SIBLINGS]:
        yield from _tree(child, indent, folded=folded)
    rest = Counter(child.status for child in node.children if child not in shown[:MOST_SIBLINGS])
    if rest:
        yield Line(f"{indent}· instances: {_counts(rest)}", "dim")


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))


class PlainTeller:
    """Tells each thing once, when it has ended: nodes, what they ran, why they failed."""

    def __init__(self) -> None:
        self._told: set[tuple[int, str]] = set()

    def news(self, instance: InstanceView, indent: str = "  ") -> list[Line]:
        """What has ended since the last time."""
        lines: list[Line] = []
        for node in instance.nodes:
            for child in node.children:
                lines += self._of_child(child, indent + "  ")
            if node.retries and not node.has_ended and self._is_new(instance.id, f"{node.name} {node.retries}"):
                message = " ".join(printable(line) for line in node.message.splitlines())
                lines.append(Line(f"{indent}↻ {printable(node.name)}: tried again. {message}".rstrip(), "yellow"))
            if node.has_ended and self._is_new(instance.id, node.name):
                lines.append(node_line(node, indent))
                lines += _details(node, indent + "    ")
        return lines

    def _of_child(self, child: InstanceView, indent: str) -> list[Line]:
        """An instance that a node runs, in one line; of one that did not succeed also what failed in it."""
        if child.status in UNENDED_JOB_STATES or not self._is_new(child.id, ""):
            return []
        failed = [] if child.status == JobState.SUCCESS else [node for node in child.nodes if node.status == "fail"]
        lines = [_headline(child, indent)]
        for node in failed:
            lines += [node_line(node, indent + "  "), *_details(node, indent + "    ")]
            for below in node.children:
                lines += self._of_child(below, indent + "    ")
        return lines

    def _is_new(self, instance_id: int, name: str) -> bool:
        key = (instance_id, name)
        if key in self._told:
            return False
        self._told.add(key)
        return True


def summary(instance: InstanceView) -> Line:
    """How an instance ended, in one line; why, where none of its nodes says so."""
    style = _MARKS.get(instance.status, ("", ""))[1]
    told = any(node.status == "fail" for node in instance.nodes)
    message = "" if told else " ".join(printable(line) for line in instance.message.splitlines())
    return Line(f"{instance.job}: {instance.status} in {instance.seconds or 0:.2f} s {message}".rstrip(), style)


def outputs(instance: InstanceView) -> Sequence[NodeView]:
    """The nodes that ended with an output to show: rows of a SELECT, text of a program."""
    return [node for node in instance.nodes if node.status == "success" and node.output]
