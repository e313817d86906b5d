"""For which file instances wait, as a document says it. Source: reference on scheduling §2.4; decision 26."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from headrace.domain.obs_listening import ObsListening, is_new
from headrace.wire.v1.definition import read_definition

PATH = 'obs://inbox/#{DateUtil.format(Job.planTime,"yyyyMMdd")}/'


def listening(kind: str = "CRON", **cron: Any) -> ObsListening | None:
    body = {"name": "j", "nodes": [], "schedule": {"type": kind, "cron": cron}}
    return read_definition(json.dumps(body)).schedule.listening


@pytest.mark.parametrize(
    ("interval", "longest", "minutes"),
    [
        (5, 30, (5, 30)),
        ("5", "30", (5, 30)),
        (0, 0, (1, 1440)),
        (None, None, (1, 1440)),
        (61, 1441, (60, 1440)),
        ("x", -3, (1, 1440)),
    ],
)
def test_minutes_are_kept_within_what_is_allowed(interval: Any, longest: Any, minutes: tuple[int, int]) -> None:
    found = listening(monitorObsPath=PATH, scanInterval=interval, scanDuration=longest)
    times = [timedelta(minutes=each) for each in minutes]
    assert found == ObsListening(path=PATH, interval=times[0], longest=times[1])


@pytest.mark.parametrize("off", [{}, {"monitorObsPath": False}, {"monitorObsPath": "false"}, {"monitorObsPath": ""}])
def test_a_job_without_a_path_listens_to_nothing(off: dict[str, Any]) -> None:
    assert listening(scanInterval=5, scanDuration=30, **off) is None


def test_only_cron_jobs_listen() -> None:
    assert listening("EXECUTE_ONCE", monitorObsPath=PATH) is None


@pytest.mark.parametrize("word", [True, "true"])
def test_true_names_no_path(word: Any) -> None:
    found = listening(monitorObsPath=word)
    assert found is not None
    assert found.path == ""


def test_what_is_new_is_told_by_the_second() -> None:
    assert [is_new(modified, 10_900) for modified in (9_999, 10_000, 11_000)] == [False, True, True]
