"""The Subjob node: runs another batch job once, with parameters, and waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from headrace.domain.names import SUBJOB_PROPERTIES
from headrace.nodes.base import Child, Children, Node, NodeContext, NodeFailed, NodeResult, node_type, read_arguments

PARAMETER_PROPERTIES = ("jobParams", "jobParam", "subJobParams", "subJobParam", "parameters", "params")


@dataclass(frozen=True, kw_only=True)
class ChildNode(Node):
    """What Subjob and For Each nodes have in common: the job they run and the values they hand down to it."""

    unevaluated: ClassVar[frozenset[str]] = frozenset(PARAMETER_PROPERTIES)

    job_name: str = field(default="", metadata={"names": SUBJOB_PROPERTIES})
    job_params: str = field(default="", metadata={"names": PARAMETER_PROPERTIES})

    def _named(self) -> str:
        if not self.job_name:
            raise NodeFailed("jobName: the node names no subjob.")
        return self.job_name

    def _values(self, evaluate: Callable[[str], str]) -> dict[str, str]:
        """The values handed down; an empty one leaves the child its own."""
        return {name: evaluate(text) for name, text in read_parameters(self.job_params).items() if text}


@node_type("DLFSubJob", "SubJob")
@dataclass(frozen=True, kw_only=True)
class SubJob(ChildNode):
    """Succeeds if the other job's instance does. The values are those of this job. Source: user guide, "Subjob"."""

    def run(self, ctx: NodeContext) -> NodeResult:
        name = self._named()
        child = Child(instance_name=name, parameters=self._values(lambda text: ctx.evaluate(text, None)))
        return NodeResult(success=True, children=Children(job_name=name, instances=(child,)))


def read_parameters(text: str) -> dict[str, str]:
    """``name=value`` per line, or JSON: an object, or a list of objects with name and value.

    Values are as written, expressions and all. Source: nodes.md §5; the form is not published, so these are read.
    """
    stripped = text.strip()
    if stripped[:1] not in ("{", "["):
        return read_arguments(text)
    try:
        found = json.loads(stripped)
    except ValueError:
        return read_arguments(text)
    if isinstance(found, dict):
        return {name: _as_text(value) for name, value in found.items()}
    pairs = [item for item in found if isinstance(item, dict) and item.get("name")]
    return {_as_text(item["name"]): _as_text(item.get("value")) for item in pairs}


def _as_text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
