"""Connections as a client sees them. Error codes and members: API reference, "Connection Management APIs"."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from error_answers import failure, refused

from headrace.factory.connection_secrets import unseal_connection
from headrace.storage import connections as stored

CONNECTIONS = "/v1/{p}/connections"
MASK = "*********"
DWS = {"clusterName": "test", "userName": "dbadmin", "password": "secret-1", "kmsKey": "k", "sslEnable": False}
TYPES = (
    "DWS, DLI, SparkSQL, HIVE, RDS, CloudTable, HOST, KAFKA, CSS, FLINK, PRESTO, HETUENGINE, IMPALA, CLICKHOUSE, DORIS"
)


def closed_port() -> str:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


class Connections:
    """The operations on connections, in one workspace."""

    def __init__(self, server: Any) -> None:
        self.server, self.workspace = server, server.workspace()

    def call(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        answer: httpx.Response = self.server.http.request(
            method, f"{CONNECTIONS}{path}", headers={"workspace": self.workspace}, **options
        )
        return answer

    def create(self, **body: Any) -> httpx.Response:
        body = {"name": "c1", "type": "DWS", "config": DWS, **body}
        return self.call("POST", json={name: value for name, value in body.items() if value is not ...})

    def put(self, name: str = "c1", query: str = "", **body: Any) -> httpx.Response:
        return self.call("PUT", f"/{name}{query}", json={"name": name, "type": "DWS", "config": DWS, **body})

    def shown(self, name: str = "c1") -> dict[str, Any]:
        answer = self.call("GET", f"/{name}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def text(self, name: str = "c1") -> str:
        """What the database holds."""
        with self.server.services.db.reading() as connection:
            found = stored.by_name(connection, self.workspace, name)
        assert found is not None
        return str(found.document)

    def password(self, name: str = "c1") -> Any:
        return unseal_connection(self.text(name), self.server.services.sealer)["config"]["password"]


@pytest.fixture
def connections(server: Any) -> Connections:
    return Connections(server)


def test_create_connection__answers_204_and_show_masks_the_secret(connections: Connections) -> None:
    answer = connections.create(description="d", odd=[1])
    assert (answer.status_code, answer.content) == (204, b"")
    assert connections.shown() == {
        "name": "c1",
        "type": "DWS",
        "config": {**DWS, "password": MASK},
        "description": "d",
        "odd": [1],
    }


def test_create_connection__the_secret_is_encrypted_at_rest_and_the_rest_as_sent(connections: Connections) -> None:
    connections.create()
    assert "secret-1" not in connections.text()
    assert '"sslEnable":false' in connections.text()
    assert connections.password() == "secret-1"


def test_create_connection__dli_needs_no_config(connections: Connections) -> None:
    assert connections.create(type="DLI", config=...).status_code == 204
    assert connections.shown() == {"name": "c1", "type": "DLI", "config": {}, "description": ""}


@pytest.mark.parametrize("spelling", ["HIVE", "Hive", "SparkSQL", "RDS", "CloudTable", "HOST"])
def test_create_connection__the_type_comes_back_as_it_was_spelt(connections: Connections, spelling: str) -> None:
    assert connections.create(type=spelling, config={"keyLocation": "obs://b/k"}).status_code == 204
    assert connections.shown()["type"] == spelling


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"name": ...}, "DLF.0802", "The specified parameter is not configured. name: missing."),
        ({"type": ...}, "DLF.0802", "The specified parameter is not configured. type: missing."),
        (
            {"name": "a.b"},
            "DLF.3051",
            "The request parameter is invalid. name: 'a.b' is not 1 to 100 letters, digits, '-' or '_'.",
        ),
        ({"type": "FTP"}, "DLF.3051", f"The request parameter is invalid. type: 'FTP' is none of {TYPES}."),
        (
            {"description": "x" * 256},
            "DLF.3051",
            "The request parameter is invalid. description: 256 characters are more than 255.",
        ),
        (
            {"config": {"ip": "10.0.0.1"}},
            "DLF.6418",
            "Either the DWS cluster name or the access address and port number of the cluster must be configured. "
            "config: clusterName and port are missing.",
        ),
        (
            {"config": ...},
            "DLF.6418",
            "Either the DWS cluster name or the access address and port number of the cluster must be configured. "
            "config: clusterName and ip and port are missing.",
        ),
        (
            {"config": []},
            "DLF.3051",
            "The request parameter is invalid. config: expected `object | null`, got `array`.",
        ),
    ],
)
def test_create_connection__a_wrong_member_answers_its_code(
    connections: Connections, changed: dict[str, Any], code: str, message: str
) -> None:
    assert failure(connections.create(**changed)) == refused(code, message)


def test_create_connection__dws_takes_ip_and_port_instead_of_a_cluster(connections: Connections) -> None:
    assert connections.create(config={"ip": "10.0.0.1", "port": "8000"}).status_code == 204


def test_create_connection__a_name_in_use_answers_dlf_6309(connections: Connections) -> None:
    connections.create()
    assert failure(connections.create(type="HOST")) == refused("DLF.6309", "The name already exists. name: 'c1'.")


def test_create_connection__a_second_dli_answers_dlf_6271(connections: Connections) -> None:
    connections.create(type="DLI", config={})
    text = "Each user can create only one DLI connection. type: 'admin' has a connection of type 'dli'."
    assert failure(connections.create(name="c2", type="dli", config={})) == refused("DLF.6271", text)


def test_create_connection__an_unknown_workspace_answers_dlf_0819(connections: Connections) -> None:
    connections.workspace = "nowhere"
    told = refused("DLF.0819", "The workspace does not exist. workspace: 'nowhere'.")
    assert failure(connections.create()) == told


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_show_and_delete_connection__an_unknown_name_answers_dlf_6322(connections: Connections, method: str) -> None:
    told = refused("DLF.6322", "The data connection does not exist. name: 'c1'.")
    assert failure(connections.call(method, "/c1")) == told


def test_update_connection__an_unknown_name_answers_dlf_6322(connections: Connections) -> None:
    assert failure(connections.put()) == refused("DLF.6322", "The data connection does not exist. name: 'c1'.")


def test_update_connection__a_masked_secret_keeps_the_stored_one(connections: Connections) -> None:
    connections.create()
    shown = connections.shown()
    answer = connections.call("PUT", "/c1", json={**shown, "description": "edited"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert connections.shown() == {**shown, "description": "edited"}
    assert connections.password() == "secret-1"


def test_update_connection__a_new_secret_replaces_the_stored_one(connections: Connections) -> None:
    connections.create()
    connections.put(config={**DWS, "password": "secret-2"})
    assert connections.password() == "secret-2"
    assert "secret-2" not in connections.text()


def test_update_connection__replaces_completely(connections: Connections) -> None:
    connections.create(description="d", odd=1)
    connections.put(config={"clusterName": "other"})
    assert connections.shown() == {
        "name": "c1",
        "type": "DWS",
        "config": {"clusterName": "other"},
        "description": "",
    }


def test_update_connection__renames(connections: Connections) -> None:
    connections.create()
    assert connections.call("PUT", "/c1", json={**connections.shown(), "name": "c2"}).status_code == 204
    assert connections.call("GET", "/c1").status_code == 400
    assert connections.password("c2") == "secret-1"


def test_update_connection__a_name_in_use_answers_dlf_6309(connections: Connections) -> None:
    connections.create()
    connections.create(name="c2")
    answer = connections.call("PUT", "/c2", json={"name": "c1", "type": "DWS", "config": DWS})
    assert failure(answer) == refused("DLF.6309", "The name already exists. name: 'c1'.")


def test_update_connection__a_changed_type_answers_dlf_6323(connections: Connections) -> None:
    connections.create()
    told = refused("DLF.6323", "The connection type cannot be modified. type: 'HOST' is not 'DWS'.")
    assert failure(connections.put(type="HOST")) == told
    assert connections.put(type="dws").status_code == 204


def test_update_connection__no_dws_address_answers_dlf_6418(connections: Connections) -> None:
    connections.create()
    text = (
        "Either the DWS cluster name or the access address and port number of the cluster must be configured. "
        "config: clusterName and ip and port are missing."
    )
    assert failure(connections.put(config={})) == refused("DLF.6418", text)


@pytest.mark.parametrize("ischeck", ["true", "True", "yes"])
def test_update_connection__a_test_that_fails_answers_dlf_6423_and_saves_nothing(
    connections: Connections, ischeck: str
) -> None:
    connections.create()
    before = connections.shown()
    port = closed_port()
    told = failure(connections.put(query=f"?ischeck={ischeck}", config={"ip": "127.0.0.1", "port": port}))
    text = f"An exception occurs when the agent is creating a job. config: 127.0.0.1:{port} cannot be reached: "
    assert told["error_msg"].startswith(text)
    assert {**told, "error_msg": ""} == refused("DLF.6423", "")
    assert connections.shown() == before


def test_update_connection__a_port_that_is_none_answers_dlf_6423(connections: Connections) -> None:
    connections.create()
    answer = connections.put(query="?ischeck=true", config={"ip": "127.0.0.1", "port": "x"})
    text = "An exception occurs when the agent is creating a job. config.port: 'x' is no port."
    assert failure(answer) == refused("DLF.6423", text)


def test_update_connection__a_test_that_succeeds_saves(connections: Connections) -> None:
    connections.create()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = {"ip": "127.0.0.1", "port": str(listening.getsockname()[1])}
        assert connections.put(query="?ischeck=true", config=config).status_code == 204
    assert connections.shown()["config"] == config


@pytest.mark.parametrize("query", ["", "?ischeck=false", "?ischeck=No", "?ischeck="])
def test_update_connection__is_not_tested_unless_asked(connections: Connections, query: str) -> None:
    connections.create()
    answer = connections.put(query=query, config={"ip": "127.0.0.1", "port": closed_port()})
    assert answer.status_code == 204


def test_update_connection__a_cluster_name_is_what_the_embedded_engine_stands_for(connections: Connections) -> None:
    connections.create()
    assert connections.put(query="?ischeck=true").status_code == 204


def test_delete_connection__is_gone_and_its_name_free(connections: Connections) -> None:
    connections.create()
    answer = connections.call("DELETE", "/c1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert failure(connections.call("GET", "/c1")) == refused(
        "DLF.6322", "The data connection does not exist. name: 'c1'."
    )
    assert connections.create().status_code == 204


def test_list_connections__offset_is_a_page_number_oldest_first_with_masked_secrets(connections: Connections) -> None:
    for number in range(5):
        connections.create(name=f"c{number}")
    page = connections.call("GET", "?limit=2&offset=1").json()
    assert page == {"total": 5, "connections": [connections.shown("c2"), connections.shown("c3")]}
    assert page["connections"][0]["config"]["password"] == MASK
    assert connections.call("GET", "?limit=2&offset=3").json() == {"total": 5, "connections": []}
    found = connections.call("GET", "?connectionName=3").json()
    assert (found["total"], [item["name"] for item in found["connections"]]) == (1, ["c3"])
    assert connections.call("GET", "?connectionName=C").json() == {"total": 0, "connections": []}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?limit=1001", "limit: 1001 is not between 1 and 1000."),
        ("?offset=-1", "offset: -1 is not a page number from 0."),
    ],
)
def test_list_connections__a_wrong_page_answers_dlf_3051(connections: Connections, query: str, detail: str) -> None:
    told = refused("DLF.3051", f"The request parameter is invalid. {detail}")
    assert failure(connections.call("GET", query)) == told


def test_dlf_sdk__creates_updates_shows_lists_and_deletes_connections(server: Any) -> None:
    dlf = pytest.importorskip("huaweicloudsdkdlf.v1")
    client, workspace = server.sdk_dlf(), server.workspace()
    info = dlf.ConnectionInfo(name="c1", type="DWS", config=DWS)
    client.create_connection(dlf.CreateConnectionRequest(workspace=workspace, body=info))
    info.description, info.config = "edited", {**DWS, "password": MASK}
    request = dlf.UpdateConnectionRequest(workspace=workspace, connection_name="c1", body=info)
    client.update_connection(request)
    shown = client.show_connection(dlf.ShowConnectionRequest(workspace=workspace, connection_name="c1"))
    assert (shown.name, shown.type, shown.description) == ("c1", "DWS", "edited")
    assert shown.config["password"] == MASK
    listed = client.list_connections(dlf.ListConnectionsRequest(workspace=workspace))
    assert (listed.total, listed.connections[0].name) == (1, "c1")
    client.delete_connction(dlf.DeleteConnctionRequest(workspace=workspace, connection_name="c1"))
    core = pytest.importorskip("huaweicloudsdkcore.exceptions.exceptions")
    with pytest.raises(core.ClientRequestException) as missing:
        client.show_connection(dlf.ShowConnectionRequest(workspace=workspace, connection_name="c1"))
    assert (missing.value.status_code, missing.value.error_code) == (400, "DLF.6322")
