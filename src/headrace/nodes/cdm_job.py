"""The CDM Job and Data Migration nodes: they run a migration job of a cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from headrace.errors_cdm import CdmContentInvalid, CdmJobNotFound, ClusterNotFound
from headrace.nodes.base import Migration, Node, NodeContext, NodeFailed, NodeResult, compared_name, node_type


@node_type("CDMJob", "DataMigration")
@dataclass(frozen=True, kw_only=True)
class CdmJob(Node):
    """Runs a migration job to its end: an existing one of a cluster, or one whose body it brings along.

    ``job_type``: ``existsJob`` or a new one with the JSON body ``job_json`` (the name of this member is inferred).
    Parameters of the job and the workspace replace ``${name}`` in it; date macros use the plan time. Its output is the
    counters as JSON. Source: user guide, "CDM Job"; exported jobs.
    """

    type_name: str
    cluster_name: str = ""
    cluster_id: str = ""
    job_name: str = ""
    job_type: str = ""
    job_json: str = field(default="", metadata={"names": ("jobJson", "jobBody", "cdmJobJson", "jobContent")})

    def run(self, ctx: NodeContext) -> NodeResult:
        name = self.job_name or self._name_of_body()
        if not name:
            raise NodeFailed("jobName: the node names no migration job.")
        if not (self.cluster_name or self.cluster_id) and compared_name(self.type_name) == "cdmjob":
            raise NodeFailed("clusterName: the node names no cluster.")
        migration = Migration(
            job_name=name,
            cluster_name=self.cluster_name,
            cluster_id=self.cluster_id,
            body="" if self.job_type == "existsJob" else self.job_json,
        )
        try:
            end = ctx.migrate(migration)
        except (ClusterNotFound, CdmJobNotFound, CdmContentInvalid) as error:  # another attempt would find the same
            return NodeResult(success=False, message=error.message, retry=False)
        ctx.log.line(", ".join(f"{counter} {count:,}" for counter, count in end.counts.items() if count) or "no rows")
        output = json.dumps(dict(end.counts))
        return NodeResult(
            success=end.succeeded,
            message="" if end.succeeded else end.message,
            output=output,
            input_row_count=end.counts.get("ROWS_WRITTEN"),
        )

    def _name_of_body(self) -> str:
        if not self.job_json:
            return ""
        try:
            jobs = json.loads(self.job_json)["jobs"]
            return str(jobs[0]["name"])
        except (ValueError, LookupError, TypeError) as error:
            raise NodeFailed("jobJson: is no JSON body of a migration job with a name.") from error
