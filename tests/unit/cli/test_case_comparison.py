"""How rows that are expected are compared with those that are there."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from headrace.cli.cases import cell_text
from headrace.cli.comparison import differences


def test_differences__the_order_counts_only_where_it_is_asked_for() -> None:
    rows, other = [["a"], ["b"]], [["b"], ["a"]]
    assert differences(rows, other, ["string"], ordered=False) == []
    assert differences(rows, other, ["string"], ordered=True) == [
        "- a  (row 1)", "+ b  (row 1)", "- b  (row 2)", "+ a  (row 2)",
    ]  # fmt: skip


def test_differences__what_is_missing_and_what_is_not_expected() -> None:
    found = differences([["a", 1], ["a", 1], ["b", 2]], [["a", 1], ["c", None]], ["string", "int"], ordered=False)
    assert found == ["- a | 1", "- b | 2", "+ c | \\N"]


@pytest.mark.parametrize(
    ("expected", "actual", "kind", "equal"),
    [
        (1.5, "1.50", "decimal(10,2)", True),
        ("1.50", 1.5, "double", True),
        ("0.1", 0.1 + 0.2 - 0.2, "double", True),
        (0, "0E-8", "decimal(18,8)", True),
        ("007", "7", "string", False),
        ("007", 7, "int", True),
        ("nan", "nan", "double", True),
        ("x", 1, "int", False),
        ("\\N", None, "int", True),
        ("NULL", None, "string", False),
        (True, True, "boolean", True),
        ("true", True, "boolean", True),
        (date(2026, 3, 1), "2026-03-01", "date", True),
        (datetime(2026, 3, 1, 9, 30, tzinfo=None), "2026-03-01 09:30:00", "timestamp", True),  # noqa: DTZ001
        (123456789012345678, "123456789012345678", "bigint", True),
        (123456789012345678, "123456789012345679", "bigint", False),
    ],
)
def test_differences__cells(expected: Any, actual: Any, kind: str, equal: bool) -> None:
    assert (differences([[expected]], [[actual]], [kind], ordered=False) == []) is equal


def test_differences__rows_of_another_width_are_told() -> None:
    assert differences([["a", "b"]], [["a"]], ["string"], ordered=False) == [
        "the rows that are expected have 2 columns, those that are there 1"
    ]


def test_differences__many_are_cut() -> None:
    found = differences([], [[at] for at in range(50)], ["int"], ordered=False)
    assert len(found) == 21
    assert found[-1] == "… 30 more lines"


def test_cell_text__times() -> None:
    assert cell_text(time(9, 30)) == "09:30:00"
    assert cell_text(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01 00:00:00+00:00"
