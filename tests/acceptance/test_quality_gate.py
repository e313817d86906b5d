"""A day's data goes on only when its strong rules are met; a weak one sends the job through another branch."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.objectstore.path import ObsPath

Json = dict[str, Any]

RULES: Json = {
    "name": "orders_gate",
    "database": "sales",
    "scriptType": "HiveSQL",
    "rules": [
        {"name": "some came", "type": "rowCount", "table": "orders", "where": "dt = '${checked_day}'", "min": 1},
        {"name": "amounts", "type": "range", "table": "orders", "column": "amount", "min": 0},
        {
            "name": "mails",
            "type": "regex",
            "table": "orders",
            "column": "mail",
            "pattern": "^[^@]+@[^@]+$",
            "strength": "weak",
            "exampleColumns": ["id"],
        },
    ],
}
GOOD = "(1, 'ann@example.org', 10, '2024-01-31')"
ODD_MAIL = "(2, 'bob', 20, '2024-01-31')"
NEGATIVE = "(3, 'cy@example.org', -1, '2024-01-31')"


def node(kind: str, name: str, *before: str, **members: Any) -> Json:
    properties = [{"name": key, "value": value} for key, value in members.pop("properties", {}).items()]
    return {"name": name, "type": kind, "preNodeName": list(before), "properties": properties, **members}


def when(status: str) -> Json:
    """The node runs when this is the status in the check's output."""
    found = 'JSONUtil.path(Job.getNodeOutput("check"),"status")'
    expression = "#{" + f'{found} == "{status}" ? "true" : "false"' + "}"
    return {"conditions": [{"preNodeName": "check", "expression": expression}]}


class Workspace:
    """A workspace with the job: load, check, then publish or review, and an alarm when the check fails."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._headers = {"workspace": server.workspace()}
        self.call("PUT", "quality/rule-jobs/orders_gate", RULES)
        check = {"qualityRuleName": "orders_gate", "parameters": "checked_day=${day}"}
        sql = {"statementOrScript": "STATEMENT", "database": "sales", "statement": "${rows}"}
        nodes = [
            node("HiveSQL", "load", properties=sql),
            node("DataQualityMonitor", "check", "load", properties=check, failPolicy="IGNORE"),
            node("Dummy", "publish", "check", **when("passed")),
            node("Dummy", "review", "check", **when("warning")),
            node("Dummy", "alarm", "check", **when("failed")),
        ]
        self.call("POST", "jobs", {"name": "daily", "processType": "BATCH", "nodes": nodes})

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        answer = self._server.http.request(method, f"/v1/{{p}}/{path}", json=body, params=params, headers=self._headers)
        assert answer.is_success, answer.text
        return answer

    def run(self, *rows: str, day: str = "2024-01-31") -> Json:
        """The instance that ended, of a load of these rows."""
        text = "CREATE TABLE IF NOT EXISTS orders (id INT, mail STRING, amount INT, dt STRING); DELETE FROM orders"
        params = [{"name": "rows", "value": f"{text}; INSERT INTO orders VALUES {', '.join(rows)}"}]
        body = {"jobParams": [*params, {"name": "day", "value": day}]}
        number = self.call("POST", "jobs/daily/run-immediate", body).json()["instanceId"]
        self._server.installation.engine.wait(number, 30)
        shown: Json = self.call("GET", f"jobs/daily/instances/{number}").json()
        return shown

    def log(self, shown: Json) -> str:
        path = next(item["logPath"] for item in shown["nodes"] if item["nodeName"] == "check")
        text: str = self._server.services.store.get(ObsPath.parse(path)).decode()
        return text

    def results(self, shown: Json) -> dict[str, str]:
        found = self.call("GET", "quality/results", instanceId=shown["instanceId"]).json()["results"]
        return {item["rule"]: item["status"] for item in found}


@pytest.fixture
def workspace(server: Any) -> Workspace:
    return Workspace(server)


def states(shown: Json) -> dict[str, str]:
    return {item["nodeName"]: item["status"] for item in shown["nodes"]}


def test_quality_gate__what_meets_its_rules_is_published(workspace: Workspace) -> None:
    shown = workspace.run(GOOD)
    assert states(shown) == {
        "load": "success",
        "check": "success",
        "publish": "success",
        "review": "skip",
        "alarm": "skip",
    }
    assert workspace.results(shown) == {"some came": "passed", "amounts": "passed", "mails": "passed"}


def test_quality_gate__a_weak_rule_that_is_not_met_is_for_review(workspace: Workspace) -> None:
    shown = workspace.run(GOOD, ODD_MAIL)
    assert states(shown) == {
        "load": "success",
        "check": "success",
        "publish": "skip",
        "review": "success",
        "alarm": "skip",
    }
    assert workspace.results(shown) == {"some came": "passed", "amounts": "passed", "mails": "warning"}
    log = workspace.log(shown)
    assert "WARNING orders_gate/mails (weak): 1 of 2 rows break the rule, 0 rows may." in log
    assert "id = 2, mail = 'bob'" in log


def test_quality_gate__a_strong_rule_that_is_not_met_fails_the_node(workspace: Workspace) -> None:
    shown = workspace.run(GOOD, ODD_MAIL, NEGATIVE, day="2024-01-30")
    assert states(shown) == {
        "load": "success",
        "check": "fail",
        "publish": "skip",
        "review": "skip",
        "alarm": "success",
    }
    assert workspace.results(shown) == {"some came": "failed", "amounts": "failed", "mails": "warning"}
    check = next(item for item in shown["nodes"] if item["nodeName"] == "check")
    assert check["errorMessage"] == (
        "2 of 3 quality rules failed. orders_gate/some came: 0 rows, fewer than 1.; "
        "orders_gate/amounts: 1 of 3 rows break the rule, 0 rows may."
    )
