"""The Python node: a script or statement, run by a Python of its own process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headrace.nodes.base import NodeContext, NodeResult, node_type
from headrace.nodes.programs import PYTHON, Program


@node_type("Python")
@dataclass(frozen=True, kw_only=True)
class Python(Program):
    """As Shell, run by Python 3 (or 2, where ``pythonVersion`` says so). Source: user guide, "Python"."""

    needs: ClassVar[str] = "a bound HOST connection, or `local_execution`"

    python_version: str = ""

    def run(self, ctx: NodeContext) -> NodeResult:
        return self.run_as(ctx, PYTHON, self.python_version)
