"""The preview of parameters, an operation of ours."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidParameter, InvalidSchedule, JobNotFound, WorkspaceNotFound
from headrace.factory import parameter_preview
from headrace.wire.v1.parameter_preview import ParametersPreview, PreviewParametersRequest


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/parameters/preview",
    errors=(JobNotFound, WorkspaceNotFound, InvalidParameter, InvalidSchedule),
    tag="job",
    extension=True,
    slow=True,
)
def preview_parameters(call: Call, body: PreviewParametersRequest | None) -> ParametersPreview:
    """Show what the parameters of a job will be at its next plan times, or at a given one; nothing runs.

    The saved content of the job is read, with the environment variables of the workspace. A job without a cron
    schedule is shown as run now. A parameter that cannot be evaluated carries an error in place of a value; a secret
    environment variable is a mask.
    """
    request = body or PreviewParametersRequest()
    return parameter_preview.preview(call.services, call.caller, call.path["job_name"], request)
