"""The For Each node: runs another batch job once for every row of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from headrace.el.scope import Loop
from headrace.nodes.base import Child, Children, NodeContext, NodeFailed, NodeResult, node_type
from headrace.nodes.dataset import InvalidDataset, read_dataset
from headrace.nodes.subjob import PARAMETER_PROPERTIES, ChildNode

MAX_ROWS = 1000  # Source: user guide, "For Each": at most 1,000 iterations
SUFFIX_PROPERTIES = ("instanceNameSuffix", "subJobInstanceNameSuffix", "suffix")
CONCURRENT_PROPERTIES = ("concurrent", "concurrency", "subJobConcurrent", "concurrentNum", "parallel")


@node_type("ForEachJob", "ForEach")
@dataclass(frozen=True, kw_only=True)
class ForEach(ChildNode):
    """Succeeds if every instance does; after one that failed, no more are begun. No rows: success.

    Values and suffix are evaluated once per row, with ``Loop``. Source: user guide, "For Each"; nodes.md §5.
    """

    unevaluated: ClassVar[frozenset[str]] = frozenset((*PARAMETER_PROPERTIES, *SUFFIX_PROPERTIES))

    dataset: str = field(default="", metadata={"names": ("dataset", "dataSet", "datasets", "loopData")})
    concurrent: str = field(default="", metadata={"names": CONCURRENT_PROPERTIES})
    suffix: str = field(default="", metadata={"names": SUFFIX_PROPERTIES})

    def run(self, ctx: NodeContext) -> NodeResult:
        name, rows = self._named(), self._rows()
        found = []
        for offset in range(len(rows)):
            evaluate = partial(_in_row, ctx, rows, offset)
            suffix = evaluate(self.suffix) if self.suffix else str(offset + 1)
            found.append(Child(instance_name=f"{ctx.node_name}_{suffix}", parameters=self._values(evaluate)))
        ctx.log.line(f"The dataset has {len(rows)} rows: as many instances of job {name!r}.")
        return NodeResult(success=True, children=Children(job_name=name, instances=found, parallel=self._parallel()))

    def _rows(self) -> list[list[Any]]:
        try:
            rows = read_dataset(self.dataset)
        except InvalidDataset as error:
            raise NodeFailed(f"dataset: {error}.") from error
        if len(rows) > MAX_ROWS:
            raise NodeFailed(f"dataset: it has {len(rows)} rows; a For Each node takes {MAX_ROWS} at most.")
        return rows

    def _parallel(self) -> int:
        text = self.concurrent.strip() or "1"
        if not (text.isascii() and text.isdigit()) or int(text) < 1:
            raise NodeFailed(f"concurrent: {text!r} is not a number from 1.")
        return int(text)


def _in_row(ctx: NodeContext, rows: list[list[Any]], offset: int, text: str) -> str:
    return ctx.evaluate(text, Loop(data=rows, offset=offset))
