"""The Shell node: a script or statement, run by bash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headrace.nodes.base import NodeContext, NodeResult, node_type
from headrace.nodes.programs import SHELL, Program


@node_type("Shell")
@dataclass(frozen=True, kw_only=True)
class Shell(Program):
    """Exit code 0 is success; the last 4,000 characters of standard output are the output.

    Source: user guide, "Shell".
    """

    needs: ClassVar[str] = "a bound HOST connection, or `local_execution`"

    def run(self, ctx: NodeContext) -> NodeResult:
        return self.run_as(ctx, SHELL)
