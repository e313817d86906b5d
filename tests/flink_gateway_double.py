"""A double of the Flink SQL gateway: its published REST interface, version 2, over jobs that are a list.

Sessions, statements, operations and pages of results; a statement is carried out when it is sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from node_surroundings import Answer, Request, as_json


@dataclass
class Gateway:
    """Sessions, operations and jobs; each result is not ready when it is asked for first."""

    port: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[list[str]] = field(default_factory=list)  # id, name, status, start time
    calls: list[str] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)  # the states that a job goes through, one for each look

    def __call__(self, request: Request) -> Answer:
        path = request.path.partition("?")[0].removeprefix("/v2/sessions")
        self.calls.append(f"{request.method} {path}")
        body = json.loads(request.body or b"{}")
        if path == "":
            self.properties = body["properties"]
            return as_json({"sessionHandle": "s-1"})
        if path == "/s-1/statements":
            self.statements.append(body["statement"])
            self.contents.append(self._content(body["statement"]))
            return as_json({"operationHandle": f"o-{len(self.statements)}"})
        if match := re.fullmatch(r"/s-1/operations/o-(\d+)/result/(\d+)", path):
            return self._result(int(match[1]), int(match[2]))
        if path.endswith("/status"):
            return as_json({"status": "FINISHED"})
        return as_json({"status": "CLOSED"})

    def _result(self, number: int, token: int) -> Answer:
        statement = self.statements[number - 1]
        if self.calls.count(self.calls[-1]) == 1:
            return as_json({"resultType": "NOT_READY", "nextResultUri": self.calls[-1]})
        if statement.startswith("BAD"):
            cause = "org.apache.flink.table.api.ValidationException: no such table"
            return as_json({"errors": ["Internal server error.", f"java.lang.E: x\n\tat y\nCaused by: {cause}"]}, 500)
        if token == 1:
            return as_json({"resultType": "EOS", "results": {"data": []}})
        page: dict[str, Any] = {
            "resultType": "PAYLOAD",
            "nextResultUri": f"/v2/sessions/s-1/operations/o-{number}/result/1",
        }
        return as_json(page | self.contents[number - 1])

    def _content(self, statement: str) -> dict[str, Any]:
        if statement == "SHOW JOBS":
            for job in self.jobs if self.turns else ():
                job[2] = self.turns[0] if len(self.turns) == 1 else self.turns.pop(0)
            return rows(self.jobs, isQueryResult=False)
        if statement.startswith("STOP JOB"):
            for job in self.jobs:
                job[2] = "CANCELED" if job[0] in statement else job[2]
            self.turns = []
        if statement.startswith(("INSERT", "EXECUTE STATEMENT SET")):
            number = f"{len(self.jobs):032x}"
            self.jobs.append([number, self.properties["pipeline.name"], "RUNNING", "2024"])
            return rows([[number]], jobID=number, isQueryResult=False)
        if statement.startswith("SELECT"):
            return rows([[1, "a"], [None, "磁"]], jobID="f" * 32, isQueryResult=True)
        return rows([["OK"]], isQueryResult=False)


def rows(cells: list[list[Any]], **members: Any) -> dict[str, Any]:
    return {"results": {"data": [{"kind": "INSERT", "fields": list(row)} for row in cells]}, **members}
