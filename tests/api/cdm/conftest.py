"""The default cluster of the test's server."""

from __future__ import annotations

import pytest
from tests.conftest import Server


@pytest.fixture(scope="module")
def cluster(server: Server) -> str:
    found = server.http.get("/v1.1/{p}/clusters").json()["clusters"]
    assert [(item["name"], item["status"]) for item in found] == [("default", "200")]
    return str(found[0]["id"])
