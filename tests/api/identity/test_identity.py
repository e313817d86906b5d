"""What clients ask the identity service before they call the Factory. Source: factory-v1-notes §2.4."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

TOKENS = "/v3/auth/tokens"
TITLE = "Incorrect IAM authentication information"


def by_password(server: Any, name: str | None = None, password: str | None = None) -> httpx.Response:
    credentials = server.credentials
    user = {"name": name or credentials["user"], "password": password or credentials["password"]}
    identity = {"methods": ["password"], "password": {"user": {**user, "domain": {"name": credentials["domain_name"]}}}}
    scope = {"project": {"id": server.project_id}}
    return httpx.post(f"{server.url}{TOKENS}", json={"auth": {"identity": identity, "scope": scope}})


def by_token(server: Any, text: str) -> httpx.Response:
    identity = {"methods": ["token"], "token": {"id": text}}
    return httpx.post(f"{server.url}{TOKENS}", json={"auth": {"identity": identity}})


def failure(answer: httpx.Response) -> dict[str, Any]:
    """Status and body, after the parts that repeat were compared."""
    body = answer.json()
    assert body.pop("request_id") == answer.headers["x-request-id"]
    assert body.pop("errors") == [{"error_code": body["error_code"], "error_msg": body["error_msg"]}]
    assert body.pop("error")["message"] == body["error_msg"]
    return {"status": answer.status_code, **body}


def told(detail: str) -> dict[str, Any]:
    return {"status": 401, "error_code": "APIGW.0301", "error_msg": f"{TITLE}: {detail}"}


@pytest.fixture
def project(server: Any) -> dict[str, Any]:
    credentials = server.credentials
    return {
        "id": server.project_id,
        "name": credentials["project_name"],
        "domain": {"id": credentials["domain_id"], "name": credentials["domain_name"]},
    }


def test_create_token__by_password_answers_201_with_the_token_in_its_header(
    server: Any, project: dict[str, Any]
) -> None:
    answer = by_password(server)
    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/json")
    assert answer.headers["x-subject-token"].isascii()
    token = answer.json()["token"]
    issued, expires = (datetime.fromisoformat(token[name]) for name in ("issued_at", "expires_at"))
    assert expires - issued == timedelta(hours=24)
    assert (token["methods"], token["project"], token["user"]["name"]) == (["password"], project, "admin")
    assert {entry["type"] for entry in token["catalog"]} == {"volumev2", "identity", "cdm"}


def test_create_token__holds_no_secret(server: Any) -> None:
    answer = by_password(server)
    content = answer.headers["x-subject-token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    assert claims.keys() == {"user_id", "user_name", "project_id", "domain_id", "issued_ms", "expires_ms"}
    for secret in ("password", "secret_key"):
        assert server.credentials[secret] not in answer.text


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"name": "nobody"}])
def test_create_token__a_wrong_name_or_password_is_told_alike(server: Any, changes: dict[str, str]) -> None:
    answer = by_password(server, **changes)
    assert failure(answer) == told("the user name or the password is wrong.")
    assert answer.json()["error"]["code"] == 401
    assert "x-subject-token" not in answer.headers


def test_create_token__for_a_token_that_is_valid(server: Any) -> None:
    first = by_password(server).headers["x-subject-token"]
    answer = by_token(server, first)
    assert answer.status_code == 201
    second = answer.headers["x-subject-token"]
    assert httpx.get(f"{server.url}/v3/projects", headers={"X-Auth-Token": second}).status_code == 200


def test_create_token__for_a_token_lives_no_longer_than_that_one(server: Any) -> None:
    first = by_password(server)
    second = by_token(server, first.headers["x-subject-token"])
    assert second.json()["token"]["expires_at"] == first.json()["token"]["expires_at"]


def test_create_token__for_a_garbled_token_is_refused(server: Any) -> None:
    assert failure(by_token(server, "garbled")) == told("the token is malformed.")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"auth": {"identity": {"methods": []}}}, 401, f"{TITLE}: auth.identity needs password or token."),
        ({}, 400, "The request parameter is invalid. Object missing required field `auth`."),
        ({"auth": 1}, 400, "The request parameter is invalid. auth: expected `object`, got `int`."),
        (None, 400, "The specified parameter is not configured. The request needs a JSON body."),
    ],
)
def test_create_token__a_body_without_a_proof_is_refused(server: Any, body: Any, status: int, text: str) -> None:
    answer = httpx.post(f"{server.url}{TOKENS}", json=body)
    assert (failure(answer)["status"], failure_text(answer)) == (status, text)


def failure_text(answer: httpx.Response) -> str:
    text: str = answer.json()["error_msg"]
    return text


def test_show_token__says_whose_it_is(server: Any, project: dict[str, Any]) -> None:
    issued = by_password(server)
    answer = server.http.get(TOKENS, headers={"X-Subject-Token": issued.headers["x-subject-token"]})
    assert (answer.status_code, answer.json()["token"]["project"]) == (200, project)
    assert answer.json()["token"]["expires_at"] == issued.json()["token"]["expires_at"]


def test_show_token__a_garbled_one_is_refused(server: Any) -> None:
    assert failure(server.http.get(TOKENS, headers={"X-Subject-Token": "x"})) == told("the token is malformed.")


@pytest.mark.parametrize("query", ["", "?name=cn-north-4", "?name=", "?name=eu-de&domain_id=x"])
def test_list_projects__exactly_one_comes_back_under_the_name_asked_for(server: Any, query: str) -> None:
    answer = server.http.get(f"/v3/projects{query}").json()
    (found,) = answer["projects"]
    name = httpx.QueryParams(query.removeprefix("?")).get("name") or server.credentials["project_name"]
    assert (found["id"], found["name"], found["enabled"]) == (server.project_id, name, True)
    assert server.http.get("/v3/auth/projects").status_code == 200


def test_list_domains__is_the_one_of_the_caller(server: Any) -> None:
    (found,) = server.http.get("/v3/auth/domains?name=any").json()["domains"]
    assert (found["id"], found["name"]) == (server.credentials["domain_id"], server.credentials["domain_name"])


def test_show_catalog__leads_the_go_client_to_the_factory(server: Any) -> None:
    catalog = server.http.get("/v3/auth/catalog").json()["catalog"]
    (entry,) = [entry for entry in catalog if entry["type"] == "volumev2"]
    (endpoint,) = entry["endpoints"]
    assert endpoint["interface"] == "public"
    # the client replaces the first v2 by v1 and the first evs by dayu-dlf, and appends the operation
    address = endpoint["url"].replace("v2", "v1", 1).replace("evs", "dayu-dlf", 1)
    assert address == f"{server.url}/v1/{server.project_id}"
    assert server.http.get(f"{address}/jobs").status_code == 200


@pytest.mark.parametrize("path", ["/v3/projects", "/v3/auth/domains", "/v3/auth/catalog", TOKENS])
def test_identity__needs_credentials_but_for_a_new_token(server: Any, path: str) -> None:
    detail = "send X-Auth-Token, or sign the request (Authorization: SDK-HMAC-SHA256 …)."
    assert failure(httpx.get(f"{server.url}{path}")) == told(detail)


def test_identity__a_wrong_workspace_header_does_not_matter(server: Any) -> None:
    assert server.http.get("/v3/projects", headers={"workspace": "0" * 32}).status_code == 200
