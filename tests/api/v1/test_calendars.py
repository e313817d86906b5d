"""Scheduling calendars over HTTP, an extension of ours."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/v1/{p}/calendars"


@pytest.fixture
def headers(server: Any) -> dict[str, str]:
    return {"workspace": server.workspace()}


def failed(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def test_a_calendar_is_made_changed_listed_and_deleted(server: Any, headers: dict[str, str]) -> None:
    office = {"name": "office", "weekdays": ["MON", "TUE", "WED", "THU", "FRI"], "workingDays": [], "daysOff": []}
    made = server.http.put(f"{PATH}/office", json={}, headers=headers)
    assert (made.status_code, made.json()) == (200, office)
    days = {"weekdays": ["FRI", "MON"], "workingDays": ["2026-10-10"], "daysOff": ["2026-10-05", "2026-10-02"]}
    changed = {
        "name": "office",
        "weekdays": ["MON", "FRI"],
        "workingDays": ["2026-10-10"],
        "daysOff": ["2026-10-02", "2026-10-05"],
    }
    assert server.http.put(f"{PATH}/office", json=days, headers=headers).json() == changed
    assert server.http.get(f"{PATH}/office", headers=headers).json() == changed
    assert server.http.get(PATH, headers=headers).json() == {"total": 1, "calendars": [changed]}
    assert server.http.delete(f"{PATH}/office", headers=headers).status_code == 204
    assert server.http.get(PATH, headers=headers).json() == {"total": 0, "calendars": []}


def test_a_calendar_belongs_to_its_workspace(server: Any, headers: dict[str, str]) -> None:
    assert server.http.put(f"{PATH}/office", json={}, headers=headers).status_code == 200
    other = {"workspace": server.workspace()}
    assert failed(server.http.get(f"{PATH}/office", headers=other)) == (400, "DLF.3051")
    assert failed(server.http.delete(f"{PATH}/office", headers=other)) == (400, "DLF.3051")
    assert failed(server.http.put(f"{PATH}/false", json={}, headers=headers)) == (400, "DLF.3051")


def test_an_unknown_workspace_is_told(server: Any) -> None:
    headers = {"workspace": "unknown"}
    for method, path in (("GET", PATH), ("GET", f"{PATH}/a"), ("PUT", f"{PATH}/a"), ("DELETE", f"{PATH}/a")):
        body: dict[str, Any] | None = {} if method == "PUT" else None
        assert failed(server.http.request(method, path, headers=headers, json=body)) == (400, "DLF.0819")
