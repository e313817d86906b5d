"""Resources as a client sees them. Error codes and members: API reference, "Resource Management APIs"."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest
from error_answers import failure, refused

RESOURCES = "/v1/{p}/resources"


class Resources:
    """The operations on resources, in one workspace."""

    def __init__(self, server: Any) -> None:
        self.http, self.headers = server.http, {"workspace": server.workspace()}

    def post(self, **body: Any) -> httpx.Response:
        body = {"name": "lib", "type": "jar", "location": "obs://b/main.jar", **body}
        sent = {name: value for name, value in body.items() if value is not ...}
        answer: httpx.Response = self.http.post(RESOURCES, json=sent, headers=self.headers)
        return answer

    def create(self, **body: Any) -> str:
        answer = self.post(**body)
        assert answer.status_code == 200, answer.text
        made: str = answer.json()["resourceId"]
        return made

    def put(self, resource_id: str, **body: Any) -> httpx.Response:
        answer: httpx.Response = self.http.put(f"{RESOURCES}/{resource_id}", json=body, headers=self.headers)
        return answer

    def call(self, method: str, resource_id: str) -> httpx.Response:
        answer: httpx.Response = self.http.request(method, f"{RESOURCES}/{resource_id}", headers=self.headers)
        return answer

    def shown(self, resource_id: str) -> dict[str, Any]:
        answer = self.call("GET", resource_id)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def listed(self, query: str = "") -> httpx.Response:
        answer: httpx.Response = self.http.get(f"{RESOURCES}{query}", headers=self.headers)
        return answer


@pytest.fixture
def resources(server: Any) -> Resources:
    return Resources(server)


def test_create_resource__answers_its_id_alone_and_show_gives_every_documented_member(resources: Resources) -> None:
    answer = resources.post(dependFiles=["obs://b/d.jar"], desc="d", directory="/resource", odd=[1])
    made = answer.json()["resourceId"]
    assert (answer.status_code, answer.json()) == (200, {"resourceId": str(uuid.UUID(made))})
    assert resources.shown(made) == {
        "id": made,
        "resourceId": made,
        "name": "lib",
        "type": "jar",
        "location": "obs://b/main.jar",
        "dependFiles": ["obs://b/d.jar"],
        "desc": "d",
        "directory": "/resource",
        "jobRelation": [],
        "odd": [1],
    }


def test_show_resource__members_that_were_not_sent_have_their_default(resources: Resources) -> None:
    shown = resources.shown(resources.create())
    assert (shown["dependFiles"], shown["desc"], shown["directory"]) == ([], "", "/")
    assert "dependPackages" not in shown


@pytest.mark.parametrize("spelling", ["dependPackages", "depend_packages"])
def test_show_resource__packages_win_and_fill_depend_files(resources: Resources, spelling: str) -> None:
    packages = [{"type": "jar", "location": "obs://b/p.jar"}, {"type": "file", "location": "obs://b/q"}]
    shown = resources.shown(resources.create(**{spelling: packages, "dependFiles": ["obs://b/other"]}))
    assert shown["dependPackages"] == packages
    assert shown["dependFiles"] == ["obs://b/p.jar", "obs://b/q"]
    assert "depend_packages" not in shown


def test_show_resource__tells_the_jobs_that_use_it(resources: Resources) -> None:
    used, unused = resources.create(), resources.create(name="other")
    node = {"name": "n", "type": "MRSSpark", "properties": [{"name": "resourceName", "value": "lib"}]}
    job = {"name": "uses", "processType": "BATCH", "nodes": [node], "schedule": {"type": "EXECUTE_ONCE"}}
    assert resources.http.post("/v1/{p}/jobs", json=job, headers=resources.headers).status_code == 204
    job_id = resources.http.get("/v1/{p}/jobs/uses", headers=resources.headers).json()["id"]
    relation = {
        "relationType": "JOB",
        "relationId": str(job_id),
        "taskName": "uses",
        "taskId": job_id,
        "userName": "admin",
        "version": 1,
        "deleted": False,
    }
    assert resources.shown(used)["jobRelation"] == [relation]
    assert resources.shown(unused)["jobRelation"] == []
    listed = resources.listed().json()["resources"]
    assert [item["jobRelation"] for item in listed] == [[relation], []]


@pytest.mark.parametrize("location", ["obs://b/x.jar", "hdfs://c/x.jar", "s3a://b/x.jar"])
def test_create_resource__takes_object_and_cluster_paths(resources: Resources, location: str) -> None:
    assert resources.shown(resources.create(location=location))["location"] == location


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"name": ...}, "DLF.0802", "The specified parameter is not configured. name: missing."),
        (
            {"name": "a.b"},
            "DLF.3051",
            "The request parameter is invalid. "
            "name: 'a.b' is not 1 to 32 letters, digits, Chinese characters, '-' or '_'.",
        ),
        (
            {"type": ...},
            "DLF.6263",
            "The resource type is invalid. type: 'missing' is none of archive, file, jar, pyFile.",
        ),
        (
            {"type": "exe"},
            "DLF.6263",
            "The resource type is invalid. type: 'exe' is none of archive, file, jar, pyFile.",
        ),
        (
            {"location": ...},
            "DLF.6264",
            "The OBS path of the resource file is invalid. location: 'missing' is no obs://, hdfs:// or s3a:// path.",
        ),
        (
            {"location": "/tmp/x"},
            "DLF.6264",
            "The OBS path of the resource file is invalid. location: '/tmp/x' is no obs://, hdfs:// or s3a:// path.",
        ),
        (
            {"location": "obs://b/" + "x" * 1016},
            "DLF.6264",
            "The OBS path of the resource file is invalid. location: 1024 characters are more than 1023.",
        ),
        (
            {"desc": "x" * 256},
            "DLF.6265",
            "The resource description is invalid. desc: 256 characters are more than 255.",
        ),
        (
            {"directory": "/" + "/".join("abcdefghijk")},
            "DLF.3051",
            "The request parameter is invalid. directory: '/a/b/c/d/e/f/g/h/i/j/k' is no path of at most 10 levels "
            "of 1 to 64 characters.",
        ),
        (
            {"dependFiles": ["x" * 10_000, "y" * 241]},
            "DLF.3051",
            "The request parameter is invalid. dependFiles: 10241 characters are more than 10240.",
        ),
        (
            {"depend_packages": [{"location": "x" * 10_241}]},
            "DLF.3051",
            "The request parameter is invalid. dependPackages: 10241 characters are more than 10240.",
        ),
        (
            {"dependFiles": "obs://b/x"},
            "DLF.3051",
            "The request parameter is invalid. dependFiles: expected `array | null`, got `str`.",
        ),
    ],
)
def test_create_resource__a_wrong_member_answers_its_code(
    resources: Resources, changed: dict[str, Any], code: str, message: str
) -> None:
    assert failure(resources.post(**changed)) == refused(code, message)


def test_create_resource__a_name_in_use_in_the_directory_answers_dlf_6259(resources: Resources) -> None:
    resources.create(directory="/a")
    assert resources.post(directory="/b").status_code == 200
    text = "Files of the same name exist in the directory. name: 'lib' in /a."
    assert failure(resources.post(directory="/a/")) == refused("DLF.6259", text)


def test_create_resource__an_unknown_workspace_answers_dlf_0819(resources: Resources) -> None:
    resources.headers = {"workspace": "nowhere"}
    told = refused("DLF.0819", "The workspace does not exist. workspace: 'nowhere'.")
    assert failure(resources.post()) == told


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_show_and_delete_resource__an_unknown_id_answers_dlf_6241(resources: Resources, method: str) -> None:
    told = refused("DLF.6241", "The resource information does not exist. id: 'x'.")
    assert failure(resources.call(method, "x")) == told


def test_update_resource__an_unknown_id_answers_dlf_6241(resources: Resources) -> None:
    told = refused("DLF.6241", "The resource information does not exist. id: 'x'.")
    assert failure(resources.put("x", name="a", type="jar", directory="/")) == told


def test_show_resource__of_another_workspace_answers_dlf_6241(resources: Resources, server: Any) -> None:
    made = resources.create()
    told = refused("DLF.6241", f"The resource information does not exist. id: {made!r}.")
    assert failure(Resources(server).call("GET", made)) == told


def test_update_resource__renames_and_keeps_what_is_absent(resources: Resources) -> None:
    made = resources.create(directory="/a/", desc="d", odd=1, depend_packages=[{"type": "jar", "location": "obs://p"}])
    before = resources.shown(made)
    answer = resources.put(made, name="renamed")
    assert (answer.status_code, answer.content) == (204, b"")
    assert resources.shown(made) == {**before, "name": "renamed"}


def test_update_resource__another_directory_is_ignored(resources: Resources) -> None:
    made = resources.create(directory="/a/")
    assert resources.put(made, name="lib", type="jar", directory="/b").status_code == 204
    assert resources.shown(made)["directory"] == "/a/"
    rooted = resources.create(name="rooted")
    assert resources.put(rooted, name="rooted", directory="/b").status_code == 204
    assert resources.shown(rooted)["directory"] == "/"


def test_update_resource__files_replace_packages(resources: Resources) -> None:
    made = resources.create(dependPackages=[{"type": "jar", "location": "obs://p"}])
    assert resources.put(made, name="lib", dependFiles=["obs://f"]).status_code == 204
    shown = resources.shown(made)
    assert shown["dependFiles"] == ["obs://f"]
    assert "dependPackages" not in shown


def test_update_resource__what_was_read_can_be_sent_back(resources: Resources) -> None:
    made = resources.create(directory="/a", desc="d", dependFiles=["obs://f"])
    before = resources.shown(made)
    assert resources.put(made, **{**before, "desc": "e"}).status_code == 204
    assert resources.shown(made) == {**before, "desc": "e"}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"type": "jar"}, "DLF.0802", "The specified parameter is not configured. name: missing."),
        (
            {"name": "lib", "type": "file"},
            "DLF.6263",
            "The resource type is invalid. type: 'file' is not 'jar'; the type of a resource stays.",
        ),
        (
            {"name": "lib", "location": "x"},
            "DLF.6264",
            "The OBS path of the resource file is invalid. location: 'x' is no obs://, hdfs:// or s3a:// path.",
        ),
        (
            {"name": "lib", "desc": "x" * 256},
            "DLF.6265",
            "The resource description is invalid. desc: 256 characters are more than 255.",
        ),
        (
            {"name": "other"},
            "DLF.6259",
            "Files of the same name exist in the directory. name: 'other' in /.",
        ),
    ],
)
def test_update_resource__a_wrong_member_answers_its_code(
    resources: Resources, body: dict[str, Any], code: str, message: str
) -> None:
    resources.create(name="other")
    made = resources.create()
    before = resources.shown(made)
    assert failure(resources.put(made, **body)) == refused(code, message)
    assert resources.shown(made) == before


def test_delete_resource__is_gone_and_its_name_free(resources: Resources) -> None:
    made = resources.create()
    answer = resources.call("DELETE", made)
    assert (answer.status_code, answer.content) == (204, b"")
    told = refused("DLF.6241", f"The resource information does not exist. id: {made!r}.")
    assert failure(resources.call("GET", made)) == told
    assert resources.post().status_code == 200


def test_list_resources__offset_is_a_page_number_oldest_first(resources: Resources) -> None:
    made = [resources.create(name=f"r{number}") for number in range(5)]
    page = resources.listed("?limit=2&offset=1").json()
    assert page == {"total": 5, "resources": [resources.shown(made[2]), resources.shown(made[3])]}
    assert resources.listed("?limit=2&offset=3").json() == {"total": 5, "resources": []}
    found = resources.listed("?resourceName=3").json()
    assert (found["total"], [item["name"] for item in found["resources"]]) == (1, ["r3"])
    assert resources.listed("?resourceName=R").json() == {"total": 0, "resources": []}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?limit=1001", "limit: 1001 is not between 1 and 1000."),
        ("?offset=-1", "offset: -1 is not a page number from 0."),
    ],
)
def test_list_resources__a_wrong_page_answers_dlf_3051(resources: Resources, query: str, detail: str) -> None:
    told = refused("DLF.3051", f"The request parameter is invalid. {detail}")
    assert failure(resources.listed(query)) == told


def test_dgc_sdk__creates_updates_shows_lists_and_deletes_resources(server: Any) -> None:
    dgc = pytest.importorskip("huaweicloudsdkdgc.v1")
    client, workspace = server.sdk_dgc(), server.workspace()
    info = dgc.ResourceInfo(name="lib", type="jar", location="obs://b/x.jar", directory="/r")
    info.depend_packages = [dgc.DependPackage(type="jar", location="obs://b/y.jar")]
    answer = client.create_resource(dgc.CreateResourceRequest(workspace=workspace, body=info))
    made = answer.to_json_object()["resourceId"]
    info.desc = "changed"
    client.update_resource(dgc.UpdateResourceRequest(workspace=workspace, resource_id=made, body=info))
    shown = client.show_resource(dgc.ShowResourceRequest(workspace=workspace, resource_id=made))
    assert (shown.id, shown.name, shown.desc, shown.directory) == (made, "lib", "changed", "/r")
    assert (shown.depend_files, shown.depend_packages[0].location) == (["obs://b/y.jar"], "obs://b/y.jar")
    listed = client.list_resources(dgc.ListResourcesRequest(workspace=workspace, resource_name="li"))
    assert (listed.total, listed.resources[0].id) == (1, made)
    client.delete_resource(dgc.DeleteResourceRequest(workspace=workspace, resource_id=made))
    core = pytest.importorskip("huaweicloudsdkcore.exceptions.exceptions")
    with pytest.raises(core.ClientRequestException) as missing:
        client.show_resource(dgc.ShowResourceRequest(workspace=workspace, resource_id=made))
    assert (missing.value.status_code, missing.value.error_code) == (400, "DLF.6241")
