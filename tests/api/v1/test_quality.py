"""Quality rule jobs and results as a client sees them."""

from __future__ import annotations

from typing import Any

import pytest

RULES = "/v1/{p}/quality/rule-jobs"
RESULTS = "/v1/{p}/quality/results"
Json = dict[str, Any]

ROWS = {"name": "rows", "type": "rowCount", "table": "${table}", "min": 2}
IDS = {"name": "ids/known", "type": "null", "table": "${table}", "column": "id", "strength": "weak"}
ORDERS: Json = {"name": "orders", "description": "d", "parameters": {"table": "orders"}, "rules": [ROWS, IDS]}


class Quality:
    """The operations, in one workspace."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.headers = {"workspace": server.workspace()}

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        return self.server.http.request(method, path, json=body, params=params, headers=self.headers)

    def put(self, **members: Any) -> Any:
        """Of the rule job called orders; ``...`` leaves a member out."""
        body = {name: value for name, value in {**ORDERS, **members}.items() if value is not ...}
        return self.call("PUT", f"{RULES}/orders", body)

    def listed(self, **params: Any) -> Json:
        answer = self.call("GET", RESULTS, **params)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def run(self, job: str, *nodes: Json) -> int:
        """The instance of a job that ended."""
        body = {"name": job, "processType": "BATCH", "nodes": list(nodes)}
        assert self.call("POST", "/v1/{p}/jobs", body).status_code == 204
        number: int = self.call("POST", f"/v1/{{p}}/jobs/{job}/run-immediate").json()["instanceId"]
        self.server.installation.engine.wait(number, 30)
        return number


@pytest.fixture
def quality(server: Any) -> Quality:
    return Quality(server)


def refusal(answer: Any) -> tuple[int, str, str]:
    told = answer.json()
    return answer.status_code, told["error_code"], told["error_msg"].removeprefix("The request parameter is invalid. ")


def node(kind: str, name: str, *before: str, **properties: str) -> Json:
    listed = [{"name": key, "value": value} for key, value in properties.items()]
    return {"name": name, "type": kind, "preNodeName": list(before), "properties": listed}


def test_put_quality_rule_job__is_read_as_it_was_sent(quality: Quality) -> None:
    answer = quality.put(owner="me", x=[1])
    assert (answer.status_code, answer.content) == (204, b"")
    assert quality.call("GET", f"{RULES}/orders").json() == {**ORDERS, "owner": "me", "x": [1]}


def test_put_quality_rule_job__replaces_the_one_of_that_name(quality: Quality) -> None:
    quality.put()
    assert quality.put(description="other", name=...).status_code == 204
    assert quality.call("GET", f"{RULES}/orders").json() == {**ORDERS, "description": "other"}
    listed = quality.call("GET", RULES).json()
    assert [(one["name"], one["description"], one["ruleCount"]) for one in listed["ruleJobs"]] == [
        ("orders", "other", 2)
    ]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"name": "other"}, "name: 'other' in the body is not 'orders', the name in the path."),
        ({"rules": []}, "rules: expected a list of at least one rule."),
        ({"rules": [{**ROWS, "type": "rows"}]}, "rules[0].type: 'rows' is none of rowCount, null, unique, range,"),
        ({"rules": [{**ROWS, "mim": 2}]}, "rules[0].mim: a rule of type rowCount has no such member; it has"),
        ({"rules": [{**ROWS, "min": "few"}]}, "rules[0].min: 'few' is wrong; expected a number."),
    ],
)
def test_put_quality_rule_job__what_is_wrong_is_named(quality: Quality, members: Json, message: str) -> None:
    status, code, told = refusal(quality.put(**members))
    assert (status, code) == (400, "DLF.3051")
    assert told.startswith(message)
    assert quality.call("GET", RULES).json() == {"total": 0, "ruleJobs": []}


def test_put_quality_rule_job__a_name_that_rules_cannot_have_is_refused(quality: Quality) -> None:
    answer = quality.call("PUT", f"{RULES}/a%2Fb", {**ORDERS, "name": "a/b"})
    assert refusal(answer)[:2] == (400, "DLF.3051")


def test_list_quality_rule_jobs__part_of_the_name_and_pages(quality: Quality) -> None:
    for name in ("orders", "order_lines", "customers"):
        quality.call("PUT", f"{RULES}/{name}", {**ORDERS, "name": name})
    found = quality.call("GET", RULES, name="order", limit=1, offset=1).json()
    assert (found["total"], [one["name"] for one in found["ruleJobs"]]) == (2, ["order_lines"])
    assert refusal(quality.call("GET", RULES, limit=0)) == (400, "DLF.3051", "limit: 0 is not between 1 and 1000.")


def test_delete_quality_rule_job__it_is_gone(quality: Quality) -> None:
    quality.put()
    assert quality.call("DELETE", f"{RULES}/orders").status_code == 204
    unknown = (400, "DLF.3051", "name: there is no quality rule job 'orders'.")
    assert refusal(quality.call("DELETE", f"{RULES}/orders")) == unknown
    assert refusal(quality.call("GET", f"{RULES}/orders")) == unknown


def test_list_quality_results__filters_and_pages(quality: Quality) -> None:
    quality.put()
    statement = "CREATE TABLE orders (id INT); INSERT INTO orders VALUES (1), (NULL)"
    fill = node("HiveSQL", "fill", statementOrScript="STATEMENT", statement=statement)
    check = node("DataQualityMonitor", "check", "fill", qualityRuleName="orders")
    first = quality.run("first", fill, check)
    second = quality.run("second", node("DataQualityMonitor", "again", qualityRuleName="orders"))

    found = quality.listed()
    assert (found["total"], len(found["results"])) == (4, 4)
    (row,) = quality.listed(ruleJob="orders", rule="ids/known", instanceId=first)["results"]
    assert {name: value for name, value in row.items() if name not in ("id", "time")} == {
        "ruleJob": "orders",
        "rule": "ids/known",
        "type": "null",
        "strength": "weak",
        "status": "warning",
        "message": "1 of 2 rows break the rule, 0 rows may.",
        "nodeName": "check",
        "instanceId": first,
        "table": "orders",
        "checked": 2,
        "violations": 1,
    }
    assert quality.listed(ruleJob="orders", status="passed")["total"] == 2
    assert quality.listed(ruleJob="order")["total"] == 0
    assert quality.listed(nodeName="again")["total"] == 2
    assert quality.listed(instanceId=second)["total"] == 2
    assert quality.listed(minTime=row["time"], maxTime=row["time"], ruleJob="orders")["total"] in (2, 4)
    assert quality.listed(minTime=row["time"] + 3_600_000)["total"] == 0
    pages = [quality.listed(limit=3, offset=page)["results"] for page in (0, 1)]
    assert [one["id"] for page in pages for one in page] == [one["id"] for one in found["results"]]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"status": "ok"}, "status: 'ok' is none of passed, warning, failed."),
        ({"rule": "r"}, "rule: it needs ruleJob, because names of rules are unique inside a rule job."),
        ({"instanceId": -1}, "instanceId: -1 is not a number from 0 to 9223372036854775807."),
        ({"limit": 1001}, "limit: 1001 is not between 1 and 1000."),
    ],
)
def test_list_quality_results__a_filter_that_makes_no_sense_is_named(
    quality: Quality, params: Json, message: str
) -> None:
    assert refusal(quality.call("GET", RESULTS, **params)) == (400, "DLF.3051", message)


def test_node__an_unknown_rule_job_fails_and_says_where_to_define_it(quality: Quality) -> None:
    number = quality.run("lost", node("DataQualityMonitor", "check", qualityRuleName="nowhere"))
    shown = quality.call("GET", f"/v1/{{p}}/jobs/lost/instances/{number}").json()
    assert shown["nodes"][0]["errorMessage"] == (
        "There is no quality rule job 'nowhere' in the workspace. Define it with "
        "PUT /v1/{project_id}/quality/rule-jobs/nowhere, or in the package as quality/nowhere.quality."
    )
