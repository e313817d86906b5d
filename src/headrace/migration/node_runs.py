"""Migration jobs that nodes run: made first where the node brings the job along, and run once, whatever crashes.

The attempts of a node instance are told apart by their fence. An attempt that was lost with its process may have
started a submission: the next attempt settles that first, and takes its result where it succeeded.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping

from headrace.errors_cdm import CdmContentInvalid, CdmJobNotFound, ClusterNotFound
from headrace.migration import clusters, jobs
from headrace.migration.answers import counters_view
from headrace.migration.runner import MigrationRunner
from headrace.migration.running import Running
from headrace.migration.starting import Start
from headrace.nodes.base import Migration, MigrationEnd
from headrace.services import NodeAttempt, Services
from headrace.storage import cdm, instances, submissions
from headrace.storage.cdm import ClusterRecord
from headrace.storage.submissions import SUCCEEDED, SubmissionRecord

USER = "factory"  # who starts what nodes run
SAY_SECONDS = 2.0  # how often the log of the node is told how far the job is
BAR_WIDTH = 20  # characters
_NAME = re.compile(r"\$\{\s*([^\W\d][\w.-]*)\s*\}")


def migrate(runner: MigrationRunner, services: Services, migration: Migration, attempt: NodeAttempt) -> MigrationEnd:
    """Run a migration job to its end. Raises ClusterNotFound, CdmJobNotFound, CdmJobRunning, CdmContentInvalid."""
    before = _lost_submission(runner, services, attempt)
    if before is not None and before.status == SUCCEEDED:
        attempt.say(f"Submission {before.id} of the attempt before succeeded; it is not repeated.")
        return _end(before)
    cluster = _cluster(services, attempt.project_id, migration)
    if migration.body:
        _store(services, cluster, migration.body, attempt)
    start = Start(
        user=USER,
        workspace_id=attempt.workspace_id,
        variables=_variables(services, cluster, migration.job_name, attempt.variables),
        reference_time=attempt.plan_time,
        key=_key(attempt, attempt.fence),
    )
    running = Running(cancellation=attempt.cancellation, say=attempt.say)
    with _Telling(running, attempt):
        return _end(runner.run(cluster.id, migration.job_name, start, running))


def _key(attempt: NodeAttempt, fence: int) -> str:
    return f"{attempt.instance_id}:{attempt.position}:{fence}"


def _lost_submission(runner: MigrationRunner, services: Services, attempt: NodeAttempt) -> SubmissionRecord | None:
    """What the attempts before this one started that were lost, ended; None where none of them started anything."""
    with services.db.reading() as connection:
        outcomes = {
            one.fence: one.outcome for one in instances.attempts_of(connection, attempt.instance_id, attempt.position)
        }
    for fence in range(attempt.fence - 1, 0, -1):
        if outcomes.get(fence) != "lost":
            return None
        with services.db.reading() as connection:
            found = submissions.last_of_key(connection, _key(attempt, fence))
        if found is not None:
            return runner.settled(found.id, attempt.cancellation)
    return None


def _cluster(services: Services, project_id: str, migration: Migration) -> ClusterRecord:
    name = migration.cluster_name or clusters.DEFAULT_CLUSTER
    with services.db.reading() as connection:
        found = cdm.cluster_by_id(connection, project_id, migration.cluster_id) if migration.cluster_id else None
        found = found or cdm.cluster_by_name(connection, project_id, name)
    if found is None:
        raise ClusterNotFound(f"cluster {name!r}.")
    clusters.check_running(found)
    return found


def _store(services: Services, cluster: ClusterRecord, body: str, attempt: NodeAttempt) -> None:
    """Make or replace the job that a node brings along. Raises CdmContentInvalid."""
    try:
        texts = [json.dumps(one, ensure_ascii=False).encode() for one in json.loads(body)["jobs"]]
    except (ValueError, LookupError, TypeError) as error:
        raise CdmContentInvalid("The body of the node's job is not JSON with a member jobs.") from error
    author = jobs.Author(user=USER, workspace_id=attempt.workspace_id, now=services.now())
    jobs.put(services, cluster.id, texts, author)


def _variables(services: Services, cluster: ClusterRecord, job_name: str, known: Mapping[str, str]) -> dict[str, str]:
    """Those of the attempt's variables that the job names. Raises CdmJobNotFound."""
    with services.db.reading() as connection:
        document = cdm.job_document(connection, cluster.id, job_name)
    if document is None:
        raise CdmJobNotFound(job_name)
    return {name: known[name] for name in set(_NAME.findall(document)) if name in known}


class _Telling:
    """While it is open, the log of the node is told from time to time how far the job is."""

    def __init__(self, running: Running, attempt: NodeAttempt) -> None:
        self._running, self._say = running, attempt.say
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="migration-progress", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _tell(self) -> None:
        rows = 0
        while not self._done.wait(SAY_SECONDS):
            counts = self._running.counters.now()
            speed = (counts.rows_written - rows) / SAY_SECONDS
            rows = counts.rows_written
            self._say(f"{_bar(counts.progress)} {counts.rows_read:,} rows read, {rows:,} written, {speed:,.0f} rows/s")


def _bar(percent: int) -> str:
    filled = BAR_WIDTH * percent // 100
    return f"{'█' * filled}{'░' * (BAR_WIDTH - filled)} {percent} %"


def _end(record: SubmissionRecord) -> MigrationEnd:
    counts = counters_view(record.counts)
    if record.status == SUCCEEDED:
        return MigrationEnd(succeeded=True, message=f"Submission {record.id} succeeded.", counts=counts)
    message = f"Submission {record.id} of job {record.job_name!r}: {record.status}. {record.error_summary}"
    return MigrationEnd(succeeded=False, message=message, counts=counts)
