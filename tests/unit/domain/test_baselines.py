"""When a promise is due, which instances it is about, and how it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.baselines import (
    PromisedRun,
    Standing,
    Terms,
    judge,
    next_promised,
    open_promises,
    terms_of,
    topic_of,
)
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


DAILY = Terms(timedelta(hours=1), 6 * 60, {})


def test_terms_of__reads_days_and_hours() -> None:
    assert terms_of({"type": "DAY", "sla_hour": "06", "sla_min": "00", "buffer": 3_600_000}) == DAILY
    period = [{"period_num": 1, "period_time": "00:59"}, {"period_num": 24, "period_time": "25:30"}]
    hours = terms_of({"type": "HOUR", "sla_hour": "", "sla_min": "", "buffer": 60_000, "period": period})
    assert hours == Terms(timedelta(minutes=1), None, {0: 59, 23: 25 * 60 + 30})


def test_next_promised__is_the_next_time_of_day() -> None:
    assert next_promised(DAILY, datetime(2026, 5, 8, 3, 59, tzinfo=UTC), ZONE) == PROMISED
    assert next_promised(DAILY, PROMISED, ZONE) == datetime(2026, 5, 9, 6, tzinfo=ZONE)


def test_next_promised__of_an_hour_that_the_clock_leaves_out_is_that_of_the_day_after() -> None:
    terms = Terms(timedelta(), None, {2: 3 * 60})
    moment = datetime(2026, 3, 28, 4, tzinfo=ZONE)
    assert next_promised(terms, moment, ZONE) == datetime(2026, 3, 30, 3, tzinfo=ZONE)


def test_open_promises__of_a_day_begin_at_the_same_time_of_the_day_before_also_when_the_clock_changes() -> None:
    promised = datetime(2026, 3, 29, 6, tzinfo=ZONE)
    [found] = open_promises(DAILY, promised, promised, ZONE)
    assert (found.promised, found.ends, found.warned) == (promised, promised, promised - timedelta(hours=1))
    assert found.begins == datetime(2026, 3, 28, 6, tzinfo=ZONE)
    assert found.ends - found.begins == timedelta(hours=23)


HOURS = [  # terms, since, until, (begin, end, promised) by the clock of Berlin
    ({0: 59, 1: 119}, "05-08 00:30", "05-08 00:30", ["08 00:00 08 01:00 08 00:59"]),
    ({0: 59, 1: 119}, "05-08 00:59", "05-08 01:01", ["08 00:00 08 01:00 08 00:59", "08 01:00 08 02:00 08 01:59"]),
    ({0: 59, 1: 119}, "05-08 02:00", "05-08 12:00", []),
    ({0: 59}, "05-08 02:00", "05-09 00:01", ["09 00:00 09 01:00 09 00:59"]),
    ({23: 1500, 0: 60}, "05-09 01:00", "05-09 00:30", ["08 23:00 09 00:00 09 01:00", "09 00:00 09 01:00 09 01:00"]),
    ({22: 2879}, "05-09 12:00", "05-09 12:00", ["08 22:00 08 23:00 09 23:59"]),
    ({1: 200, 2: 180}, "03-29 00:00", "03-29 12:00", ["29 01:00 29 03:00 29 03:20"]),  # no 02:00 on that day
    ({2: 180, 3: 240}, "10-25 00:00", "10-25 12:00", ["25 02:00 25 03:00 25 03:00", "25 03:00 25 04:00 25 04:00"]),
]


@pytest.mark.parametrize(("hours", "since", "until", "found"), HOURS)
def test_open_promises__of_hours_are_those_that_began_and_are_not_due(
    hours: dict[int, int], since: str, until: str, found: list[str]
) -> None:
    first, last = (
        datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE).astimezone(UTC)
        for text in (since, until)
    )
    promises = open_promises(Terms(timedelta(), None, hours), first, last, ZONE)
    shown = [
        " ".join(f"{each.astimezone(ZONE):%d %H:%M}" for each in (one.begins, one.ends, one.promised))
        for one in promises
    ]
    assert shown == found


def test_open_promises__of_an_hour_that_comes_twice_are_one() -> None:
    terms = Terms(timedelta(), None, {2: 180})
    moment = datetime(2026, 10, 25, 12, tzinfo=ZONE)
    [found] = open_promises(terms, moment - timedelta(hours=12), moment, ZONE)
    assert found.ends - found.begins == timedelta(hours=2)


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
