"""Node types whose system this release cannot reach: known by name, failing with the reason and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.nodes.base import Node, NodeContext, NodeResult, compared_name, node_type

_CLUSTER = "They act on a service of the cloud that has no counterpart here."

REASONS = {
    "CloudTableManager": "They make and drop HBase tables, which migrations here only read and write.",
    "CloudTableManage": "They make and drop HBase tables, which migrations here only read and write.",
    "DISTransferTask": "Dumping a stream takes Kafka Connect, which this release does not drive.",
    "DISDump": "Dumping a stream takes Kafka Connect, which this release does not drive.",
    "MachineLearning": "The service behind them was retired; a Python node can run the training instead.",
    "ImportGES": "They load a graph service, and there is no graph engine in this release.",
    "OpenResource": "They start machines of the cloud; a Shell node can call what starts yours.",
    "CloseResource": "They stop machines of the cloud; a Shell node can call what stops yours.",
    "OpenCloseResource": "They start or stop machines of the cloud; a Shell node can call what does so with yours.",
    "Open/CloseResource": "They start or stop machines of the cloud; a Shell node can call what does so with yours.",
    "ETLJob": "Loading between systems comes with the migration engine; until then use an SQL or Python node.",
    "OCR": "There is no text recognition in this release; a Python node can call one.",
    "ROMAFDIJob": f"{_CLUSTER} A Rest Client node can start a task of another integration tool.",
    "ModelArtsTrain": f"{_CLUSTER} A Rest Client node can start the training of another tool.",
    "DLIFlinkJob": "Use an MRSFlinkJob node whose connection names a Flink SQL gateway.",
    "CSJob": "Use an MRSFlinkJob node whose connection names a Flink SQL gateway.",
    "FlinkJar": "Jars for Flink are not in this release; Flink SQL runs in MRSFlinkJob nodes.",
}


_BY_KEY = {compared_name(name): reason for name, reason in REASONS.items()}


@node_type(*REASONS)
@dataclass(frozen=True, kw_only=True)
class Unavailable(Node):
    """Fails at once, without retries. Source: user guide, "Node Reference", for the names."""

    type_name: str

    @classmethod
    def refusal(cls, type_name: str) -> str:
        return _BY_KEY[compared_name(type_name)]

    def run(self, ctx: NodeContext) -> NodeResult:
        reason = self.refusal(self.type_name)
        message = f"Nodes of type {self.type_name!r} cannot run in this release. {reason}"
        return NodeResult(success=False, message=f'{message} A dry run (emptyRunningJob "1") passes it.', retry=False)
