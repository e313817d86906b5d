"""Members of a job that say how long its instances wait, and on which days they work."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from headrace.wire.v1.definition import read_definition


@pytest.mark.parametrize(
    ("members", "days"),
    [
        ({}, None),
        ({"cleanWaitingJob": "cleanup", "cleanOverdueDays": 60}, 60),
        ({"cleanWaitingJob": "cleanup", "cleanOverdueDays": "7"}, 7),
        ({"cleanWaitingJob": "cleanup", "cleanOverdueDays": 1}, 2),
        ({"cleanWaitingJob": "cleanup"}, None),
        ({"cleanWaitingJob": "cleanup", "cleanOverdueDays": None}, None),
        ({"cleanOverdueDays": 7}, None),
    ],
)
def test_how_long_instances_wait(members: dict[str, Any], days: int | None) -> None:
    expected = None if days is None else timedelta(days=days)
    assert read_definition(json.dumps({"name": "a", **members})).waits_at_most == expected


@pytest.mark.parametrize(
    ("value", "name"),
    [("office", "office"), ("false", ""), ("true", ""), (False, ""), (None, ""), ("", ""), ("办公", "办公")],
)
def test_which_calendar_counts(value: Any, name: str) -> None:
    schedule = {"type": "CRON", "cron": {"expression": "0 0 1 * * ?", "calendarScheduling": value}}
    assert read_definition(json.dumps({"name": "a", "schedule": schedule})).schedule.calendar == name
