"""When a promise is due, which instances it is about, and how it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.baselines import PromisedRun, Standing, begins_at, judge, promised_at, topic_of
from headrace.domain.instance import JobState

ZONE = ZoneInfo("Europe/Berlin")
PROMISED = datetime(2026, 5, 8, 6, tzinfo=ZONE)
WARNED = PROMISED - timedelta(hours=1)


def run(state: JobState | None, end: str = "", job: str = "load") -> PromisedRun:
    """An instance planned at 1:00; ``end``: ``HH:MM`` of the promised day."""
    ends = datetime.strptime(f"2026-05-08 {end}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE) if end else None
    return PromisedRun(job, None if state is None else 7, PROMISED.replace(hour=1), state, ends)


@pytest.mark.parametrize(
    ("runs", "now", "standing", "finished"),
    [
        ([run(JobState.SUCCESS, "03:00")], "03:05", Standing.SAFE, True),
        ([run(JobState.SKIP_BY_DEPEND, "03:00")], "03:05", Standing.SAFE, True),
        ([run(JobState.RUNNING, "04:30")], "03:05", Standing.SAFE, False),
        ([run(JobState.RUNNING)], "03:05", Standing.SAFE, False),
        ([run(JobState.RUNNING, "05:30")], "03:05", Standing.DANGEROUS, False),
        ([run(JobState.RUNNING, "04:30")], "05:00", Standing.DANGEROUS, False),
        ([run(None)], "05:00", Standing.DANGEROUS, False),
        ([run(JobState.FAIL)], "03:05", Standing.ERROR, False),
        ([run(JobState.MANUAL_STOP)], "03:05", Standing.ERROR, False),
        ([run(JobState.RUNNING_EXCEPTION)], "05:30", Standing.ERROR, False),
        ([run(JobState.SUCCESS, "03:00"), run(JobState.WAITING)], "06:00", Standing.OVER, False),
        ([run(JobState.FAIL)], "06:00", Standing.OVER, False),
        ([run(JobState.SUCCESS, "07:30")], "08:00", Standing.OVER, True),
        ([run(JobState.SUCCESS, "06:00")], "08:00", Standing.SAFE, True),
    ],
)
def test_judge__says_how_a_promise_stands(
    runs: list[PromisedRun], now: str, standing: Standing, finished: bool
) -> None:
    moment = datetime.strptime(f"2026-05-08 {now}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
    judged = judge(runs, [], PROMISED, WARNED, moment)
    assert (judged.standing, judged.finished) == (standing, finished)
    assert bool(judged.reason) == (not finished and standing is not Standing.SAFE)


def test_judge__names_the_jobs_that_are_not_scheduled() -> None:
    judged = judge([run(JobState.SUCCESS, "03:00")], ["a (STOPPED)", "b (PAUSED)"], PROMISED, WARNED, PROMISED)
    assert (judged.standing, judged.reason) == (Standing.OVER, "Not scheduled: a (STOPPED), b (PAUSED).")


def test_judge__names_the_worst_instance() -> None:
    runs = [
        run(JobState.RUNNING, "05:30", "slow"),
        run(JobState.FAIL, job="bad"),
        run(JobState.SUCCESS, "02:00", "good"),
    ]
    judged = judge(runs, [], PROMISED, WARNED, WARNED)
    assert judged.reason == (
        "bad: the instance 7 planned at 2026-05-08 01:00 CEST is fail. 2 instances have not ended well."
    )
    assert judge([run(None)], [], PROMISED, WARNED, PROMISED).reason == (
        "load: the instance planned at 2026-05-08 01:00 CEST is not made yet."
    )


def test_promised_at__is_the_next_time_of_day() -> None:
    assert promised_at(6, 0, datetime(2026, 5, 8, 3, 59, tzinfo=UTC), ZONE) == PROMISED
    assert promised_at(6, 0, PROMISED, ZONE) == datetime(2026, 5, 9, 6, tzinfo=ZONE)


def test_begins_at__is_the_same_time_of_the_day_before_also_when_the_clock_changes() -> None:
    promised = datetime(2026, 3, 29, 6, tzinfo=ZONE)
    assert begins_at(promised, ZONE) == datetime(2026, 3, 28, 6, tzinfo=ZONE)
    assert promised.astimezone(UTC) - begins_at(promised, ZONE).astimezone(UTC) == timedelta(hours=23)


@pytest.mark.parametrize(
    ("receiver", "topic"),
    [
        ({"urn": "urn:smn:eu-de:1:ops", "name": "ops"}, "urn:smn:eu-de:1:ops"),
        ({"urn": None, "name": "ops"}, "ops"),
        ({"notify_method": "DUTY_SCHEDULE", "duty_schedule_name": "nights"}, "nights"),
        ({"notify_method": "DINGDING", "smn_config_name": "robot"}, "robot"),
        ({"notify_method": "OWNER"}, "ann"),
        ({"notify_method": "SUBJECT"}, ""),
    ],
)
def test_topic_of__is_the_name_of_whom_to_tell(receiver: dict[str, str], topic: str) -> None:
    assert topic_of(receiver, "ann") == topic
