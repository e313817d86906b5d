"""What the bare Go client and Terraform send and need. Source: contract, "Status-code profiles" and "Type traps"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cdm_bodies import Json, job, link
from tests.conftest import Server

from headrace.storage import cdm

GO = {"user-agent": "golangsdk/2.0.0"}
TERRAFORM = {"user-agent": "HashiCorp Terraform/1.9 terraform-provider-huaweicloud golangsdk/2.0.0"}


@pytest.fixture
def base(server: Server, cluster: str) -> Iterator[str]:
    yield f"/v1.1/{{p}}/clusters/{cluster}/cdm"
    server.http.delete(f"/v1.1/{{p}}/clusters/{cluster}/cdm/job/go")
    server.http.delete(f"/v1.1/{{p}}/clusters/{cluster}/cdm/link/go")


@pytest.mark.parametrize(
    ("agent", "changed"),
    [(GO, 202), (TERRAFORM, 200), ({"user-agent": "golangsdk/2.0.1"}, 200), ({"user-agent": ""}, 200)],
)
def test_go_client__gets_202_where_it_takes_nothing_else(
    server: Server, base: str, agent: dict[str, str], changed: int
) -> None:
    def ask(method: str, path: str, body: Json | None = None) -> int:
        return server.http.request(method, base + path, json=body, headers=agent).status_code

    assert [
        ask("POST", "/link", {"links": [link("go")]}),
        ask("PUT", "/link/go", {"links": {"links": [link("go")]}}),
        ask("POST", "/job", {"jobs": [job("go")]}),
        ask("PUT", "/job/go", {"jobs": {"jobs": [job("go")]}}),
        ask("DELETE", "/job/go"),
        ask("DELETE", "/link/go"),
    ] == [200, changed, changed, changed, changed, 200]


def test_go_client__updates_wrapped_twice_answer_one_result_per_part(server: Server, base: str) -> None:
    server.http.post(f"{base}/link", json={"links": [link("go")]})
    server.http.post(f"{base}/job", json={"jobs": [job("go")]})
    changed_link = server.http.put(f"{base}/link/go", json={"links": {"links": [link("go", host="h")]}}, headers=GO)
    changed_job = server.http.put(f"{base}/job/go", json={"jobs": {"jobs": [job("go")]}}, headers=GO)
    assert changed_link.json() == {"validation-result": [{}]}
    assert changed_job.json() == {"validation-result": [{}, {}, {}]}


def test_go_client__values_are_text_and_dates_are_numbers(server: Server, base: str) -> None:
    server.http.post(f"{base}/link", json={"links": [link("go", port=22, useSSL=False, fetchSize=1e3)]})
    shown = server.http.get(f"{base}/link/go").json()["links"][0]
    inputs = shown["link-config-values"]["configs"][0]["inputs"]
    assert [item["value"] for item in inputs] == ["22", "false", "1000.0"]
    assert [type(shown[name]) for name in ("id", "creation-date", "update-date")] == [int, int, int]
    assert shown["update_user"] == shown["update-user"] == "admin"


def test_go_client__a_cluster_has_the_types_it_decodes(server: Server, cluster: str) -> None:
    shown = server.http.get(f"/v1.1/{{p}}/clusters/{cluster}").json()
    node = shown["instances"][0]
    assert (shown["bakKeepDay"], node["volume"]["size"], node["actions"], shown["isFrozen"]) == (None, 0, [], "0")


def test_go_client__stops_without_body_or_content_type(server: Server, base: str) -> None:
    server.http.post(f"{base}/job", json={"jobs": [job("go")]})
    assert server.http.put(f"{base}/job/go/stop", headers=GO).json()["code"] == "Cdm.0053"


def test_terraform__reads_values_that_it_percent_decodes(server: Server, base: str) -> None:
    server.http.post(f"{base}/link", json={"links": [link("go", host="a/b c+d%", password="s")]})
    inputs = server.http.get(f"{base}/link/go").json()["links"][0]["link-config-values"]["configs"][0]["inputs"]
    assert [item["value"] for item in inputs] == ["a%2Fb%20c%2Bd%25", "Add password here"]


@pytest.mark.parametrize("placeholder", ["Add password here", "Add password here.", "Add%20password%20here"])
def test_update_link__every_form_of_the_placeholder_keeps_the_secret(
    server: Server, base: str, cluster: str, placeholder: str
) -> None:
    server.http.post(f"{base}/link", json={"links": [link("go", password="first")]})
    server.http.put(f"{base}/link/go", json={"links": [link("go", password=placeholder)]})
    assert secret_of(server, cluster) == "first"
    server.http.put(f"{base}/link/go", json={"links": [link("go", password="second")]})
    assert secret_of(server, cluster) == "second"


def secret_of(server: Server, cluster: str) -> Any:
    with server.services.db.reading() as connection:
        text = cdm.link_document(connection, cluster, "go")
    assert text is not None
    value = json.loads(text)["link-config-values"]["configs"][0]["inputs"][0]["value"]
    return server.services.sealer.unseal(value)
