"""Every so many days, weeks or months: the days that a backfill takes of its range."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from headrace.domain.periods import months_later

MOST = 366  # of one step
_DAY = timedelta(days=1)
_WORDS = re.compile(r"([0-9]{1,3}) ?([dwM])")


class StepUnit(StrEnum):
    """What a step is counted in."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class Step:
    """Every so many of a unit, 1 to ``MOST``."""

    count: int
    unit: StepUnit

    def days(self, first: date, last: date) -> Iterator[date]:
        """The days from the first to the last one, both included where they are met, ascending.

        Months keep the day of the month, the last day where a month has no such day; from the last day of a month on
        they are last days. Source: "PatchData" (every two days from 1 January: 1, 3, 5; last days of months).
        """
        number = 0
        while (day := self._after(first, number * self.count)) <= last:
            yield day
            number += 1

    def _after(self, first: date, count: int) -> date:
        if self.unit is not StepUnit.MONTH:
            return first + count * (7 if self.unit is StepUnit.WEEK else 1) * _DAY
        end = months_later(first, count + 1) - _DAY
        is_last = (first + _DAY).day == 1
        return end if is_last or first.day > end.day else end.replace(day=first.day)


_LETTERS = {"d": StepUnit.DAY, "w": StepUnit.WEEK, "M": StepUnit.MONTH}


def read_step(text: str) -> Step | None:
    """``2d``, ``1w``, ``3M``; None for anything else."""
    found = _WORDS.fullmatch(text.strip())
    count = int(found[1]) if found else 0
    return Step(count, _LETTERS[found[2]]) if found and 1 <= count <= MOST else None
