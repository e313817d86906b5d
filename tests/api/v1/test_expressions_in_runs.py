"""When expressions of a job are evaluated, and what one that cannot be evaluated does: it fails its node, no more."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from headrace.objectstore.path import ObsPath
from headrace.storage import environment

Json = dict[str, Any]


class Runs:
    """Makes jobs of Shell statements and runs them, in a workspace of its own."""

    def __init__(self, server: Any) -> None:
        self.server, self._count = server, 0
        self.workspace = server.workspace()
        self._headers = {"workspace": self.workspace}

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        answer = self.server.http.request(method, f"/v1/{{p}}/{path}", json=body, headers=self._headers)
        assert answer.is_success, answer.text
        return answer

    def script(self, name: str, content: str) -> None:
        self.call("POST", "scripts", {"name": name, "type": "Shell", "content": content})

    def begin(self, *nodes: Json, given: dict[str, str] | None = None, **params: str) -> tuple[str, int]:
        self._count += 1
        name = f"job_{self._count}"
        self.call("POST", "jobs", {"name": name, "processType": "BATCH", "nodes": nodes, "params": listed(params)})
        answer = self.call("POST", f"jobs/{name}/run-immediate", {"jobParams": listed(given or {})})
        return name, answer.json()["instanceId"]

    def ended(self, name: str, number: int) -> Json:
        self.server.installation.engine.wait(number, 30)
        shown: Json = self.call("GET", f"jobs/{name}/instances/{number}").json()
        return shown

    def run(self, *nodes: Json, given: dict[str, str] | None = None, **params: str) -> Json:
        return self.ended(*self.begin(*nodes, given=given, **params))

    def log(self, shown: Json, name: str) -> str:
        text: str = self.server.services.store.get(ObsPath.parse(member(shown, name, "logPath"))).decode()
        return text


@pytest.fixture(scope="module")
def runs(server: Any) -> Runs:
    return Runs(server)


def listed(values: dict[str, str]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in values.items()]


def shell(name: str, statement: str, *before: str, **members: Any) -> Json:
    properties = listed({"statementOrScript": "STATEMENT", "statement": statement})
    properties += members.pop("properties", [])
    return {"name": name, "type": "Shell", "preNodeName": list(before), "properties": properties, **members}


def only_if(expression: str, before: str) -> list[Json]:
    return [{"preNodeName": before, "expression": expression}]


def member(shown: Json, node: str, name: str) -> Any:
    return next(item for item in shown["nodes"] if item["nodeName"] == node)[name]


def states(shown: Json) -> Json:
    return {item["nodeName"]: item["status"] for item in shown["nodes"]}


# ---- errors


def test_expression_error__fails_the_node_with_source_position_expected_and_repair(runs: Runs) -> None:
    told = (
        "Expected a property or method of Job, found `plantime`, at character 12:\n"
        "  echo #{Job.plantime}\n"
        "             ^\n"
        "Did you mean Job.planTime?"
    )
    shown = runs.run(shell("x", "echo #{Job.plantime}"), shell("after", "true", "x"))
    assert (shown["status"], states(shown)) == ("fail", {"x": "fail", "after": "waiting"})
    assert member(shown, "x", "errorMessage") == f"The expression cannot be evaluated. {told}"
    assert told in runs.log(shown, "x")
    assert told in shown["errorMessage"]


def test_expression_error__follows_the_policy_of_its_node_like_any_failure(runs: Runs) -> None:
    shown = runs.run(shell("x", "echo #{1/0}", failPolicy="IGNORE"), shell("after", "true", "x"))
    assert (shown["status"], states(shown)) == ("success", {"x": "fail", "after": "success"})


def test_cycle_among_parameters__fails_the_node_that_reads_one_and_names_the_way_around(runs: Runs) -> None:
    cycle = {"a": "${b}", "b": 'x#{Job.getParam("c")}', "c": "${a}"}
    shown = runs.run(shell("free", "echo ${d}"), shell("caught", "echo ${b}", "free"), d="1", **cycle)
    assert states(shown) == {"free": "success", "caught": "fail"}
    way = "job parameter `b` → job parameter `c` → job parameter `a` → job parameter `b`"
    assert way in member(shown, "caught", "errorMessage")
    assert "Break the cycle." in runs.log(shown, "caught")


def test_condition_that_cannot_be_evaluated__fails_the_node_behind_it(runs: Runs) -> None:
    after = shell("after", "true", "x", conditions=only_if("#{${nobody} > 5}", "x"))
    shown = runs.run(shell("x", "true"), after)
    assert (shown["status"], states(shown)) == ("fail", {"x": "success", "after": "fail"})
    assert "Expected a value for the parameter `nobody`" in member(shown, "after", "errorMessage")


HOSTILE = (
    "#{" + "(" * 40_000,
    "#{" + "!" * 2_900 + "1}",
    "#{StringUtil.repeat('x',1000000000)}",
    "#{StringUtil.replaceAll(StringUtil.repeat('a',50),'(a+)+b','')}",
    "#{Job.__class__.__mro__}",
    "#{" * 3_000,
    "${p0}",
)


@pytest.mark.parametrize("place", ["property", "condition"])
def test_hostile_expressions__end_with_an_error_and_other_instances_go_on(runs: Runs, place: str) -> None:
    chain = {f"p{number}": f'#{{Job.getParam("p{number + 1}")}}' for number in range(30)} | {"p30": "1"}
    begun = []
    for text in HOSTILE:
        if place == "property":
            nodes = [shell("x", text)]
        else:
            nodes = [shell("before", "true"), shell("x", "true", "before", conditions=only_if(text, "before"))]
        begun += [runs.begin(*nodes, **chain), runs.begin(shell("x", "echo fine"))]
    shown = [runs.ended(*instance) for instance in begun]
    assert [states(item)["x"] for item in shown] == ["fail", "success"] * len(HOSTILE)
    assert all("The expression cannot be evaluated." in member(item, "x", "errorMessage") for item in shown[::2])


def test_condition_that_breaks_in_a_way_nobody_thought_of__fails_its_node_and_no_other(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str, scope: object) -> bool:
        raise OverflowError(text)

    monkeypatch.setattr("headrace.engine.walk_reading.condition_holds", broken)
    after = shell("after", "true", "x", conditions=only_if("#{true}", "x"))
    one, other = runs.begin(shell("x", "true"), after), runs.begin(shell("y", "true"), shell("z", "true", "y"))
    assert states(runs.ended(*other)) == {"y": "success", "z": "success"}
    shown = runs.ended(*one)
    assert states(shown) == {"x": "success", "after": "fail"}
    assert "The condition cannot be evaluated; the server's log says why." in member(shown, "after", "errorMessage")


SECRET = "hunter2-" + "A1b2C3" * 20


def test_secrets__show_in_no_error_and_no_log(runs: Runs) -> None:
    sealed = runs.server.services.sealer.seal(SECRET)
    with runs.server.services.db.writing() as connection:
        environment.put(connection, runs.workspace, "pw", json.dumps({"name": "pw", "value": sealed}))
    sensitive = [{"name": "arguments", "value": SECRET + "#{1/0}", "value_is_sensitive": True}]
    for nodes in (
        [shell("x", "true", properties=sensitive)],
        [shell("x", 'echo #{1 - Env.get("pw")}')],
        [shell("x", "echo #{${pw} + }")],
        [shell("before", "true"), shell("x", "true", "before", conditions=only_if("#{${pw} + }", "before"))],
    ):
        shown = runs.run(*nodes)
        assert states(shown)["x"] == "fail"
        assert "of a text that holds a secret." in member(shown, "x", "errorMessage")
        assert SECRET[:8] not in json.dumps(shown)
    shown = runs.run(shell("x", "echo 'it is ${pw}'"))
    assert "\nit is *********\n" in runs.log(shown, "x")


def test_simple_variables__are_replaced_in_the_body_of_a_script(runs: Runs) -> None:
    runs.script("dated", "echo '$[yyyy] ${yyyy+1} $job_id'")
    node = {"name": "x", "type": "Shell", "properties": listed({"scriptName": "dated"})}
    path = f"workspaces/studio/{runs.workspace}/default-items"
    assert "\n$[yyyy] ${yyyy+1} $job_id\n" in runs.log(runs.run(node), "x")
    runs.call("PUT", path, {"use_simple_variable_set": True})
    shown = runs.run(node)
    runs.call("PUT", path, {"use_simple_variable_set": False})
    assert re.search(rf"\n20\d\d 20\d\d {shown['jobId']}\n", runs.log(shown, "x"))


# ---- when and where


def test_node_start__properties_and_parameters_read_what_earlier_nodes_gave(runs: Runs) -> None:
    last = '#{StringUtil.getDigits(Job.getNodeOutput("count"))}'
    shown = runs.run(
        shell("early", "echo [${rows}]"),
        shell("count", "echo n=42", "early"),
        shell("late", 'echo [${rows}] "#{Job.getNodeStatus("early")}"', "count"),
        rows=last,
    )
    assert "\n[]\n" in runs.log(shown, "early")
    assert "\n[42] success\n" in runs.log(shown, "late")


@pytest.mark.parametrize(("rows", "state"), [("7", "success"), ("3", "skip")])
def test_edge_decision__a_condition_reads_what_the_node_before_it_gave(runs: Runs, rows: str, state: str) -> None:
    condition = '#{StringUtil.getDigits(Job.getNodeOutput("count")) > ${least}}'
    shown = runs.run(
        shell("count", f"echo {rows} rows"),
        shell("after", "true", "count", conditions=only_if(condition, "count")),
        least="5",
    )
    assert states(shown)["after"] == state


def test_script_body__takes_parameters_and_leaves_expressions(runs: Runs) -> None:
    runs.script("body", "cat <<'END'\n${who} ${arg} ${unknown} #{Job.name}\nEND")
    properties = listed({"scriptName": "body", "scriptArgs": "arg=#{1 + 1}\nwho=script"})
    node = {"name": "x", "type": "Shell", "properties": properties}
    shown = runs.run(node, who="job")
    assert "\njob 2 ${unknown} #{Job.name}\n" in runs.log(shown, "x")


def test_script_arguments__a_value_of_several_lines_stays_one(runs: Runs) -> None:
    runs.script("lines", "cat <<'END'\n${text}|${next}|\nEND")
    properties = listed({"scriptName": "lines", "scriptArgs": "text=#{Job.getNodeOutput('first')}\nnext=b"})
    node = {"name": "x", "type": "Shell", "properties": properties, "preNodeName": ["first"]}
    shown = runs.run(shell("first", "printf 'one\nnext=evil'"), node)
    assert "\none\nnext=evil|b|\n" in runs.log(shown, "x")


def test_statement__takes_parameters_and_expressions(runs: Runs) -> None:
    shown = runs.run(shell("x", "echo '${who} ${unknown} #{Job.name}'"), who="job")
    assert f"\njob ${{unknown}} {shown['jobName']}\n" in runs.log(shown, "x")


def test_data__that_looks_like_an_expression_stays_text(runs: Runs) -> None:
    shown = runs.run(
        shell("data", "printf '#%s' '{1/0}'"),
        shell("direct", "echo '#{Job.getNodeOutput(\"data\")}'", "data"),
        shell("named", "echo '${read}'", "direct"),
        read='#{Job.getNodeOutput("data")}',
    )
    assert shown["status"] == "success", shown
    assert "\n#{1/0}\n" in runs.log(shown, "direct")
    assert "\n#{1/0}\n" in runs.log(shown, "named")


def test_run_parameters__replace_those_of_the_job_and_are_evaluated_like_them(runs: Runs) -> None:
    statement = "echo '${a} ${b} #{Job.getParam(\"a\")}'"
    shown = runs.run(shell("x", statement), given={"a": "#{1 + 1}"}, a="job", b="${a}!")
    assert "\n2 2! 2\n" in runs.log(shown, "x")
