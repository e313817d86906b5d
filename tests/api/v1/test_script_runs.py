"""Scripts run by themselves, as a client sees it."""

from __future__ import annotations

import time
from typing import Any

import pytest


class Scripts:
    """Creates and runs scripts in a workspace of their own."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.headers = {"workspace": server.workspace()}

    def create(self, name: str, kind: str, content: str) -> str:
        body = {"name": name, "type": kind, "content": content, "connectionName": "anyConnection"}
        answer = self.call("POST", "", body)
        assert answer.status_code == 204, answer.text
        return name

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.server.http.request(method, f"/v1/{{p}}/scripts{path}", json=body, headers=self.headers)

    def execute(self, name: str, body: Any = None) -> str:
        answer = self.call("POST", f"/{name}/execute", body)
        assert answer.status_code == 200, answer.text
        number: str = answer.json()["instanceId"]
        return number

    def results(self, name: str, number: str, until: tuple[str, ...] = ("FINISHED", "FAILED")) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.call("GET", f"/{name}/instances/{number}").json()
            if found["status"] in until:
                return found
            time.sleep(0.005)
        raise AssertionError(found)


@pytest.fixture(scope="module")
def scripts(server: Any) -> Scripts:
    return Scripts(server)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def test_sql__a_result_for_each_statement(scripts: Scripts) -> None:
    text = "create table t (a int, b string);\ninsert into t values (1, 'x'), (2, null);\nselect a, b from t order by a"
    name = scripts.create("three", "HiveSQL", text)
    found = scripts.results(name, scripts.execute(name))
    assert (found["status"], found["message"], len(found["results"])) == ("FINISHED", "", 3)
    last = found["results"][2]
    assert (last["rows"], last["rowCount"]) == ([[1, "x"], [2, None]], 2)
    assert [list(column) for column in last["schema"]] == [["a"], ["b"]]
    assert found["result"] == found["results"]


def test_sql__parameters_replace_their_names(scripts: Scripts) -> None:
    name = scripts.create("asking", "DLISQL", "select '${who}' as who, ${n} as n")
    found = scripts.results(name, scripts.execute(name, {"params": {"who": "you", "n": 3}}))
    assert found["results"][0]["rows"] == [["you", 3]]


def test_sql__a_failure_tells_the_engines_text_and_keeps_earlier_results(scripts: Scripts) -> None:
    name = scripts.create("failing", "SparkSQL", "select 1; select * from nowhere")
    found = scripts.results(name, scripts.execute(name))
    assert (found["status"], len(found["results"])) == ("FAILED", 1)
    assert "nowhere" in found["message"]


def test_shell__a_row_for_each_line(scripts: Scripts) -> None:
    name = scripts.create("lines", "Shell", "echo one\necho ${what}\n")
    found = scripts.results(name, scripts.execute(name, {"params": {"what": "two"}}))
    (entry,) = found["results"]
    assert (found["status"], entry["rows"], entry["rowCount"]) == ("FINISHED", [["one"], ["two"]], 2)
    assert entry["schema"] == [{"result": "string"}]


def test_python__an_error_fails_with_its_trace(scripts: Scripts) -> None:
    name = scripts.create("raising", "PYTHON", "print('before')\nraise ValueError('no luck')")
    found = scripts.results(name, scripts.execute(name))
    assert (found["status"], found["results"][0]["rows"]) == ("FAILED", [["before"]])
    assert "ValueError: no luck" in found["message"]


def test_a_type_without_an_engine__fails_and_is_named(scripts: Scripts) -> None:
    name = scripts.create("streaming", "FlinkSQL", "select 1")
    found = scripts.results(name, scripts.execute(name))
    assert found["status"] == "FAILED"
    assert "FlinkSQL" in found["message"]


def test_cancel__ends_the_process_and_the_instance_is_failed(scripts: Scripts) -> None:
    name = scripts.create("endless", "Shell", "sleep 60")
    number = scripts.execute(name)
    assert scripts.results(name, number, ("RUNNING",))["results"] == []
    assert [scripts.call("POST", f"/{name}/instances/{number}/stop").status_code for _ in range(2)] == [204, 204]
    found = scripts.results(name, number)
    assert (found["status"], found["message"]) == ("FAILED", "canceled")


def test_cancel__a_running_query_is_interrupted(scripts: Scripts) -> None:
    rows = "select explode(sequence(1, 100000)) as n"
    text = f"create table big as {rows}; select count(*) from big a, big b, big c where a.n + b.n = c.n * 7"
    name = scripts.create("heavy", "SparkSQL", text)
    number = scripts.execute(name)
    assert scripts.results(name, number, ("RUNNING", "FAILED"))["status"] == "RUNNING"
    scripts.call("POST", f"/{name}/instances/{number}/stop")
    found = scripts.results(name, number)
    assert (found["status"], found["message"]) == ("FAILED", "canceled")


def test_execute__unknown_script_answers_dlf_6201(scripts: Scripts) -> None:
    assert code(scripts.call("POST", "/nobody/execute")) == (400, "DLF.6201")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/stop")])
def test_instance__what_is_missing_decides_the_code(scripts: Scripts, method: str, path: str) -> None:
    name = f"there_{method}"
    scripts.create(name, "Shell", "true")
    assert code(scripts.call(method, f"/nobody/instances/1{path}")) == (400, "DLF.6201")
    assert code(scripts.call(method, f"/{name}/instances/1{path}")) == (400, "DLF.6205")


def test_execute__an_unknown_workspace_answers_dlf_20819(server: Any) -> None:
    headers = {"workspace": "0" * 32}
    answer = server.http.post("/v1/{p}/scripts/s/execute", headers=headers)
    assert code(answer) == (400, "DLF.20819")
