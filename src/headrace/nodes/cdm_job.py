"""The CDM Job and Data Migration nodes: they know what they are to run, and fail until migrations can be run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from headrace.nodes.base import Node, NodeContext, NodeFailed, NodeResult, compared_name, node_type

_LATER = "Migrations run in a later release of Headrace"


@node_type("CDMJob", "DataMigration")
@dataclass(frozen=True, kw_only=True)
class CdmJob(Node):
    """Names the migration job that it would run: an existing one of a cluster, or one whose body it brings along.

    ``job_type``: ``existsJob`` or a new one with the JSON body ``job_json`` (the name of this member is inferred).
    Source: user guide, "CDM Job"; exported jobs.
    """

    type_name: str
    cluster_name: str = ""
    cluster_id: str = ""
    job_name: str = ""
    job_type: str = ""
    job_json: str = field(default="", metadata={"names": ("jobJson", "jobBody", "cdmJobJson", "jobContent")})

    @classmethod
    def refusal(cls, type_name: str) -> str:
        return f"{_LATER}; this one keeps their definitions."

    def run(self, ctx: NodeContext) -> NodeResult:
        name = self.job_name or self._name_of_body()
        if not name:
            raise NodeFailed("jobName: the node names no migration job.")
        cluster = self.cluster_name or self.cluster_id
        if not cluster and compared_name(self.type_name) == "cdmjob":
            raise NodeFailed("clusterName: the node names no cluster.")
        where = f" of cluster {cluster!r}" if cluster else ""
        message = f'{_LATER}: job {name!r}{where} was not run. A dry run (emptyRunningJob "1") passes it.'
        return NodeResult(success=False, message=message, retry=False)

    def _name_of_body(self) -> str:
        if not self.job_json:
            return ""
        try:
            jobs = json.loads(self.job_json)["jobs"]
            return str(jobs[0]["name"])
        except (ValueError, LookupError, TypeError) as error:
            raise NodeFailed("jobJson: is no JSON body of a migration job with a name.") from error
