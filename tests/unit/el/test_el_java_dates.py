"""Dates behave as Java's own SimpleDateFormat and Calendar: a recorded table, and Java itself where it is installed.

To record the table again: python tests/unit/el/test_el_java_dates.py (needs ``java`` 11 or later on the path).
"""

from __future__ import annotations

import random
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.el.errors import CannotEvaluate
from headrace.el.java_calendar import add_days, add_duration, add_months
from headrace.el.java_date_format import format_date
from headrace.el.java_date_parse import parse_date
from headrace.el.java_text import double_text
from headrace.el.zones import zone_named

FOLDER = Path(__file__).parents[2] / "cases" / "java_dates"
RECORDED = FOLDER / "recorded.tsv"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
GREGORIAN, YEAR_10000 = -12219292800000, 253402214400000

ZONES = ("GMT+8", "Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "GMT-3:30")
LETTERS = "GyYMLwWDdFEuaHkKhmsSZX"
PATTERNS = (
    *(
        "yyyy-MM-dd HH:mm:ss.SSS",
        "yyyyMMdd",
        "yyyyMM",
        "YYYYww",
        "yyyyww",
        "yyyyw",
        "yy/M/d h:mm a",
        "EEE MMM dd HH:mm",
    ),
    *("yyyy DDD", "YYYY-'W'ww-u", "k K h H", "yyyy-MM W E", "yyyy-MM F EEE", "yyyy-MM-dd'T'HH:mm:ssXXX", "d MMMM yyyy"),
    *(
        "HHmmssSSS",
        "yyyyMMddHHmmssSSS",
        "yyMMdd",
        "Z yyyy",
        "''yyyy''",
        "yyyy-MM-dd HH:mm:ss Z",
        "XXXX",
        "bad",
        "yyyy 'o",
    ),
)
TEXTS = (
    *("2024-02-30 25:61:61.1001", "20240230", "202413", "202453", "20240", "24/2/9 11:05 pm", "Thu Feb 29 12:00"),
    *("2024 366", "2024-W07-3", "2024-07 2 Wed", "2024-2-9 trailing", "  2024-02-29", "x", "", "29 february 2024"),
    *("99-1-1", "43-1-1", "44-1-1", "2024-02-29T01:02:03Z", "2024-02-29T01:02:03+05:30", "-5", "2024-00-00"),
    *("2024-03-31 02:30:00.000", "2024-10-27 02:30:00.000", "2024-11-03 01:30:00.000", "1 1 1 1", "20240229010203004"),
)
NUMBERS = (
    "0",
    "1",
    "-1.5",
    "0.001",
    "0.00099",
    "9999999.99",
    "10000000",
    "1e21",
    "1.25e-7",
    "123456789012",
    "100",
    "3e-5",
)


def questions(seed: int, count: int) -> list[str]:
    """Questions of every kind, each a tab-separated line: kind, zone, moment or text, pattern or amount."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    asked = []
    for _ in range(count):
        zone = chance.choice(ZONES)
        moment = chance.choice((chance.randrange(0, 2**42), 1704067200000 + chance.randrange(-(10**6), 10**6) * 86400))
        pattern = chance.choice(PATTERNS)
        if chance.random() < 0.3:
            pattern = " ".join(chance.choice(LETTERS) * chance.randint(1, 5) for _ in range(3))
        text = chance.choice(TEXTS)
        if chance.random() < 0.5:
            text = format_or_error(pattern, moment, zone)
        day = f"addDays\t{zone}\t{moment}\t{chance.randint(-400, 400)}"
        month = f"addMonths\t{zone}\t{moment}\t{chance.randint(-30, 30)}"
        hour = f"addHours\t{zone}\t{moment}\t{chance.randint(-3000, 3000)}"
        asked += [
            f"format\t{zone}\t{moment}\t{pattern}",
            f"parse\t{zone}\t{text}\t{pattern}",
            chance.choice((day, month, hour)),
        ]
    return asked + [f"double\tUTC\t{number}\t" for number in NUMBERS]


def format_or_error(pattern: str, moment: int, zone: str) -> str:
    try:
        return format_date(EPOCH + moment * MILLISECOND, pattern, zone_named(zone))
    except CannotEvaluate:
        return "error"


def answer(question: str) -> str:
    """Our answer to a question."""
    kind, zone_name, given, argument = question.split("\t")
    zone = zone_named(zone_name)
    if kind == "double":
        return double_text(float(given))
    if kind == "format":
        return format_or_error(argument, int(given), zone_name)
    try:
        if kind == "parse":
            moment = parse_date(given, argument, zone, datetime(1944, 1, 1, tzinfo=zone))
        else:
            begin = EPOCH + int(given) * MILLISECOND
            amount = int(argument)
            moment = {
                "addDays": lambda: add_days(begin, amount, zone),
                "addMonths": lambda: add_months(begin, amount, zone),
                "addHours": lambda: add_duration(begin, timedelta(hours=amount), zone),
            }[kind]()
    except CannotEvaluate:
        return "error"
    return str((moment - EPOCH) // MILLISECOND)


def java_answers(asked: list[str]) -> list[str]:
    java = shutil.which("java")
    assert java is not None
    source = FOLDER / "JavaDates.java"
    done = subprocess.run(
        [java, str(source)], input="\n".join(asked) + "\n", capture_output=True, text=True, check=True, timeout=100
    )
    return [_within_reach(told) for told in done.stdout.splitlines()]


def _within_reach(told: str) -> str:
    """An answer of Java; of a moment outside the years 1582 to 9999, "far", as our calendar is always Gregorian."""
    return "far" if told.lstrip("-").isdigit() and not GREGORIAN <= int(told) < YEAR_10000 else told


def test_dates__recorded_answers_of_java() -> None:
    lines = RECORDED.read_text(encoding="utf-8").splitlines()
    recorded = [line.rpartition("\t") for line in lines]
    assert len(recorded) > 1000
    assert [(question, answer(question)) for question, _, _ in recorded] == [
        (question, expected) for question, _, expected in recorded
    ]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed")
def test_dates__java_itself_agrees_on_random_questions() -> None:
    asked = questions(seed=29, count=2000)
    told = [
        (question, expected) for question, expected in zip(asked, java_answers(asked), strict=True) if expected != "far"
    ]
    assert [(question, answer(question)) for question, _ in told] == told


if __name__ == "__main__":
    chosen = questions(seed=17, count=500)
    rows = zip(chosen, java_answers(chosen), strict=True)
    RECORDED.write_text("".join(f"{question}\t{told}\n" for question, told in rows if told != "far"), encoding="utf-8")
