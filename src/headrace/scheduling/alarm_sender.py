"""Sends alarms: one thread that sleeps until one is due. See decision 23."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from headrace.domain.alarms import AlarmKind, message_of, still_so, subject_of
from headrace.domain.instance import JobState
from headrace.notifications import NotAccepted, Notice, NotificationFailed, addresses_of, send
from headrace.scheduling.sleeper import TROUBLE_SECONDS, Sleeper
from headrace.services import Services
from headrace.storage import alarms, instances
from headrace.storage.alarms import AlarmRecord, AlarmState
from headrace.storage.database import Connection

log = structlog.get_logger("headrace.alarms")

PAUSES = (5, 30, 120, 600, 1800)  # seconds before each further try
CLAIM_MILLIS = 120_000  # after that another process may send what this one has claimed
ALARMS_AT_ONCE = 20
KEPT = timedelta(days=30)  # records; source: reference on scheduling §10
LONGEST_SLEEP = 60.0  # seconds; another process may have written alarms and be gone
_MILLI = timedelta(milliseconds=1)


@dataclass
class _Outcome:
    """What came of a try: which addresses took it, what is to be said, and whether another try may help."""

    again: bool = False
    failed: bool = False
    says: list[str] = field(default_factory=list)


class AlarmSender(Sleeper):
    """Sends what is due."""

    name = "alarms"

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._zone = ZoneInfo(services.settings.time_zone)
        self._taken: dict[tuple[int, ...], set[str]] = {}  # addresses that took an alarm others did not, in memory only

    def start(self) -> None:
        """Begin with what is due, and with what the last process left."""
        if self._thread is None and not self._services.db.shared:
            with self._services.db.writing() as connection:
                alarms.unclaim(connection)
        super().start()

    def look(self) -> float:
        while not self._stopping:
            with self._services.db.reading() as connection:
                earliest = alarms.earliest(connection)
            now = self._services.now()
            if earliest is None or earliest > now:
                return LONGEST_SLEEP if earliest is None else min((earliest - now) / 1000, LONGEST_SLEEP)
            if not self.round(now):  # another process has them
                return TROUBLE_SECONDS
        return 0.0

    def round(self, now: int) -> int:
        """Look at or send a first part of what is due; how much."""
        with self._services.db.writing(durable=False) as connection:
            alarms.forget(connection, now - KEPT // _MILLI)
            claimed = alarms.take(connection, now, ALARMS_AT_ONCE, now + CLAIM_MILLIS)
            due = [self._looked_at(alarm, now) for alarm in claimed if self._is_so(connection, alarm, now)]
        for alarm in due:
            if self._stopping:
                break
            self._send(alarm)
        return len(claimed)

    def _is_so(self, connection: Connection, alarm: AlarmRecord, now: int) -> bool:
        """Whether an alarm is to be sent; else it is forgotten."""
        oldest = now - timedelta(days=self._services.settings.alarm_days) // _MILLI
        wanted = alarm.submit_time >= oldest
        if wanted and alarm.state == AlarmState.WATCH:
            record = instances.by_id(connection, alarm.instance_id)
            wanted = record is not None and still_so(AlarmKind(alarm.kind), JobState(record.status))
            if record is not None and alarm.kind == AlarmKind.FAILURE and record.end_time is not None:
                wanted = wanted and record.end_time == alarm.occasion
        if not wanted:
            alarms.drop(connection, alarm)
        return wanted

    @staticmethod
    def _looked_at(alarm: AlarmRecord, now: int) -> AlarmRecord:
        """What was only to be looked at is raised now."""
        return alarm if alarm.state == AlarmState.QUEUED else alarm._replace(state=AlarmState.QUEUED, alarm_time=now)

    def _send(self, alarm: AlarmRecord) -> None:
        kind = AlarmKind(alarm.kind)
        text = message_of(kind, alarm.job_name, alarm.instance_id, alarm.plan_time, self._zone, alarm.error_message)
        outcome = _Outcome()
        for topic in json.loads(alarm.topics):
            self._tell(alarm, topic, Notice(subject=subject_of(kind, alarm.job_name), text=text), outcome)
        self._record(alarm._replace(message=text), outcome)

    def _tell(self, alarm: AlarmRecord, topic: str, notice: Notice, outcome: _Outcome) -> None:
        """Send to the addresses of a topic that have not taken it yet."""
        taken = self._taken.setdefault(alarm[:4], set())
        try:
            addresses = addresses_of(self._services.settings.topics, topic)
        except NotificationFailed as error:
            outcome.failed = True
            outcome.says.append(str(error))
            return
        for address in addresses:
            if f"{topic} {address}" not in taken:
                self._tell_one(address, topic, notice, outcome, taken)

    def _tell_one(self, address: str, topic: str, notice: Notice, outcome: _Outcome, taken: set[str]) -> None:
        try:
            for _ in send([address], notice, topic):
                taken.add(f"{topic} {address}")
        except NotAccepted as error:
            outcome.again = outcome.failed = True
            outcome.says.append(str(error))
        except NotificationFailed as error:
            outcome.failed = True
            outcome.says.append(str(error))
        except Exception as error:  # noqa: BLE001 - of a service; its text may hold the address
            log.error("a notification service raised an error", topic=topic, error=type(error).__name__)
            outcome.again = outcome.failed = True
            outcome.says.append(f"{type(error).__name__} (an address of {topic!r}).")

    def _record(self, alarm: AlarmRecord, outcome: _Outcome) -> None:
        """Write down what came of it, and when to try or to say it again."""
        now = self._services.now()
        says = _said(outcome.says)
        if outcome.again and alarm.tries < len(PAUSES):
            due = now + PAUSES[alarm.tries] * 1000
            log.warning("an alarm was not accepted; it is tried again", job=alarm.job_name, reason=says, due=due)
            state = AlarmState.QUEUED
            changed = alarm._replace(state=state, tries=alarm.tries + 1, due_time=due, outcome=says)
        else:
            self._taken.pop(alarm[:4], None)
            state = AlarmState.FAILED if outcome.failed else AlarmState.SENT
            changed = alarm._replace(state=state, tries=alarm.tries + 1, due_time=None, outcome=says)
            if outcome.failed:
                log.error("an alarm was not sent", job=alarm.job_name, instance=alarm.instance_id, reason=says)
        with self._services.db.writing() as connection:
            alarms.change(connection, changed)
            if changed.due_time is None and alarm.kind == AlarmKind.FAILURE and alarm.number < alarm.most_times:
                alarms.repeat(connection, changed, now + alarm.repeat_minutes * 60_000)


def _said(says: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(says))
