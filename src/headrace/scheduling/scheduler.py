"""The scheduler: one thread that sleeps until a job, backfill or baseline is due, or an instance waited too long."""

from __future__ import annotations

from headrace.scheduling.backfill_windows import open_windows
from headrace.scheduling.baseline_looks import look_at_baselines
from headrace.scheduling.changed_waits import follow_changes
from headrace.scheduling.cleanup import cancel_overdue
from headrace.scheduling.generation import generate
from headrace.scheduling.sleeper import TROUBLE_SECONDS, Sleeper
from headrace.services import Services
from headrace.storage import alarms, backfills, baselines, changed_schedules, open_instances, schedules, waits

LONGEST_SLEEP = 3600.0  # seconds; a clock that was set must not be noticed too late


class Scheduler(Sleeper):
    """Makes the instances of an installation when they are due, also those that were missed while none ran."""

    name = "scheduler"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._settled = False  # whether every waiting instance was looked at since the start, or the last failure

    def look(self) -> float:
        settled, self._settled = self._settled, False
        if not settled:
            self._settle_all()
        wait = self._round()
        self._settled = True
        return wait

    def _round(self) -> float:
        """Make what is due; seconds until something is."""
        while True:
            with self._services.db.reading() as connection:
                moments = (
                    schedules.earliest(connection),
                    backfills.earliest(connection),
                    open_instances.first_overdue(connection),
                    baselines.earliest(connection),
                )
                alarm, changed = alarms.earliest(connection), changed_schedules.are_any(connection)
            earliest = min((moment for moment in moments if moment is not None), default=None)
            now = self._services.now()
            if alarm is not None:
                self._services.wake_alarms()
            while changed and follow_changes(self._services, now):
                self._services.wake_engine()
            if earliest is None or earliest > now:
                return LONGEST_SLEEP if earliest is None else min((earliest - now) / 1000, LONGEST_SLEEP)
            due, waiting = generate(self._services, now)
            due += open_windows(self._services, now) + cancel_overdue(self._services, now)
            if waiting:
                self._settle(waiting)
            due += look_at_baselines(self._services, now)
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
