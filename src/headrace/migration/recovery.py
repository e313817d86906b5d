"""What is done with the runs of migration jobs that a process which is gone left behind.

Each is claimed by one process, then settled: finished where only the last step was left; undone, to be run again, where
that gives the same result; else reported as failed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import structlog

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmJobNotFound, RunLost, RunStopped
from headrace.migration.recording import RunRecords
from headrace.migration.running import Running, transfer
from headrace.migration.starting import SCHEDULED
from headrace.services import Services
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.storage import engines, submissions
from headrace.storage.submissions import FAILED, MOVING, OPEN, READING, SUCCEEDED, SubmissionRecord

log = structlog.get_logger("headrace.migration")

LOST = "The server ended while the job ran."
SETTLED_SECONDS = 1.0  # how often is looked whether another process has settled a run


class Recovery:
    """The runs that nobody has in hands. ``owner`` is the id of this engine, ``is_running`` tells what it runs."""

    def __init__(
        self,
        services: Services,
        owner: Callable[[], str],
        open_sql: Callable[[str], SqlEngine],
        records: RunRecords,
        is_running: Callable[[int], bool],
    ) -> None:
        self._services = services
        self._owner = owner
        self._open_sql = open_sql
        self._records = records
        self._is_running = is_running
        self._claiming = threading.Lock()  # one claim at a time, so that a run is not taken twice
        self._settling: set[int] = set()

    def claimed(self) -> Iterator[SubmissionRecord]:
        """The runs of nobody, each made this process's; every one is to be settled with `settle`."""
        with self._services.db.reading() as connection:
            alive = engines.all_ids(connection)
            unended = submissions.unended(connection)
        for record in unended:
            if record.owner not in alive or self._is_left_here(record):
                claimed = self._claim(record.id)
                if claimed is not None:
                    yield claimed

    def settle(self, record: SubmissionRecord) -> bool:
        """End a claimed run, or undo what it did; False where it is to be run again."""
        try:
            return self._settle(record)
        finally:
            self._settling.discard(record.id)

    def settled(self, submission_id: int, cancellation: Cancellation) -> SubmissionRecord:
        """A run of a process that is gone, ended: by this process, or by the one that was faster.

        Raises RunStopped when somebody does not want to wait for that.
        """
        while True:
            with self._services.db.reading() as connection:
                record = submissions.by_id(connection, submission_id)
            if record is None or record.status not in OPEN:
                break
            claimed = self._claim(submission_id)
            if claimed is not None:
                self.settle(claimed)
            elif cancellation.wait(SETTLED_SECONDS):
                raise RunStopped
        if record is None:
            raise CdmJobNotFound(f"submission {submission_id}")
        return record

    def _claim(self, submission_id: int) -> SubmissionRecord | None:
        """Make a run of nobody this process's; None where another was faster, or it has ended."""
        with self._claiming:
            with self._services.db.writing() as connection:
                record = submissions.locked(connection, submission_id)
                if record is None or record.status not in OPEN:
                    return None
                if record.owner in engines.all_ids(connection) and not self._is_left_here(record):
                    return None
                claimed = record._replace(owner=self._owner())
                submissions.replace(connection, claimed)
            self._settling.add(submission_id)
        return claimed

    def _is_left_here(self, record: SubmissionRecord) -> bool:
        """Whether a run of this process's id is not in its hands: its server was stopped and started again."""
        held = record.id in self._settling or self._is_running(
            record.id
        )  # in this order: it goes from one to the other
        return record.owner == self._owner() and not held

    def _settle(self, record: SubmissionRecord) -> bool:
        if record.start_time is None:
            return False
        try:
            job = self._records.job(record)
            if record.phase == MOVING:
                transfer().finish(self._services, job, record, self._open_sql, Running())
                self._records.end(record, SUCCEEDED, Running(), None)
                return True
            destination = transfer().undo(self._services, job, record, self._open_sql, Running())
        except HeadraceError as error:
            self._records.end(record, FAILED, Running(), error)
            return True
        of_node = record.source_key and not record.source_key.startswith(SCHEDULED)
        if record.stop or of_node or destination is None:
            self._records.end(record, FAILED, Running(), RunStopped() if record.stop else RunLost(LOST))
            return True
        self._records.write(record._replace(phase=READING, destination=destination), Running())
        log.warning("a migration job that was cut short is run again", job=record.job_name, submission=record.id)
        return False
