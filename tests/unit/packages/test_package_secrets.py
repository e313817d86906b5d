"""Nothing secret leaves, and nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.domain.secrets import CDM_PLACEHOLDER, cdm_secret, connection_secret
from headrace.packages.model import Kind, PackageObject
from headrace.packages.secrets import exportable, strip_secrets

SECRET = "s3cr3t"


def stripped(kind: Kind, document: dict[str, Any]) -> dict[str, Any]:
    item = exportable(kind, "x", json.dumps(document))
    assert SECRET.encode() not in item.text
    found: dict[str, Any] = json.loads(item.text)
    return found


@pytest.mark.parametrize("mark", [True, "true", "True", 1, "1"])
def test_jobs__sensitive_properties_are_emptied(mark: object) -> None:
    secret = {"name": "p", "value": SECRET, "value_is_sensitive": mark}
    plain = {"name": "q", "value": "shown", "value_is_sensitive": False}
    job = {"name": "x", "nodes": [{"name": "n", "properties": [secret, plain]}]}
    assert stripped(Kind.JOB, job)["nodes"][0]["properties"] == [{**secret, "value": ""}, plain]


def test_connections__secrets_are_left_out_on_every_level() -> None:
    config = {
        "userName": "u",
        "kmsKey": "k",
        "password": SECRET,
        "keystorePassword": SECRET,
        "more": [{"sk": SECRET, "ak": "a"}],
    }
    found = stripped(Kind.CONNECTION, {"name": "x", "type": "DWS", "config": config})
    assert found["config"] == {"userName": "u", "kmsKey": "k", "more": [{"ak": "a"}]}


@pytest.mark.parametrize("kind", [Kind.CDM_LINK, Kind.CDM_JOB])
def test_cdm__secrets_become_the_text_that_the_service_puts_there(kind: Kind) -> None:
    inputs = [
        {"name": "linkConfig.password", "value": SECRET},
        {"name": "linkConfig.host", "value": "h"},
        {"name": "a.sk", "value": ""},
    ]
    holder = "link-config-values" if kind is Kind.CDM_LINK else "from-config-values"
    found = stripped(kind, {"name": "x", holder: {"configs": [{"name": "c", "inputs": inputs}]}})
    assert [item["value"] for item in found[holder]["configs"][0]["inputs"]] == [CDM_PLACEHOLDER, "h", ""]


def test_environment__sensitive_variables_are_emptied() -> None:
    params = [{"name": "a", "value": SECRET, "is_sensitive": True}, {"name": "b", "value": "1"}]
    assert stripped(Kind.ENVIRONMENT, {"params": params})["params"] == [{**params[0], "value": ""}, params[1]]


def test_strip_secrets__without_any_gives_the_same_object() -> None:
    job = PackageObject.made(
        Kind.JOB, "x", b'{"name":"x","y":1.50,"nodes":[{"properties":[{"value_is_sensitive":false,"value":"v"}]}]}'
    )
    assert strip_secrets(job) is job


def test_strip_secrets__keeps_number_forms_beside_a_secret() -> None:
    text = b'{"a":1.50,"b":-0,"config":{"password":"x","port":1E3},"name":"c"}'
    kept = PackageObject.made(Kind.CONNECTION, "c", b'{"a":1.50,"b":-0,"config":{"port":1E3},"name":"c"}')
    assert exportable(Kind.CONNECTION, "c", text) == kept


@pytest.mark.parametrize(
    "name",
    ["password", "Password", "sk", "securityKey", "security_key", "securityToken", "keytab", "trustStorePassword"],
)
def test_names__of_secrets(name: str) -> None:
    assert connection_secret(name)
    assert cdm_secret(f"linkConfig.{name}")


@pytest.mark.parametrize("name", ["kmsKey", "userName", "ip", "passwordless", "keyLocation", "ask"])
def test_names__of_what_is_no_secret(name: str) -> None:
    assert not connection_secret(name)
    assert not cdm_secret(f"linkConfig.{name}")
