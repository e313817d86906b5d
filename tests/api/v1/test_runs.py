"""Jobs run as a client sees it: run-immediate, start, stop, instances, restart."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from running_jobs import Jobs, code, dummy, shell, states


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


# ---- run-immediate


@pytest.mark.parametrize("body", [None, {}, {"jobParams": []}, {"useExecutionUser": "true"}])
def test_run_once__a_job_succeeds_and_its_status_stays_stopped(jobs: Jobs, body: Any) -> None:
    name = jobs.create(f"once_{time.time_ns()}", dummy("a"), dummy("b", "a"))
    shown = jobs.ended(name, jobs.run(name, body))
    assert (shown["status"], states(shown), shown["instanceType"]) == ("success", {"a": "success", "b": "success"}, 2)
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "STOPPED"


def test_run_once__unknown_name_answers_dlf_0100(jobs: Jobs) -> None:
    assert code(jobs.call("POST", "/nobody/run-immediate")) == (400, "DLF.0100")


def test_run_once__a_real_time_job_answers_dlf_0136(jobs: Jobs) -> None:
    name = jobs.create("endless", dummy("a"), processType="REAL_TIME")
    assert code(jobs.call("POST", f"/{name}/run-immediate")) == (400, "DLF.0136")


def test_run_once__a_job_without_nodes_answers_dlf_1006(jobs: Jobs) -> None:
    name = jobs.create("hollow")
    assert code(jobs.call("POST", f"/{name}/run-immediate")) == (400, "DLF.1006")


def test_run_once__a_job_that_was_only_saved_answers_dlf_3051(jobs: Jobs) -> None:
    name = jobs.create("saved", dummy("a"), targetStatus="SAVED")
    answer = jobs.call("POST", f"/{name}/run-immediate")
    assert code(answer) == (400, "DLF.3051")
    assert "has not been submitted" in answer.json()["error_msg"]


def test_run_once__a_bad_parameter_name_is_named(jobs: Jobs) -> None:
    name = jobs.create("picky", dummy("a"))
    answer = jobs.call("POST", f"/{name}/run-immediate", {"jobParams": [{"name": "a b", "value": "1"}]})
    assert code(answer) == (400, "DLF.3051")
    assert "jobParams[0].name: 'a b'" in answer.json()["error_msg"]


# ---- programs, parameters and logs


def test_parameters__of_the_call_beat_those_of_the_job_and_expressions_are_evaluated(jobs: Jobs) -> None:
    name = jobs.create(
        "greeting",
        shell("say", "echo ${who} ${day} ${unknown:-shell}"),
        shell("repeat", 'echo "#{Job.getNodeOutput("say")}"', "say"),
        params=[
            {"name": "who", "value": "nobody"},
            {"name": "day", "value": '#{DateUtil.format(DateUtil.parseDate("20240105","yyyyMMdd"),"yyyy/MM/dd")}'},
        ],
    )
    shown = jobs.ended(name, jobs.run(name, {"jobParams": [{"name": "who", "value": "world", "type": "variable"}]}))
    assert shown["status"] == "success", shown
    assert "world 2024/01/05 shell\n" in jobs.log(shown, "say")
    assert "world 2024/01/05 shell\n" in jobs.log(shown, "repeat")


def test_log_path__is_the_documented_one(jobs: Jobs) -> None:
    name = jobs.create("logged", shell("say", "echo out; echo err >&2"), logPath="obs://my-logs/below")
    shown = jobs.ended(name, jobs.run(name))
    folder = datetime.fromtimestamp(shown["planTime"] / 1000, UTC).astimezone(ZoneInfo("Asia/Shanghai"))
    expected = f"obs://my-logs/below/logged/{folder:%Y-%m-%d %H_%M_%S}.{shown['planTime'] % 1000:03d}/say/say.job"
    assert shown["nodes"][0]["logPath"] == expected
    text = jobs.log(shown, "say")
    assert "out\n" in text
    assert "err\n" in text


def test_log_path__without_one_is_in_the_bucket_of_the_project(jobs: Jobs) -> None:
    name = jobs.create("unlogged", shell("say", "echo out"))
    shown = jobs.ended(name, jobs.run(name))
    assert shown["nodes"][0]["logPath"].startswith(f"obs://dlf-log-{jobs.server.project_id}/unlogged/")


def test_shell__a_bad_exit_code_fails_and_says_so(jobs: Jobs) -> None:
    name = jobs.create("broken", shell("bad", "echo before; exit 3"), dummy("after", "bad"))
    shown = jobs.ended(name, jobs.run(name))
    assert (shown["status"], states(shown)) == ("fail", {"bad": "fail", "after": "waiting"})
    assert shown["nodes"][0]["errorMessage"] == "Shell exit code is not 0: return code 3."
    assert "before\n" in jobs.log(shown, "bad")


def test_shell__sees_nothing_of_the_server_but_what_it_needs(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SECRET_KEY", "do-not-tell-anybody")
    name = jobs.create("nosy", shell("look", "env; pwd"))
    text = jobs.log(jobs.ended(name, jobs.run(name)), "look")
    assert "HEADRACE_OBS_ROOT=" in text
    assert "do-not-tell-anybody" not in text


def test_sensitive_property__reaches_the_program_and_is_masked_in_the_log(jobs: Jobs) -> None:
    properties = [{"name": "arguments", "value": "s3cret-word", "value_is_sensitive": True}]
    name = jobs.create("discreet", shell("tell", 'echo "got $1"; echo ${#1}', properties=properties))
    text = jobs.log(jobs.ended(name, jobs.run(name)), "tell")
    assert "s3cret-word" not in text
    assert "got *********\n11\n" in text


def test_python__runs_with_its_arguments(jobs: Jobs) -> None:
    statement = "import sys\nprint(sys.argv[1:])"
    node = {
        "name": "py",
        "type": "Python",
        "properties": [
            {"name": "statementOrScript", "value": "STATEMENT"},
            {"name": "statement", "value": statement},
            {"name": "arguments", "value": "1 'a b'"},
        ],
    }
    name = jobs.create("snake", node)
    assert "['1', 'a b']\n" in jobs.log(jobs.ended(name, jobs.run(name)), "py")


def test_sql__the_rows_are_the_output(jobs: Jobs) -> None:
    def sql(node: str, statement: str, *before: str) -> dict[str, Any]:
        properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
        return {"name": node, "type": "HiveSQL", "preNodeName": list(before), "properties": properties}

    name = jobs.create(
        "rows",
        sql("count", "create table t (a int); insert into t values (1), (2); select count(*) from t"),
        shell("see", "echo '#{Job.getNodeOutput(\"count\")}'", "count"),
        sql("wrong", "select nothing from nowhere", "see"),
    )
    shown = jobs.ended(name, jobs.run(name))
    assert states(shown) == {"count": "success", "see": "success", "wrong": "fail"}
    assert '[["2"]]\n' in jobs.log(shown, "see")
    assert "nowhere" in shown["nodes"][2]["errorMessage"]


def test_unknown_node_type__fails_and_is_named(jobs: Jobs) -> None:
    name = jobs.create("exotic", {"name": "x", "type": "CloudTableManager"})
    shown = jobs.ended(name, jobs.run(name))
    assert shown["status"] == "fail"
    assert "'CloudTableManager' cannot run in this release" in shown["nodes"][0]["errorMessage"]


def test_missing_script__fails_and_is_named(jobs: Jobs) -> None:
    name = jobs.create("lost", {"name": "x", "type": "Shell", "properties": [{"name": "scriptName", "value": "nil"}]})
    shown = jobs.ended(name, jobs.run(name))
    assert shown["nodes"][0]["errorMessage"] == "scriptName: there is no script 'nil' in the workspace."


def test_expression_that_cannot_be_evaluated__fails_the_node(jobs: Jobs) -> None:
    name = jobs.create("garbled", shell("x", "echo #{Nobody.says()}"))
    shown = jobs.ended(name, jobs.run(name))
    assert states(shown) == {"x": "fail"}
    assert "Nobody" in shown["nodes"][0]["errorMessage"]


def test_dry_run__succeeds_without_a_process(jobs: Jobs) -> None:
    node = shell("x", "exit 1", properties=[{"name": "emptyRunningJob", "value": "1"}])
    name = jobs.create("dry", node)
    assert jobs.ended(name, jobs.run(name))["status"] == "success"


# ---- the graph


def test_conditions__one_branch_runs_and_the_join_goes_on(jobs: Jobs) -> None:
    def when(word: str) -> list[dict[str, str]]:
        return [{"preNodeName": "a", "expression": '#{Job.getNodeStatus("a") == "' + word + '" ? "true" : "false"}'}]

    name = jobs.create(
        "fork",
        shell("a", "exit 1", failPolicy="IGNORE"),
        dummy("good", "a", conditions=when("success")),
        dummy("bad", "a", conditions=when("fail")),
        dummy("join", "good", "bad"),
    )
    shown = jobs.ended(name, jobs.run(name))
    assert (shown["status"], shown["ignoreSuccess"]) == ("success", True)
    assert states(shown) == {"a": "fail", "good": "skip", "bad": "success", "join": "success"}


def test_fail_policy_fail__stops_the_branch_that_runs(jobs: Jobs) -> None:
    name = jobs.create("both", shell("slow", "sleep 60"), shell("bad", "sleep 0.2; exit 1"))
    began = time.monotonic()
    shown = jobs.ended(name, jobs.run(name))
    assert (shown["status"], states(shown)) == ("fail", {"slow": "manual-stop", "bad": "fail"})
    assert time.monotonic() - began < 20


def test_fail_policy_suspend__the_instance_is_abnormal_until_it_is_stopped(jobs: Jobs) -> None:
    name = jobs.create("halting", shell("bad", "exit 1", failPolicy="SUSPEND"), dummy("after", "bad"))
    number = jobs.run(name)
    assert jobs.ended(name, number)["status"] == "running-exception"
    assert jobs.call("POST", f"/{name}/instances/{number}/stop").status_code == 204
    assert jobs.show(name, number)["status"] == "manual-stop"


# ---- start, stop, status


def test_start__a_run_once_job_is_scheduling_until_its_instance_ends(jobs: Jobs) -> None:
    name = jobs.create("single", shell("a", "sleep 0.3"), schedule={"type": "EXECUTE_ONCE"})
    assert (
        jobs.call(
            "POST", f"/{name}/start", {"jobParams": [{"name": "x", "paramType": "variable", "value": 1}]}
        ).status_code
        == 204
    )
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "SCHEDULING"
    again = jobs.call("POST", f"/{name}/start")
    assert code(again) == (400, "DLF.3051")
    assert "is running" in again.json()["error_msg"]
    (row,) = jobs.call("GET", "/instances/detail", jobName=name, preciseQuery=True).json()["instances"]
    assert row["instanceType"] == 7
    jobs.ended(name, row["instanceId"])
    status = jobs.call("GET", f"/{name}/status").json()
    assert (status["status"], status["nodes"][0]["lastInstanceStatus"]) == ("STOPPED", "success")
    assert datetime.fromisoformat(status["startTime"]).utcoffset() is not None
    assert status["startTime"] == status["starttime"]


def test_start__a_stopped_run_once_instance_frees_its_job(jobs: Jobs) -> None:
    name = jobs.create("stopped_once", shell("a", "sleep 60"))
    assert jobs.call("POST", f"/{name}/start").status_code == 204
    (row,) = jobs.call("GET", "/instances/detail", jobName=name).json()["instances"]
    number = row["instanceId"]
    jobs.until_running(name, number, "a")
    assert jobs.call("POST", f"/{name}/instances/{number}/stop").status_code == 204
    deadline = time.monotonic() + 10
    while jobs.call("GET", f"/{name}/status").json()["status"] != "STOPPED" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "STOPPED"


CRON = {"type": "CRON", "cron": {"expression": "0 0 1 * * ?", "startTime": "2024-01-01T00:00:00+08"}}


@pytest.mark.parametrize("schedule", [CRON, {"type": "EVENT", "event": {"eventType": "KAFKA", "channel": "t"}}])
def test_start_and_stop__scheduled_jobs_change_their_status(jobs: Jobs, schedule: dict[str, Any]) -> None:
    name = jobs.create(f"other_{time.time_ns()}", dummy("a"), schedule=schedule)
    assert jobs.call("POST", f"/{name}/start", {"start_date": 20241030}).status_code == 204
    listed = jobs.call("GET", "", jobType="BATCH", jobName=name).json()["jobs"]
    assert [job["status"] for job in listed] == ["SCHEDULING"]
    assert [jobs.call("POST", f"/{name}/stop").status_code for _ in range(2)] == [204, 204]
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "STOPPED"


def test_start__a_cron_job_without_its_cron_block_answers_dlf_3025(jobs: Jobs) -> None:
    name = jobs.create("blockless", dummy("a"), schedule={"type": "CRON"})
    assert code(jobs.call("POST", f"/{name}/start")) == (400, "DLF.3025")


@pytest.mark.parametrize(("method", "path"), [("POST", "start"), ("POST", "stop"), ("GET", "status")])
def test_start_stop_status__unknown_name_answers_dlf_0100(jobs: Jobs, method: str, path: str) -> None:
    assert code(jobs.call(method, f"/nobody/{path}")) == (400, "DLF.0100")


# ---- instances


def test_list_instances__newest_first_with_filters_and_pages(jobs: Jobs) -> None:
    name = jobs.create("listed", dummy("a"))
    numbers = [jobs.run(name) for _ in range(3)]
    for number in numbers:
        jobs.ended(name, number)
    page = jobs.call("GET", "/instances/detail", jobName="liste", limit=2, offset=0).json()
    assert (page["total"], [row["instanceId"] for row in page["instances"]]) == (3, numbers[:0:-1])
    second = jobs.call("GET", "/instances/detail", jobName="liste", limit=2, offset=1).json()
    assert [row["instanceId"] for row in second["instances"]] == numbers[:1]
    assert jobs.call("GET", "/instances/detail", jobName="liste", preciseQuery="true").json()["total"] == 0
    assert jobs.call("GET", "/instances/detail", jobName=name, status="fail").json()["total"] == 0
    assert jobs.call("GET", "/instances/detail", jobName=name, instanceType=2).json()["total"] == 3
    row = page["instances"][0]
    times = {key: row.pop(key) for key in ("planTime", "submitTime", "startTime", "endTime", "executeTime")}
    assert all(isinstance(value, int) for value in times.values())
    assert row == {
        "jobId": row["jobId"],
        "jobName": "listed",
        "jobInstanceName": "listed",
        "instanceId": numbers[2],
        "instancesId": numbers[2],
        "instanceType": 2,
        "status": "success",
        "version": 1,
        "forceSuccess": False,
        "ignoreSuccess": False,
    }


def test_list_instances__an_instance_planned_now_is_seen_at_once(jobs: Jobs) -> None:
    name = jobs.create("fresh", dummy("a"))
    jobs.run(name)
    assert jobs.call("GET", "/instances/detail", jobName=name).json()["total"] == 1


def test_list_instances__given_bounds_are_excluded(jobs: Jobs) -> None:
    name = jobs.create("bounded", dummy("a"))
    planned = jobs.ended(name, jobs.run(name))["planTime"]

    def total(low: int, high: int) -> int:
        bounds = {"minPlanTime": low, "maxPlanTime": high}
        found: int = jobs.call("GET", "/instances/detail", jobName=name, **bounds).json()["total"]
        return found

    assert [total(planned - 1, planned + 1), total(planned, planned + 1), total(planned - 1, planned)] == [1, 0, 0]


def test_list_instances__more_than_seven_days_answers_dlf_3051(jobs: Jobs) -> None:
    now = int(time.time() * 1000)
    answer = jobs.call("GET", "/instances/detail", minPlanTime=now - 8 * 86_400_000, maxPlanTime=now)
    assert code(answer) == (400, "DLF.3051")
    assert jobs.call("GET", "/instances/detail", minPlanTime=now - 7 * 86_400_000, maxPlanTime=now).status_code == 200


def test_show_instance__a_node_that_never_ran_has_no_times(jobs: Jobs) -> None:
    name = jobs.create("half", shell("bad", "exit 1"), dummy("after", "bad"))
    shown = jobs.ended(name, jobs.run(name))
    number = shown["instanceId"]
    assert (shown["total"], shown["instancesId"]) == (2, number)
    assert shown["nodes"][1] == {
        "nodeName": "after",
        "status": "waiting",
        "type": "Dummy",
        "nodeType": "Dummy",
        "queue": "",
        "instanceId": number,
        "planTime": shown["planTime"],
        "retryTimes": 0,
    }


@pytest.mark.parametrize("number", ["1", "abc", "-1", "９", "99999999999999999999"])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/stop"), ("POST", "/restart")])
def test_instance__an_unknown_one_answers_dlf_0137(jobs: Jobs, number: str, method: str, path: str) -> None:
    assert code(jobs.call(method, f"/nobody/instances/{number}{path}")) == (400, "DLF.0137")


def test_instance__one_of_another_job_answers_dlf_0137(jobs: Jobs) -> None:
    one, other = jobs.create("one", dummy("a")), jobs.create("other", dummy("a"))
    number = jobs.run(one)
    assert code(jobs.call("GET", f"/{other}/instances/{number}")) == (400, "DLF.0137")


def test_stop_instance__kills_the_process_tree(jobs: Jobs, tmp_path: Any) -> None:
    marker = tmp_path / "alive"
    name = jobs.create("long", shell("a", f"(sleep 1.5; touch {marker}) & sleep 60"), dummy("b", "a"))
    number = jobs.run(name)
    jobs.until_running(name, number, "a")
    time.sleep(0.3)
    assert jobs.call("POST", f"/{name}/instances/{number}/stop").status_code == 204
    shown = jobs.show(name, number)
    assert (shown["status"], states(shown)) == ("manual-stop", {"a": "manual-stop", "b": "waiting"})
    assert code(jobs.call("POST", f"/{name}/instances/{number}/stop")) == (400, "DLF.3051")
    time.sleep(1.8)
    assert not marker.exists()
    assert states(jobs.show(name, number)) == {"a": "manual-stop", "b": "waiting"}


# ---- restart


def flaky(jobs: Jobs, name: str, flag: Any) -> int:
    """An instance that failed at its second node, and will not fail again."""
    jobs.create(
        name,
        shell("first", f"echo x >> {flag}.first"),
        shell("second", f"test -e {flag} || {{ touch {flag}; exit 1; }}", "first"),
        dummy("third", "second"),
    )
    number = jobs.run(name)
    assert jobs.ended(name, number)["status"] == "fail"
    return number


@pytest.mark.parametrize(
    ("body", "first_ran"),
    [
        (None, 2),
        ({"retry_location": "first_node"}, 2),
        ({"retry_location": "error_node", "ignore_obs_monitor": "true"}, 1),
        ({"retry_location": "specified_node", "node_name": "second"}, 1),
        ({"retry_location": "error_node", "job_param_version": "latest_version"}, 1),
    ],
)
def test_restart__runs_the_same_instance_again_from_where_it_is_asked(
    jobs: Jobs, tmp_path: Any, body: Any, first_ran: int
) -> None:
    name = f"flaky_{time.time_ns()}"
    flag = tmp_path / "flag"
    number = flaky(jobs, name, flag)
    planned = jobs.show(name, number)["planTime"]
    assert jobs.call("POST", f"/{name}/instances/{number}/restart", body).status_code == 204
    shown = jobs.ended(name, number)
    assert (shown["status"], shown["planTime"]) == ("success", planned)
    assert (tmp_path / "flag.first").read_text().count("x") == first_ran


def test_restart__the_latest_version_brings_its_own_nodes(jobs: Jobs, tmp_path: Any) -> None:
    name = f"grown_{time.time_ns()}"
    number = flaky(jobs, name, tmp_path / "flag")
    nodes = [dummy("only"), dummy("more", "only")]
    body = {"name": name, "processType": "BATCH", "nodes": nodes}
    assert jobs.call("PUT", f"/{name}", body).status_code == 204
    asked = {"retry_location": "error_node", "job_param_version": "latest_version"}
    assert jobs.call("POST", f"/{name}/instances/{number}/restart", asked).status_code == 204
    assert states(jobs.ended(name, number)) == {"only": "success", "more": "success"}


@pytest.mark.parametrize(
    "body",
    [
        {"retry_location": "nowhere"},
        {"retry_location": "specified_node", "node_name": "nil"},
        {"job_param_version": "x"},
    ],
)
def test_restart__a_wrong_member_answers_dlf_3051(jobs: Jobs, body: Any) -> None:
    name = jobs.create(f"asked_{time.time_ns()}", shell("a", "exit 1"))
    number = jobs.run(name)
    jobs.ended(name, number)
    answer = jobs.call("POST", f"/{name}/instances/{number}/restart", body)
    assert code(answer) == (400, "DLF.3051")
    assert next(iter(body)) in answer.json()["error_msg"] or "node_name" in answer.json()["error_msg"]


def test_restart__a_running_instance_answers_dlf_3051(jobs: Jobs) -> None:
    name = jobs.create("busy", shell("a", "sleep 60"))
    number = jobs.run(name)
    assert code(jobs.call("POST", f"/{name}/instances/{number}/restart")) == (400, "DLF.3051")
    jobs.call("POST", f"/{name}/instances/{number}/stop")


@pytest.mark.parametrize("member", ["minPlanTime", "maxPlanTime", "instanceType"])
def test_list_job_instances__a_number_no_time_can_be_answers_dlf_3051(server: Any, member: str) -> None:
    answer = server.http.get("/v1/{p}/jobs/instances/detail", params={member: "9" * 25})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLF.3051")
    assert member in answer.json()["error_msg"]
