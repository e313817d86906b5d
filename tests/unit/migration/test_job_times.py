"""When migration jobs start by themselves. Source: CDM user guide, "Scheduling Job Execution"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from headrace.errors_cdm import CdmError
from headrace.migration.job_times import JobTimes, job_times

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK, DATE = "mon, tue, wed, thu, fri, sat, sun", "2026-01-31 00:00:00"


def rule(written: str = "2026-01-01 00:00:00", zone: ZoneInfo = SHANGHAI, **values: str) -> JobTimes:
    inputs = {f"schedulerConfig.{name}": value for name, value in {"isSchedulerJob": "true", **values}.items()}
    found = job_times(inputs, datetime.fromisoformat(written).replace(tzinfo=zone), zone)
    assert found is not None
    return found


def times(found: JobTimes, after: str, count: int = 3) -> list[str]:
    """The times after one, as on the wall."""
    moments = []
    moment = datetime.fromisoformat(after).replace(tzinfo=found.zone)
    for _ in range(count):
        following = found.next(moment)
        if following is None:
            break
        moment = following
        moments.append(f"{moment.astimezone(found.zone):%Y-%m-%d %H:%M:%S}")
    return moments


@pytest.mark.parametrize(
    ("cycle", "expected"),
    [("1", ["2026-03-11 00:00:00", "2026-03-12 00:00:00"]), ("2", ["2026-03-12 00:00:00", "2026-03-14 00:00:00"])],
)
def test_days__set_at_noon_from_today_on_start_tomorrow_or_the_day_after(cycle: str, expected: list[str]) -> None:
    """Documented: start today 00:00, set at 12:00."""
    found = rule(cycleType="day", cycle=cycle, startDate="2026-03-10 00:00:00")
    assert times(found, "2026-03-10 12:00:00", 2) == expected


def test_hours__start_at_each_listed_minute_of_every_nth_hour() -> None:
    found = rule(cycleType="hour", cycle="3", runAt="57,27", startDate="2026-03-10 10:30:00")
    assert times(found, "2026-03-10 00:00:00", 4) == [
        "2026-03-10 10:57:00",
        "2026-03-10 13:27:00",
        "2026-03-10 13:57:00",
        "2026-03-10 16:27:00",
    ]


def test_minutes__are_counted_from_the_start_across_hours() -> None:
    found = rule(cycleType="minute", cycle="25", startDate="2026-03-10 10:00:10")
    assert times(found, "2026-03-10 10:30:00") == ["2026-03-10 10:50:10", "2026-03-10 11:15:10", "2026-03-10 11:40:10"]


def test_weeks__are_counted_from_the_week_of_the_start() -> None:
    found = rule(cycleType="week", cycle="2", runAt="mon,wed,sun", startDate="2026-03-11 02:30:00")  # a Wednesday
    assert times(found, "2026-03-01 00:00:00", 5) == [
        "2026-03-11 02:30:00",
        "2026-03-15 02:30:00",
        "2026-03-23 02:30:00",
        "2026-03-25 02:30:00",
        "2026-03-29 02:30:00",
    ]


def test_months__leave_out_days_that_a_month_does_not_have() -> None:
    found = rule(cycleType="month", cycle="1", runAt="1,31", startDate="2026-03-15 06:00:00")
    assert times(found, "2026-03-15 06:00:00", 5) == [
        "2026-03-31 06:00:00",
        "2026-04-01 06:00:00",
        "2026-05-01 06:00:00",
        "2026-05-31 06:00:00",
        "2026-06-01 06:00:00",
    ]


def test_months__across_years_and_for_leap_days() -> None:
    found = rule(cycleType="month", cycle="12", startDate="2024-02-29 00:00:00")
    assert times(found, "2024-02-29 00:00:00", 2) == ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]
    assert (
        rule(cycleType="month", cycle="12", runAt="30", startDate="2024-02-01 00:00:00").next(
            datetime(2024, 1, 1, tzinfo=UTC)
        )
        is None
    )


def test_stop__is_the_last_moment() -> None:
    found = rule(cycleType="day", startDate="2026-03-10 08:00:00", stopDate="2026-03-12 08:00:00")
    assert times(found, "2026-03-10 08:00:00", 9) == ["2026-03-11 08:00:00", "2026-03-12 08:00:00"]


def test_start__is_when_the_job_was_written_where_none_is_named() -> None:
    found = rule("2026-03-10 08:15:30", cycleType="hour", cycle="1", startDate="-", stopDate="-")
    assert times(found, "2026-03-10 08:15:30", 2) == ["2026-03-10 09:15:30", "2026-03-10 10:15:30"]


def test_next__is_later_than_the_time_given_and_never_before_the_start() -> None:
    for unit in ("minute", "hour", "day", "week", "month"):
        found = rule(cycleType=unit, cycle="3", startDate="2026-03-10 08:15:00")
        moment = datetime(2020, 1, 1, tzinfo=UTC)
        for _ in range(50):
            following = found.next(moment)
            assert following is not None
            assert following > moment
            assert following >= datetime(2026, 3, 10, 8, 15, tzinfo=SHANGHAI)
            moment = following


def test_days__keep_their_time_of_the_day_when_clocks_change() -> None:
    found = rule(zone=ZoneInfo("Europe/Berlin"), cycleType="day", startDate="2026-03-28 03:30:00")
    assert times(found, "2026-03-28 03:30:00", 2) == ["2026-03-29 03:30:00", "2026-03-30 03:30:00"]


@pytest.mark.parametrize("start", ["2026-03-28 20:00:00", "2026-10-24 20:00:00"])
def test_hours__are_of_equal_length_when_clocks_change(start: str) -> None:
    found = rule(zone=ZoneInfo("Europe/Berlin"), cycleType="hour", startDate=start)
    moment = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    for _ in range(12):
        following = found.next(moment)
        assert following == moment + timedelta(hours=1)
        moment = following


def test_hours__have_the_minutes_of_the_zone() -> None:
    found = rule(zone=ZoneInfo("Asia/Kolkata"), cycleType="hour", runAt="27", startDate="2026-03-10 10:00:00")
    assert found.next(datetime(2026, 3, 10, tzinfo=UTC)) == datetime(2026, 3, 10, 4, 57, tzinfo=UTC)


def test_next__far_from_the_start_is_found_at_once() -> None:
    found = rule(cycleType="minute", cycle="7", startDate="1970-01-01 00:00:00")
    after = datetime(2099, 12, 31, tzinfo=UTC)
    following = found.next(after)
    assert following is not None
    assert timedelta() < following - after <= timedelta(minutes=7)
    assert rule(cycleType="month", startDate="9999-12-01 00:00:00").next(datetime(9999, 12, 2, tzinfo=UTC)) is None


def test_job_times__of_a_job_that_does_not_start_by_itself_are_none() -> None:
    assert job_times({}, datetime(2026, 1, 1, tzinfo=UTC), SHANGHAI) is None
    for value in ("false", "true"):  # the second names no unit
        inputs = {"schedulerConfig.isSchedulerJob": value}
        assert job_times(inputs, datetime(2026, 1, 1, tzinfo=UTC), SHANGHAI) is None


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"cycleType": "year"}, "schedulerConfig.cycleType: 'year' is none of minute, hour, day, week, month."),
        ({"cycleType": "day", "cycle": "0"}, "schedulerConfig.cycle: '0' is no whole number from 1 to 10000."),
        ({"cycleType": "hour", "runAt": "5,60"}, "schedulerConfig.runAt: '60' is no whole number from 0 to 59."),
        ({"cycleType": "week", "runAt": "noday"}, f"schedulerConfig.runAt: 'noday' is none of {WEEK}."),
        ({"cycleType": "month", "runAt": "32"}, "schedulerConfig.runAt: '32' is no whole number from 1 to 31."),
        ({"cycleType": "day", "startDate": "soon"}, f"schedulerConfig.startDate: 'soon' is no date like {DATE}."),
    ],
)
def test_job_times__of_no_rule_are_refused_by_name_and_value(values: dict[str, str], detail: str) -> None:
    with pytest.raises(CdmError) as refused:
        rule(**values)
    assert refused.value.detail == detail
