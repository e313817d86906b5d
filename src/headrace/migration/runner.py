"""Runs migration jobs in this process, and goes on with what a process that is gone left behind.

A submission is written before it runs, so that a crash at any moment leaves one that a recovery finds: finished where
only the last step was left, run again where that gives the same result, else reported as failed. What moves the data is
loaded when the first job runs.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from zoneinfo import ZoneInfo

import structlog

from headrace.errors import HeadraceError
from headrace.errors_cdm import RunStopped
from headrace.migration.history import forget_old
from headrace.migration.recording import RunRecords, counts_text
from headrace.migration.recovery import Recovery
from headrace.migration.running import Running, transfer
from headrace.migration.scheduled import start_due
from headrace.migration.secrets import job_secrets, without_secrets
from headrace.migration.starting import Start, add
from headrace.services import Services
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.storage import submissions
from headrace.storage.submissions import (
    FAILED,
    FAILED_TO_SUBMIT,
    MOVING,
    PREPARED,
    RUNNING,
    SUCCEEDED,
    SubmissionRecord,
)
from headrace.transfer.definition import Job

log = structlog.get_logger("headrace.migration")

TELL_SECONDS = 1.0  # how often counts are written, and stops by other processes looked for
RECOVER_SECONDS = 10.0  # how often runs of processes that are gone are looked for, on a database of several
MOST_SECONDS = 60.0  # how long it sleeps, as the clock of the machine may be set
FORGET_EVERY = 3_600_000  # milliseconds between two clean-ups of the history


class MigrationRunner:
    """The runs of migration jobs of this process.

    ``owner`` is the id of this engine among those of the database, ``open_sql`` the embedded engine of a workspace.
    """

    def __init__(
        self, services: Services, owner: Callable[[], str], open_sql: Callable[[str], SqlEngine], workers: int = 32
    ) -> None:
        self._services = services
        self._owner = owner
        self._open_sql = open_sql
        self._zone = ZoneInfo(services.settings.time_zone)
        self._records = RunRecords(services, self._zone)
        self._recovery = Recovery(services, owner, open_sql, self._records, self._is_running)
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, "migration")
        self._lock = threading.Lock()
        self._running: dict[int, Running] = {}
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._watcher: threading.Thread | None = None
        self._forget_at = 0  # when the history is cleaned up next, milliseconds

    # ---- life

    def start(self) -> None:
        """Go on with what is left, in the background."""
        if self._watcher is None:
            self._stopping.clear()
            self._watcher = threading.Thread(target=self._watch, name="migrations", daemon=True)
            self._watcher.start()

    def stop(self) -> None:
        """Cut short what runs; it is recovered by the next start, as after a crash."""
        self._stopping.set()
        self.wake()
        with self._lock:
            running = list(self._running.values())
        for one in running:
            one.cancellation.cancel()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        self._pool.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            self._running.clear()  # those that no worker has begun
        self._pool = ThreadPoolExecutor(self._workers, "migration")

    def wake(self) -> None:
        """A job was started, or is to stop. May be called from any thread."""
        self._woken.set()

    def _watch(self) -> None:
        """Start what is due, take what was started or left behind; write counts and end what is to stop, of what runs.

        A look follows each wish, and comes by itself when the next job is due.
        """
        look_at = 0
        while not self._stopping.is_set():
            try:
                if self._woken.is_set() or self._services.now() >= look_at:
                    self._woken.clear()
                    look_at = self._look()
                self._tell_counts()
            except Exception:
                log.exception("a look at the runs of migration jobs failed; it is tried again")
                self._stopping.wait(TELL_SECONDS)
                look_at = 0
            until = max(0.0, (look_at - self._services.now()) / 1000)
            if not self._stopping.is_set():  # it may have been set before the wish was cleared
                self._woken.wait(min(until, TELL_SECONDS if self._running else MOST_SECONDS))

    def _look(self) -> int:
        """Start what is due and take what nobody runs; when to look again, milliseconds."""
        due = start_due(self._services, self._zone)
        self.recover()
        now = self._services.now()
        if now >= self._forget_at:
            forget_old(self._services)
            self._forget_at = now + FORGET_EVERY
        again = self._forget_at if due is None else min(due, self._forget_at)
        return min(again, now + round(RECOVER_SECONDS * 1000)) if self._services.db.shared else again

    def _tell_counts(self) -> None:
        with self._lock:
            running = dict(self._running)
        if not running:
            return
        now, owner = self._services.now(), self._owner()
        with self._services.db.writing(durable=False) as connection:
            for key, one in running.items():
                counts = one.counters.now()
                submissions.set_counts(connection, key, owner, counts_text(one.counters), counts.progress, now)
            for key in submissions.to_stop(connection, owner):
                if key in running:
                    running[key].cancellation.cancel()

    def run(self, cluster_id: str, job_name: str, start: Start, running: Running) -> SubmissionRecord:
        """Start a job and wait for its end. Raises CdmJobNotFound, CdmJobRunning."""
        with self._services.db.writing() as connection:
            record = add(self._services, connection, cluster_id, job_name, replace(start, owner=self._owner()))
            with self._lock:
                self._running[record.id] = running
        self._run(record, running)
        with self._services.db.reading() as connection:
            return submissions.by_id(connection, record.id) or record

    # ---- one run

    def _guarded(self, submission_id: int, running: Running) -> None:
        try:
            with self._services.db.reading() as connection:
                record = submissions.by_id(connection, submission_id)
            if record is not None:
                self._run(record, running)
        except Exception:
            log.exception("the run of a migration job could not be recorded", submission=submission_id)

    def _run(self, record: SubmissionRecord, running: Running) -> None:
        """From the record to its end; what the job raises is its end, recorded."""
        with self._lock:
            self._running[record.id] = running
        try:
            job = self._records.job(record)
        except HeadraceError as error:
            self._records.end(record, FAILED_TO_SUBMIT, running, error)
        else:
            self._move(record, job, running)
        finally:
            with self._lock:
                self._running.pop(record.id, None)

    def _move(self, record: SubmissionRecord, job: Job, running: Running) -> None:
        """Run the job, again where it says so, and record its end."""
        now = record._replace(status=RUNNING, start_time=record.start_time or self._services.now())
        self._records.write(now, running)

        def tell(phase: str, destination: str) -> None:
            nonlocal now
            now = now._replace(phase=phase, destination=destination)
            self._records.write(now, running)

        for retries_left in reversed(range(1 + retries(job))):
            try:
                transfer().run(
                    self._services,
                    job,
                    now,
                    self._open_sql,
                    running,
                    prepared=lambda text: tell(PREPARED, text),
                    moving=lambda: tell(MOVING, now.destination),
                )
            except HeadraceError as error:
                if self._stopping.is_set():
                    return  # as after a crash: the next start goes on
                if retries_left and not isinstance(error, RunStopped):
                    running.counters.undo()
                    running.say(f"Failed, and is run again: {error.message}")
                    continue
                self._records.end(now, FAILED, running, error, job_secrets(job))
            except Exception as error:  # noqa: BLE001 - recorded and logged, without secrets
                secrets = job_secrets(job)
                trace = without_secrets(traceback.format_exc(), secrets)
                log.error("a migration job raised an error of its own", submission=record.id, trace=trace)
                self._records.end(now, FAILED, running, error, secrets)
            else:
                self._records.end(now, SUCCEEDED, running, None)
            break
        self._records.dispose(now, job)

    # ---- recovery

    def recover(self) -> None:
        """Go on with the runs of processes that are gone. Those that can be run again are."""
        for claimed in self._recovery.claimed():
            running = Running()
            with self._lock:
                self._running[claimed.id] = running  # from now on, as it may wait for a worker
            again = False
            try:
                again = not self._recovery.settle(claimed)
            finally:
                if not again:
                    with self._lock:
                        self._running.pop(claimed.id, None)
            if again:
                self._pool.submit(self._guarded, claimed.id, running)

    def settled(self, submission_id: int, cancellation: Cancellation) -> SubmissionRecord:
        """A run of a process that is gone, ended. Raises RunStopped when somebody does not want to wait for that."""
        return self._recovery.settled(submission_id, cancellation)

    def _is_running(self, submission_id: int) -> bool:
        with self._lock:
            return submission_id in self._running


def retries(job: Job) -> int:
    """How often a job that fails is run again. Source: CDM API reference, retryJobConfig.retryJobType."""
    return 3 if job.section("retryJobConfig").text("retryJobType") == "RETRY_TRIPLE" else 0
