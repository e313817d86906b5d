"""Migration jobs: filters, secrets in a job, and what its links allow. Source: cdm-connectors.md §1; cdm-v1.1."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cdm_bodies import Json, job, link
from tests.conftest import Server

from headrace.storage import cdm

KEY = "00ff" * 8


@pytest.fixture
def base(cluster: str) -> str:
    return f"/v1.1/{{p}}/clusters/{cluster}/cdm"


def with_key(name: str, key: str, **changes: Any) -> Json:
    """A job that encrypts what it writes."""
    inputs = [{"name": "toJobConfig.dek", "value": key}, {"name": "toJobConfig.encryption", "value": "AES-256-GCM"}]
    return job(name, **{"to-config-values": {"configs": [{"inputs": inputs, "name": "toJobConfig"}]}}, **changes)


def keys_of(document: Json) -> list[str]:
    return [item["value"] for item in document["to-config-values"]["configs"][0]["inputs"]]


@pytest.mark.parametrize(("part", "found"), [("%", []), ("_", ["wild_card"]), ("ldc", ["wildcard"]), ("\\", [])])
def test_show_jobs__signs_of_a_filter_stand_for_themselves(
    server: Server, base: str, part: str, found: list[str]
) -> None:
    server.http.post(f"{base}/job", json={"jobs": [job("wildcard"), job("wild_card")]})
    jobs = server.http.get(f"{base}/job/all", params={"filter": part}).json()["jobs"]
    assert [item["name"] for item in jobs if item["name"].startswith("wild")] == found


def test_update_job__renamed_with_the_placeholder_it_keeps_its_key(server: Server, cluster: str, base: str) -> None:
    server.http.post(f"{base}/job", json={"jobs": [with_key("locked", KEY)]})
    shown = server.http.get(f"{base}/job/locked").json()["jobs"][0]
    assert keys_of(shown) == ["Add password here", "AES-256-GCM"]
    answer = server.http.put(f"{base}/job/locked", json={"jobs": {"jobs": [shown | {"name": "locked.2"}]}})
    assert answer.json() == {"validation-result": [{}, {}, {}]}
    with server.services.db.reading() as connection:
        text = cdm.job_document(connection, cluster, "locked.2")
        assert cdm.job_document(connection, cluster, "locked") is None
    assert text is not None
    assert KEY not in text
    assert server.services.sealer.unseal(keys_of(json.loads(text))[0]) == KEY


def test_delete_link__is_free_once_no_job_names_it(server: Server, base: str) -> None:
    server.http.post(f"{base}/link", json={"links": [link("shared")]})
    server.http.post(f"{base}/job", json={"jobs": [job("reader", **{"from-link-name": "shared"})]})
    server.http.post(f"{base}/job", json={"jobs": [job("writer", **{"to-link-name": "shared"})]})
    server.http.delete(f"{base}/job/reader")
    refused = server.http.delete(f"{base}/link/shared").json()
    assert (refused["errCode"], refused["message"].endswith("[shared] is used by writer.")) == ("Cdm.0321", True)
    server.http.put(f"{base}/job/writer", json={"jobs": [job("writer")]})
    assert server.http.delete(f"{base}/link/shared").json() == {}
