"""Links that are tried. Source: contract, createLink with validate=true, LinkTestFailed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from cdm_bodies import Json, link
from huaweicloudsdkcdm.v1 import model
from huaweicloudsdkcore.exceptions.exceptions import ServerResponseException
from tests.conftest import Server

SECRET = "not-a-password-of-anything"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, but that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def postgres_link(name: str, port: int, **values: str) -> Json:
    inputs = {"databaseType": "POSTGRESQL", "host": "127.0.0.1", "port": str(port), "username": "me", **values}
    return link(name, **inputs)


def path(cluster: str) -> str:
    return f"/v1.1/{{p}}/clusters/{cluster}/cdm/link"


def test_validate__a_link_that_leads_nowhere_answers_500_with_result_and_error(
    server: Server, cluster: str, closed_port: int
) -> None:
    body = {"links": [postgres_link("nowhere", closed_port, password=SECRET)]}
    answer = server.http.post(f"{path(cluster)}?validate=true", json=body)
    shown = answer.json()
    message = shown["message"]
    assert (answer.status_code, message.startswith("Failed to connect to the database.")) == (500, True)
    assert shown == {
        "name": "nowhere",
        "validation-result": [{"linkConfig": [{"message": message, "status": "ERROR"}]}],
        "code": "Cdm.0901",
        "errCode": "Cdm.0901",
        "message": message,
        "externalMessage": message,
    }
    assert SECRET not in answer.text
    assert server.http.get(f"{path(cluster)}/nowhere").json()["errCode"] == "Cdm.0101"


def test_validate__each_link_has_a_result_of_its_own(server: Server, cluster: str, closed_port: int) -> None:
    good = {**link("good"), "connector-name": "dli-connector"}
    answer = server.http.post(
        f"{path(cluster)}?validate=true", json={"links": [good, postgres_link("bad", closed_port)]}
    )
    assert answer.status_code == 500
    assert [list(one) for one in answer.json()["validation-result"]] == [[], ["linkConfig"]]


def test_validate__the_official_client_reads_the_code(server: Server, cluster: str, closed_port: int) -> None:
    body = model.CdmCreateAndUpdateLinkReq(links=[postgres_link("sdk_nowhere", closed_port)])
    with pytest.raises(ServerResponseException) as failed:
        server.sdk_cdm().create_link(model.CreateLinkRequest(cluster_id=cluster, validate="true", body=body))
    assert (failed.value.status_code, failed.value.error_code) == (500, "Cdm.0901")


@pytest.mark.postgres
def test_validate__a_database_that_answers_is_a_valid_link(
    server: Server, cluster: str, new_postgres_url: Callable[[], str]
) -> None:
    parts = urlsplit(new_postgres_url())
    body = model.CdmCreateAndUpdateLinkReq(
        links=[postgres_link("there", parts.port or 0, username=parts.username or "", database=parts.path.lstrip("/"))]
    )
    answer = server.sdk_cdm().create_link(model.CreateLinkRequest(cluster_id=cluster, validate="true", body=body))
    assert (answer.name, answer.validation_result[0].link_config) == ("there", None)


def test_test_link__says_what_answered_and_tries_a_link_that_is_switched_off(server: Server, cluster: str) -> None:
    body = {"links": [{**link("tables"), "connector-name": "hive-connector", "enabled": False}]}
    assert server.http.post(path(cluster), json=body).status_code == 200
    answer = server.http.post(f"{path(cluster)}/tables/test")
    assert (answer.status_code, answer.json()) == (200, {"message": "The tables of the workspace are here."})


def test_test_link__keeps_the_secret_out_of_the_reason(server: Server, cluster: str, closed_port: int) -> None:
    body = {"links": [postgres_link("closed", closed_port, password=SECRET, database=f"db-{SECRET}")]}
    assert server.http.post(path(cluster), json=body).status_code == 200
    answer = server.http.post(f"{path(cluster)}/closed/test")
    assert (answer.status_code, answer.json()["code"]) == (400, "Cdm.0901")
    assert SECRET not in answer.text


def test_test_link__whose_password_an_export_left_out_says_how_to_set_it(server: Server, cluster: str) -> None:
    body = {"links": [postgres_link("exported", 5432, password="Add password here")]}
    assert server.http.post(path(cluster), json=body).status_code == 200
    answer = server.http.post(f"{path(cluster)}/exported/test")
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "The parameter is invalid. Link [exported]: linkConfig.password was left out when the link was exported. "
        "Update the link (PUT .../cdm/link/exported) with the value in the place of 'Add password here'.",
    )


def test_validate__the_placeholder_stands_for_the_secret_that_is_stored(
    server: Server, cluster: str, closed_port: int
) -> None:
    assert server.http.post(
        path(cluster), json={"links": [postgres_link("kept", closed_port, password=SECRET)]}
    ).is_success
    again = {"links": [postgres_link("kept", closed_port, password="Add password here")]}
    answer = server.http.post(f"{path(cluster)}?validate=true", json=again)
    assert (answer.status_code, answer.json()["code"]) == (500, "Cdm.0901")
    assert SECRET not in json.dumps(answer.json())


def test_test_link__unknown_name_answers_cdm_0101(server: Server, cluster: str) -> None:
    answer = server.http.post(f"{path(cluster)}/nobody/test")
    assert (answer.status_code, answer.json()["code"]) == (400, "Cdm.0101")
