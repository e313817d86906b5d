"""The Dummy node: nothing; success at once. It joins branches or holds conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headrace.nodes.base import Node, NodeContext, NodeResult, node_type


@node_type("Dummy")
@dataclass(frozen=True, kw_only=True)
class Dummy(Node):
    """Does nothing. Source: user guide, "Dummy"."""

    inline: ClassVar[bool] = True

    def run(self, ctx: NodeContext) -> NodeResult:
        return NodeResult(success=True)
