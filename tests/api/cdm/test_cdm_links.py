"""CDM links: names in addresses, and secrets that look encoded. Source: cdm-connectors.md §1 and §2."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from cdm_bodies import link
from tests.conftest import Server

from headrace.storage import cdm


@pytest.fixture
def links(cluster: str) -> str:
    return f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"


@pytest.mark.parametrize("name", ["a b", "a%20b", "50%", "a+b", "a/b", "a?b#c", "数据"])
def test_link__its_name_in_the_address_is_decoded_exactly_once(server: Server, links: str, name: str) -> None:
    server.http.post(links, json={"links": [link(name)]})
    address = f"{links}/{quote(name, safe='')}"
    assert server.http.get(address).json()["links"][0]["name"] == name
    assert server.http.put(address, json={"links": [link(name, host="new")]}).status_code == 200
    assert server.http.delete(address).status_code == 200
    assert server.http.get(address).json()["message"] == f"Link [{name}] does not exist."


@pytest.mark.parametrize("secret", ["p%40ss", "a%20b", "%25", "a+b c"])
def test_create_link__a_secret_that_looks_encoded_is_kept_as_sent(
    server: Server, cluster: str, links: str, secret: str
) -> None:
    server.http.post(links, json={"links": [link(f"secret {secret}", password=secret)]})
    with server.services.db.reading() as connection:
        text = cdm.link_document(connection, cluster, f"secret {secret}")
    assert text is not None
    sealed = json.loads(text)["link-config-values"]["configs"][0]["inputs"][0]["value"]
    assert server.services.sealer.unseal(sealed) == secret
