"""Which cron expressions are taken. Source: "Creating a Job", table 12; factory-v1-notes §10.1."""

from __future__ import annotations

import pytest

from headrace.domain.cron import check_cron
from headrace.errors import InvalidSchedule

FIELDS = "not 6: second minute hour day month weekday"


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 1 * * ?",
        "0 0/5 * * * ?",
        "0 */5 * * * ?",
        "00 30 8 * * ?",
        "0 0 2 ? * 2-6",
        "0 15,45 0-12/2 * * ?",
        "0 0 0 1,15 * ?",
        "0 0 0 L * ?",
        "0 0 0 LW * ?",
        "0 0 0 L-3 * ?",
        "0 0 0 15W * ?",
        "0 0 0 5C * ?",
        "0 0 0 ? * 6L",
        "0 0 0 ? * 6#3",
        "0 0 0 ? * FRI#3",
        "0 0 0 ? * FRIL",
        "0 0 0 ? * 1C",
        "0 0 0 ? * MON-FRI",
        "0 0 0 ? * sun,sat",
        "0 0 0 1 jan,JUL ?",
        "0 0 0 * * *",
        "  0  0   1 * *\t? ",
        "0 0/59 0/23 1/31 * ?",
    ],
)
def test_check_cron__takes_what_is_documented(expression: str) -> None:
    check_cron(expression)


@pytest.mark.parametrize(
    ("expression", "detail"),
    [
        ("", f"has 0 fields, {FIELDS}."),
        ("0 0 1 * *", f"has 5 fields, {FIELDS}."),
        ("0 0 1 * * ? 2024", f"has 7 fields, {FIELDS}."),
        ("5 0 1 * * ?", ": the second can only be 0."),
        ("* 0 1 * * ?", ": the second can only be 0."),
        ("0/10 0 1 * * ?", ": the second can only be 0."),
        ("0 60 1 * * ?", ": '60': a minute is 0 to 59."),
        ("0 0 24 * * ?", ": '24': a hour is 0 to 23."),
        ("0 0 1 0 * ?", ": '0': a day is 1 to 31."),
        ("0 0 1 32 * ?", ": '32': a day is 1 to 31."),
        ("0 0 1 * 13 ?", ": '13': a month is 1 to 12."),
        ("0 0 1 ? * 0", ": '0': a weekday is 1 to 7."),
        ("0 0 1 ? * 8", ": '8': a weekday is 1 to 7."),
        ("0 30-10 1 * * ?", ": '30-10': the minute range ends before it starts."),
        ("0 0/0 1 * * ?", ": '0/0': the step is not 1 to 60."),
        ("0 0/99 1 * * ?", ": '0/99': the step is not 1 to 60."),
        ("0 x 1 * * ?", ": 'X' is no minute."),
        ("0 0 1 ? * 6#6", ": '6#6' is no weekday."),
        ("0 0 1 ? * FUNDAY", ": 'FUNDAY' is no weekday."),
        ("0 0 1 1,,2 * ?", ": '' is no day."),
        ("0 0 L * * ?", ": 'L' is no hour."),
        ("0 ? 1 * * ?", ": '?' is no minute."),
        ("0 0 1 ? * ?", ": day and weekday cannot both be '?'."),
        ("0 -1 1 * * ?", ": '-1' is no minute."),
        ("0 *-5 1 * * ?", ": '*-5' is no minute."),
        ("0 0 1 L-31 * ?", ": 'L-31': a day before the last is 0 to 30."),
        ("0 0 1 32W * ?", ": '32W': a day is 1 to 31."),
        ("0 0 1 ? * 8L", ": '8L': a weekday is 1 to 7."),
        ("0 0 1 ? * FRI-MON", ": 'FRI-MON': the weekday range ends before it starts."),
        ("0 0 1 W * ?", ": 'W' is no day."),
    ],
)
def test_check_cron__names_the_member_the_field_and_the_value(expression: str, detail: str) -> None:
    with pytest.raises(InvalidSchedule) as error:
        check_cron(expression, "schedule.cron.expression")
    separator = " " if detail.startswith("has") else ""
    assert error.value.detail == f"schedule.cron.expression: {expression!r}{separator}{detail}"


def test_check_cron__hostile_text_is_refused_at_once() -> None:
    with pytest.raises(InvalidSchedule):
        check_cron("0 " + "1-" * 50_000 + " * * * ?")
    with pytest.raises(InvalidSchedule):
        check_cron("0 " + "9" * 4000 + " 1 * * ?")
    with pytest.raises(InvalidSchedule):
        check_cron("0 " + "9" * 5000 + " 1 * * ?")
