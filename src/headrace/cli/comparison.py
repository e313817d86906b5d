"""Compares rows that are expected with those that are there, and says what differs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from headrace.cli.cases import NULL, cell_text

MOST_LINES = 20
DIGITS = 12  # of floating-point numbers, that count
_NUMBER_TYPES = re.compile(r"(tinyint|smallint|int|bigint|hugeint|float|double|real|decimal|numeric|number|u?int\d*)\b")
_FLOATS = re.compile(r"(float|double|real)\b")

Row = tuple[str, ...]


def differences(
    expected: Sequence[Sequence[Any]], actual: Sequence[Sequence[Any]], types: Sequence[str], *, ordered: bool
) -> list[str]:
    """What differs, a line each: ``- `` for rows that are missing, ``+ `` for rows that are not expected.

    ``types``: those of the columns; texts in a column of numbers are compared as numbers.
    """
    widths = {len(row) for row in expected} - {len(types)}
    if widths:
        return [f"the rows that are expected have {min(widths)} columns, those that are there {len(types)}"]
    wanted = [_row(row, types) for row in expected]
    found = [_row(row, types) for row in actual]
    if ordered:
        return _in_order(wanted, found)
    missing, surplus = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    lines = [f"- {_line(row)}" for row in wanted if _take(missing, row)]
    return _limited(lines + [f"+ {_line(row)}" for row in found if _take(surplus, row)])


def _take(counter: Counter[Row], row: Row) -> bool:
    if counter[row] <= 0:
        return False
    counter[row] -= 1
    return True


def _in_order(wanted: Sequence[Row], found: Sequence[Row]) -> list[str]:
    lines = []
    for at in range(max(len(wanted), len(found))):
        one = wanted[at] if at < len(wanted) else None
        other = found[at] if at < len(found) else None
        if one != other:
            lines += [f"- {_line(one)}  (row {at + 1})"] if one is not None else []
            lines += [f"+ {_line(other)}  (row {at + 1})"] if other is not None else []
    return _limited(lines)


def _limited(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES} more lines"]


def _line(row: Row) -> str:
    return " | ".join(row)


def _row(row: Sequence[Any], types: Sequence[str]) -> Row:
    return tuple(_cell(value, kind) for value, kind in zip(row, types, strict=True))


def _cell(value: Any, kind: str) -> str:
    text = cell_text(value)
    lower = kind.lower()
    if text == NULL or not _NUMBER_TYPES.match(lower):
        return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    if _FLOATS.match(lower):
        number = Decimal(f"{number:.{DIGITS}g}")
    return f"{number.normalize():f}"
