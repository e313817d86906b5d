"""When alarms that are about time are due, and what is told of at all."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.alarms import AlarmKind, due_at, kinds_of, message_of, still_so
from headrace.domain.clock import from_millis, to_millis
from headrace.domain.instance import InstanceType, JobState

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("planned", "finished_by", "due"),
    [
        ("2026-05-08 02:00", "07:30", "2026-05-08 07:30"),
        ("2026-05-08 07:30", "07:30", "2026-05-09 07:30"),
        ("2026-05-08 23:00", "01:00", "2026-05-09 01:00"),
        ("2026-12-31 23:00", "00:00", "2027-01-01 00:00"),
        ("2026-03-28 04:00", "03:30", "2026-03-29 03:30"),  # the day has 23 hours
        ("2026-10-25 01:00", "04:00", "2026-10-25 04:00"),  # and this one 25
    ],
)
def test_due__finished_by_is_a_time_of_the_zone(planned: str, finished_by: str, due: str) -> None:
    moment = datetime.fromisoformat(planned).replace(tzinfo=BERLIN)
    expected = datetime.fromisoformat(due).replace(tzinfo=BERLIN)
    assert due_at(AlarmKind.NOT_FINISHED, to_millis(moment), BERLIN, finished_by, 0) == expected.astimezone(UTC)


@pytest.mark.parametrize(
    ("planned", "due"),
    [
        ("2026-05-08 07:00", "2026-05-08 08:20"),
        ("2026-05-08 07:59", "2026-05-08 08:20"),
        ("2026-05-08 08:00", None),
        ("2026-05-08 23:30", "2026-05-09 01:30"),
        ("2026-03-28 23:30", "2026-03-29 01:30"),
        ("2026-03-29 07:00", "2026-03-29 08:20"),  # the day has 23 hours
        ("2026-10-25 07:00", "2026-10-25 08:20"),  # and this one 25
    ],
)
def test_due__of_several_periods_is_the_time_of_the_hour_it_is_planned_in(planned: str, due: str | None) -> None:
    moment = datetime.fromisoformat(planned).replace(tzinfo=BERLIN)
    expected = None if due is None else datetime.fromisoformat(due).replace(tzinfo=BERLIN).astimezone(UTC)
    periods = '[[8, "08:20"], [24, "25:30"]]'
    assert due_at(AlarmKind.PERIOD_NOT_FINISHED, to_millis(moment), BERLIN, periods, 0) == expected


def test_due__minutes_are_counted_from_the_plan_time() -> None:
    planned = to_millis(datetime(2026, 3, 29, 1, 50, tzinfo=BERLIN))
    assert due_at(AlarmKind.LATE, planned, BERLIN, "", 20) == from_millis(planned + 20 * 60_000)


@pytest.mark.parametrize("state", list(JobState))
def test_kinds__a_backfill_that_succeeds_is_not_told_of_and_all_else_is_as_without_one(state: JobState) -> None:
    expected = () if state is JobState.SUCCESS else kinds_of(state, InstanceType.SCHEDULED)
    assert kinds_of(state, InstanceType.PATCH_DATA) == expected


def test_kinds__only_what_has_ended_or_was_suspended_is_told_of() -> None:
    told = {state for state in JobState if kinds_of(state, InstanceType.SCHEDULED)}
    assert told == {JobState.SUCCESS, JobState.FAIL, JobState.MANUAL_STOP, JobState.RUNNING_EXCEPTION}


def test_still_so__what_is_looked_at_later_is_dropped_when_it_is_over() -> None:
    late = {state for state in JobState if still_so(AlarmKind.LATE, state)}
    unfinished = {state for state in JobState if still_so(AlarmKind.NOT_FINISHED, state)}
    assert late == {JobState.WAITING, JobState.WAITING_CONFIRM}
    assert unfinished == set(JobState) - {JobState.SUCCESS, JobState.MANUAL_STOP, JobState.SKIP_BY_DEPEND}


def test_message__shows_the_error_of_a_failure_shortened_and_of_nothing_else() -> None:
    planned = to_millis(datetime(2026, 5, 8, 2, tzinfo=BERLIN))
    text = message_of(AlarmKind.FAILURE, "j", 7, planned, BERLIN, "x" * 2000)
    assert text == f"The instance 7 of job j, planned at 2026-05-08 02:00:00 CEST, failed. {'x' * 500}"
    assert message_of(AlarmKind.LATE, "j", 7, planned, BERLIN, "x").endswith(", has not begun in time.")
