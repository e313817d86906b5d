"""Which operation a path finds."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import Any

import pytest

from headrace.api.operation import Operation, Routes, declared_operations


def declared(method: str, path: str, *aliases: str) -> Operation:
    needed: dict[str, Any] = {item.name: False for item in fields(Operation) if item.default is MISSING}
    named = {"id": f"{method} {path}", "method": method, "path": path, "aliases": aliases}
    return Operation(**{**needed, **named})


ROUTES = Routes(
    [
        declared("GET", "/v1/{p}/jobs"),
        declared("GET", "/v1/{p}/jobs/{job}"),
        declared("DELETE", "/v1/{p}/jobs/{job}"),
        declared("POST", "/v1/{p}/jobs/import"),
        declared("POST", "/v1/{p}/jobs/{job}/export"),
        declared("GET", "/v1/{p}/jobs/instances/detail"),
        declared("GET", "/v1/{p}/jobs/{job}/status"),
        declared("GET", "/v1/{p}/system-tasks/{task}", "/v1/{p}/systemTasks/{task}"),
        declared("GET", "/v1/{p}/{instance}/workspaces/{user}"),
    ]
)


def found(path: str) -> list[tuple[list[str], list[str]]]:
    """Ids of the operations, and the values of the names, of each route that fits, best first."""
    segments = path.strip("/").split("/")
    return [(sorted(item.id for item, _ in by_method.values()), values) for by_method, values in ROUTES.find(segments)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/7/jobs", [(["GET /v1/{p}/jobs"], ["7"])]),
        ("/v1/7/jobs/a", [(["DELETE /v1/{p}/jobs/{job}", "GET /v1/{p}/jobs/{job}"], ["7", "a"])]),
        (
            "/v1/7/jobs/import",
            [
                (["POST /v1/{p}/jobs/import"], ["7"]),
                (["DELETE /v1/{p}/jobs/{job}", "GET /v1/{p}/jobs/{job}"], ["7", "import"]),
            ],
        ),
        ("/v1/7/jobs/import/export", [(["POST /v1/{p}/jobs/{job}/export"], ["7", "import"])]),
        ("/v1/7/jobs/instances/detail", [(["GET /v1/{p}/jobs/instances/detail"], ["7"])]),
        ("/v1/7/jobs/instances/status", [(["GET /v1/{p}/jobs/{job}/status"], ["7", "instances"])]),
        ("/v1/7/systemTasks/t", [(["GET /v1/{p}/system-tasks/{task}"], ["7", "t"])]),
        ("/v1/7/jobs/workspaces/x", [(["GET /v1/{p}/{instance}/workspaces/{user}"], ["7", "jobs", "x"])]),
        ("/v1/7/jobs/", [(["GET /v1/{p}/jobs"], ["7"])]),
        ("/v1//jobs", []),
        ("/v1/7/jobs/a/b/c", []),
        ("/v1", []),
        ("/", []),
    ],
)
def test_routes__static_segments_win_and_names_take_what_is_left(
    path: str, expected: list[tuple[list[str], list[str]]]
) -> None:
    assert found(path) == expected


def test_routes__two_operations_cannot_have_one_path() -> None:
    with pytest.raises(ValueError, match=re.escape("GET /v1/{x}/jobs is declared twice")):
        Routes([declared("GET", "/v1/{p}/jobs"), declared("GET", "/v1/{x}/jobs")])


def test_update_job__is_committed_by_itself_as_who_is_woken_must_see_the_new_schedule() -> None:
    [update] = [item for item in declared_operations() if item.id == "UpdateJob"]
    assert not update.batched
