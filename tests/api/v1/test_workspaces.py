"""Workspaces as the Management Center tells them, and the workspace header."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from error_answers import failure, refused

from headrace.storage import identity

WORKSPACES = "/v1/{p}/workspaces/studio"


def create(server: Any, **body: Any) -> str:
    answer = server.http.post(WORKSPACES, json={"name": f"ws-{uuid.uuid4().hex}", "eps_id": "0", **body})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    made = str(told.pop("id"))
    assert told == {"is_success": True, "message": ""}
    return made


def names(server: Any, query: str) -> list[str]:
    return [item["name"] for item in server.http.get(f"{WORKSPACES}{query}").json()["data"]]


def test_create_manager_workspace__show_gives_every_documented_member(server: Any) -> None:
    logs = {"job_log_location_name": "obs://logs/a", "bad_record_location_name": "obs://logs/b"}
    made = create(server, name="Sales 销售", description="d", eps_id="e1", **logs)
    shown = server.http.get(f"{WORKSPACES}/{made}").json()
    assert shown.pop("create_time") == shown.pop("update_time") > 1_700_000_000_000
    assert shown == {
        "id": made,
        "name": "Sales 销售",
        "description": "d",
        "is_default": 0,
        "instance_id": "studio",
        "project_id": server.project_id,
        "domain_id": server.credentials["domain_id"],
        "eps_id": "e1",
        "owner_name": "admin",
        **logs,
        "member_num": 1,
        "create_user": "admin",
        "update_user": "admin",
    }


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"name": ""}, refused("DLF.0802", "The specified parameter is not configured. name: missing.")),
        (
            {"name": "x" * 129},
            refused("DLF.3051", "The request parameter is invalid. name: 129 characters are more than 128."),
        ),
        (
            {"name": "default"},
            refused("DLF.3051", "The request parameter is invalid. name: a workspace 'default' exists."),
        ),
        (
            {"name": "x", "job_log_location_name": "/tmp/x"},
            refused("DLF.0803", "The OBS path is invalid. job_log_location_name: "),
        ),
    ],
)
def test_create_manager_workspace__a_wrong_body_is_refused(
    server: Any, body: dict[str, str], told: dict[str, Any]
) -> None:
    answer = failure(server.http.post(WORKSPACES, json=body))
    if told["error_code"] == "DLF.0803":
        assert answer["error_msg"].startswith(told["error_msg"])
        answer["error_msg"] = told["error_msg"]
    assert answer == told


def test_list_manager_workspaces__offset_counts_records_oldest_first(server: Any) -> None:
    for _ in range(3):
        create(server)
    whole = server.http.get(f"{WORKSPACES}?limit=1000").json()
    assert (whole["count"], whole["total_page"]) == (len(whole["data"]), 1)
    assert [item["is_default"] for item in whole["data"]] == [1] + [0] * (whole["count"] - 1)
    every = [item["name"] for item in whole["data"]]
    assert every[0] == "default"
    assert names(server, "?limit=2&offset=1") == every[1:3]
    page = server.http.get(f"{WORKSPACES}?limit=2&offset=1").json()
    assert (page["count"], page["total_page"]) == (len(every), -(-len(every) // 2))
    assert names(server, f"?offset={len(every)}") == []


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?limit=0", "limit: 0 is not between 1 and 1000."),
        ("?offset=-1", "offset: -1 is not a number of records from 0."),
    ],
)
def test_list_manager_workspaces__a_wrong_page_answers_dlf_3051(server: Any, query: str, detail: str) -> None:
    told = refused("DLF.3051", f"The request parameter is invalid. {detail}")
    assert failure(server.http.get(WORKSPACES + query)) == told


def test_show_workspace__an_unknown_id_answers_dlf_0819(server: Any) -> None:
    told = refused("DLF.0819", "The workspace does not exist. workspace_id: 'nowhere'.")
    assert failure(server.http.get(f"{WORKSPACES}/nowhere")) == told


def test_list_workspaces_for_user__gives_an_object_of_all_workspaces(server: Any) -> None:
    with server.services.db.reading() as connection:
        user = identity.all_users(connection)[0]
    whole = server.http.get(f"{WORKSPACES}?limit=1000").json()
    path = f"/v1/{{p}}/studio/workspaces/{user.id}"
    assert server.http.get(path).json() == whole
    page = server.http.get(f"{path}?page-size=1&page-number=1").json()
    assert page == {"count": whole["count"], "total_page": whole["count"], "data": whole["data"][:1]}
    assert server.http.get("/v1/{p}/studio/workspaces/nobody").json() == {"count": 0, "total_page": 0, "data": []}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?page-size=0", "page-size: 0 is not between 1 and 1000."),
        ("?page-number=0", "page-number: 0 is not a page number from 1."),
    ],
)
def test_list_workspaces_for_user__a_wrong_page_answers_dlf_3051(server: Any, query: str, detail: str) -> None:
    told = refused("DLF.3051", f"The request parameter is invalid. {detail}")
    assert failure(server.http.get(f"/v1/{{p}}/studio/workspaces/x{query}")) == told


def test_workspace_header__hyphens_and_capitals_do_not_count(server: Any) -> None:
    made = create(server)
    server.http.post("/v1/{p}/scripts", json={"name": "mine", "type": "Shell"}, headers={"workspace": made})
    spelt = str(uuid.UUID(hex=made)).upper()
    shown = server.http.get("/v1/{p}/scripts", headers={"workspace": spelt}).json()
    assert [item["name"] for item in shown["scripts"]] == ["mine"]


def test_workspace_header__absent_and_empty_mean_the_default_workspace(server: Any) -> None:
    name = f"s{uuid.uuid4().hex}"
    server.http.post("/v1/{p}/scripts", json={"name": name, "type": "Shell"})
    for header in ("", server.credentials["workspace_id"]):
        assert server.http.get(f"/v1/{{p}}/scripts/{name}", headers={"workspace": header}).status_code == 200


def test_workspace_header__an_unknown_id_answers_dlf_0819(server: Any) -> None:
    told = refused("DLF.0819", "The workspace does not exist. workspace: 'elsewhere'.")
    for path in ("/v1/{p}/scripts", "/v1/{p}/resources", "/v1/{p}/connections", "/v1.0/{p}/directory/tree"):
        assert failure(server.http.get(path, headers={"workspace": "elsewhere"})) == told
