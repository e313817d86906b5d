"""Creates and runs jobs over HTTP, for the tests of this folder."""

from __future__ import annotations

import time
from typing import Any

from headrace.objectstore.path import ObsPath


class Jobs:
    """Creates and runs jobs in a workspace of their own."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.headers = {"workspace": server.workspace()}

    def create(self, name: str, *nodes: dict[str, Any], **members: Any) -> str:
        body = {"name": name, "processType": "BATCH", "nodes": list(nodes), **members}
        answer = self.call("POST", "", body)
        assert answer.status_code == 204, answer.text
        return name

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        return self.server.http.request(method, f"/v1/{{p}}/jobs{path}", json=body, params=params, headers=self.headers)

    def run(self, name: str, body: Any = None) -> int:
        answer = self.call("POST", f"/{name}/run-immediate", body)
        assert answer.status_code == 200, answer.text
        number: int = answer.json()["instanceId"]
        return number

    def show(self, name: str, number: int) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("GET", f"/{name}/instances/{number}").json()
        return shown

    def ended(self, name: str, number: int) -> dict[str, Any]:
        """The instance when it is at rest."""
        self.server.installation.engine.wait(number, 30)
        return self.show(name, number)

    def until_running(self, name: str, number: int, node: str) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = next(item for item in self.show(name, number)["nodes"] if item["nodeName"] == node)
            if found["status"] == "running":
                return
            time.sleep(0.01)
        raise AssertionError(f"{node} never ran")

    def log(self, shown: dict[str, Any], node: str) -> str:
        path = next(item for item in shown["nodes"] if item["nodeName"] == node)["logPath"]
        return self.server.services.store.get(ObsPath.parse(path)).decode()


def dummy(name: str, *before: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "Dummy", "preNodeName": list(before), **members}


def shell(name: str, statement: str, *before: str, **members: Any) -> dict[str, Any]:
    properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
    properties += members.pop("properties", [])
    return {"name": name, "type": "Shell", "preNodeName": list(before), "properties": properties, **members}


def states(shown: dict[str, Any]) -> dict[str, str]:
    return {node["nodeName"]: node["status"] for node in shown["nodes"]}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]
