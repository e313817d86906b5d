"""The scheduler: one thread that sleeps until a job or backfill is due, or an instance has waited too long."""

from __future__ import annotations

import threading

import structlog

from headrace.scheduling.backfill_windows import open_windows
from headrace.scheduling.cleanup import cancel_overdue
from headrace.scheduling.generation import generate
from headrace.services import Services
from headrace.storage import alarms, backfills, instances, schedules, waits

log = structlog.get_logger("headrace.scheduling")

TROUBLE_SECONDS = 1.0  # how long it rests after a round that failed
LONGEST_SLEEP = 3600.0  # seconds; a clock that was set must not be noticed too late


class Scheduler:
    """Makes the instances of an installation when they are due. ``wake`` may be called from any thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._condition = threading.Condition()
        self._woken = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; what was missed while no scheduler ran is made now."""
        if self._thread is None:
            self._stopping, self._woken = False, True
            self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the round that runs."""
        if self._thread is not None:
            with self._condition:
                self._stopping = True
                self._condition.notify()
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Schedules have changed."""
        with self._condition:
            self._woken = True
            self._condition.notify()

    def _loop(self) -> None:
        settled = False
        while True:
            try:
                if not settled:
                    self._settle_all()
                    settled = True
                wait = self._round()
            except Exception:
                log.exception("a round of the scheduler failed; it is tried again")
                settled = False  # instances may have been made that were not looked at again
                wait = TROUBLE_SECONDS
            with self._condition:
                if not (self._woken or self._stopping):
                    self._condition.wait(wait)
                self._woken = False
                if self._stopping:
                    return

    def _round(self) -> float:
        """Make what is due; seconds until something is."""
        while True:
            with self._services.db.reading() as connection:
                moments = (
                    schedules.earliest(connection),
                    backfills.earliest(connection),
                    instances.first_overdue(connection),
                )
                alarm = alarms.earliest(connection)
            earliest = min((moment for moment in moments if moment is not None), default=None)
            now = self._services.now()
            if alarm is not None:
                self._services.wake_alarms()
            if earliest is None or earliest > now:
                return LONGEST_SLEEP if earliest is None else min((earliest - now) / 1000, LONGEST_SLEEP)
            due, waiting = generate(self._services, now)
            due += open_windows(self._services, now) + cancel_overdue(self._services, now)
            if waiting:
                self._settle(waiting)
            self._services.wake_engine()
            if not due:  # another scheduler has taken it
                return TROUBLE_SECONDS

    def _settle(self, waiting: list[int]) -> None:
        """Look at new instances once more: what they wait for may have ended while they were made."""
        with self._services.db.writing(durable=False) as connection:
            waits.settle(connection, waiting, self._services.now())

    def _settle_all(self) -> None:
        """A crash between making an instance and looking at it again must not leave it waiting for ever."""
        with self._services.db.reading() as connection:
            waiting = waits.all_waiting(connection)
        if waiting:
            self._settle(waiting)
            self._services.wake_engine()
