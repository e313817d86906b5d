"""Scripts as a client sees them. Error codes and members: API reference, "Script Development APIs"."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from error_answers import failure, refused

SCRIPTS = "/v1/{p}/scripts"
NAME_RULE = "is not 1 to 128 letters, digits, Chinese characters, '-', '_' or '.'."
TYPES = (
    "FlinkSQL, DLISQL, SparkSQL, HiveSQL, DWSSQL, RDSSQL, Shell, PRESTO, ClickHouseSQL, HetuEngineSQL, PYTHON, "
    "ImpalaSQL, SparkPython"
)


class Scripts:
    """The operations on scripts, in one workspace."""

    def __init__(self, server: Any) -> None:
        self._http, self._headers = server.http, {"workspace": server.workspace()}

    def create(self, **body: Any) -> httpx.Response:
        body = {"name": "daily", "type": "HiveSQL", **body}
        answer: httpx.Response = self._http.post(
            SCRIPTS, json={name: value for name, value in body.items() if value is not ...}, headers=self._headers
        )
        return answer

    def call(self, method: str, name: str = "daily", query: str = "", **options: Any) -> httpx.Response:
        headers = {**self._headers, **options.pop("headers", {})}
        answer: httpx.Response = self._http.request(method, f"{SCRIPTS}/{name}{query}", headers=headers, **options)
        return answer

    def shown(self, name: str = "daily", query: str = "") -> dict[str, Any]:
        answer = self.call("GET", name, query)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def listed(self, query: str = "") -> httpx.Response:
        answer: httpx.Response = self._http.get(f"{SCRIPTS}{query}", headers=self._headers)
        return answer


@pytest.fixture
def scripts(server: Any) -> Scripts:
    return Scripts(server)


def test_create_script__answers_204_and_show_gives_every_documented_member(scripts: Scripts) -> None:
    answer = scripts.create(content="select 1;", directory="/dir/a/", connectionName="anyConnection", odd={"x": [1.50]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    shown = scripts.shown()
    assert len(shown.pop("id")) == 32
    assert shown.pop("modifyTime") > 1_700_000_000_000
    assert shown == {
        "name": "daily",
        "type": "HiveSQL",
        "content": "select 1;",
        "directory": "/dir/a/",
        "connectionName": "anyConnection",
        "connection_name": "anyConnection",
        "database": "",
        "queueName": "",
        "configuration": {},
        "description": "",
        "owner": "admin",
        "version": 0,
        "createUser": "admin",
        "create_user": "admin",
        "autoAcquireLock": True,
        "odd": {"x": [1.50]},
    }


def test_create_script__numbers_and_unknown_members_come_back_as_written(scripts: Scripts) -> None:
    body = b'{ "name":"daily", "type":"Shell", "odd": 1.50, "big": 1E400, "none": null }'
    assert scripts._http.post(SCRIPTS, content=body, headers=scripts._headers).status_code == 204
    text = scripts.call("GET").text
    assert '"odd":1.50,"big":1E400' in text
    assert '"none"' not in text


def test_show_script__database_is_read_from_current_database_of_exports(scripts: Scripts) -> None:
    scripts.create(currentDatabase="sales", targetStatus="SAVED", approvers=[{"approverName": "x"}])
    shown = scripts.shown()
    assert (shown["database"], shown["currentDatabase"]) == ("sales", "sales")
    assert "targetStatus" not in shown
    assert "approvers" not in shown


@pytest.mark.parametrize(
    ("sent", "shown"),
    [({"a": 1, "b": True, "c": "x"}, {"a": "1", "b": "true", "c": "x"}), ('{"a":1}', {"a": "1"}), ("", {}), (None, {})],
)
def test_show_script__configuration_is_an_object_of_texts(scripts: Scripts, sent: Any, shown: dict[str, str]) -> None:
    scripts.create(type="DLISQL", configuration=sent)
    assert scripts.shown()["configuration"] == shown


@pytest.mark.parametrize("spelling", ["Spark Python", "SparkPython", "PYTHON", "Shell", "presto"])
def test_create_script__the_type_comes_back_as_it_was_spelt(scripts: Scripts, spelling: str) -> None:
    scripts.create(type=spelling)
    assert scripts.shown()["type"] == spelling


def test_create_script__without_content_is_empty(scripts: Scripts) -> None:
    scripts.create()
    assert scripts.shown()["content"] == ""


def test_create_script__no_type_answers_dlf_6247(scripts: Scripts) -> None:
    text = "The script type is not specified. type: 'missing' is none of " + TYPES + "."
    assert failure(scripts.create(type=...)) == refused("DLF.6247", text)


def test_create_script__an_unknown_type_answers_dlf_6247(scripts: Scripts) -> None:
    text = "The script type is not specified. type: 'Cobol' is none of " + TYPES + "."
    assert failure(scripts.create(type="Cobol")) == refused("DLF.6247", text)


def test_create_script__no_name_answers_dlf_0802(scripts: Scripts) -> None:
    text = "The specified parameter is not configured. name: missing."
    assert failure(scripts.create(name=...)) == refused("DLF.0802", text)


@pytest.mark.parametrize("name", ["a b", "a/b", "a" * 129, "a\n"])
def test_create_script__a_wrong_name_answers_dlf_0201(scripts: Scripts, name: str) -> None:
    text = f"The script fails to be created. name: {name!r} {NAME_RULE}"
    assert failure(scripts.create(name=name)) == refused("DLF.0201", text)


@pytest.mark.parametrize("name", ["a" * 128, "日_报.v-1"])
def test_create_script__names_reach_their_limits(scripts: Scripts, name: str) -> None:
    assert scripts.create(name=name).status_code == 204
    assert scripts.shown(name)["name"] == name


def test_create_script__content_above_4_mb_answers_dlf_0201(scripts: Scripts) -> None:
    limit = 4 * 1024 * 1024
    assert scripts.create(name="full", content="x" * limit).status_code == 204
    text = f"The script fails to be created. content: {limit + 1} characters are more than {limit}."
    assert failure(scripts.create(content="x" * (limit + 1))) == refused("DLF.0201", text)


def test_create_script__a_long_description_answers_dlf_0201(scripts: Scripts) -> None:
    text = "The script fails to be created. description: 256 characters are more than 255."
    assert failure(scripts.create(description="x" * 256)) == refused("DLF.0201", text)


def test_create_script__a_wrong_directory_answers_dlf_0201(scripts: Scripts) -> None:
    text = "The script fails to be created. directory: '/a b' is no path of at most 10 levels of 1 to 64 characters."
    assert failure(scripts.create(directory="/a b")) == refused("DLF.0201", text)


def test_create_script__a_wrong_target_status_answers_dlf_3051(scripts: Scripts) -> None:
    text = "The request parameter is invalid. targetStatus: 'LIVE' is none of SAVED, SUBMITTED, PRODUCTION."
    assert failure(scripts.create(targetStatus="LIVE")) == refused("DLF.3051", text)


def test_create_script__a_member_of_a_wrong_type_answers_dlf_3051(scripts: Scripts) -> None:
    text = "The request parameter is invalid. content: expected `str | null`, got `array`."
    assert failure(scripts.create(content=[])) == refused("DLF.3051", text)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"name":"x","type":"Shell","odd":"\xff"}', "The body is not valid JSON in UTF-8: "),
        (b'{"name":"x","type":"Shell","odd":' + b"[" * 5000 + b"]" * 5000 + b"}", "The body is nested too deeply."),
        (b'{"name":"x","type":"Shell","odd":' + b"9" * 5000 + b"}", "The body is not valid JSON in UTF-8: "),
    ],
)
def test_create_script__what_could_not_be_read_again_answers_dlf_3051(
    scripts: Scripts, body: bytes, reason: str
) -> None:
    told = failure(scripts._http.post(SCRIPTS, content=body, headers=scripts._headers))
    assert told["error_msg"].startswith(f"The request parameter is invalid. {reason}")
    assert {**told, "error_msg": ""} == refused("DLF.3051", "")


def test_create_script__a_name_in_use_answers_dlf_0202(scripts: Scripts) -> None:
    scripts.create(directory="/one")
    text = "The script name has been used by another script. name: 'daily'."
    assert failure(scripts.create(directory="/two", type="Shell")) == refused("DLF.0202", text)


def test_create_script__above_the_quota_answers_dlf_6253(scripts: Scripts, server: Any) -> None:
    scripts.create(name="first")
    limit = server.services.settings.max_scripts_per_workspace
    object.__setattr__(server.services.settings, "max_scripts_per_workspace", 1)
    try:
        answer = scripts.create()
    finally:
        object.__setattr__(server.services.settings, "max_scripts_per_workspace", limit)
    text = "The script quota has reached the upper limit. The workspace holds 1 scripts."
    assert failure(answer) == refused("DLF.6253", text)


def test_create_script__an_unknown_workspace_answers_dlf_0819(server: Any) -> None:
    body = {"name": "daily", "type": "Shell"}
    answer = server.http.post(SCRIPTS, json=body, headers={"workspace": "f" * 32})
    text = f"The workspace does not exist. workspace: '{'f' * 32}'."
    assert failure(answer) == refused("DLF.0819", text)


def test_scripts__of_another_workspace_are_not_seen(scripts: Scripts, server: Any) -> None:
    scripts.create()
    other = Scripts(server)
    assert failure(other.call("GET")) == refused("DLF.6201", "The script does not exist. name: 'daily'.")
    assert other.create().status_code == 204


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_show_and_delete_script__an_unknown_name_answers_dlf_6201(scripts: Scripts, method: str) -> None:
    text = "The script does not exist. name: 'a b/中'."
    assert failure(scripts.call(method, "a%20b%2F%E4%B8%AD")) == refused("DLF.6201", text)


def test_update_script__an_unknown_name_answers_dlf_6201(scripts: Scripts) -> None:
    answer = scripts.call("PUT", json={"name": "daily", "type": "Shell"})
    assert failure(answer) == refused("DLF.6201", "The script does not exist. name: 'daily'.")


def test_update_script__replaces_everything_but_the_name(scripts: Scripts) -> None:
    scripts.create(description="old", content="a", odd=1, directory="/one")
    before = scripts.shown()
    answer = scripts.call("PUT", json={"name": "other", "type": "HiveSQL", "content": "b", "directory": "/two"})
    assert (answer.status_code, answer.content) == (204, b"")
    after = scripts.shown()
    assert after["modifyTime"] >= before["modifyTime"]
    del before["odd"]
    changed = {"description": "", "content": "b", "directory": "/two", "modifyTime": after["modifyTime"]}
    assert after == {**before, **changed}


def test_update_script__what_was_read_can_be_sent_back(scripts: Scripts) -> None:
    scripts.create(content="a", connectionName="c")
    before = scripts.shown()
    assert scripts.call("PUT", json={**before, "content": "b", "connectionName": "d"}).status_code == 204
    after = scripts.shown()
    assert after == {
        **before,
        "content": "b",
        "connectionName": "d",
        "connection_name": "d",
        "modifyTime": after["modifyTime"],
    }


def test_update_script__a_changed_type_answers_dlf_0203(scripts: Scripts) -> None:
    scripts.create()
    text = "The script fails to be modified. type: 'Shell' is not 'HiveSQL'; the type of a script stays."
    answer = scripts.call("PUT", json={"name": "daily", "type": "Shell"})
    assert failure(answer) == refused("DLF.0203", text)


def test_update_script__another_spelling_of_the_type_is_no_change(scripts: Scripts) -> None:
    scripts.create(type="Spark Python")
    assert scripts.call("PUT", json={"name": "daily", "type": "SparkPython"}).status_code == 204
    assert scripts.shown()["type"] == "SparkPython"


def test_update_script__no_type_answers_dlf_6247(scripts: Scripts) -> None:
    scripts.create()
    text = "The script type is not specified. type: 'missing' is none of " + TYPES + "."
    assert failure(scripts.call("PUT", json={"name": "daily"})) == refused("DLF.6247", text)


def test_update_script__a_long_description_answers_dlf_0203(scripts: Scripts) -> None:
    scripts.create()
    answer = scripts.call("PUT", json={"name": "daily", "type": "HiveSQL", "description": "x" * 256})
    text = "The script fails to be modified. description: 256 characters are more than 255."
    assert failure(answer) == refused("DLF.0203", text)


def test_update_script__no_body_answers_dlf_0802(scripts: Scripts) -> None:
    scripts.create()
    text = "The specified parameter is not configured. The request needs a JSON body."
    for body in (b"", b"null"):
        assert failure(scripts.call("PUT", content=body)) == refused("DLF.0802", text)


def test_show_script__versions_grow_by_one_with_each_submit(scripts: Scripts) -> None:
    scripts.create(content="one", targetStatus="SUBMITTED")
    scripts.call("PUT", json={"name": "daily", "type": "HiveSQL", "content": "draft"})
    assert (scripts.shown()["version"], scripts.shown()["content"]) == (1, "draft")
    body = {"name": "daily", "type": "HiveSQL", "content": "two", "targetStatus": "PRODUCTION"}
    scripts.call("PUT", json=body)
    assert (scripts.shown()["version"], scripts.shown()["content"]) == (2, "two")
    scripts.call("PUT", json={"name": "daily", "type": "HiveSQL", "content": "three"})
    first, published = scripts.shown(query="?version=1"), scripts.shown(query="?status=PUBLISHED")
    assert (first["version"], first["content"]) == (1, "one")
    assert (published["version"], published["content"]) == (2, "two")
    assert scripts.shown(query="?status=SAVED")["content"] == "three"


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?version=3", "version: script 'daily' has no submitted version 3."),
        ("?status=PUBLISHED", "status: script 'daily' was never submitted."),
        ("?status=LIVE", "status: 'LIVE' is none of SAVED, PUBLISHED."),
        ("?version=0", "version: 0 is not between 1 and 2147483647."),
        (f"?version={10**30}", f"version: {10**30} is not between 1 and 2147483647."),
        ("?version=x", "version: expected `int | null`, got `str`."),
    ],
)
def test_show_script__a_version_that_is_not_there_answers_dlf_3051(scripts: Scripts, query: str, detail: str) -> None:
    scripts.create()
    told = refused("DLF.3051", f"The request parameter is invalid. {detail}")
    assert failure(scripts.call("GET", query=query)) == told


@pytest.mark.parametrize("body", [None, b"", b"{}", b"null", b'{"approvers":[{"approverName":"x"}]}'])
def test_delete_script__takes_every_kind_of_empty_body(scripts: Scripts, body: bytes | None) -> None:
    scripts.create(targetStatus="SUBMITTED")
    answer = scripts.call("DELETE", content=body, headers={"content-type": "application/json;charset=utf-8"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert failure(scripts.call("GET")) == refused("DLF.6201", "The script does not exist. name: 'daily'.")
    assert scripts.create().status_code == 204
    assert scripts.shown()["version"] == 0


def test_list_scripts__offset_is_a_page_number_newest_first(scripts: Scripts) -> None:
    for number in range(5):
        scripts.create(name=f"s{number}")
    shown = scripts.listed("?limit=2&offset=1").json()
    assert shown == {"total": 5, "scripts": [scripts.shown("s2"), scripts.shown("s1")]}
    assert scripts.listed("?limit=2&offset=3").json() == {"total": 5, "scripts": []}
    assert [item["name"] for item in scripts.listed().json()["scripts"]] == ["s4", "s3", "s2", "s1", "s0"]


def test_list_scripts__gives_ten_rows_unless_told(scripts: Scripts) -> None:
    for number in range(11):
        scripts.create(name=f"s{number}")
    shown = scripts.listed("?limit=&scriptName=").json()
    assert (shown["total"], len(shown["scripts"])) == (11, 10)


def test_list_scripts__the_name_filter_finds_parts_and_minds_case(scripts: Scripts) -> None:
    for name in ("load_a", "Load_b", "loadXa"):
        scripts.create(name=name)
    found = scripts.listed("?scriptName=load_").json()
    assert (found["total"], [item["name"] for item in found["scripts"]]) == (1, ["load_a"])
    assert scripts.listed("?scriptName=%25").json() == {"total": 0, "scripts": []}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?limit=0", "limit: 0 is not between 1 and 1000."),
        ("?limit=1001", "limit: 1001 is not between 1 and 1000."),
        ("?offset=-1", "offset: -1 is not a page number from 0."),
        ("?limit=x", "limit: expected `int`, got `str`."),
    ],
)
def test_list_scripts__a_wrong_page_answers_dlf_3051(scripts: Scripts, query: str, detail: str) -> None:
    told = refused("DLF.3051", f"The request parameter is invalid. {detail}")
    assert failure(scripts.listed(query)) == told


def test_dgc_sdk__creates_updates_shows_lists_and_deletes_scripts(server: Any) -> None:
    dgc = pytest.importorskip("huaweicloudsdkdgc.v1")
    client, workspace = server.sdk_dgc(), server.workspace()
    info = dgc.ScriptInfo(name="daily", type="HiveSQL", content="select 1", connection_name="c", directory="/a")
    info.configuration = {"spark.x": "1"}
    client.create_script(dgc.CreateScriptRequest(workspace=workspace, body=info))
    info.content, info.target_status = "select 2", "SUBMITTED"
    client.update_script(dgc.UpdateScriptRequest(workspace=workspace, script_name="daily", body=info))
    shown = client.show_script(dgc.ShowScriptRequest(workspace=workspace, script_name="daily"))
    told = (shown.name, shown.type, shown.content, shown.connection_name, shown.directory, shown.configuration)
    assert told == ("daily", "HiveSQL", "select 2", "c", "/a", {"spark.x": "1"})
    assert (shown.owner, shown.version) == ("admin", 1)
    listed = client.list_scripts(dgc.ListScriptsRequest(workspace=workspace, script_name="ail", limit=5, offset=0))
    assert (listed.total, listed.scripts[0].name) == (1, "daily")
    client.delete_script(dgc.DeleteScriptRequest(workspace=workspace, script_name="daily"))
    core = pytest.importorskip("huaweicloudsdkcore.exceptions.exceptions")
    with pytest.raises(core.ClientRequestException) as missing:
        client.show_script(dgc.ShowScriptRequest(workspace=workspace, script_name="daily"))
    assert (missing.value.status_code, missing.value.error_code) == (400, "DLF.6201")


def test_dlf_sdk__creates_shows_and_lists_scripts(server: Any) -> None:
    dlf = pytest.importorskip("huaweicloudsdkdlf.v1")
    client, workspace = server.sdk_dlf(), server.workspace()
    info = dlf.ScriptInfo(name="daily", type="Shell", content="echo a", connection_name="con", configuration='{"a":1}')
    client.create_script(dlf.CreateScriptRequest(workspace=workspace, body=info))
    shown = client.show_script(dlf.ShowScriptRequest(workspace=workspace, script_name="daily"))
    assert (shown.content, shown.connection_name, shown.configuration) == ("echo a", "con", "{'a': '1'}")
    listed = client.list_scripts(dlf.ListScriptsRequest(workspace=workspace))
    assert (listed.total, listed.scripts[0].content) == (1, "echo a")
    client.delete_script(dlf.DeleteScriptRequest(workspace=workspace, script_name="daily"))
    assert client.list_scripts(dlf.ListScriptsRequest(workspace=workspace)).total == 0
