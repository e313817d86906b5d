"""What is imported leaves again byte for byte: every sample, and jobs with any JSON members."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.packages.archive import write_archive
from headrace.packages.text import canonical


class Mover:
    """Imports archives into a workspace and exports them again."""

    def __init__(self, server: Any, workspace: str) -> None:
        self._http, self._headers = server.http, {"workspace": workspace}

    def bring(self, members: dict[str, bytes]) -> dict[str, Any]:
        """Import an archive with these members; the ended task."""
        headers = {**self._headers, "content-type": "application/zip"}
        query = {"sameNamePolicy": "OVERWRITE"}
        archive = write_archive(members.items())
        answer = self._http.post("/v1/{p}/jobs/import", content=archive, headers=headers, params=query)
        assert answer.status_code == 200, answer.text
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            task: dict[str, Any] = self._http.get(
                f"/v1/{{p}}/system-tasks/{answer.json()['taskId']}", headers=self._headers
            ).json()
            if task["status"] != "RUNNING":
                return task
            time.sleep(0.005)
        raise AssertionError("the import never ended")

    def take(self, path: str, body: Any = None) -> dict[str, bytes]:
        answer = self._http.post(f"/v1/{{p}}/{path}", json=body, headers=self._headers)
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


KINDS = {
    ".job.json": ("jobs", ".job"),
    ".script.json": ("scripts", ".script"),
    ".resource.json": ("resources", ".resource"),
    ".conn.json": ("connections", ".conn"),
}


def packed(sample: Path) -> dict[str, bytes]:
    """A sample as the member of a package it would be."""
    text = sample.read_bytes()
    if sample.name.endswith(".cdmjob.json"):
        return {f"cdm/default/{json.loads(text)['jobs'][0]['name']}.json": canonical(text)}
    ending = next(ending for ending in KINDS if sample.name.endswith(ending))
    folder, suffix = KINDS[ending]
    return {f"{folder}/{json.loads(text)['name']}{suffix}": canonical(text)}


def test_samples__leave_as_they_came(server: Any, samples: Path) -> None:
    wanted = [path for path in sorted(samples.iterdir()) if path.name.endswith((*KINDS, ".cdmjob.json"))]
    assert len(wanted) >= 40
    changed = []
    for sample in wanted:
        mover, members = Mover(server, server.workspace()), packed(sample)
        task = mover.bring(members)
        assert task["status"] == "SUCCESSFUL", (sample.name, task["message"])
        left = mover.take("packages/export")
        changed += [(sample.name, path) for path, text in members.items() if left.get(path) != text]
    assert changed == []


def test_samples__all_of_them_in_one_archive_leave_as_they_came(server: Any, samples: Path) -> None:
    members: dict[str, bytes] = {}
    for sample in sorted(samples.iterdir()):
        if sample.name.endswith((*KINDS, ".cdmjob.json")):
            members |= packed(sample)
    mover = Mover(server, server.workspace())
    task = mover.bring(members)
    assert (task["status"], len(task["subtasks"])) == ("SUCCESSFUL", len(members))
    left = mover.take("packages/export")
    assert {path: left.get(path) for path in members} == members
    elsewhere = Mover(server, server.workspace())
    assert elsewhere.bring(left)["status"] == "SUCCESSFUL"
    assert elsewhere.take("packages/export") == left


class Written(str):
    """A number as it is written."""

    __slots__ = ()


NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["-0", "-0.0", "1.50", "1E5", "1e-400", "1E400", "0.1e+10", "123456789012345678901234567890.10"]),
).map(Written)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.sampled_from(['": ', "\\", "</a>", "  ", "表"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=12,
)
# Members the server gives a meaning to are not free: what they may hold is told elsewhere.
KNOWN = {
    "name", "nodes", "schedule", "params", "directory", "processType", "id", "jobType", "createTime", "basicConfig",
    "targetStatus", "approvers", "logPath", "version", "lastUpdateUser", "owner",
}  # fmt: skip
NODE_MEMBERS = {
    "pollingInterval", "maxExecutionTime", "retryTimes", "retryInterval", "failPolicy", "execTimeOutRetry",
    "nodeType", "preNodeNames",
    "type", "preNodeName", "conditions", "properties", "location", "cronTrigger", "eventTrigger",
}  # fmt: skip
PROPERTY_MEMBERS = {"value", "value_is_sensitive"}
EXTRA = st.dictionaries(TEXTS.filter(lambda name: name not in KNOWN), VALUES, max_size=5)


def written(value: Any) -> str:
    """JSON with the members in the order they have, and numbers as written."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


@pytest.fixture(scope="module")
def workspace(server: Any) -> str:
    found: str = server.workspace()
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(job=EXTRA, node=EXTRA, prop=EXTRA)
def test_jobs__any_members_leave_as_they_came(
    server: Any, workspace: str, job: dict[str, Any], node: dict[str, Any], prop: dict[str, Any]
) -> None:
    free_node = {name: value for name, value in node.items() if name not in NODE_MEMBERS}
    free_property = {name: value for name, value in prop.items() if name not in PROPERTY_MEMBERS}
    properties = [{**free_property, "name": "p", "value": "v"}]
    document = {
        **job,
        "nodes": [{**free_node, "name": "n", "type": "Dummy", "properties": properties}],
        "processType": "BATCH",
        "name": "anything",
    }
    text = canonical(written(document).encode())
    mover = Mover(server, workspace)
    task = mover.bring({"jobs/anything.job": text})
    assert task["status"] == "SUCCESSFUL", task["message"]
    assert mover.take(f"jobs/{quote('anything')}/export") == {"jobs/anything.job": text}


def test_jobs__what_could_not_come_back_is_not_taken(server: Any) -> None:
    headers = {"workspace": server.workspace()}

    def created(depth: int) -> int:
        odd = "[" * depth + "1" + "]" * depth
        text = f'{{"name":"d{depth}","processType":"BATCH","nodes":[],"odd":{odd}}}'
        status: int = server.http.post("/v1/{p}/jobs", content=text.encode(), headers=headers).status_code
        return status

    assert [created(depth) for depth in (62, 63, 64, 500)] == [204, 204, 400, 400]
    left = Mover(server, headers["workspace"]).take("packages/export")
    elsewhere = Mover(server, server.workspace())
    assert elsewhere.bring(left)["status"] == "SUCCESSFUL"
    assert elsewhere.take("packages/export") == left


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(extra=EXTRA, space=st.sampled_from(["", " ", "\n\t", "\r\n  "]))
def test_jobs__any_members_that_were_sent_to_the_api_leave_as_they_came(
    server: Any, workspace: str, extra: dict[str, Any], space: str
) -> None:
    headers = {"workspace": workspace}
    name = f"sent{time.time_ns()}"
    text = written({"processType": "BATCH", "name": name, **extra, "nodes": []})
    sent = "{" + space + text[1:-1] + space + "}" + space
    answer = server.http.post("/v1/{p}/jobs", content=sent.encode(), headers=headers)
    assert answer.status_code == 204, answer.text
    left = Mover(server, workspace).take(f"jobs/{name}/export")
    assert left == {f"jobs/{name}.job": canonical(text.encode())}


NAMES = (".", "..", ".job", "a.job", "daily", "Daily", "daily.script", "日报", "x" * 128)


def test_names__that_are_special_in_paths_leave_and_come_back(server: Any) -> None:
    members: dict[str, bytes] = {}
    for name in NAMES:
        properties = [{"name": "scriptName", "value": name}]
        nodes = [{"name": "n", "type": "Shell", "properties": properties}]
        members[f"jobs/{len(members)}.job"] = written({"name": name, "processType": "BATCH", "nodes": nodes}).encode()
        members[f"scripts/{len(members)}.script"] = written({"name": name, "type": "Shell", "content": name}).encode()
    mover = Mover(server, server.workspace())
    assert mover.bring(members)["status"] == "SUCCESSFUL"
    whole = mover.take("packages/export")
    assert len([path for path in whole if not path.startswith("cdm/")]) == 2 * len(NAMES)
    assert not [path for path in whole if {".", ".."} & set(path.split("/"))]
    batch = mover.take("jobs/batch-export", {"jobList": list(NAMES)})
    assert len(batch) == 2 * len(NAMES)
    for archive in (whole, batch):
        elsewhere = Mover(server, server.workspace())
        assert elsewhere.bring(archive)["status"] == "SUCCESSFUL"
        assert elsewhere.take("packages/export") == whole


def test_resources__of_one_name_in_two_directories_leave_and_come_back(server: Any) -> None:
    mover = Mover(server, server.workspace())
    members = {
        f"resources/{number}.resource": written(
            {"name": "lib", "type": "jar", "location": f"obs://l{folder}", "directory": folder}
        ).encode()
        for number, folder in enumerate(("/a", "/b/c", "/"))
    }
    assert mover.bring(members)["status"] == "SUCCESSFUL"
    left = mover.take("packages/export")
    assert len([path for path in left if path.startswith("resources/")]) == 3
    elsewhere = Mover(server, server.workspace())
    assert elsewhere.bring(left)["message"].startswith("3 created")
    assert elsewhere.take("packages/export") == left
