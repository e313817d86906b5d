"""Exports as a client sees them. Source: API reference, "Exporting a Job", "Exporting Jobs in Batches"; notes §13."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from error_answers import failure, refused

from headrace.objectstore.path import ObsPath


class Exports:
    """The operations around exports, in one workspace."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.headers = {"workspace": server.workspace()}

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer: httpx.Response = self.server.http.request(method, f"/v1/{{p}}{path}", json=body, headers=self.headers)
        return answer

    def make(self, path: str, **body: Any) -> None:
        answer = self.call("POST", path, body)
        assert answer.is_success, answer.text

    def script(self, name: str, content: str = "echo hi", **members: Any) -> None:
        self.make("/scripts", name=name, type="Shell", content=content, **members)

    def job(self, name: str, *nodes: dict[str, Any], **members: Any) -> None:
        self.make("/jobs", name=name, processType="BATCH", nodes=list(nodes), **members)

    def export(self, name: str, body: Any = None) -> httpx.Response:
        return self.call("POST", f"/jobs/{quote(name)}/export", body)

    def batch(self, body: Any) -> httpx.Response:
        return self.call("POST", "/jobs/batch-export", body)


@pytest.fixture
def exports(server: Any) -> Exports:
    return Exports(server)


def uses(script: str, **properties: str) -> dict[str, Any]:
    """A Shell node that runs a script."""
    values = {"statementOrScript": "SCRIPT", "scriptName": script, **properties}
    return {
        "name": f"run_{script}",
        "type": "Shell",
        "properties": [{"name": k, "value": v} for k, v in values.items()],
    }


def members(content: bytes) -> dict[str, bytes]:
    """Path to content of an archive, in its order; the archive is sound."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def archive_of(answer: httpx.Response) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.text
    return members(answer.content)


def test_export_job__answers_the_archive_with_its_name_length_and_digest(exports: Exports) -> None:
    exports.script("extract")
    exports.job("daily", uses("extract"))
    answer = exports.export("daily")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="DLF_daily.zip"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", answer.headers["x-headrace-content-digest"])
    assert list(members(answer.content)) == ["scripts/extract.script", "jobs/daily.job"]


def test_export_job__a_chinese_name_is_in_the_disposition_as_utf_8(exports: Exports) -> None:
    exports.job("日报")
    answer = exports.export("日报")
    assert f"filename*=UTF-8''DLF_{quote('日报')}.zip" in answer.headers["content-disposition"]
    assert list(archive_of(answer)) == ["jobs/日报.job"]


def test_export_job__text_has_tabs_sorted_members_no_escapes_and_numbers_as_written(exports: Exports) -> None:
    odd = '"odd":{"zeta":1.50,"alpha":-0},"text":"表/\\u8868","none":null'
    sent = f'{{"nodes":[],"name":"form","processType":"BATCH",{odd}}}'
    answer = exports.server.http.post("/v1/{p}/jobs", content=sent.encode(), headers=exports.headers)
    assert answer.status_code == 204, answer.text
    assert archive_of(exports.export("form"))["jobs/form.job"].decode() == (
        '{\n\t"name":"form",\n\t"nodes":[],\n\t"none":null,\n\t"odd":{\n\t\t"alpha":-0,\n\t\t"zeta":1.50\n\t},'
        '\n\t"processType":"BATCH",\n\t"text":"表/表"\n}'
    )


def test_export_job__unknown_name_answers_dlf_0100(exports: Exports) -> None:
    assert failure(exports.export("nowhere")) == refused("DLF.0100", "The job does not exists. name: 'nowhere'.")


def test_export_job__unknown_status_names_member_and_value(exports: Exports) -> None:
    exports.job("daily")
    got = failure(exports.export("daily", {"exportStatus": "DRAFT"}))
    assert got["error_code"] == "DLF.3051"
    assert "exportStatus: 'DRAFT' is neither DEVELOP nor SUBMIT." in got["error_msg"]


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"unknown":1}'])
def test_export_job__every_empty_body_means_no_options(exports: Exports, body: bytes) -> None:
    exports.job("daily")
    answer = exports.server.http.post("/v1/{p}/jobs/daily/export", content=body, headers=exports.headers)
    assert list(archive_of(answer)) == ["jobs/daily.job"]


def test_export_job__develop_is_the_draft_and_submit_the_newest_submitted_version(exports: Exports) -> None:
    exports.job("daily", description="first")
    changed = {"name": "daily", "processType": "BATCH", "nodes": [], "description": "second", "targetStatus": "SAVED"}
    assert exports.call("PUT", "/jobs/daily", changed).status_code == 204

    def description(body: Any) -> str:
        text: str = json.loads(archive_of(exports.export("daily", body))["jobs/daily.job"])["description"]
        return text

    assert description(None) == "second"
    assert description({"exportStatus": "DEVELOP"}) == "second"
    assert description({"exportStatus": "SUBMIT"}) == "first"


def test_export_job__without_depend_holds_the_job_alone(exports: Exports) -> None:
    exports.script("extract")
    exports.job("daily", uses("extract"))
    assert list(archive_of(exports.export("daily", {"exportDepend": False}))) == ["jobs/daily.job"]


def test_export_job__to_a_folder_writes_the_archive_and_answers_where(exports: Exports) -> None:
    exports.job("daily")
    exports.server.services.store.create_bucket("exports")
    answer = exports.export("daily", {"obsPath": "obs://exports/jobs-storage/"})
    assert answer.headers["content-type"] == "application/json"
    folder = answer.json()["obsPath"]
    assert list(answer.json()) == ["obsPath"]
    assert re.fullmatch(r"obs://exports/jobs-storage/daily_exported/\d{13}", folder)
    kept = exports.server.services.store.get(ObsPath.parse(f"{folder}/daily.zip"))
    assert kept == exports.export("daily").content


@pytest.mark.parametrize("path", ["/data/x", "s3://exports/x", "obs://exports/../../x", "obs:///x"])
def test_export_job__to_what_is_no_path_answers_dlf_0803(exports: Exports, path: str) -> None:
    exports.job("daily")
    got = failure(exports.export("daily", {"obsPath": path}))
    assert (got["status"], got["error_code"]) == (400, "DLF.0803")
    assert "obsPath" in got["error_msg"]


def test_export_job__a_pinned_script_version_is_the_text_that_leaves(exports: Exports) -> None:
    exports.script("extract", "echo one", targetStatus="SUBMITTED")
    body = {"name": "extract", "type": "Shell", "content": "echo two", "targetStatus": "SUBMITTED"}
    assert exports.call("PUT", "/scripts/extract", body).status_code == 204
    exports.job("pinned", uses("extract", scriptVersion="1"))
    exports.job("loose", uses("extract"))
    pinned = json.loads(archive_of(exports.export("pinned"))["scripts/extract.script"])
    loose = json.loads(archive_of(exports.export("loose"))["scripts/extract.script"])
    assert (pinned["content"], loose["content"]) == ("echo one", "echo two")


@pytest.mark.parametrize("spelling", ["properties", "nodeProperties"])
@pytest.mark.parametrize("mark", [True, "true", "TRUE", 1, "1"])
def test_export_job__a_sensitive_property_is_emptied_and_its_value_is_nowhere(
    exports: Exports, mark: Any, spelling: str
) -> None:
    secret = {"name": "token", "value": "s3cr3t-value", "value_is_sensitive": mark}
    exports.job("daily", {"name": "n", "type": "Shell", spelling: [secret, {"name": "other", "value": "kept"}]})
    text = archive_of(exports.export("daily"))["jobs/daily.job"]
    assert json.loads(text)["nodes"][0][spelling] == [{**secret, "value": ""}, {"name": "other", "value": "kept"}]


def test_export_job__resources_of_nodes_come_along(exports: Exports) -> None:
    exports.make("/resources", name="lib", type="jar", location="obs://libs/lib.jar", directory="/")
    exports.job("python", {"name": "n", "type": "Python", "properties": [{"name": "resourceName", "value": "lib"}]})
    assert list(archive_of(exports.export("python"))) == ["resources/lib.resource", "jobs/python.job"]


def test_export_job_list__each_job_has_a_folder_with_its_scripts(exports: Exports) -> None:
    exports.script("shared")
    exports.script("own")
    exports.job("a", uses("shared"), uses("own"))
    exports.job("b", uses("shared"))
    answer = exports.batch({"jobList": ["b", "a", "b"]})
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="jobs.zip"'
    assert sorted(archive_of(answer)) == [
        "jobs/a/a.job",
        "jobs/a/own.script",
        "jobs/a/shared.script",
        "jobs/b/b.job",
        "jobs/b/shared.script",
    ]


def test_export_job_list__to_a_folder_is_named_jobs(exports: Exports) -> None:
    exports.job("a")
    exports.server.services.store.create_bucket("batches")
    folder = exports.batch({"jobList": ["a"], "obsPath": "obs://batches"}).json()["obsPath"]
    assert re.fullmatch(r"obs://batches/jobs_exported/\d{13}", folder)
    kept = exports.server.services.store.get(ObsPath.parse(f"{folder}/jobs.zip"))
    assert list(members(kept)) == ["jobs/a/a.job"]


@pytest.mark.parametrize(("names", "count"), [([], 0), ([f"j{n}" for n in range(101)], 101)])
def test_export_job_list__none_and_too_many_names_answer_dlf_3051(
    exports: Exports, names: list[str], count: int
) -> None:
    got = failure(exports.batch({"jobList": names}))
    assert (got["status"], got["error_code"]) == (400, "DLF.3051")
    assert f"jobList: {count} names are not 1 to 100." in got["error_msg"]


def test_export_job_list__one_unknown_name_answers_dlf_0100(exports: Exports) -> None:
    exports.job("a")
    got = failure(exports.batch({"jobList": ["a", "nowhere"]}))
    assert (got["error_code"], "nowhere" in got["error_msg"]) == ("DLF.0100", True)


def test_export_connections__none_answers_dlf_6322(exports: Exports) -> None:
    assert failure(exports.call("POST", "/connections/export"))["error_code"] == "DLF.6322"


def test_export_connections__the_password_is_nowhere_in_the_archive(exports: Exports) -> None:
    config = {"ip": "192.0.2.7", "port": "22", "userName": "etl", "password": "s3cr3t-value"}
    exports.make("/connections", name="host", type="HOST", config=config)
    answer = exports.call("POST", "/connections/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="DLF_All_DataConnections.zip"'
    found = archive_of(answer)
    assert list(found) == ["connections/host.conn"]
    assert json.loads(found["connections/host.conn"])["config"] == {"ip": "192.0.2.7", "port": "22", "userName": "etl"}
    assert b"s3cr3t" not in found["connections/host.conn"]


def test_export_workspace__holds_everything_of_the_workspace(exports: Exports) -> None:
    exports.script("unused")
    exports.make("/resources", name="lib", type="jar", location="obs://libs/lib.jar", directory="/")
    exports.make("/connections", name="host", type="HOST", config={"ip": "192.0.2.7", "password": "s3cr3t-value"})
    exports.job("a")
    answer = exports.call("POST", "/packages/export")
    found = archive_of(answer)
    wanted = {"connections/host.conn", "resources/lib.resource", "scripts/unused.script", "jobs/a.job"}
    assert wanted <= set(found)
    assert not any(b"s3cr3t" in text for text in found.values())


def build(server: Any) -> Exports:
    """The same content in a server, whatever its home."""
    made = Exports(server)
    made.script("extract", directory="/深/层/")
    made.make("/connections", name="host", type="HOST", config={"ip": "192.0.2.7", "password": "s3cr3t-value"})
    made.job("daily", uses("extract"), odd={"n": 1.50})
    made.job("other")
    return made


def test_exports__same_content_gives_the_same_bytes_in_two_homes_and_twice(
    server: Any, start_server: Any, tmp_path: Path
) -> None:
    first = build(server)
    with start_server(tmp_path / "another") as another:
        second = build(another)
        for path, body in [
            ("/jobs/daily/export", None),
            ("/jobs/batch-export", {"jobList": ["other", "daily"]}),
            ("/connections/export", None),
        ]:
            once, twice, elsewhere = (
                first.call("POST", path, body),
                first.call("POST", path, body),
                second.call("POST", path, body),
            )
            assert once.status_code == 200, once.text
            assert once.content == twice.content == elsewhere.content
            digests = {answer.headers["x-headrace-content-digest"] for answer in (once, twice, elsewhere)}
            assert len(digests) == 1


def test_exports__digest_is_of_the_content_not_of_the_layout(exports: Exports) -> None:
    exports.script("extract")
    exports.job("daily", uses("extract"))
    single, batch = exports.export("daily"), exports.batch({"jobList": ["daily"]})
    assert single.content != batch.content
    assert single.headers["x-headrace-content-digest"] == batch.headers["x-headrace-content-digest"]
    exports.job("daily2", uses("extract"))
    assert exports.export("daily2").headers["x-headrace-content-digest"] != single.headers["x-headrace-content-digest"]


def test_export_job__cdm_jobs_of_nodes_come_along_with_their_links_and_without_secrets(exports: Exports) -> None:
    http, name = exports.server.http, f"copy{time.time_ns()}"
    cluster = http.get("/v1.1/{p}/clusters").json()["clusters"][0]
    base = f"/v1.1/{{p}}/clusters/{cluster['id']}/cdm"
    inputs = [{"name": "linkConfig.host", "value": "db"}, {"name": "linkConfig.password", "value": "s3cr3t-value"}]
    link = {"name": f"link_{name}", "connector-name": "generic-jdbc-connector"}
    link |= {"link-config-values": {"configs": [{"name": "linkConfig", "inputs": inputs}]}}
    answer = http.post(f"{base}/link", json={"links": [link]})
    assert answer.status_code == 200, answer.text
    ends = {"from-link-name": link["name"], "to-link-name": link["name"], "job_type": "NORMAL_JOB"}
    ends |= {"from-connector-name": "generic-jdbc-connector", "to-connector-name": "generic-jdbc-connector"}
    values = {f"{end}-config-values": {"configs": []} for end in ("from", "to", "driver")}
    answer = http.post(f"{base}/job", json={"jobs": [{"name": name, **ends, **values}]})
    assert answer.status_code == 200, answer.text
    properties = {"clusterName": cluster["name"], "jobName": name}
    listed = [{"name": key, "value": value} for key, value in properties.items()]
    exports.job("daily", {"name": "copy", "type": "CDMJob", "properties": listed})
    found = archive_of(exports.export("daily"))
    assert list(found) == [f"cdm/default/links/{link['name']}.json", f"cdm/default/{name}.json", "jobs/daily.job"]
    kept = json.loads(found[f"cdm/default/links/{link['name']}.json"])["links"][0]
    assert kept["link-config-values"]["configs"][0]["inputs"] == [
        inputs[0],
        {**inputs[1], "value": "Add password here"},
    ]
    assert not any(b"s3cr3t" in text for text in found.values())


def test_export_job__nodes_that_pin_two_versions_of_a_script_leave_with_the_newest(server: Any) -> None:
    workspace = {"workspace": server.workspace()}
    for text in ("echo 1", "echo 2", "echo 3"):
        body = {"name": "pinned", "type": "Shell", "content": text, "connectionName": "h", "targetStatus": "SUBMITTED"}
        method = "POST" if text == "echo 1" else "PUT"
        path = "/v1/{p}/scripts" if method == "POST" else "/v1/{p}/scripts/pinned"
        assert server.http.request(method, path, json=body, headers=workspace).status_code == 204
    nodes = [
        {
            "name": f"n{version}",
            "type": "Shell",
            "properties": [
                {"name": "scriptName", "value": "pinned"},
                {"name": "scriptVersion", "value": version},
            ],
        }
        for version in ("1", "2")
    ]
    job = {"name": "two_pins", "processType": "BATCH", "nodes": nodes}
    assert server.http.post("/v1/{p}/jobs", json=job, headers=workspace).status_code == 204
    content = server.http.post("/v1/{p}/jobs/two_pins/export", headers=workspace).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["scripts/pinned.script", "jobs/two_pins.job"]
        assert json.loads(archive.read("scripts/pinned.script"))["content"] == "echo 2"
    batch = server.http.post("/v1/{p}/jobs/batch-export", json={"jobList": ["two_pins"]}, headers=workspace)
    with zipfile.ZipFile(io.BytesIO(batch.content)) as archive:
        assert sorted(archive.namelist()) == ["jobs/two_pins/pinned.script", "jobs/two_pins/two_pins.job"]
