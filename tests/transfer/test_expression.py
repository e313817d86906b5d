"""Expressions of field converters: every function by its documented examples, refusals, and the fast ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.el.errors import ExpressionError
from headrace.transfer.el_functions import FUNCTIONS, Reach
from headrace.transfer.expression import Expression, Frame
from headrace.transfer.expression_columns import Rows, column_of, evaluated

SHANGHAI = ZoneInfo("Asia/Shanghai")
CASES = Path(__file__).parent.parent / "cases" / "transfer" / "expressions.txt"


class Case(NamedTuple):
    expression: str
    value: Any
    row: list[Any]
    answer: str


def cases() -> Iterator[Case]:
    value, row, question = None, [], ""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#") or line.split(" #")[0] in ("documented", "inferred"):
            continue
        if line.startswith("value = "):
            value = json.loads(line.removeprefix("value = "))
        elif line.startswith("row = "):
            row = json.loads(line.removeprefix("row = "))
        elif question:
            yield Case(question, value, row, line)
            question = ""
        else:
            question = line


def run(expression: str, values: list[Any], row: list[Any] | None = None) -> tuple[list[Any], dict[int, str]]:
    """What an expression gives for a column of values, each in the same row."""
    row = values[:1] if row is None else row
    made, bad = evaluated(Expression(expression), pa.array(values), rows_of(row, len(values)))
    return made.to_pylist(), dict(bad)


def rows_of(row: list[Any], length: int) -> Rows:
    return Rows(length=length, width=len(row), cells=lambda at: [row[at]] * length, zone=SHANGHAI, cache={})


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.expression)
def test_expression__gives_what_its_case_says(case: Case) -> None:
    made, bad = run(case.expression, [case.value], case.row)

    if case.answer.startswith("error: "):
        assert case.answer.removeprefix("error: ") in bad[0]
        assert made == [None]
    else:
        expected = json.loads(case.answer)
        assert (bad, made) == ({}, [expected])
        assert type(made[0]) is type(expected)


def test_case_file__has_every_function() -> None:
    text = CASES.read_text(encoding="utf-8")

    missing = [
        f"{owner}.{name}" for owner, names in FUNCTIONS.items() for name in names if f"{owner}.{name}(" not in text
    ]

    assert missing == []


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("value +", "a value, found the end"),
        ("StringUtil.trim(value)", "one of StringUtils, NumberUtils"),
        ("StringUtils.shout(value)", "one of lowerCase"),
        ("StringUtils.left(value)", "2 arguments of StringUtils.left, found 1"),
        ("StringUtils.center(value)", "2 to 3 arguments"),
        ("StringUtils", "one of value, row"),
        ("values", "one of value, row"),
        ("value.trim()", "one of StringUtils"),
        ("value = 1", "an operator"),
        ("${day}", "a value for ${day}"),
        ("value }", "no `}`"),
        ("HttpsUtils.downloadMap('https://example.com/a.csv')", "no function of HttpsUtils"),
        ("__import__('os')", "the end of the expression"),
        ("value.__class__.__mro__()", "one of StringUtils"),
        ("(" * 60 + "1" + ")" * 60, "at most 50 levels"),
        ("1+" * 5000 + "1", "at most 3000"),
    ],
)
def test_expression__that_cannot_be_read_says_where(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        Expression(expression)

    assert message in error.value.message


def test_member_of_a_value__is_no_way_into_python() -> None:
    made, bad = run("value.__class__", ["a"])

    assert made == [None]
    assert "an array or a map before [ ]" in bad[0]


def test_long_texts__are_limited_in_a_row() -> None:
    longer = "StringUtils.leftPad(value, 100000)"
    for _ in range(3):
        longer = f"StringUtils.replace({longer}, ' ', '          ')"

    made, bad = run(longer, ["a", "b"])

    assert made == [None, None]
    assert "characters" in bad[0]


def test_decimals__keep_their_digits() -> None:
    made, _ = run("value * 2 + 1", [Decimal("0.1234567890123456789")])
    divided, _ = run("value / 3", [Decimal("1.00")])

    assert made == [Decimal("1.2469135780246913578")]
    assert divided == [Decimal("0.33")]


def test_dates__of_a_column_are_formatted_in_the_zone_of_the_job() -> None:
    moments = [datetime(2024, 1, 31, 23, 30), None]  # noqa: DTZ001  # as a column without a zone gives it

    assert run("DateUtils.format(value, 'yyyyMMdd HH:mm')", moments)[0] == ["20240131 23:30", None]
    assert run("DateUtils.getTime(value)", [date(2024, 1, 1)])[0] == [1704038400000]
    assert run("DateUtils.parseDate(value, 'yyyyMMdd')", ["20240131"])[0] == [datetime(2024, 1, 31, tzinfo=SHANGHAI)]


def test_results_of_several_kinds__become_text() -> None:
    assert run("value == 'a' ? 1 : value == 'b' ? 2.5 : value", ["a", "b", "c", None])[0] == ["1", "2.5", "c", None]


def test_cache__keeps_maps_for_the_job() -> None:
    rows = Rows(length=1, width=1, cells=lambda at: [{"a": "1"}], zone=SHANGHAI, cache={})
    column = pa.array(["a"])
    evaluated(Expression("CommonUtils.setCache('m', row[0])"), column, rows)

    assert evaluated(Expression("CommonUtils.getCache('m')[value]"), column, rows).column.to_pylist() == ["1"]
    assert evaluated(Expression("CommonUtils.cacheExists('m')"), column, rows).column.to_pylist() == [True]


def test_random_uuid__is_another_in_each_row() -> None:
    made, _ = run("CommonUtils.randomUUID()", ["a"] * 200)

    assert len(set(made)) == 200


VALUES = st.lists(
    st.one_of(st.none(), st.sampled_from(["", "a", "b", "A b", " x ", "1", "-2.50", "é ß", "中文", "true"]), st.text()),
    min_size=1,
    max_size=200,
)
EXPRESSIONS = [
    "StringUtils.upperCase(value)",
    "StringUtils.lowerCase(StringUtils.trim(value))",
    "StringUtils.trim(value)",
    "StringUtils.replace(value, 'a', 'bb')",
    "StringUtils.replace(value, '', 'b')",
    "StringUtils.replace(value, 'a', 'b', 1)",
    "StringUtils.remove(value, ' ')",
    "StringUtils.substring(value, 1, 3)",
    "StringUtils.substring(value, -2, 3)",
    "StringUtils.left(value, 2)",
    "value == 'a'",
    "StringUtils.trim(value) != 'x'",
    "empty value",
    "StringUtils.isEmpty(StringUtils.trim(value))",
    "StringUtils.contains(value, 'a')",
    "StringUtils.startsWith(value, 'A')",
    "StringUtils.endsWith(value, '')",
    "value == 'a' ? StringUtils.upperCase(value) : 'no'",
    "empty value ? 'none' : value",
    "value * 2",
    "value ? 1 : 2",
    "StringUtils.length(value)",
    "row[0]",
]


@pytest.mark.parametrize("source", EXPRESSIONS)
@settings(max_examples=60, deadline=None)
@given(values=VALUES)
def test_fast_ways__give_what_row_by_row_gives(source: str, values: list[str | None]) -> None:
    expression = Expression(source)
    rows = Rows(length=len(values), width=1, cells=lambda at: values, zone=SHANGHAI, cache={})

    made = evaluated(expression, pa.array(values, pa.string()), rows)

    results, bad = expression.over(values, Frame(Reach(SHANGHAI, {}), 1, lambda at: values))
    assert (made.column.to_pylist(), made.bad) == (column_of(results, SHANGHAI).to_pylist(), bad)
