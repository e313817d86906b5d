"""Quality rule jobs, which Data Quality Monitor nodes name, and what their rules found. Extensions of ours: the cloud
service keeps them in another product."""

from __future__ import annotations

from headrace.api.operation import Call, Json, operation
from headrace.errors import InvalidParameter, WorkspaceNotFound
from headrace.factory import quality
from headrace.wire.v1.quality import (
    ListQualityResultsQuery,
    ListQualityRuleJobsQuery,
    QualityResultList,
    QualityRuleJob,
    QualityRuleJobList,
)

_PATH = "/v1/{project_id}/quality/rule-jobs"
_ERRORS = (InvalidParameter, WorkspaceNotFound)


@operation("PUT", f"{_PATH}/{{rule_job_name}}", answers=204, errors=_ERRORS, tag="quality", extension=True)
def put_quality_rule_job(call: Call, body: QualityRuleJob) -> None:
    """Keep a quality rule job, instead of the one of that name if there is one.

    Its text is kept as received. What is wrong with a rule is named; texts with ``${name}`` are checked when the node
    runs.
    """
    quality.put(call.services, call.caller, call.path["rule_job_name"], call.body)


@operation("GET", f"{_PATH}/{{rule_job_name}}", errors=_ERRORS, tag="quality", extension=True)
def show_quality_rule_job(call: Call) -> Json[QualityRuleJob]:
    """Read a quality rule job."""
    return Json(quality.show(call.services, call.caller, call.path["rule_job_name"]))


@operation("GET", _PATH, errors=_ERRORS, tag="quality", extension=True)
def list_quality_rule_jobs(call: Call, query: ListQualityRuleJobsQuery) -> QualityRuleJobList:
    """List quality rule jobs, oldest first. ``offset`` is a page number."""
    return quality.list_page(call.services, call.caller, query)


@operation("DELETE", f"{_PATH}/{{rule_job_name}}", answers=204, errors=_ERRORS, tag="quality", extension=True)
def delete_quality_rule_job(call: Call) -> None:
    """Delete a quality rule job. What its rules found stays."""
    quality.delete(call.services, call.caller, call.path["rule_job_name"])


@operation("GET", "/v1/{project_id}/quality/results", errors=_ERRORS, tag="quality", extension=True)
def list_quality_results(call: Call, query: ListQualityResultsQuery) -> QualityResultList:
    """List what quality rules found, newest first. ``offset`` is a page number."""
    return quality.list_results(call.services, call.caller, query)
