"""The CSS node against a web service on loopback that answers as OpenSearch does; no real search engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.nodes.base import BoundConnection, NodeContext, NodeFailed
from headrace.objectstore.files import FileStore
from headrace.objectstore.path import ObsPath
from node_surroundings import Request, WebService, as_json, context, run_node, web_service


def surroundings(service: WebService, folder: Path = Path("/nonexistent")) -> NodeContext:
    port = service.url.rpartition(":")[2]
    config = {"ip": "127.0.0.1", "port": port, "userName": "admin", "password": "hush"}
    bound = BoundConnection(name="css", type="CSS", config=config)
    return context(connections={"css": bound}, store=FileStore(folder))


def search(request: Request) -> tuple[int, bytes, dict[str, str]]:
    return as_json({"hits": {"total": {"value": 1}}, "asked": request.body.decode()})


def test_css__a_search_is_sent_and_its_answer_kept(tmp_path: Path) -> None:
    with web_service(search) as service:
        ctx = surroundings(service, tmp_path)
        result = run_node(
            "CSS",
            ctx,
            connectionName="css",
            method="POST",
            path="/logs/_search",
            body='{"query":{"match_all":{}}}',
            outputPath="obs://bucket/out/",
        )
    assert result.success
    assert json.loads(result.output or "")["asked"] == '{"query":{"match_all":{}}}'
    assert ctx.store.get(ObsPath("bucket", "out/result.json")).decode() == result.output
    (request,) = service.requests
    assert (request.method, request.path) == ("POST", "/logs/_search")
    assert request.headers["Authorization"] == "Basic YWRtaW46aHVzaA=="


@pytest.mark.parametrize(("status", "success"), [(200, True), (201, True), (404, False)])
def test_css__head__the_status_decides(status: int, success: bool) -> None:
    with web_service(lambda request: (status, b"", {})) as service:
        result = run_node("CSS", surroundings(service), connectionName="css", method="HEAD", path="logs")
    assert result.success is success


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"connectionName": "other"}, "connectionName: 'other'"),
        ({"connectionName": "css", "method": "PATCH"}, "method: 'PATCH'"),
        ({"connectionName": "css", "outputPath": "/tmp/x"}, "outputPath: '/tmp/x'"),
    ],
)
def test_css__a_bad_property_is_named(properties: dict[str, str], named: str) -> None:
    with pytest.raises(NodeFailed) as failure:
        run_node("CSS", surroundings(WebService("http://127.0.0.1:1")), **properties)
    assert named in str(failure.value)
