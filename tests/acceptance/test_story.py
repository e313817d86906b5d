"""A day of a user with the official clients: author, run, watch, export, import elsewhere.

Written from the cloud's documentation alone: only the endpoint differs.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import huaweicloudsdkdgc.v1 as dgc
import huaweicloudsdkdlf.v1 as dlf
import pytest
from huaweicloudsdkcore.exceptions import exceptions

from headrace.objectstore.path import ObsPath

DGC_OPERATIONS = {
    name.removesuffix("_invoker") for name in dir(dgc.DgcClient) if name.endswith("_invoker") and name[0] != "_"
}


class Recorder:
    """A client that remembers which of its operations were called."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        self.called.add(name)
        found: Callable[..., Any] = getattr(self._client, name)
        return found


def until(ask: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """Poll as programs do, until the answer is what is awaited."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = ask()
        if done(answer):
            return answer
        time.sleep(0.02)
    raise AssertionError(f"still {answer}")


def node(kind: str, name: str, *before: str, **properties: str) -> dgc.Node:
    return dgc.Node(
        name=name,
        type=kind,
        location=dgc.Location(x="10", y="-45.5"),
        pre_node_name=list(before),
        properties=[dgc.ModelProperty(name=key, value=value) for key, value in properties.items()],
        polling_interval=10,
        max_execution_time=60,
        retry_times=0,
        retry_interval=120,
        fail_policy="FAIL",
    )


EXTRACT = "echo extracted ${day} > /dev/null\necho rows=3"
LOAD = "create table if not exists orders (id int, amount int); insert into orders values (1, 10), (2, 32);"
CHECK = "import sys\nprint('checked', sys.argv[1])"


class Program:
    """What the user's program knows: its client and its workspace."""

    def __init__(self, client: Recorder, workspace: str) -> None:
        self.client, self.workspace = client, workspace

    def script(self, name: str, kind: str, content: str, **members: Any) -> None:
        body = dgc.ScriptInfo(name=name, type=kind, content=content, connection_name="any", directory="/etl", **members)
        self.client.create_script(dgc.CreateScriptRequest(workspace=self.workspace, body=body))

    def ended_task(self, task_id: str) -> Any:
        request = dgc.ListSystemTasksRequest(workspace=self.workspace, task_id=task_id)
        return until(lambda: self.client.list_system_tasks(request), lambda task: task.status != "RUNNING")

    def ended_instance(self, job: str, number: int) -> Any:
        request = dgc.ShowJobInstanceRequest(workspace=self.workspace, job_name=job, instance_id=str(number))
        at_rest = ("success", "fail", "manual-stop")
        return until(lambda: self.client.show_job_instance(request), lambda shown: shown.status in at_rest)

    def run_once(self, job: str, **params: str) -> int:
        given = [dgc.JobParam(name=key, value=value, type="variable") for key, value in params.items()]
        request = dgc.RunOnceRequest(workspace=self.workspace, job_name=job, body=dgc.StartJobReq(job_params=given))
        number: int = self.client.run_once(request).instance_id
        return number

    def refusal(self, call: Callable[[], Any]) -> str:
        with pytest.raises(exceptions.ClientRequestException) as caught:
            call()
        assert caught.value.status_code == 400
        assert caught.value.request_id
        code: str = caught.value.error_code
        return code


def test_story__the_official_client_works_unchanged_through_every_operation(server: Any) -> None:
    client = Recorder(server.sdk_dgc())
    program = Program(client, server.workspace())
    author_scripts(program)
    author_resources(program)
    author_the_job(program)
    run_the_job(server, program)
    execute_a_script(program)
    cancel_a_script(program)
    stop_and_restore_an_instance(program)
    start_and_stop(program)
    archive = export_the_job(program)
    import_elsewhere(server, program, archive)
    tidy_up(program)
    assert len(DGC_OPERATIONS) == 31
    assert client.called == DGC_OPERATIONS


def author_scripts(program: Program) -> None:
    client, workspace = program.client, program.workspace
    program.script("extract", "Shell", EXTRACT)
    program.script("load", "HiveSQL", "select 1", database="default", description="to be replaced")
    program.script("check", "PYTHON", CHECK)
    body = dgc.ScriptInfo(name="load", type="HiveSQL", content=LOAD, connection_name="any", database="default")
    client.update_script(dgc.UpdateScriptRequest(workspace=workspace, script_name="load", body=body))
    shown = client.show_script(dgc.ShowScriptRequest(workspace=workspace, script_name="load"))
    assert (shown.name, shown.type, shown.content, shown.connection_name) == ("load", "HiveSQL", LOAD, "any")
    listed = client.list_scripts(dgc.ListScriptsRequest(workspace=workspace, limit=10, offset=0, script_name="e"))
    assert (listed.total, sorted(script.name for script in listed.scripts)) == (2, ["check", "extract"])
    assert program.refusal(lambda: program.script("extract", "Shell", "true")) == "DLF.0202"


def author_resources(program: Program) -> None:
    client, workspace = program.client, program.workspace
    body = dgc.ResourceInfo(name="rules", type="file", location="obs://libs/rules.json", directory="/", desc="first")
    answer = client.create_resource(dgc.CreateResourceRequest(workspace=workspace, body=body))
    number = answer.to_json_object()["resourceId"]
    body = dgc.ResourceInfo(name="rules2", type="file", location="obs://libs/2.json", directory="/", desc="second")
    client.update_resource(dgc.UpdateResourceRequest(workspace=workspace, resource_id=number, body=body))
    shown = client.show_resource(dgc.ShowResourceRequest(workspace=workspace, resource_id=number))
    assert (shown.name, shown.location, shown.desc) == ("rules2", "obs://libs/2.json", "second")
    listed = client.list_resources(dgc.ListResourcesRequest(workspace=workspace))
    assert [(item.id, item.name) for item in listed.resources] == [(number, "rules2")]
    client.delete_resource(dgc.DeleteResourceRequest(workspace=workspace, resource_id=number))
    assert client.list_resources(dgc.ListResourcesRequest(workspace=workspace)).total == 0


def daily_job(description: str = "") -> dgc.JobInfo:
    script = {"statementOrScript": "SCRIPT"}
    nodes = [
        node("Shell", "extract", scriptName="extract", connectionName="any", **script),
        node("HiveSQL", "load", "extract", scriptName="load", connectionName="any", database="default", **script),
        node("Python", "check", "load", scriptName="check", connectionName="any", arguments="${day}", **script),
        node("Dummy", "done", "check"),
    ]
    return dgc.JobInfo(
        name="daily",
        nodes=nodes,
        schedule=dgc.Schedule(type="EXECUTE_ONCE"),
        params=[dgc.JobParam(name="day", value="20240101", type="variable")],
        directory="/etl",
        process_type="BATCH",
        log_path="obs://logs",
        basic_config=dgc.BasicConfig(owner="me", priority=0, instance_timeout=60, custom_fields={"why": description}),
    )


def author_the_job(program: Program) -> None:
    client, workspace = program.client, program.workspace
    client.create_job(dgc.CreateJobRequest(workspace=workspace, body=daily_job("first")))
    request = dgc.UpdateJobRequest(workspace=workspace, job_name="daily", body=daily_job("second"))
    client.update_job(request)
    shown = client.show_job(dgc.ShowJobRequest(workspace=workspace, job_name="daily"))
    assert [(one.name, one.type, one.pre_node_name) for one in shown.nodes] == [
        ("extract", "Shell", []),
        ("load", "HiveSQL", ["extract"]),
        ("check", "Python", ["load"]),
        ("done", "Dummy", ["check"]),
    ]
    assert (shown.directory, shown.basic_config.custom_fields) == ("/etl", {"why": "second"})
    assert isinstance(shown.id, int)
    listed = client.list_jobs(dgc.ListJobsRequest(workspace=workspace, job_type="BATCH", job_name="ail", limit=100))
    assert [(job.name, job.status, job.path) for job in listed.jobs] == [("daily", "STOPPED", "/etl")]
    missing = dgc.ShowJobRequest(workspace=workspace, job_name="nowhere")
    assert program.refusal(lambda: client.show_job(missing)) == "DLF.0100"


def execute_a_script(program: Program) -> None:
    """What the job loaded is there."""
    client, workspace = program.client, program.workspace
    program.script("ask", "HiveSQL", "select count(*) as n, sum(amount) as total from orders where amount > ${least}")
    body = dgc.ExecuteScriptReq(params={"least": "5"})
    request = dgc.ExecuteScriptRequest(workspace=workspace, script_name="ask", body=body)
    number = client.execute_script(request).instance_id
    asked = dgc.ListScriptResultsRequest(workspace=workspace, script_name="ask", instance_id=number)
    ended = until(lambda: client.list_script_results(asked), lambda shown: shown.status in ("FINISHED", "FAILED"))
    assert (ended.status, ended.message) == ("FINISHED", "")
    assert [(result.rows, result.row_count) for result in ended.results] == [([[2, 42]], 1)]
    assert [list(column) for column in ended.results[0].schema] == [["n"], ["total"]]


def cancel_a_script(program: Program) -> None:
    client, workspace = program.client, program.workspace
    program.script("endless", "Shell", "sleep 60")
    number = client.execute_script(
        dgc.ExecuteScriptRequest(workspace=workspace, script_name="endless", body=dgc.ExecuteScriptReq())
    ).instance_id
    request = dgc.CancelScriptRequest(workspace=workspace, script_name="endless", instance_id=number)
    client.cancel_script(request)
    asked = dgc.ListScriptResultsRequest(workspace=workspace, script_name="endless", instance_id=number)
    ended = until(lambda: client.list_script_results(asked), lambda shown: shown.status in ("FINISHED", "FAILED"))
    assert ended.status == "FAILED"


def run_the_job(server: Any, program: Program) -> None:
    client, workspace = program.client, program.workspace
    number = program.run_once("daily", day="20240229")
    shown = program.ended_instance("daily", number)
    assert (shown.job_name, shown.status, shown.instance_type) == ("daily", "success", 2)
    assert {one.node_name: one.status for one in shown.nodes} == dict.fromkeys(
        ("extract", "load", "check", "done"), "success"
    )
    assert shown.plan_time <= shown.start_time <= shown.end_time
    log = next(one.log_path for one in shown.nodes if one.node_name == "check")
    assert log.startswith("obs://logs/")
    assert b"checked 20240229" in server.services.store.get(ObsPath.parse(log))
    listed = client.list_job_instances(dgc.ListJobInstancesRequest(workspace=workspace, job_name="daily"))
    assert [(item.instance_id, item.status) for item in listed.instances] == [(number, "success")]
    status = client.show_job_status(dgc.ShowJobStatusRequest(workspace=workspace, job_name="daily"))
    assert (status.name, status.status) == ("daily", "STOPPED")


def stop_and_restore_an_instance(program: Program) -> None:
    client, workspace = program.client, program.workspace
    waiting = node("Shell", "wait", statementOrScript="STATEMENT", statement="sleep ${seconds}")
    body = dgc.JobInfo(
        name="slow",
        nodes=[waiting],
        params=[dgc.JobParam(name="seconds", value="0", type="variable")],
        schedule=dgc.Schedule(type="EXECUTE_ONCE"),
        process_type="BATCH",
    )
    client.create_job(dgc.CreateJobRequest(workspace=workspace, body=body))
    number = program.run_once("slow", seconds="30")
    names = {"workspace": workspace, "job_name": "slow", "instance_id": str(number)}
    until(
        lambda: client.show_job_instance(dgc.ShowJobInstanceRequest(**names)), lambda shown: shown.status == "running"
    )
    client.stop_job_instance(dgc.StopJobInstanceRequest(**names))
    assert program.ended_instance("slow", number).status == "manual-stop"
    client.restore_job_instance(dgc.RestoreJobInstanceRequest(**names))
    until(
        lambda: client.show_job_instance(dgc.ShowJobInstanceRequest(**names)), lambda shown: shown.status == "running"
    )
    client.stop_job_instance(dgc.StopJobInstanceRequest(**names))
    assert program.ended_instance("slow", number).status == "manual-stop"


def start_and_stop(program: Program) -> None:
    client, workspace = program.client, program.workspace
    body = dgc.StartJobReq(job_params=[dgc.JobParam(name="seconds", value="30", type="variable")])
    client.start_job(dgc.StartJobRequest(workspace=workspace, job_name="slow", body=body))

    def listed() -> str:
        jobs = client.list_jobs(dgc.ListJobsRequest(workspace=workspace, job_name="slow")).jobs
        status: str = jobs[0].status
        return status

    assert listed() == "SCHEDULING"
    client.stop_job(dgc.StopJobRequest(workspace=workspace, job_name="slow"))
    assert until(listed, lambda status: status != "SCHEDULING") == "STOPPED"


def export_the_job(program: Program) -> bytes:
    client, workspace = program.client, program.workspace
    answer = client.export_job(
        dgc.ExportJobRequest(workspace=workspace, job_name="daily", body=dgc.ExportJobReq(export_depend=True))
    )
    archive: bytes = answer.raw_content
    assert sorted(zipfile.ZipFile(io.BytesIO(archive)).namelist()) == [
        "jobs/daily.job",
        "scripts/check.script",
        "scripts/extract.script",
        "scripts/load.script",
    ]
    several = dgc.ExportJobsReq(job_list=["daily", "slow"], export_depend=False)
    answer = client.export_job_list(dgc.ExportJobListRequest(workspace=workspace, body=several))
    names = zipfile.ZipFile(io.BytesIO(answer.raw_content)).namelist()
    assert sorted(names) == ["jobs/daily/daily.job", "jobs/slow/slow.job"]
    return archive


def import_elsewhere(server: Any, program: Program, archive: bytes) -> None:
    client = program.client
    elsewhere = Program(client, server.workspace())
    server.services.store.create_bucket("moves")
    server.services.store.put(ObsPath.parse("obs://moves/daily.zip"), archive)
    path = dgc.FilePath(path="obs://moves/daily.zip")
    found = client.show_file_info(dgc.ShowFileInfoRequest(workspace=elsewhere.workspace, body=path))
    assert [(job.name, job.path, job.params) for job in found.jobs] == [("daily", "/etl", {"day": "20240101"})]
    assert sorted(script.name for script in found.scripts) == ["check", "extract", "load"]
    body = dgc.ImportFileReq(
        path=path.path, same_name_policy="OVERWRITE", jobs_param=[{"name": "daily", "params": {"day": "20240301"}}]
    )
    answer = client.import_job(dgc.ImportJobRequest(workspace=elsewhere.workspace, body=body))
    task = elsewhere.ended_task(answer.task_id)
    assert (task.status, len(task.subtasks)) == ("SUCCESSFUL", 4)
    shown = client.show_job(dgc.ShowJobRequest(workspace=elsewhere.workspace, job_name="daily"))
    assert [(param.name, param.value) for param in shown.params] == [("day", "20240301")]
    assert elsewhere.ended_instance("daily", elsewhere.run_once("daily")).status == "success"
    back = client.export_job(dgc.ExportJobRequest(workspace=elsewhere.workspace, job_name="daily")).raw_content
    assert members(back, day="20240101") == members(archive)


def members(archive: bytes, **values: str) -> dict[str, Any]:
    """The documents of an archive, with other values for the jobs' parameters."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        found = {name: json.loads(file.read(name)) for name in file.namelist()}
    for document in found.values():
        for param in document.get("params", []):
            param["value"] = values.get(param["name"], param["value"])
    return found


def tidy_up(program: Program) -> None:
    client, workspace = program.client, program.workspace
    for name in ("daily", "slow"):
        client.delete_job(dgc.DeleteJobRequest(workspace=workspace, job_name=name, body=dgc.DeleteReq()))
    for name in ("extract", "load", "check", "ask", "endless"):
        client.delete_script(dgc.DeleteScriptRequest(workspace=workspace, script_name=name))
    assert client.list_jobs(dgc.ListJobsRequest(workspace=workspace)).total == 0
    assert client.list_scripts(dgc.ListScriptsRequest(workspace=workspace)).total == 0


def old_job() -> dlf.JobInfo:
    """A job in the spellings of the older client."""
    at = dlf.Location(x=0, y=0)
    properties = json.dumps([{"name": "statementOrScript", "value": "SCRIPT"}, {"name": "scriptName", "value": "say"}])
    return dlf.JobInfo(
        name="old",
        nodes=[
            dlf.Node(name="say", node_type="Shell", location=at, node_properties=properties),
            dlf.Node(name="done", node_type="Dummy", location=at, pre_node_names="say"),
        ],
        schedule=dlf.Schedule(sche_type="EXECUTE_ONCE"),
        params=[dlf.JobParam(name="day", value="1", param_type="variable")],
        directory="/",
        job_type="BATCH",
    )


def test_story__the_older_client_authors_runs_exports_and_imports(server: Any) -> None:
    client, workspace, elsewhere = server.sdk_dlf(), server.workspace(), server.workspace()
    script = dlf.ScriptInfo(name="say", type="Shell", content="echo ${day}", connection_name="any", directory="/")
    client.create_script(dlf.CreateScriptRequest(workspace=workspace, body=script))
    client.create_job(dlf.CreateJobRequest(workspace=workspace, body=old_job()))

    body = dlf.StartJobReq(job_params=[dlf.JobParam(name="day", value="2", param_type="variable")])
    number = client.run_once(dlf.RunOnceRequest(workspace=workspace, job_name="old", body=body)).instance_id
    asked = dlf.ShowJobInstanceRequest(workspace=workspace, job_name="old", instance_id=str(number))
    ended = until(lambda: client.show_job_instance(asked), lambda shown: shown.status in ("success", "fail"))
    assert (ended.status, [one.node_name for one in ended.nodes]) == ("success", ["say", "done"])
    listed = client.list_job_instances(dlf.ListJobInstancesRequest(workspace=workspace))
    assert [(item.job_name, item.status) for item in listed.instances] == [("old", "success")]

    archive = client.export_job(dlf.ExportJobRequest(workspace=workspace, job_name="old")).raw_content
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["scripts/say.script", "jobs/old.job"]
    server.services.store.create_bucket("old-moves")
    server.services.store.put(ObsPath.parse("obs://old-moves/old.zip"), archive)
    moved = dlf.ImportFileReq(path="obs://old-moves/old.zip")
    task_id = client.import_job(dlf.ImportJobRequest(workspace=elsewhere, body=moved)).task_id
    request = dlf.ListSystemTasksRequest(workspace=elsewhere, task_id=task_id)
    task = until(lambda: client.list_system_tasks(request), lambda shown: shown.status != "RUNNING")
    assert (task.status, len(task.sub_tasks)) == ("SUCCESSFUL", 2)
    back = client.export_job(dlf.ExportJobRequest(workspace=elsewhere, job_name="old")).raw_content
    assert back == archive
    rerun = client.run_once(dlf.RunOnceRequest(workspace=elsewhere, job_name="old")).instance_id
    asked = dlf.ShowJobInstanceRequest(workspace=elsewhere, job_name="old", instance_id=str(rerun))
    assert until(lambda: client.show_job_instance(asked), lambda shown: shown.status in ("success", "fail")).status == (
        "success"
    )


def test_story__the_older_client_keeps_connections_and_moves_them_without_secrets(server: Any) -> None:
    client, workspace, elsewhere = server.sdk_dlf(), server.workspace(), server.workspace()
    config = {"ip": "192.0.2.7", "port": "22", "userName": "etl", "password": "s3cr3t-value", "agentName": "agent"}
    body = dlf.ConnectionInfo(name="gateway", type="HOST", config=config, description="first")
    client.create_connection(dlf.CreateConnectionRequest(workspace=workspace, body=body))
    named = {"workspace": workspace, "connection_name": "gateway"}
    shown = client.show_connection(dlf.ShowConnectionRequest(**named))
    assert (shown.name, shown.type, shown.config) == ("gateway", "HOST", {**config, "password": "*********"})
    body = dlf.ConnectionInfo(name="gateway", type="HOST", config=shown.config, description="second")
    client.update_connection(dlf.UpdateConnectionRequest(**named, body=body))
    listed = client.list_connections(dlf.ListConnectionsRequest(workspace=workspace))
    assert [(item.name, item.description) for item in listed.connections] == [("gateway", "second")]

    archive = client.export_connections(dlf.ExportConnectionsRequest(workspace=workspace)).raw_content
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        assert b"s3cr3t" not in file.read("connections/gateway.conn")
    server.services.store.create_bucket("connections")
    server.services.store.put(ObsPath.parse("obs://connections/all.zip"), archive)
    values = dlf.ConnectionParam(name="gateway", connection_type="HOST", params={"password": "an0ther"})
    moved = dlf.ImportConnectionReq(path="obs://connections/all.zip", params=[values])
    task_id = client.import_connections(dlf.ImportConnectionsRequest(workspace=elsewhere, body=moved)).task_id
    asked = dlf.ListSystemTasksRequest(workspace=elsewhere, task_id=task_id)
    assert until(lambda: client.list_system_tasks(asked), lambda task: task.status != "RUNNING").status == "SUCCESSFUL"
    shown = client.show_connection(dlf.ShowConnectionRequest(workspace=elsewhere, connection_name="gateway"))
    assert shown.config == {**config, "password": "*********"}

    client.delete_connction(dlf.DeleteConnctionRequest(**named))
    assert client.list_connections(dlf.ListConnectionsRequest(workspace=workspace)).total == 0


def test_story__the_older_client_reads_the_directory_tree(server: Any) -> None:
    client, workspace = server.sdk_dlf(), server.workspace()
    script = dlf.ScriptInfo(name="say", type="Shell", content="", connection_name="any", directory="/sales/daily")
    client.create_script(dlf.CreateScriptRequest(workspace=workspace, body=script))
    tree = client.show_directory_tree(dlf.ShowDirectoryTreeRequest(workspace=workspace, category="script"))
    names = []
    level = [tree]
    while level:
        names.append([directory.directory_name for directory in level])
        elements = [element.name for directory in level for element in directory.elements or []]
        level = [below for directory in level for below in directory.sub_directories or []]
    assert names[1:] == [["sales"], ["daily"]]
    assert elements == ["say"]
