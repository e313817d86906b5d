"""The start of a migration job: a submission is written, and whoever runs migrations is woken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.errors_cdm import CdmJobNotFound, CdmJobRunning
from headrace.services import Services
from headrace.storage import cdm, submissions
from headrace.storage.database import Connection
from headrace.storage.submissions import BOOTING, OPEN, READING, SubmissionRecord

SCHEDULED = "schedule:"  # how the key of a run begins that started by itself


@dataclass(frozen=True, kw_only=True)
class Start:
    """Who starts a job, with what.

    ``key``: names an attempt of a node, or a time of the job itself; ``reference_time``: of date macros, milliseconds,
    now where it is None; ``owner``: the engine that runs it, empty for any.
    """

    user: str
    workspace_id: str
    variables: Mapping[str, str] = field(default_factory=dict)
    reference_time: int | None = None
    key: str = ""
    owner: str = ""


def add(services: Services, connection: Connection, cluster_id: str, job_name: str, start: Start) -> SubmissionRecord:
    """Write the submission of a job. Raises CdmJobNotFound, CdmJobRunning."""
    job = cdm.job_by_name(connection, cluster_id, job_name)
    if job is None:
        raise CdmJobNotFound(job_name)
    last = submissions.last(connection, job.id)
    if last is not None and last.status in OPEN:
        raise CdmJobRunning(f"[{job_name}], submission {last.id}.")
    now = services.now()
    record = SubmissionRecord(
        id=services.next_number(),
        cluster_id=cluster_id,
        workspace_id=start.workspace_id,
        job_id=job.id,
        job_name=job.name,
        source_key=start.key,
        status=BOOTING,
        phase=READING,
        owner=start.owner,
        stop=0,
        variables=json.dumps(dict(start.variables), ensure_ascii=False),
        reference_time=now if start.reference_time is None else start.reference_time,
        destination="{}",
        counts="{}",
        progress=0,
        error_summary="",
        error_details="",
        create_user=start.user,
        create_time=now,
        start_time=None,
        update_time=now,
        end_time=None,
    )
    submissions.add(connection, record)
    return record
