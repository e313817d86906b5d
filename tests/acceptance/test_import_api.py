"""Import through the API. Source: API reference, "Importing a Job", "Querying a System Task"; notes §14."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.objectstore.path import ObsPath
from headrace.packages.archive import write_archive
from headrace.storage import environment, jobs

BUCKET = "imports"


class Imports:
    """The operations around imports, in one workspace."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.headers = {"workspace": server.workspace()}
        server.services.store.create_bucket(BUCKET)

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer: httpx.Response = self.server.http.request(method, f"/v1/{{p}}{path}", json=body, headers=self.headers)
        return answer

    def put(self, content: bytes) -> str:
        """The path of a new object."""
        path = f"obs://{BUCKET}/{time.time_ns()}/package.zip"
        self.server.services.store.put(ObsPath.parse(path), content)
        return path

    def ended(self, answer: httpx.Response) -> dict[str, Any]:
        """The task an import answered, when it has ended."""
        assert answer.status_code == 200, answer.text
        assert list(answer.json()) == ["taskId"]
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            task: dict[str, Any] = self.call("GET", f"/system-tasks/{answer.json()['taskId']}").json()
            if task["status"] != "RUNNING":
                return task
            time.sleep(0.005)
        raise AssertionError("the import never ended")

    def bring(self, content: bytes, **options: Any) -> dict[str, Any]:
        """Import an archive out of the object store; the ended task."""
        return self.ended(self.call("POST", "/jobs/import", {"path": self.put(content), **options}))

    def upload(self, content: bytes, **query: str) -> dict[str, Any]:
        """Import an archive in the request itself; the ended task."""
        headers = {**self.headers, "content-type": "application/zip"}
        return self.ended(self.server.http.post("/v1/{p}/jobs/import", content=content, headers=headers, params=query))

    def plan(self, content: bytes, **options: Any) -> httpx.Response:
        return self.call("POST", "/packages/plan", {"path": self.put(content), **options})

    def job(self, name: str = "daily") -> dict[str, Any]:
        answer = self.call("GET", f"/jobs/{name}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def params(self, name: str = "daily") -> dict[str, str]:
        return {item["name"]: item["value"] for item in self.job(name).get("params", [])}

    def names(self) -> list[str]:
        """Every job and script that is there."""
        jobs = self.call("GET", "/jobs").json()["jobs"]
        scripts = self.call("GET", "/scripts").json()["scripts"]
        return sorted(item["name"] for item in [*jobs, *scripts])


@pytest.fixture
def imports(server: Any) -> Imports:
    return Imports(server)


def job(name: str = "daily", *nodes: dict[str, Any], **members: Any) -> tuple[str, bytes]:
    text = json.dumps({"name": name, "processType": "BATCH", "nodes": list(nodes), **members})
    return f"jobs/{name}.job", text.encode()


def script(name: str = "extract", content: str = "echo hi", **members: Any) -> tuple[str, bytes]:
    return f"scripts/{name}.script", json.dumps({"name": name, "type": "Shell", "content": content, **members}).encode()


def node(kind: str, **properties: str) -> dict[str, Any]:
    return {"name": kind, "type": kind, "properties": [{"name": k, "value": v} for k, v in properties.items()]}


def package(*members: tuple[str, bytes]) -> bytes:
    return write_archive(members)


def zipped(*members: tuple[str, bytes]) -> bytes:
    """An archive as Python writes it: our writer would not write these."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def test_show_file_info__tells_jobs_scripts_directories_and_parameters(imports: Imports) -> None:
    params = [{"name": "day", "value": "1", "type": "variable"}, {"name": "空", "value": ""}]
    path = imports.put(package(script(directory="/a/b/"), job(directory="/日/", params=params), job("bare")))
    answer = imports.call("POST", "/jobs/check-file", {"path": path})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "jobs": [
                {"name": "bare", "path": "/", "params": {}},
                {"name": "daily", "path": "/日/", "params": {"day": "1", "空": ""}},
            ],
            "scripts": [{"name": "extract", "path": "/a/b"}],
        },
    )
    assert imports.names() == []


@pytest.mark.parametrize("operation", ["/jobs/check-file", "/jobs/import", "/connections/import", "/packages/plan"])
def test_archives__what_is_wrong_with_the_path_answers_its_code(imports: Imports, operation: str) -> None:
    def got(path: Any) -> tuple[int, str]:
        return code(imports.call("POST", operation, {"path": path}))

    assert got("/data/package.zip") == (400, "DLF.0803")
    assert got("obs://imports/../../x.zip") == (400, "DLF.0803")
    assert got("obs://imports/none.zip") == (400, "DLF.0815")
    assert got("obs://no-such-bucket/x.zip") == (400, "DLF.1242")


def test_show_file_info__what_is_no_archive_answers_dlf_0815_at_once(imports: Imports) -> None:
    answer = imports.call("POST", "/jobs/check-file", {"path": imports.put(b"no archive")})
    assert code(answer) == (400, "DLF.0815")
    assert "no ZIP archive" in answer.json()["error_msg"]


def test_archives__more_than_the_limit_answer_dlf_0815(start_server: Any, tmp_path: Path) -> None:
    with start_server(tmp_path / "home", max_package_bytes=100) as server:
        imports = Imports(server)
        path = imports.put(bytes(101))
        for operation in ("/jobs/import", "/jobs/check-file"):
            answer = imports.call("POST", operation, {"path": path})
            assert code(answer) == (400, "DLF.0815")
            assert f"path: {path} has 101 bytes, more than 100." in answer.json()["error_msg"]


def test_import_job__task_names_what_was_imported_object_by_object(imports: Imports) -> None:
    path = imports.put(package(script(), job()))
    before = int(time.time() * 1000)
    task = imports.ended(imports.call("POST", "/jobs/import", {"path": path}))
    assert task["name"] == f"Import the job from {path}."
    assert (task["status"], task["message"]) == ("SUCCESSFUL", "2 created.")
    assert task["projectId"] == imports.server.project_id
    assert before <= task["startTime"] <= task["endTime"] <= task["lastUpdate"] + 1
    assert len(task["id"]) == 32
    assert task["subTasks"] == task["subtasks"]
    assert [(part["name"], part["status"], part["message"], part["taskId"]) for part in task["subtasks"]] == [
        ("Import the extract script.", "SUCCESSFUL", "Created.", task["id"]),
        ("Import the daily job.", "SUCCESSFUL", "Created.", task["id"]),
    ]
    assert imports.names() == ["daily", "extract"]


def test_system_tasks__an_unknown_one_answers_dlf_20810_under_both_paths(imports: Imports) -> None:
    for path in ("/system-tasks/0123", "/systemTasks/0123"):
        answer = imports.call("GET", path)
        assert code(answer) == (400, "DLF.20810")
        assert answer.json()["error_msg"] == "Task[0123] does not exist"


def test_import_job__imported_jobs_are_stopped_in_their_directories(imports: Imports) -> None:
    cron = {"type": "CRON", "cron": {"expression": "0 0 1 * * ?", "startTime": "2024-01-01T00:00:00+08"}}
    imports.bring(package(job(directory="/新/目录", schedule=cron)))
    listed = imports.call("GET", "/jobs").json()["jobs"]
    assert [(item["name"], item["status"], item["path"]) for item in listed] == [("daily", "STOPPED", "/新/目录")]


def test_import_job__skip_keeps_and_overwrite_replaces_what_is_there(imports: Imports) -> None:
    imports.bring(package(job(description="first"), script(content="echo 1")))
    changed = package(job(description="second"), script(content="echo 2"), job("new"))

    skipped = imports.bring(changed)
    assert (skipped["status"], skipped["message"]) == ("SUCCESSFUL", "1 created, 2 skipped.")
    assert imports.job()["description"] == "first"
    assert "OVERWRITE" in skipped["subtasks"][0]["message"]

    replaced = imports.bring(changed, sameNamePolicy="OVERWRITE")
    assert (replaced["status"], replaced["message"]) == ("SUCCESSFUL", "2 overwritten, 1 unchanged.")
    assert imports.job()["description"] == "second"
    assert imports.call("GET", "/scripts/extract").json()["content"] == "echo 2"


def test_import_job__overwrite_submits_a_new_version(imports: Imports) -> None:
    imports.bring(package(job(description="first")))
    imports.bring(package(job(description="second")), sameNamePolicy="OVERWRITE")
    seen = [imports.call("GET", f"/jobs/daily?version={number}").json()["description"] for number in (1, 2)]
    assert seen == ["first", "second"]


def test_import_job__target_status_saved_submits_nothing(imports: Imports) -> None:
    imports.bring(package(job(), script()), targetStatus="SAVED")
    answer = imports.call("POST", "/jobs/daily/export", {"exportStatus": "SUBMIT"})
    assert code(answer) == (400, "DLF.3051")
    assert imports.call("GET", "/scripts/extract").json()["version"] == 0


@pytest.mark.parametrize(
    "options", [{"sameNamePolicy": "RENAME"}, {"targetStatus": "LATER"}, {"resources": [{"type": "X", "replace": "y"}]}]
)
def test_import_job__unknown_options_answer_dlf_3051_before_any_task(imports: Imports, options: Any) -> None:
    answer = imports.call("POST", "/jobs/import", {"path": imports.put(package(job())), **options})
    assert code(answer) == (400, "DLF.3051")
    assert imports.names() == []


PARAMS = [{"name": "day", "value": "1", "type": "variable"}, {"name": "table", "value": "t", "type": "constants"}]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, {"day": "1", "table": "t"}),
        ({"params": None, "jobsParam": None}, {"day": "1", "table": "t"}),
        ({"params": {"day": "2"}}, {"day": "2", "table": "t"}),
        ({"params": {"day": 2, "new": True}}, {"day": "2", "table": "t", "new": "true"}),
        ({"jobsParam": [{"name": "daily", "params": {"day": "3"}}]}, {"day": "3", "table": "t"}),
        ({"jobsParam": {"name": "daily", "params": {"day": "3"}}}, {"day": "3", "table": "t"}),
        ({"params": {"day": 2}, "jobsParam": [{"name": "daily", "params": {"day": 3}}]}, {"day": "3", "table": "t"}),
        ({"jobsParam": [{"name": "jobTestImported", "params": {"day": "3"}}]}, {"day": "1", "table": "t"}),
        ({"jobsParam": [{"name": "daily"}]}, {"day": "1", "table": "t"}),
    ],
)  # fmt: skip
def test_import_job__values_of_one_job_win_over_those_of_all(
    imports: Imports, options: Any, wanted: dict[str, str]
) -> None:
    task = imports.bring(package(job(params=PARAMS)), **options)
    assert task["status"] == "SUCCESSFUL", task["message"]
    assert imports.params() == wanted


def test_import_job__resources_and_mapping_replace_references(imports: Imports) -> None:
    nodes = [node("HiveSQL", connectionName="old_hive", queueName="q1"), node("CDMJob", clusterName="old_cdm")]
    members = package(job("daily", *nodes), script(connectionName="old_hive"))
    resources = [
        {"name": "old_hive", "type": "MRS_HIVE_CONNECTION", "replace": "new_hive"},
        {"name": "old_cdm", "type": "CDM_CLUSTER", "replace": "new_cdm"},
        {"name": "kept", "type": "DIS_STREAM"},
    ]
    imports.bring(members, resources=resources, mapping=["queue:q1=q2", "job:daily=nightly"])
    shown = imports.job("nightly")
    values = {item["name"]: item["value"] for one in shown["nodes"] for item in one["properties"]}
    assert values == {"connectionName": "new_hive", "queueName": "q2", "clusterName": "new_cdm"}
    assert imports.call("GET", "/scripts/extract").json()["connectionName"] == "new_hive"
    assert imports.names() == ["extract", "nightly"]


def test_import_job__execute_user_goes_into_the_job(imports: Imports) -> None:
    imports.bring(package(job(basicConfig={"owner": "me", "executeUser": "old"})), executeUser="robot")
    assert {name: imports.job()["basicConfig"][name] for name in ("owner", "executeUser")} == {
        "owner": "me",
        "executeUser": "robot",
    }


def test_import_job__an_archive_in_the_request_needs_no_object_store(imports: Imports) -> None:
    options = json.dumps({"params": {"day": "2"}})
    task = imports.upload(package(job(params=PARAMS)), options=options)
    assert task["status"] == "SUCCESSFUL"
    assert imports.params()["day"] == "2"
    assert imports.upload(package(job(description="x")), sameNamePolicy="OVERWRITE")["message"] == "1 overwritten."


def test_import_job__a_form_with_a_file_and_fields_is_taken(imports: Imports) -> None:
    imports.bring(package(job(description="first")))
    answer = imports.server.http.post(
        "/v1/{p}/jobs/import",
        files={"file": ("新.zip", package(job(description="second")), "application/zip")},
        data={"sameNamePolicy": "OVERWRITE", "options": json.dumps({"executeUser": "robot"})},
        headers=imports.headers,
    )
    task = imports.ended(answer)
    assert (task["status"], task["name"]) == ("SUCCESSFUL", "Import the job from 新.zip.")
    assert (imports.job()["description"], imports.job()["basicConfig"]["executeUser"]) == ("second", "robot")


def test_import_job__uploads_leave_nothing_in_the_home(imports: Imports) -> None:
    imports.upload(package(job()))
    imports.upload(b"no archive")
    deadline = time.monotonic() + 5
    folder = imports.server.home / "uploads"
    while list(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "layout",
    [
        ["jobs/{}/{}.job", "jobs/daily/extract.script"],
        ["jobs/jobs/{}.job", "jobs/scripts/extract.script", "project.json"],
        ["{}.job", "deep/er/extract.script", "README.md"],
    ],
)
def test_import_job__takes_every_layout(imports: Imports, layout: list[str]) -> None:
    contents = [job()[1], script()[1], b'{"dataArtsWorkSpaceId":"x"}']
    members = [(path.format("daily", "daily"), text) for path, text in zip(layout, contents, strict=False)]
    assert imports.bring(zipped(*members))["status"] == "SUCCESSFUL"
    assert imports.names() == ["daily", "extract"]


def test_import_job__byte_order_marks_and_windows_separators_are_taken(imports: Imports) -> None:
    task = imports.bring(zipped(("jobs\\daily.job", b"\xef\xbb\xbf" + job()[1])))
    assert (task["status"], imports.names()) == ("SUCCESSFUL", ["daily"])


def test_import_job__missing_references_are_told(imports: Imports) -> None:
    nodes = [node("Shell", scriptName="absent", connectionName="host"), node("Python", scriptName="extract")]
    task = imports.bring(package(job("daily", *nodes), script()))
    assert task["status"] == "SUCCESSFUL"
    assert task["message"] == (
        "2 created. The script 'absent' (used by 'daily') is neither in the package nor in the workspace. "
        "The connection 'host' (used by 'daily') is neither in the package nor in the workspace."
    )


def broken_crc() -> bytes:
    content = bytearray(package(job("a"), job("daily", description="x" * 50)))
    at = content.index(b"PK\1\2")
    content[content.index(b"PK\3\4", 10) + 14] ^= 0xFF
    second = content.index(b"PK\1\2", at + 4)
    content[second + 16] ^= 0xFF
    return bytes(content)


def deep() -> bytes:
    text = b'{"name":"z","processType":"BATCH","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return package(job("a"), ("jobs/z.job", text))


def twice() -> bytes:
    first, second = package(job("b"))[:0], zipped(job("a"), ("jobs/y.job", job("z")[1]), ("jobs/x.job", job("z")[1]))
    return first + second.replace(b"jobs/y.job", b"jobs/x.job")


HOSTILE = {
    "empty": (b"", "no ZIP archive"),
    "no archive": (b"PK not really", "no ZIP archive"),
    "truncated": (package(job("a"), job("b"))[:-40], "no ZIP archive"),
    "broken checksum": (broken_crc(), "jobs/daily.job: the entry cannot be read"),
    "bomb": (zipped(job("a"), ("jobs/z.job", b" " * 60_000_000 + b"{}")), "jobs/z.job: the entry unpacks to more than"),
    "traversal": (zipped(job("a"), ("../../z.job", job("z")[1])), "leaves the package's folder"),
    "absolute": (zipped(job("a"), ("/etc/z.job", job("z")[1])), "leaves the package's folder"),
    "windows traversal": (zipped(job("a"), ("..\\z.job", job("z")[1])), "leaves the package's folder"),
    "drive": (zipped(job("a"), ("C:\\z.job", job("z")[1])), "leaves the package's folder"),
    "not utf-8": (zipped(job("a"), ("jobs/z.job", b'{"name":"\xff"}')), "jobs/z.job: the text is not UTF-8"),
    "utf-16": (zipped(job("a"), ("jobs/z.job", '{"name":"z"}'.encode("utf-16"))), "jobs/z.job: the text is not UTF-8"),
    "no json": (zipped(job("a"), ("jobs/z.job", b"{")), "jobs/z.job: "),
    "no object": (zipped(job("a"), ("jobs/z.job", b"[]")), "jobs/z.job: the content is no JSON object"),
    "no name": (zipped(job("a"), ("jobs/z.job", b"{}")), "jobs/z.job: the job has no name."),
    "member twice": (zipped(job("a"), ("jobs/z.job", b'{"name":"z","name":"y"}')), "the member 'name' occurs twice"),
    "nan": (zipped(job("a"), ("jobs/z.job", b'{"name":"z","x":NaN}')), "NaN"),
    "deep": (deep(), "jobs/z.job: the JSON is nested more than 64 levels deep"),
    "wrong type": (zipped(job("a"), ("jobs/z.job", b'{"name":"z","nodes":{}}')), "jobs/z.job: "),
    "wrong kind": (zipped(job("a"), job("z", processType="DAILY")), "processType 'DAILY'"),
    "bad name": (zipped(job("a"), ("jobs/z.job", job("a/../b")[1])), "jobs/z.job: the job name 'a/../b' is invalid"),
    "entry twice": (twice(), "twice"),
    "late": (zipped(script("a"), job("b"), job("z", directory="/x\0y")), "jobs/z.job: type and directory have at most"),
    "late script": (zipped(job("a"), script("z", directory="/" + "x" * 2000)), "script 'z': type and directory have"),
    "two contents": (zipped(job("a"), ("x/a.job", job("a", description="other")[1])), "another job 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_import_job__a_hostile_archive_fails_its_task_and_imports_nothing(imports: Imports, case: str) -> None:
    content, reason = HOSTILE[case]
    task = imports.bring(content)
    assert (task["status"], task["subtasks"]) == ("FAILED", [])
    assert reason in task["message"]
    assert task["message"].endswith("Nothing was imported.")
    assert task["endTime"] >= task["startTime"]
    assert imports.names() == []
    assert imports.bring(package(job("a"), script()))["message"] == "2 created."


@pytest.mark.parametrize("case", HOSTILE)
def test_looking_into_a_hostile_archive__answers_dlf_0815_or_3051(imports: Imports, case: str) -> None:
    content, _ = HOSTILE[case]
    path = imports.put(content)
    for operation in ("/jobs/check-file", "/packages/plan"):
        status, got = code(imports.call("POST", operation, {"path": path}))
        assert (status, got) in ((400, "DLF.0815"), (400, "DLF.3051"))


def test_import_job__a_cycle_of_subjobs_is_no_trap(imports: Imports) -> None:
    one, two = node("DLFSubJob", subJobName="two"), node("DLFSubJob", subJobName="one")
    assert imports.bring(package(job("one", one), job("two", two)))["status"] == "SUCCESSFUL"
    body = {"exportSubjobs": True}
    answer = imports.call("POST", "/jobs/one/export", body)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["jobs/one.job", "jobs/two.job"]


def test_import_job__an_archive_without_anything_says_so(imports: Imports) -> None:
    task = imports.bring(package(("README.md", b"hello")))
    assert (task["status"], task["message"]) == ("SUCCESSFUL", "The archive holds nothing that can be imported.")


def test_plan_import__tells_what_would_be_done_and_writes_nothing(imports: Imports) -> None:
    imports.bring(package(job(description="first"), job("same")))
    content = package(job(description="second"), job("same"), job("new", node("Shell", scriptName="absent")), script())
    answer = imports.plan(content, sameNamePolicy="OVERWRITE")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(item["kind"], item["name"], item["action"]) for item in told["objects"]] == [
        ("script", "extract", "create"),
        ("job", "daily", "overwrite"),
        ("job", "new", "create"),
        ("job", "same", "unchanged"),
    ]
    changes = json.dumps(told["objects"][1]["changes"])
    assert "first" in changes
    assert "second" in changes
    assert told["missing"] == ["The script 'absent' (used by 'new') is neither in the package nor in the workspace."]
    assert told["digest"].startswith("sha256:")
    assert imports.names() == ["daily", "same"]
    assert imports.job()["description"] == "first"
    assert imports.plan(content).json()["objects"][1]["action"] == "skip"


HOST = {"name": "host", "type": "HOST", "config": {"ip": "192.0.2.7", "port": "22", "userName": "etl"}}


@pytest.mark.parametrize("spelling", ["type", "connectionType"])
def test_import_connections__params_complete_the_secret(imports: Imports, spelling: str) -> None:
    path = imports.put(package(("connections/host.conn", json.dumps(HOST).encode()), job()))
    params = [{"name": "host", spelling: "HOST", "params": {"password": "s3cr3t-value", "port": "2222"}}]
    task = imports.ended(imports.call("POST", "/connections/import", {"path": path, "params": params}))
    assert (task["status"], task["name"]) == ("SUCCESSFUL", f"Import the connections from {path}.")
    assert [part["name"] for part in task["subtasks"]] == ["Import the host connection."]
    shown = imports.call("GET", "/connections/host").json()
    assert {name: shown["config"][name] for name in ("ip", "port", "userName", "password")} == {
        "ip": "192.0.2.7",
        "port": "2222",
        "userName": "etl",
        "password": "*********",
    }
    assert imports.names() == []
    assert "s3cr3t" not in imports.call("POST", "/connections/export").text


def test_import_connections__what_was_exported_keeps_the_secret_that_is_stored(imports: Imports) -> None:
    imports.call("POST", "/connections", {**HOST, "config": {**HOST["config"], "password": "s3cr3t-value"}})
    path = imports.put(imports.call("POST", "/connections/export").content)
    body = {"path": path, "sameNamePolicy": "OVERWRITE"}
    task = imports.ended(imports.call("POST", "/connections/import", body))
    assert (task["status"], task["subtasks"][0]["message"]) == ("SUCCESSFUL", "Unchanged: what is there is the same.")
    assert imports.call("GET", "/connections/host").json()["config"]["password"] == "*********"


def test_import_job__cdm_jobs_and_links_travel_with_the_jobs_that_use_them(imports: Imports) -> None:
    config = {"name": "linkConfig", "inputs": [{"name": "linkConfig.password", "value": "s3cr3t-value"}]}
    held = {"name": "from_db", "connector-name": "generic-jdbc-connector", "link-config-values": {"configs": [config]}}
    link = {"links": [held]}
    cdm = {"jobs": [{"name": "copy", "job_type": "NORMAL_JOB", "from-link-name": "from_db", "to-link-name": "gone"}]}
    cluster = f"c{time.time_ns()}"
    members = [
        ("jobs/jobs/daily.job", job("daily", node("CDMJob", clusterName=cluster, jobName="copy"))[1]),
        (f"cdms/{cluster}/cdm_copy.json", json.dumps(cdm).encode()),
        (f"cdms/{cluster}/links.json", json.dumps(link).encode()),
    ]
    task = imports.bring(zipped(*members))
    assert task["status"] == "SUCCESSFUL"
    assert "The CDM link 'gone' (used by 'copy') is neither in the package" in task["message"]
    answer = imports.call("POST", "/jobs/daily/export")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert list(found) == [f"cdm/{cluster}/links/from_db.json", f"cdm/{cluster}/copy.json", "jobs/daily.job"]
    assert json.loads(found[f"cdm/{cluster}/copy.json"]) == cdm
    value = json.loads(found[f"cdm/{cluster}/links/from_db.json"])["links"][0]["link-config-values"]["configs"][0]
    assert value["inputs"] == [{"name": "linkConfig.password", "value": "Add password here"}]


def test_import_job__others_write_and_read_while_a_large_one_runs(imports: Imports) -> None:
    content = package(*(job(f"j{number}", node("Dummy"), params=PARAMS) for number in range(2000)))
    headers = {**imports.headers, "content-type": "application/zip"}
    begun = imports.server.http.post("/v1/{p}/jobs/import", content=content, headers=headers)
    answers = Counter(
        imports.call("POST", "/scripts", {"name": f"s{number}", "type": "Shell", "content": ""}).status_code
        for number in range(20)
    )
    assert answers == {204: 20}
    assert imports.call("GET", "/scripts").json()["total"] == 20
    assert imports.ended(begun)["message"] == "2000 created."
    assert imports.call("GET", "/jobs").json()["total"] == 2000


ODD_SHAPES = [
    None,
    1,
    "x",
    True,
    [],
    [1],
    [None],
    [[]],
    {"a": 1},
    [{"name": None}],
    [{"name": []}],
    [{"name": {"a": 1}}],
]
EVERY_OPTION: dict[str, Any] = {
    "params": {"a": "1"},
    "jobsParam": {"name": "z", "params": {"a": "2"}},
    "executeUser": "robot",
    "mapping": [f"{kind}:x=y" for kind in ("connection", "queue", "cluster", "link", "workspace", "job", "script")],
}


def odd_members(odd: Any) -> list[tuple[str, bytes]]:
    """Objects with a shape nobody expects, in every place."""
    depends = {"jobs": odd, "sameWorkSpaceJobs": odd, "otherWorkSpaceJobs": odd}
    properties = [{"name": "jobName", "value": odd}, {"name": odd, "value": odd, "value_is_sensitive": odd}]
    members = [
        job("z", params=odd, basicConfig=odd, schedule=odd),
        job("z", schedule={"type": odd, "cron": odd}),
        job("z", schedule={"cron": {"dependJobs": odd}}),
        job("z", schedule={"cron": {"dependJobs": depends}}),
        job("z", {"name": "n", "type": "Shell", "properties": odd}),
        job("z", {"name": "n", "type": "DLFSubJob", "properties": properties}),
        job("z", {"name": odd, "type": odd, "cronTrigger": odd, "nodeProperties": odd, "preNodeName": odd}),
        job("z", directory=odd, targetStatus=odd, processType=odd),
        ("jobs/z.job", {"name": odd, "nodes": []}),
        script("z", connectionName=odd, content=odd, configuration=odd, directory=odd, owner=odd),
        ("connections/z.conn", {"name": "z", "type": odd, "config": odd}),
        ("connections/z.conn", {"name": "z", "type": "HOST", "config": {"password": odd}}),
        ("resources/z.resource", {"name": "z", "type": odd, "location": odd, "dependPackages": odd, "directory": odd}),
        ("environment/z.json", {"params": odd}),
        ("cdm/c/z.json", {"jobs": odd}),
        ("cdm/c/z.json", {"links": odd}),
        ("cdm/c/z.json", {"jobs": [{"name": "z", "from-link-name": odd, "from-config-values": {"configs": odd}}]}),
        ("cdm/c/z.json", {"links": [{"name": "z", "connector-name": odd, "link-config-values": odd}]}),
    ]
    return [(path, text if isinstance(text, bytes) else json.dumps(text).encode()) for path, text in members]


@pytest.mark.parametrize("odd", ODD_SHAPES, ids=json.dumps)
def test_plan_import__of_any_shape_is_a_plan_or_a_documented_refusal_that_the_import_shares(
    imports: Imports, odd: Any
) -> None:
    for member in odd_members(odd):
        for options in ({}, EVERY_OPTION):
            planned = imports.plan(package(member), sameNamePolicy="OVERWRITE", **options)
            assert planned.status_code in (200, 400), (member, planned.text)
            task = imports.bring(package(member), sameNamePolicy="OVERWRITE", **options)
            assert task["status"] == ("SUCCESSFUL" if planned.status_code == 200 else "FAILED"), (member, task)
            assert imports.call("POST", "/packages/export").status_code == 200, member


def test_import_job__an_export_that_returns_keeps_the_secrets_of_what_it_replaces(imports: Imports) -> None:
    sensitive = {"name": "token", "value": "s3cr3t-value", "value_is_sensitive": True}
    one = {"name": "n", "type": "Shell", "properties": [{"name": "statement", "value": "echo ${token}"}, sensitive]}
    imports.call("POST", "/jobs", {"name": "daily", "processType": "BATCH", "nodes": [one]})
    before = stored_text(imports, "daily")
    with zipfile.ZipFile(io.BytesIO(imports.call("POST", "/jobs/daily/export").content)) as archive:
        text = archive.read("jobs/daily.job")
    assert b"s3cr3t" not in text
    changed = text.replace(b'"processType"', b'"description":"new","processType"')
    assert imports.bring(package(("daily.job", changed)), sameNamePolicy="OVERWRITE")["message"] == "1 overwritten."
    assert imports.job()["description"] == "new"
    sealed = [
        json.loads(each)["nodes"][0]["properties"][1]["value"] for each in (before, stored_text(imports, "daily"))
    ]
    assert [imports.server.services.sealer.unseal(value) for value in sealed] == ["s3cr3t-value"] * 2


def stored_text(imports: Imports, name: str) -> str:
    with imports.server.services.db.reading() as connection:
        found = jobs.with_text(connection, imports.headers["workspace"], name)
    assert found is not None
    assert "s3cr3t" not in found[1]
    return found[1]


def test_import_job__environment_variables_travel_without_the_sensitive_ones(imports: Imports) -> None:
    params = [
        {"name": "bucket", "value": "raw"},
        {"name": "token", "value": "s3cr3t-value", "is_sensitive": True},
    ]
    assert imports.bring(package(("environment/v.json", json.dumps({"params": params}).encode())))["status"] == (
        "SUCCESSFUL"
    )
    answer = imports.call("POST", "/packages/export")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = json.loads(archive.read("environment/variables.json"))
    assert found == {"params": [params[0], {**params[1], "value": ""}]}
    again = imports.bring(answer.content, sameNamePolicy="OVERWRITE")
    assert again["subtasks"][0]["message"] == "Unchanged: what is there is the same."
    changed = {"params": [{**params[0], "value": "clean"}, found["params"][1]]}
    members = package(("environment/v.json", json.dumps(changed).encode()), job("daily", asks_for_variables()))
    assert imports.bring(members, sameNamePolicy="OVERWRITE")["message"] == "1 created, 1 overwritten."
    with imports.server.services.db.reading() as connection:
        stored = dict(environment.all_documents(connection, imports.headers["workspace"]))
    assert "s3cr3t" not in stored["token"]
    number = imports.call("POST", "/jobs/daily/run-immediate").json()["instanceId"]
    imports.server.installation.engine.wait(number, 30)
    assert imports.call("GET", f"/jobs/daily/instances/{number}").json()["status"] == "success"


def asks_for_variables() -> dict[str, Any]:
    """A node that succeeds when the variables have the values they should have."""
    text = """test '#{Env.get("bucket")}/#{Env.get("token")}' = clean/s3cr3t-value"""
    return node("Shell", statementOrScript="STATEMENT", statement=text)
