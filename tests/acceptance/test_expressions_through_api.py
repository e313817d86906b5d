"""Every documented example of the expression language gives its documented result in a job that runs.

A case becomes a script that echoes its value, made and run through the API at the case's plan time. The clock of the
server is the test's, because a job that is run once is planned for now.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from el_cases import Case, cases, moment, named
from headrace import app
from headrace.domain.clock import to_millis
from headrace.objectstore.path import ObsPath
from headrace.storage import environment

Json = dict[str, Any]
CONDITION = re.compile(r'#\{.* \? "true" : "false"\}')
ECHO, END = "echo", "END_OF_ANSWERS"

# Why a documented case is not asked here, and how many there are of them.
LEFT_OUT = {
    "the macro belongs to migration jobs": 19,
}


def reason_to_leave_out(case: Case) -> str | None:
    """One of LEFT_OUT; None for a case that is asked."""
    if case.header.get("macros"):
        return "the macro belongs to migration jobs"
    return None


DOCUMENTED = [case for case in cases() if case.mark == "documented"]
IN_LOOPS = [case for case in DOCUMENTED if "Loop." in case.question]
HANDED_DOWN = [
    case for case in DOCUMENTED if any(f"${{{name}}}" in case.question for name in named(case.header, "handed"))
]
ASKED = [
    case
    for case in DOCUMENTED
    if reason_to_leave_out(case) is None and case not in IN_LOOPS and case not in HANDED_DOWN
]
CONDITIONS = [case for case in cases() if case.file == "golden" and CONDITION.fullmatch(case.question)]


class Clock:
    """What the server reads instead of the time."""

    def __init__(self) -> None:
        self.nanoseconds = 0

    def time_ns(self) -> int:
        return self.nanoseconds

    def set(self, at: datetime) -> None:
        self.nanoseconds = to_millis(at) * 1_000_000


class Api:
    """The operations that make and run a job, in a workspace of their own."""

    def __init__(self, server: Any, clock: Clock) -> None:
        self.server, self.clock, self._number = server, clock, 0
        self.workspace = server.workspace()

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        answer = self.server.http.request(method, f"/v1/{{p}}/{path}", json=body, headers={"workspace": self.workspace})
        assert answer.is_success, answer.text
        return answer

    def new_name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_{self._number}"

    def script(self, content: str) -> str:
        name = self.new_name("script")
        self.call("POST", "scripts", {"name": name, "type": "Shell", "content": content})
        return name

    def job(self, nodes: list[Json], params: dict[str, str]) -> str:
        name, listed = self.new_name("job"), [{"name": key, "value": value} for key, value in params.items()]
        self.call("POST", "jobs", {"name": name, "processType": "BATCH", "params": listed, "nodes": nodes})
        return name

    def run(self, case: Case, nodes: list[Json], params: dict[str, str] | None = None) -> Json:
        """The instance that ended, planned for the case's plan time."""
        self.clock.set(moment(case.header, "Job.planTime"))
        self.set_items(case)
        name = self.job(nodes, named(case.header, "param") if params is None else params)
        return self.ended(name, self.call("POST", f"jobs/{name}/run-immediate").json()["instanceId"])

    def ended(self, name: str, number: int) -> Json:
        """The instance when it has ended."""
        self.server.installation.engine.wait(number, 30)
        shown: Json = self.call("GET", f"jobs/{name}/instances/{number}").json()
        return shown

    def run_by(self, job: str) -> list[Json]:
        """The instances of a job that nodes of another one ran, oldest first."""
        rows = self.call("GET", f"jobs/instances/detail?jobName={job}&preciseQuery=true&limit=100").json()["instances"]
        return [self.ended(job, number) for number in sorted(row["instanceId"] for row in rows)]

    def set_items(self, case: Case) -> None:
        """The switches of the workspace as the case has them."""
        items = {
            "script_variable_definition": "${dlf.}" if case.header.get("dlf") else "${}",
            "use_simple_variable_set": bool(case.header.get("simple")),
        }
        self.call("PUT", f"workspaces/studio/{self.workspace}/default-items", items)

    def set_variables(self, values: dict[str, str]) -> None:
        """Environment variables of the workspace, which only packages bring."""
        with self.server.services.db.writing() as connection:
            for name, value in values.items():
                environment.put(connection, self.workspace, name, json.dumps({"name": name, "value": value}))

    def run_again(self, shown: Json, at: str) -> Json:
        """The instance run again at another time."""
        self.clock.set(datetime.fromisoformat(at))
        self.call("POST", f"jobs/{shown['jobName']}/instances/{shown['instanceId']}/restart")
        return self.ended(shown["jobName"], shown["instanceId"])

    def log(self, shown: Json, node: str) -> str:
        path = next(item["logPath"] for item in shown["nodes"] if item["nodeName"] == node)
        text: str = self.server.services.store.get(ObsPath.parse(path)).decode()
        return text


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, start_server: Any) -> Iterator[Api]:
    clock = Clock()
    clock.set(datetime.fromisoformat("2018-01-01T00:00:00+08:00"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "time", clock)  # app.py is the only module that reads the clock
        home: Path = tmp_path_factory.mktemp("home")
        with start_server(home, auth="none") as server:
            yield Api(server, clock)


def node(kind: str, name: str, *before: str, **properties: str) -> Json:
    listed = [{"name": key, "value": value} for key, value in properties.items()]
    return {"name": name, "type": kind, "preNodeName": list(before), "properties": listed}


def statement(kind: str, name: str, text: str) -> Json:
    return node(kind, name, statementOrScript="STATEMENT", statement=text)


def node_with_output(name: str, output: str) -> Json:
    """A node that gives this: a SELECT for rows of texts, else a Shell script that prints it."""
    if output.startswith("[["):
        (row,) = json.loads(output)
        return statement("HiveSQL", name, "SELECT " + ", ".join(f"'{cell}'" for cell in row))
    return statement("Shell", name, "printf %s " + shlex.quote(output))


def node_with_status(name: str, status: str) -> Json:
    """A node that ends so, and lets those after it run."""
    return {**statement("Shell", name, "true" if status == "success" else "false"), "failPolicy": "IGNORE"}


def nodes_before(asked: list[Case]) -> list[Json]:
    """The nodes whose outputs and states the questions are about."""
    questions, header = "\n".join(case.question for case in asked), asked[0].header
    found = [node_with_output(name, text) for name, text in named(header, "output").items() if f'"{name}"' in questions]
    found += [
        node_with_status(name, word) for name, word in named(header, "status").items() if f'"{name}"' in questions
    ]
    return found


def echo_script(api: Api, asked: list[Case]) -> Json:
    """A Shell node whose script echoes the answers, a line each.

    A question with ``#{…}`` or simple variables is the value of a script parameter; one without stands in the script
    itself, where the script parameters of the case are its own.
    """
    arguments, lines = named(asked[0].header, "script"), []
    for number, case in enumerate(asked):
        if "#{" in case.question or case.header.get("simple"):
            arguments[f"q{number}"] = case.question
            lines.append(f"${{q{number}}}")
        else:
            lines.append(case.question)
    content = "\n".join([f"cat <<'{END}'", *lines, END, f"echo {END}"])
    script_args = "\n".join(f"{name}={value}" for name, value in arguments.items())
    return node("Shell", ECHO, statementOrScript="SCRIPT", scriptName=api.script(content), scriptArgs=script_args)


def answers(log: str, count: int) -> list[str]:
    """The lines before the last one of the script; a log is added to when its node runs again."""
    lines = log.splitlines()
    end = max(number for number, line in enumerate(lines) if line == END)
    return lines[end - count : end]


def groups() -> list[list[Case]]:
    """Cases of one header, which one job can answer."""
    return [list(found) for _, found in groupby(ASKED, key=lambda case: (case.file, case.header))]


@pytest.mark.parametrize("asked", groups(), ids=lambda asked: asked[0].place)
def test_documented_example__a_script_echoes_the_documented_result(api: Api, asked: list[Case]) -> None:
    before = nodes_before(asked)
    echo = echo_script(api, asked)
    echo["preNodeName"] = [item["name"] for item in before]
    shown = api.run(asked[0], [*before, echo])
    assert shown["status"] == "success", shown
    assert answers(api.log(shown, ECHO), len(asked)) == [case.text for case in asked]


@pytest.mark.parametrize("case", CONDITIONS, ids=lambda case: f"{case.place} {case.header['Job.planTime'][:10]}")
def test_documented_condition__decides_whether_the_node_after_it_runs(api: Api, case: Case) -> None:
    before = nodes_before([case]) or [node("Dummy", "before")]
    name = before[0]["name"]
    after = statement("Shell", "after", "true") | {
        "preNodeName": [name],
        "conditions": [{"preNodeName": name, "expression": case.question}],
    }
    shown = api.run(case, [*before, after])
    states = {item["nodeName"]: item["status"] for item in shown["nodes"]}
    assert states["after"] == {"true": "success", "false": "skip"}[case.answer]


def test_documented_conditions__are_rows_19_to_25_of_the_golden_table() -> None:
    assert len(CONDITIONS) == 11


@pytest.mark.parametrize("case", IN_LOOPS, ids=lambda case: f"{case.place} {case.header['Loop.offset']}")
def test_documented_loop__the_job_of_each_row_echoes_the_documented_result(api: Api, case: Case) -> None:
    child = api.job([statement("Shell", ECHO, f"echo ${{value}}; echo {END}")], {"value": "none"})
    loop = node(
        "ForEachJob", "loop", jobName=child, dataset=case.header["Loop.data"], jobParams=f"value={case.question}"
    )
    shown = api.run(case, [loop])
    assert shown["status"] == "success", shown
    children = api.run_by(child)
    assert len(children) == len(json.loads(case.header["Loop.data"]))
    assert answers(api.log(children[int(case.header["Loop.offset"])], ECHO), 1) == [case.text]


@pytest.mark.parametrize("case", HANDED_DOWN, ids=lambda case: case.place)
def test_documented_precedence__a_subjob_echoes_the_value_that_wins(api: Api, case: Case) -> None:
    api.set_variables(named(case.header, "env"))
    child = api.job([echo_script(api, [case])], named(case.header, "param"))
    values = "\n".join(f"{name}={value}" for name, value in named(case.header, "handed").items())
    shown = api.run(case, [node("DLFSubJob", "below", jobName=child, jobParams=values)], params={})
    assert shown["status"] == "success", shown
    (instance,) = api.run_by(child)
    assert answers(api.log(instance, ECHO), 1) == [case.text]


def test_left_out__is_what_this_release_cannot_be_asked_through_the_api() -> None:
    reasons = [reason for case in DOCUMENTED if (reason := reason_to_leave_out(case)) is not None]
    assert {reason: reasons.count(reason) for reason in reasons} == LEFT_OUT
    assert (len(IN_LOOPS), len(HANDED_DOWN)) == (6, 2)
    assert len(ASKED) + len(IN_LOOPS) + len(HANDED_DOWN) + len(reasons) == len(DOCUMENTED)


def test_times__a_late_run_keeps_its_plan_time_and_sees_the_clock_it_is_given(api: Api) -> None:
    pattern = '"yyyy-MM-dd HH:mm"'
    questions = [f"#{{DateUtil.format({date},{pattern})}}" for date in ("Job.planTime", "DateUtil.now()")]
    asked = [
        Case("golden", "inferred", {"Job.planTime": "2024-05-10 08:30:00"}, question, "") for question in questions
    ]
    shown = api.run(asked[0], [echo_script(api, asked)])
    assert answers(api.log(shown, ECHO), 2) == ["2024-05-10 08:30", "2024-05-10 08:30"]
    again = api.run_again(shown, "2024-05-12T03:00:00+08:00")
    assert answers(api.log(again, ECHO), 2) == ["2024-05-10 08:30", "2024-05-12 03:00"]
