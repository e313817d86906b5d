"""Running, starting and stopping jobs."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import (
    BatchJobsOnly,
    InvalidParameter,
    InvalidSchedule,
    JobHasNoNodes,
    JobNotFound,
    PermissionDenied,
    WorkspaceNotFound,
)
from headrace.factory import event_jobs, job_schedules, runs
from headrace.wire.document import as_truth
from headrace.wire.v1.runs import JobStatus, RunOnceAnswer, RunOnceRequest, StartJobRequest


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/run-immediate",
    errors=(JobNotFound, BatchJobsOnly, WorkspaceNotFound, JobHasNoNodes, InvalidParameter, PermissionDenied),
    tag="job",
)
def run_once(call: Call, body: RunOnceRequest | None) -> RunOnceAnswer:
    """Run a batch job once, now, in its newest submitted version.

    Source: API reference, "Running a Job Immediately".
    """
    parameters = (body.job_params if body is not None else None) or ()
    number = runs.run_once(
        call.services,
        call.caller,
        call.path["job_name"],
        parameters,
        use_execution_user=body is not None and as_truth(body.use_execution_user),
    )
    return RunOnceAnswer(instance_id=number)


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/start",
    answers=204,
    errors=(JobNotFound, WorkspaceNotFound, JobHasNoNodes, InvalidSchedule, InvalidParameter, PermissionDenied),
    tag="job",
    slow=True,
)
def start_job(call: Call, body: StartJobRequest | None) -> None:
    """Start the scheduling of a batch job, or a real-time job. Source: API reference, "Starting a Job".

    What comes after the answer is an event for it; where the source does not answer within 5 s, what comes later.
    """
    asked = body or StartJobRequest()
    runs.start(
        call.services,
        call.caller,
        call.path["job_name"],
        asked.job_params or (),
        asked.start_date,
        first_alone=bool(asked.ignore_first_self_dep or asked.ignore_first_self_dependence),
    )
    event_jobs.wait_for_first_look(call.services, call.caller, call.path["job_name"])


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/stop",
    answers=204,
    errors=(JobNotFound, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="job",
)
def stop_job(call: Call) -> None:
    """Stop a job; what a batch job has begun goes on. Source: API reference, "Stopping a Job"."""
    runs.stop(call.services, call.caller, call.path["job_name"])


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/pause",
    answers=204,
    errors=(JobNotFound, WorkspaceNotFound, InvalidParameter),
    tag="job",
    extension=True,
)
def pause_job(call: Call) -> None:
    """Pause the scheduling of a job: no more instances until it is restored; what waits for it waits on."""
    job_schedules.pause(call.services, call.caller, call.path["job_name"])


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/restore",
    answers=204,
    errors=(JobNotFound, WorkspaceNotFound, InvalidParameter),
    tag="job",
    extension=True,
)
def restore_job(call: Call) -> None:
    """Let a paused job go on from now; what waits for an instance that it missed does so no longer."""
    job_schedules.restore(call.services, call.caller, call.path["job_name"])


@operation("GET", "/v1/{project_id}/jobs/{job_name}/status", errors=(JobNotFound, WorkspaceNotFound), tag="job")
def show_job_status(call: Call) -> JobStatus:
    """The running status of a job and its nodes. Source: API reference, "Viewing Running Status of a Real-Time Job"."""
    return runs.show_status(call.services, call.caller, call.path["job_name"])
