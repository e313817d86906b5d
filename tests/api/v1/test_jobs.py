"""Jobs as a client sees them. Error codes and members: API reference, "Job Development APIs"."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from error_answers import failure, refused

JOBS = "/v1/{p}/jobs"
NODE = {"name": "n", "type": "Dummy"}
NAME_RULE = "is not 1 to 128 letters, digits, Chinese characters, '-', '_' or '.'."
MASK = "*********"


class Jobs:
    """The operations on jobs, in one workspace."""

    def __init__(self, server: Any) -> None:
        self.http, self.headers = server.http, {"workspace": server.workspace()}

    def create(self, **body: Any) -> httpx.Response:
        body = {"name": "daily", "processType": "BATCH", **body}
        return self.post({name: value for name, value in body.items() if value is not ...})

    def post(self, body: Any) -> httpx.Response:
        answer: httpx.Response = self.http.post(JOBS, json=body, headers=self.headers)
        return answer

    def call(self, method: str, name: str = "daily", query: str = "", **options: Any) -> httpx.Response:
        answer: httpx.Response = self.http.request(method, f"{JOBS}/{name}{query}", headers=self.headers, **options)
        return answer

    def update(self, name: str = "daily", **body: Any) -> httpx.Response:
        return self.call("PUT", name, json={"name": name, "processType": "BATCH", **body})

    def shown(self, name: str = "daily", query: str = "") -> dict[str, Any]:
        answer = self.call("GET", name, query)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def listed(self, query: str = "") -> dict[str, Any]:
        answer = self.http.get(f"{JOBS}{query}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        listed: dict[str, Any] = answer.json()
        return listed

    def names(self, query: str = "") -> list[str]:
        return [job["name"] for job in self.listed(query)["jobs"]]


@pytest.fixture
def jobs(server: Any) -> Jobs:
    return Jobs(server)


def done(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.content, "content-type" in answer.headers) == (204, b"", False), answer.text


# ---- create and show


def test_create_job__a_name_and_a_type_are_enough(jobs: Jobs) -> None:
    done(jobs.create())
    shown = jobs.shown()
    assert isinstance(shown.pop("id"), int)
    assert shown.pop("createTime") > 1_700_000_000_000
    assert shown == {
        "name": "daily",
        "processType": "BATCH",
        "jobType": "BATCH",
        "directory": "/",
        "schedule": {"type": "EXECUTE_ONCE", "scheType": "EXECUTE_ONCE"},
        "nodes": [],
        "version": "1",
        "lastUpdateUser": "admin",
    }


def test_show_job__gives_what_was_created_with_the_spellings_of_every_client(jobs: Jobs) -> None:
    done(jobs.create(name="up"))
    body = {
        "name": "all-members",
        "processType": "REAL_TIME",
        "directory": "/dir/a/",
        "description": "what it is",
        "logPath": "obs://logs/here/",
        "params": [{"name": "p", "value": "1", "type": "constants"}],
        "basicConfig": {"owner": "ann", "priority": 1, "instanceTimeout": 0, "customFields": {"k": "v"}, "tags": ["t"]},
        "schedule": {
            "type": "CRON",
            "cron": {
                "expression": "0 0/5 * * * ?",
                "startTime": "2018-10-22T23:59:59+08",
                "endTime": "2028-10-22T23:59:59+08:00",
                "dependPrePeriod": True,
                "dependJobs": {"jobs": ["up"], "dependPeriod": "SAME_PERIOD", "dependFailPolicy": "IGNORE"},
            },
        },
        "nodes": [
            {"name": "first", "type": "DWS SQL", "location": {"x": 1, "y": -2}, "properties": []},
            {
                "name": "second",
                "type": "Shell",
                "location": {"x": "-45.5", "y": 2.4},
                "preNodeName": ["first"],
                "conditions": [{"preNodeName": "first", "expression": "#{Job.a}"}],
                "properties": [{"name": "scriptName", "value": "s"}, {"name": "odd", "value": True}],
                "pollingInterval": 10,
                "maxExecutionTime": 60,
                "retryTimes": 0,
                "retryInterval": 120,
                "failPolicy": "FAIL_CHILD",
                "execTimeOutRetry": "false",
                "cronTrigger": {"expression": "0 0 1 * * ?", "period": "1 days"},
            },
        ],
    }
    done(jobs.post(body))
    shown = jobs.shown("all-members")
    for name in ("id", "createTime"):
        assert shown.pop(name) > 0
    second = body["nodes"][1]
    assert shown == body | {
        "version": "1",
        "lastUpdateUser": "admin",
        "jobType": "REAL_TIME",
        "params": [{"name": "p", "value": "1", "type": "constants", "paramType": "constants"}],
        "schedule": {**body["schedule"], "scheType": "CRON"},
        "nodes": [
            {**body["nodes"][0], "nodeType": "DWS SQL", "preNodeName": [], "preNodeNames": ""},
            {
                **second,
                "location": {"x": -46, "y": 2},
                "properties": [{"name": "scriptName", "value": "s"}, {"name": "odd", "value": "true"}],
                "nodeType": "Shell",
                "preNodeNames": "first",
                "condition": second["conditions"],
                "cron_trigger": second["cronTrigger"],
            },
        ],
    }


def test_create_job__unknown_members_come_back_as_written_at_every_level(jobs: Jobs) -> None:
    text = (
        '{"name":"daily","processType":"BATCH","resouces":[1.50,1E5,12345678901234567890],"maskedParams":{"z":1,"a":2},'
        '"schedule":{"type":"CRON","cron":{"expression":"0 0 1 * * ?","calendarScheduling":{"x":1.0}}},'
        '"nodes":[{"name":"n","type":"Odd","lineageInfo":"l","deep":{"é":"中"}}]}'
    )
    done(jobs.http.post(JOBS, content=text.encode(), headers={**jobs.headers, "content-type": "application/json"}))
    shown = jobs.call("GET").text
    for member in (
        '"resouces":[1.50,1E5,12345678901234567890]',
        '"maskedParams":{"z":1,"a":2}',
        '"calendarScheduling":{"x":1.0}',
        '"lineageInfo":"l","deep":{"é":"中"}',
    ):
        assert member in shown


def test_create_job__members_of_the_server_in_the_body_are_not_believed(jobs: Jobs) -> None:
    done(jobs.create(id=5, version="9", createTime=1))
    shown = jobs.shown()
    assert (shown["id"] != 5, shown["version"], shown["createTime"] > 1) == (True, "1", True)


def test_create_job__spellings_of_the_older_sdk_count_where_the_canonical_member_is_missing(jobs: Jobs) -> None:
    older = {
        "nodeType": "Shell",
        "preNodeNames": "a, b",
        "condition": [],
        "nodeProperties": [{"name": "k", "value": 1}],
    }
    done(
        jobs.create(
            processType=...,
            jobType="REAL_TIME",
            schedule={"scheType": "CRON"},
            params=[{"name": "p", "value": "v", "paramType": "constants"}],
            nodes=[{"name": "a", "nodeType": "Dummy"}, {"name": "b", "nodeType": "Dummy"}, {"name": "c", **older}],
        )
    )
    shown = jobs.shown()
    assert (shown["processType"], shown["schedule"]["type"], shown["params"][0]["type"]) == (
        "REAL_TIME",
        "CRON",
        "constants",
    )
    node = shown["nodes"][2]
    assert (node["type"], node["preNodeName"], node["conditions"], node["properties"]) == (
        "Shell",
        ["a", "b"],
        [],
        [{"name": "k", "value": "1"}],
    )
    assert jobs.names("?jobType=REAL_TIME") == ["daily"]


def test_create_job__what_clients_send_for_nothing_is_nothing(jobs: Jobs) -> None:
    done(
        jobs.create(
            description=None,
            directory="",
            logPath="",
            targetStatus="",
            basicConfig={"instanceTimeout": 0, "tags": {}, "owner": ""},
            schedule={
                "type": "EVENT",
                "event": {"eventType": "OBS", "failPolicy": "", "concurrent": 0, "readPolicy": ""},
            },
            nodes=[{**NODE, "failPolicy": "", "location": None, "properties": None}],
        )
    )
    assert jobs.shown()["basicConfig"]["tags"] == []


def test_create_job__a_job_may_be_called_like_an_operation(jobs: Jobs) -> None:
    for name in ("import", "instances", "batch-export"):
        done(jobs.create(name=name))
        assert jobs.shown(name)["name"] == name
    assert sorted(jobs.names()) == ["batch-export", "import", "instances"]


def test_create_job__a_name_may_be_chinese_and_belongs_to_its_workspace(jobs: Jobs, server: Any) -> None:
    done(jobs.create(name="每日-任务_1.0"))
    other = Jobs(server)
    assert failure(other.call("GET", "每日-任务_1.0")) == refused(
        "DLF.0100", "The job does not exists. name: '每日-任务_1.0'."
    )
    done(other.create(name="每日-任务_1.0"))
    assert jobs.shown("每日-任务_1.0")["id"] != other.shown("每日-任务_1.0")["id"]


def test_create_job__a_body_is_needed(jobs: Jobs) -> None:
    text = "The specified parameter is not configured. The request needs a JSON body."
    for body in (b"", b"null"):
        answer = jobs.http.post(JOBS, content=body, headers={**jobs.headers, "content-type": "application/json"})
        assert failure(answer) == refused("DLF.0802", text)


def test_create_job__a_name_in_use_answers_dlf_0102(jobs: Jobs) -> None:
    done(jobs.create(directory="/one"))
    expected = refused("DLF.0102", "The job name already exists. name: 'daily'.")
    assert failure(jobs.create(directory="/two", processType="REAL_TIME")) == expected
    assert jobs.shown()["directory"] == "/one"


def _cron(**members: Any) -> dict[str, Any]:
    return {"schedule": {"type": "CRON", "cron": members}}


def _event(**members: Any) -> dict[str, Any]:
    return {"schedule": {"type": "EVENT", "event": members}}


def _node(**members: Any) -> dict[str, Any]:
    return {"nodes": [{**NODE, **members}]}


TEXTS = {
    "DLF.0803": "The OBS path is invalid.",
    "DLF.2014": "The job object type is invalid.",
    "DLF.3004": "The job name cannot be left blank.",
    "DLF.3018": "The job name is invalid.",
    "DLF.3025": "The job scheduling parameter is invalid.",
    "DLF.3050": "The job description is invalid.",
    "DLF.3051": "The request parameter is invalid.",
}
WRONG_NAMES = [
    ({"name": ...}, "DLF.3004", ""),
    ({"name": None}, "DLF.3004", ""),
    ({"name": ""}, "DLF.3004", ""),
    ({"name": "a b"}, "DLF.3018", f"name: 'a b' {NAME_RULE}"),
    ({"name": "a/b"}, "DLF.3018", f"name: 'a/b' {NAME_RULE}"),
    ({"name": ".."}, "DLF.3018", f"name: '..' {NAME_RULE}"),
    ({"name": "x" * 129}, "DLF.3018", f"name: '{'x' * 129}' {NAME_RULE}"),
    ({"name": 5}, "DLF.3051", "name: expected `str | null`, got `int`."),
]
WRONG_MEMBERS = [
    ({"processType": ""}, "DLF.2014", "processType: 'missing' is neither BATCH nor REAL_TIME."),
    ({"processType": "STREAM"}, "DLF.2014", "processType: 'STREAM' is neither BATCH nor REAL_TIME."),
    ({"description": "x" * 1025}, "DLF.3050", "description: 1025 characters are more than 1024."),
    ({"logPath": "/tmp/x"}, "DLF.0803", "logPath: '/tmp/x' is not of the form obs://bucket/key"),
    ({"directory": "/a b"}, "DLF.3051", "directory: '/a b' is no path of at most 10 levels of 1 to 64 characters."),
    (
        {"directory": "/a" * 11},
        "DLF.3051",
        f"directory: '{'/a' * 11}' is no path of at most 10 levels of 1 to 64 characters.",
    ),
    ({"targetStatus": "LIVE"}, "DLF.3051", "targetStatus: 'LIVE' is none of SAVED, SUBMITTED, PRODUCTION."),
    (
        {"params": [{"name": "a b"}]},
        "DLF.3051",
        "params[0].name: 'a b' is not 1 to 64 letters, digits, '-', '_' or '.'.",
    ),
    ({"params": [{"name": "a"}, {"name": "a"}]}, "DLF.3051", "params[1].name: 'a' occurs twice."),
    ({"params": [{"name": "a", "value": "x" * 1025}]}, "DLF.3051", "params[0].value: more than 1024 characters."),
    ({"params": {}}, "DLF.3051", "params: expected `array | null`, got `object`."),
    ({"basicConfig": {"priority": 3}}, "DLF.3051", "basicConfig.priority: 3 is not between 0 and 2."),
    ({"basicConfig": {"taskPriority": -1}}, "DLF.3051", "basicConfig.taskPriority: -1 is not between 0 and 2."),
    (
        {"basicConfig": {"instanceTimeout": 1441}},
        "DLF.3051",
        "basicConfig.instanceTimeout: 1441 is not between 0 and 1440.",
    ),
    ({"basicConfig": {"owner": "x" * 129}}, "DLF.3051", "basicConfig.owner: more than 128 characters."),
    (
        {"basicConfig": {"customFields": {"a": "x" * 2048}}},
        "DLF.3051",
        "basicConfig.customFields: more than 2048 characters together.",
    ),
    (
        {"schedule": {"type": "DAILY"}},
        "DLF.3025",
        "schedule.type: 'DAILY' is none of EXECUTE_ONCE, CRON, EVENT, EVENT_TRIGGER, RUN_ONCE, SCHEDULE.",
    ),
    (
        _cron(expression="0 0 1 * *"),
        "DLF.3025",
        "schedule.cron.expression: '0 0 1 * *' has 5 fields, not 6: second minute hour day month weekday.",
    ),
    (
        _cron(startTime="today"),
        "DLF.3025",
        "schedule.cron.startTime: 'today' is no time like 2018-10-22T23:59:59+08.",
    ),
    (
        _cron(startTime="2018-10-22T23:59:59"),
        "DLF.3025",
        "schedule.cron.startTime: '2018-10-22T23:59:59' has no time zone; write 2018-10-22T23:59:59+08.",
    ),
    (
        _cron(startTime="2018-10-22T23:59:59+08", endTime="2017-10-22T23:59:59+08"),
        "DLF.3025",
        "schedule.cron.endTime: '2017-10-22T23:59:59+08' is before startTime '2018-10-22T23:59:59+08'.",
    ),
    (
        _cron(dependJobs={"jobs": ["nobody"]}),
        "DLF.3025",
        "schedule.cron.dependJobs.jobs: there is no job 'nobody'.",
    ),
    (
        _cron(dependJobs={"jobs": ["\0"]}),
        "DLF.3025",
        "schedule.cron.dependJobs.jobs: there is no job '\\x00'.",
    ),
    (
        _cron(dependJobs={"jobs": [], "dependPeriod": "NEXT"}),
        "DLF.3025",
        "schedule.cron.dependJobs.dependPeriod: 'NEXT' is none of SAME_PERIOD, PRE_PERIOD.",
    ),
    (
        _cron(dependJobs={"jobs": [], "dependFailPolicy": "RETRY"}),
        "DLF.3025",
        "schedule.cron.dependJobs.dependFailPolicy: 'RETRY' is none of FAIL, IGNORE, SUSPEND.",
    ),
    (_event(eventType="MAIL"), "DLF.3051", "schedule.event.eventType: 'MAIL' is none of KAFKA, DIS, OBS."),
    (_event(failPolicy="STOP"), "DLF.3051", "schedule.event.failPolicy: 'STOP' is none of SUSPEND, IGNORE, CONTINUE."),
    (_event(readPolicy="ALL"), "DLF.3051", "schedule.event.readPolicy: 'ALL' is none of LAST, NEW."),
    (_event(concurrent=129), "DLF.3051", "schedule.event.concurrent: 129 is not between 0 and 128."),
]
WRONG_NODES = [
    ({"nodes": [{}]}, "nodes[0].name: None is not 1 to 128 letters, digits or - _ . / < >."),
    ({"nodes": [{"name": "n"}]}, "nodes[0].type: node 'n' has no type."),
    ({"nodes": [NODE, NODE]}, "nodes[1].name: 'n' occurs twice."),
    ({"nodes": [None]}, "nodes[0]: expected `object`, got `null`."),
    ({"nodes": [{"name": f"n{i}", "type": "Dummy"} for i in range(201)]}, "nodes: 201 are more than 200."),
    (_node(preNodeName=["m"]), "nodes[n].preNodeName: there is no node 'm'."),
    (_node(preNodeName=["n"]), "nodes: they wait for each other: n → n."),
    (_node(pollingInterval=61), "nodes[0].pollingInterval: 61 is not between 1 and 60."),
    (_node(maxExecutionTime=4), "nodes[0].maxExecutionTime: 4 is not between 5 and 7200."),
    (_node(retryTimes=6), "nodes[0].retryTimes: 6 is not between 0 and 5."),
    (_node(retryInterval=4), "nodes[0].retryInterval: 4 is not between 5 and 600."),
    (_node(retryTimes="often"), "nodes[0].retryTimes: expected `int | null`, got `str`."),
    (
        _node(failPolicy="STOP"),
        "nodes[0].failPolicy: 'STOP' is none of FAIL, IGNORE, SUSPEND, FAIL_CHILD, EXIT, CONTINUE, EXIT_CHILD.",
    ),
    (_node(properties=[{"value": "x"}]), "nodes[0].properties[0].name: missing."),
    (_node(conditions=[{"expression": "x"}]), "nodes[0].conditions[0].preNodeName: missing."),
    (_node(eventTrigger={"eventType": "X"}), "nodes[0].eventTrigger.eventType: 'X' is none of KAFKA, DIS, OBS."),
]


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    WRONG_NAMES + WRONG_MEMBERS + [(body, "DLF.3051", detail) for body, detail in WRONG_NODES],
)
def test_create_job__a_wrong_definition_answers_its_code_with_member_and_value(
    jobs: Jobs, body: dict[str, Any], code: str, detail: str
) -> None:
    assert failure(jobs.create(**body)) == refused(code, f"{TEXTS[code]} {detail}".strip())
    assert jobs.listed() == {"total": 0, "jobs": []}


@pytest.mark.parametrize(
    ("body", "code", "detail"), WRONG_MEMBERS + [(body, "DLF.3051", detail) for body, detail in WRONG_NODES]
)
def test_update_job__a_wrong_definition_answers_its_code_and_changes_nothing(
    jobs: Jobs, body: dict[str, Any], code: str, detail: str
) -> None:
    done(jobs.create())
    before = jobs.shown()
    assert failure(jobs.update(**body)) == refused(code, f"{TEXTS[code]} {detail}")
    assert jobs.shown() == before


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (b'"\xff"', "The body is not valid JSON in UTF-8: "),
        (b"9" * 5000, "The body is not valid JSON in UTF-8: "),
        (b"[" * 5000 + b"]" * 5000, "The body is nested too deeply."),
        (b"NaN", "The body is not valid JSON in UTF-8: "),
    ],
)
def test_create_job__what_could_not_be_read_again_answers_dlf_3051(jobs: Jobs, odd: bytes, reason: str) -> None:
    body = b'{"name":"daily","processType":"BATCH","odd":' + odd + b"}"
    told = failure(jobs.http.post(JOBS, content=body, headers=jobs.headers))
    assert told["error_msg"].startswith(f"The request parameter is invalid. {reason}")
    assert {**told, "error_msg": ""} == refused("DLF.3051", "")


def test_create_job__an_unknown_workspace_answers_dlf_0819(server: Any) -> None:
    unknown = "0" * 32
    answer = server.http.post(JOBS, json={"name": "j", "processType": "BATCH"}, headers={"workspace": unknown})
    assert failure(answer)["error_code"] == "DLF.0819"
    assert unknown in failure(answer)["error_msg"]


# ---- update and versions


def test_update_job__replaces_the_whole_definition_and_keeps_the_identity(jobs: Jobs) -> None:
    done(jobs.create(description="old", directory="/old", nodes=[NODE], params=[{"name": "p", "value": "v"}]))
    before = jobs.shown()
    done(jobs.update(processType="REAL_TIME", schedule={"type": "CRON"}))
    assert jobs.shown() == {
        "name": "daily",
        "processType": "REAL_TIME",
        "jobType": "REAL_TIME",
        "directory": "/",
        "schedule": {"type": "CRON", "scheType": "CRON"},
        "nodes": [],
        "id": before["id"],
        "createTime": before["createTime"],
        "version": "2",
        "lastUpdateUser": "admin",
    }
    assert (jobs.names(), jobs.names("?jobType=REAL_TIME")) == ([], ["daily"])


def test_update_job__a_name_in_the_body_does_not_rename(jobs: Jobs) -> None:
    done(jobs.create())
    done(jobs.call("PUT", json={"name": "other", "processType": "BATCH"}))
    assert jobs.shown()["name"] == "daily"
    assert jobs.names() == ["daily"]


def test_update_job__a_job_that_was_read_can_be_sent_back(jobs: Jobs) -> None:
    done(
        jobs.create(
            params=[{"name": "p", "value": "v"}],
            nodes=[NODE, {**NODE, "name": "m", "preNodeName": ["n"], "cronTrigger": {"expression": "0 0 1 * * ?"}}],
        )
    )
    shown = jobs.shown()
    done(jobs.call("PUT", json=shown))
    assert jobs.shown() == {**shown, "version": "2"}


def test_update_job__spellings_that_only_repeat_a_member_are_not_stored(jobs: Jobs, server: Any) -> None:
    done(jobs.create(nodes=[{**NODE, "cronTrigger": {"expression": "0 0 1 * * ?"}}]))
    done(jobs.call("PUT", json=jobs.shown()))
    text = stored_text(server, jobs)
    for extra in ("cron_trigger", "nodeType", "jobType", "scheType", "preNodeNames"):
        assert extra not in text
    assert '"cronTrigger":{"expression":"0 0 1 * * ?"}' in text


def test_update_job__an_unknown_job_answers_dlf_0100(jobs: Jobs) -> None:
    assert failure(jobs.update("none")) == refused("DLF.0100", "The job does not exists. name: 'none'.")


def test_update_job__a_body_is_needed(jobs: Jobs) -> None:
    text = "The specified parameter is not configured. The request needs a JSON body."
    assert failure(jobs.call("PUT")) == refused("DLF.0802", text)


def test_show_job__versions_are_what_was_submitted_and_saving_only_changes_the_draft(jobs: Jobs) -> None:
    done(jobs.create(description="one"))
    done(jobs.update(description="two"))
    done(jobs.update(description="draft", targetStatus="SAVED"))
    queries = ("", "?version=1", "?version=2", "?getJobSubmitVersion=true", "?version=-1")
    assert [(jobs.shown(query=query)["description"], jobs.shown(query=query)["version"]) for query in queries] == [
        ("draft", "2"),
        ("one", "1"),
        ("two", "2"),
        ("two", "2"),
        ("draft", "2"),
    ]
    done(jobs.update(description="three", targetStatus="SUBMITTED"))
    assert (jobs.shown()["version"], jobs.shown(query="?getJobSubmitVersion=true")["description"]) == ("3", "three")
    assert "targetStatus" not in jobs.shown()


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?version=7", "version: job 'daily' has no submitted version 7."),
        ("?version=0", "version: job 'daily' has no submitted version 0."),
        ("?version=one", "version: expected `int`, got `str`."),
        ("?version=99999999999999999999", "version: 99999999999999999999 is not between 1 and 2147483647."),
        ("?getJobSubmitVersion=perhaps", "getJobSubmitVersion: expected `bool`, got `str`."),
    ],
)
def test_show_job__a_wrong_version_answers_dlf_3051(jobs: Jobs, query: str, detail: str) -> None:
    done(jobs.create())
    assert failure(jobs.call("GET", query=query)) == refused("DLF.3051", f"The request parameter is invalid. {detail}")


def test_show_job__a_job_that_was_only_saved_has_no_submitted_version(jobs: Jobs) -> None:
    done(jobs.create(targetStatus="SAVED"))
    assert jobs.shown()["version"] == "0"
    text = "The request parameter is invalid. version: job 'daily' has no submitted version 0."
    assert failure(jobs.call("GET", query="?getJobSubmitVersion=true")) == refused("DLF.3051", text)


def test_show_job__an_unknown_job_answers_dlf_0100(jobs: Jobs) -> None:
    assert failure(jobs.call("GET", "none")) == refused("DLF.0100", "The job does not exists. name: 'none'.")


def test_show_job__names_the_jobs_that_depend_on_it_when_asked(jobs: Jobs) -> None:
    done(jobs.create())
    done(jobs.create(name="after", **_cron(dependJobs={"jobs": ["daily"]})))
    assert "downstreamJobs" not in jobs.shown()
    (found,) = jobs.shown(query="?dependencies=true")["downstreamJobs"]
    assert re.fullmatch(r"ws_\d+", found.pop("workSpace"))
    assert found == {"jobName": "after", "jobId": jobs.shown("after")["id"]}
    done(jobs.update("after"))
    assert jobs.shown(query="?dependencies=true")["downstreamJobs"] == []


# ---- sensitive properties


def stored_text(server: Any, jobs: Jobs, name: str = "daily") -> str:
    """What the database holds of a job."""
    from headrace.storage import jobs as stored

    with server.services.db.reading() as connection:
        found = stored.with_text(connection, jobs.headers["workspace"], name)
    assert found is not None
    return found[1]


def _secret(value: str, **members: Any) -> dict[str, Any]:
    item = {"name": "password", "value": value, "value_is_sensitive": True}
    return _node(properties=[{**item, **members}, {"name": "plain", "value": "seen"}])


def test_show_job__a_sensitive_property_is_masked_and_sealed_at_rest(jobs: Jobs, server: Any) -> None:
    done(jobs.create(**_secret("hunter2")))
    assert [item["value"] for item in jobs.shown()["nodes"][0]["properties"]] == [MASK, "seen"]
    assert "hunter2" not in stored_text(server, jobs)
    assert "hunter2" not in jobs.call("GET", query="?version=1").text


def test_update_job__the_mask_keeps_the_secret_and_another_value_replaces_it(jobs: Jobs, server: Any) -> None:
    from headrace.factory.job_secrets import unseal_job

    def secret() -> str:
        text = unseal_job(stored_text(server, jobs), server.services.sealer)
        value: str = json.loads(text)["nodes"][0]["properties"][0]["value"]
        return value

    done(jobs.create(**_secret("hunter2")))
    done(jobs.call("PUT", json=jobs.shown()))
    assert secret() == "hunter2"
    done(jobs.update(**_secret("hunter3")))
    assert secret() == "hunter3"


def test_update_job__the_mask_keeps_the_secret_also_for_clients_that_drop_its_mark(jobs: Jobs, server: Any) -> None:
    done(jobs.create(**_secret("hunter2")))
    sealed = json.loads(stored_text(server, jobs))["nodes"][0]["properties"][0]
    shown = jobs.shown()
    del shown["nodes"][0]["properties"][0]["value_is_sensitive"]
    done(jobs.call("PUT", json=shown))
    assert json.loads(stored_text(server, jobs))["nodes"][0]["properties"][0] == sealed
    assert jobs.shown()["nodes"][0]["properties"][0]["value"] == MASK


def test_create_job__a_secret_in_the_older_spelling_is_sealed_and_masked_too(jobs: Jobs, server: Any) -> None:
    older = [{"name": "password", "value": "hunter2", "value_is_sensitive": True}]
    done(jobs.create(nodes=[{**NODE, "nodeProperties": older}]))
    assert "hunter2" not in stored_text(server, jobs)
    assert "hunter2" not in jobs.call("GET").text
    done(jobs.call("PUT", json=jobs.shown()))
    assert jobs.shown()["nodes"][0]["properties"] == [{**older[0], "value": MASK}]


# ---- list


def test_list_jobs__a_row_has_every_documented_member_that_is_set(jobs: Jobs) -> None:
    done(jobs.create(directory="/d/e/", basicConfig={"owner": "ann", "priority": 2}, singleNodeJobFlag=True))
    listed = jobs.listed()
    (row,) = listed["jobs"]
    assert row.pop("createTime") == row.pop("lastUpdateTime")
    assert (listed["total"], row) == (
        1,
        {
            "name": "daily",
            "jobType": "BATCH",
            "status": "STOPPED",
            "owner": "ann",
            "priority": 2,
            "path": "/d/e",
            "singleNodeJobFlag": True,
            "createUser": "admin",
            "lastUpdateUser": "admin",
        },
    )


def test_list_jobs__one_type_newest_first_by_pages(jobs: Jobs) -> None:
    for number in range(5):
        done(jobs.create(name=f"b{number}"))
    done(jobs.create(name="r", processType="REAL_TIME"))
    assert jobs.names() == ["b4", "b3", "b2", "b1", "b0"]
    assert jobs.names("?jobType=REAL_TIME") == ["r"]
    assert [jobs.names(f"?limit=2&offset={page}") for page in range(4)] == [["b4", "b3"], ["b2", "b1"], ["b0"], []]
    assert jobs.listed("?limit=2&offset=9")["total"] == 5


def test_list_jobs__ten_rows_unless_told_otherwise(jobs: Jobs) -> None:
    for number in range(11):
        done(jobs.create(name=f"j{number}"))
    assert (len(jobs.names()), len(jobs.names("?limit=1000"))) == (10, 11)


def test_list_jobs__the_name_filter_takes_a_part_literally_and_minds_the_case(jobs: Jobs) -> None:
    for name in ("Sales_day", "sales.day", "stock"):
        done(jobs.create(name=name))
    assert [jobs.names(f"?jobName={part}") for part in ("ales", "s_d", "s%25", "SALES", "")] == [
        ["sales.day", "Sales_day"],
        ["Sales_day"],
        [],
        [],
        ["stock", "sales.day", "Sales_day"],
    ]


def test_list_jobs__tags_ask_for_all_of_them(jobs: Jobs) -> None:
    for name, tags in (("a", ["x", "y"]), ("b", ["x"]), ("c", ["xy"]), ("d", [])):
        done(jobs.create(name=name, basicConfig={"tags": tags}))
    assert [jobs.names(f"?tags={tags}") for tags in ("x", "x,y", "y,%20x,x", "xy", "z", "x,z")] == [
        ["b", "a"],
        ["a"],
        ["a"],
        ["c"],
        [],
        [],
    ]
    done(jobs.update("a", basicConfig={"tags": ["z"]}))
    assert (jobs.names("?tags=x"), jobs.names("?tags=z")) == (["b"], ["a"])


@pytest.mark.parametrize(
    ("query", "code", "detail"),
    [
        ("?limit=0", "DLF.3051", "limit: 0 is not between 1 and 1000."),
        ("?limit=1001", "DLF.3051", "limit: 1001 is not between 1 and 1000."),
        ("?limit=ten", "DLF.3051", "limit: expected `int`, got `str`."),
        ("?offset=-1", "DLF.3051", "offset: -1 is not a page number from 0."),
        ("?jobType=ALL", "DLF.2014", "processType: 'ALL' is neither BATCH nor REAL_TIME."),
    ],
)
def test_list_jobs__a_wrong_query_answers_its_code(jobs: Jobs, query: str, code: str, detail: str) -> None:
    answer = jobs.http.get(f"{JOBS}{query}", headers=jobs.headers)
    assert failure(answer) == refused(code, f"{TEXTS[code]} {detail}")


# ---- delete


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"json": {}},
        {"json": {"approvers": [{"approverName": "ann"}]}},
        {"content": b"null", "headers": {}},
        {"content": b"", "headers": {}},
    ],
)
def test_delete_job__removes_it_whatever_body_is_sent(jobs: Jobs, options: dict[str, Any]) -> None:
    done(jobs.create())
    headers = {**jobs.headers, "content-type": "application/json"}
    done(jobs.http.request("DELETE", f"{JOBS}/daily", **{**options, "headers": headers}))
    assert failure(jobs.call("GET")) == refused("DLF.0100", "The job does not exists. name: 'daily'.")
    assert jobs.listed() == {"total": 0, "jobs": []}


def test_delete_job__the_name_is_free_again_and_means_another_job(jobs: Jobs) -> None:
    done(jobs.create())
    done(jobs.update(description="two"))
    before = jobs.shown()["id"]
    done(jobs.call("DELETE"))
    done(jobs.create())
    assert (jobs.shown()["id"] != before, jobs.shown()["version"]) == (True, "1")
    assert failure(jobs.call("GET", query="?version=2"))["error_code"] == "DLF.3051"


def test_delete_job__an_unknown_job_answers_dlf_0100(jobs: Jobs) -> None:
    assert failure(jobs.call("DELETE", "none")) == refused("DLF.0100", "The job does not exists. name: 'none'.")


# ---- the official clients


def test_sdk_dgc__authors_a_job_from_create_to_delete(server: Any) -> None:
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
    from huaweicloudsdkdgc.v1 import (
        CreateJobRequest,
        DeleteJobRequest,
        JobInfo,
        JobParam,
        ListJobsRequest,
        Location,
        ModelProperty,
        Node,
        Schedule,
        ShowJobRequest,
        UpdateJobRequest,
    )

    client, workspace = server.sdk_dgc(), server.workspace()
    node = Node(
        name="n",
        type="Shell",
        location=Location(x="10", y="20.5"),
        properties=[ModelProperty(name="arguments", value="a")],
    )
    job = JobInfo(
        name="sdk", process_type="BATCH", nodes=[node], schedule=Schedule(type="EXECUTE_ONCE"),
        params=[JobParam(name="p", value="1")], directory="/sdk",
    )  # fmt: skip
    assert client.create_job(CreateJobRequest(workspace=workspace, body=job)).status_code == 204
    shown = client.show_job(ShowJobRequest(workspace=workspace, job_name="sdk"))
    assert (shown.name, shown.process_type, shown.directory, shown.version) == ("sdk", "BATCH", "/sdk", "1")
    assert (shown.nodes[0].location.x, shown.nodes[0].location.y) == ("10", "21")
    assert (shown.nodes[0].properties[0].value, shown.params[0].value) == ("a", "1")
    listed = client.list_jobs(ListJobsRequest(workspace=workspace, job_name="sd", limit=5, offset=0))
    assert (listed.total, [item.name for item in listed.jobs]) == (1, ["sdk"])
    job.process_type = "REAL_TIME"
    assert client.update_job(UpdateJobRequest(workspace=workspace, job_name="sdk", body=job)).status_code == 204
    assert client.show_job(ShowJobRequest(workspace=workspace, job_name="sdk")).process_type == "REAL_TIME"
    assert client.delete_job(DeleteJobRequest(workspace=workspace, job_name="sdk")).status_code == 204
    with pytest.raises(ClientRequestException) as refusal:
        client.show_job(ShowJobRequest(workspace=workspace, job_name="sdk"))
    assert (refusal.value.status_code, refusal.value.error_code) == (400, "DLF.0100")
    assert refusal.value.error_msg == "The job does not exists. name: 'sdk'."
    assert re.fullmatch("[0-9a-f]{32}", refusal.value.request_id)


def test_sdk_dlf__authors_a_job_in_the_older_spelling(server: Any) -> None:
    from huaweicloudsdkdlf.v1 import (
        CreateJobRequest,
        DeleteJobRequest,
        JobInfo,
        ListJobsRequest,
        Location,
        Node,
        Schedule,
        ShowJobRequest,
        UpdateJobRequest,
    )

    client, workspace = server.sdk_dlf(), server.workspace()
    nodes = [
        Node(name="a", node_type="Dummy", location=Location(x="1", y="2")),
        Node(name="b", node_type="Dummy", location=Location(x="3", y="4"), pre_node_names="a"),
    ]
    job = JobInfo(name="older", job_type="BATCH", nodes=nodes, schedule=Schedule(sche_type="EXECUTE_ONCE"))
    assert client.create_job(CreateJobRequest(workspace=workspace, body=job)).status_code == 204
    shown = client.show_job(ShowJobRequest(workspace=workspace, job_name="older"))
    assert (shown.name, shown.job_type, shown.schedule.sche_type) == ("older", "BATCH", "EXECUTE_ONCE")
    assert [(node.name, node.node_type, node.pre_node_names) for node in shown.nodes] == [
        ("a", "Dummy", ""),
        ("b", "Dummy", "a"),
    ]
    assert [item.name for item in client.list_jobs(ListJobsRequest(workspace=workspace)).jobs] == ["older"]
    job.job_type = "REAL_TIME"
    assert client.update_job(UpdateJobRequest(workspace=workspace, job_name="older", body=job)).status_code == 204
    assert client.show_job(ShowJobRequest(workspace=workspace, job_name="older")).job_type == "REAL_TIME"
    assert client.delete_job(DeleteJobRequest(workspace=workspace, job_name="older")).status_code == 204
