"""What every operation of the Factory shares on the wire. Source: factory-v1-notes §1, seen at the clients."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from v1.error_answers import failure, refused

JOBS = "/v1/{p}/jobs"
JOB = {"name": "j", "processType": "BATCH", "nodes": [{"name": "n", "type": "Dummy"}]}
UNKNOWN_ROUTE = "The API does not exist or has not been published in the environment"
NOT_JSON = "The body is not valid JSON in UTF-8:"
INVALID = "The request parameter is invalid."


class Requests:
    """Signed requests into one workspace, with bodies as bytes."""

    def __init__(self, server: Any) -> None:
        self.server, self.headers = server, {"workspace": server.workspace()}

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: httpx.Response = self.server.http.request(method, path, content=body, headers={**self.headers, **named})
        return answer

    def job(self, name: str = "j") -> None:
        assert self.send("POST", JOBS, json.dumps({**JOB, "name": name}).encode()).status_code == 204


@pytest.fixture
def requests(server: Any) -> Requests:
    return Requests(server)


# ---- bodies

NO_OPTIONS = [
    (None, ""),
    (b"", "application/json;charset=utf-8"),
    (b"{}", "application/json"),
    (b"null", "application/json"),
]
OPTIONAL = [
    ("POST", "/v1/{p}/jobs/j/run-immediate", 200),
    ("POST", "/v1/{p}/jobs/j/start", 204),
    ("POST", "/v1/{p}/jobs/j/stop", 204),
    ("POST", "/v1/{p}/jobs/j/export", 200),
    ("POST", "/v1/{p}/scripts/s/execute", 200),
    ("DELETE", "/v1/{p}/jobs/j", 204),
    ("DELETE", "/v1/{p}/scripts/s", 204),
]


@pytest.mark.parametrize(("body", "kind"), NO_OPTIONS, ids=["none", "empty", "object", "null"])
@pytest.mark.parametrize(
    ("method", "path", "status"), OPTIONAL, ids=[path.rpartition("/")[2] for _, path, _ in OPTIONAL]
)
def test_optional_body__every_way_to_send_no_options_means_no_options(
    requests: Requests, method: str, path: str, status: int, body: bytes | None, kind: str
) -> None:
    requests.job()
    script = {"name": "s", "type": "Shell", "content": "true"}
    assert requests.send("POST", "/v1/{p}/scripts", json.dumps(script).encode()).status_code == 204
    headers = {"content_type": kind} if kind else {}
    assert requests.send(method, path, body, **headers).status_code == status


def test_optional_body__restart_of_an_instance_takes_none_as_well(requests: Requests) -> None:
    requests.job()
    number = requests.send("POST", "/v1/{p}/jobs/j/run-immediate").json()["instanceId"]
    for body, kind in NO_OPTIONS:
        wait_for_success(requests, number)
        headers = {"content_type": kind} if kind else {}
        answer = requests.send("POST", f"/v1/{{p}}/jobs/j/instances/{number}/restart", body, **headers)
        assert answer.status_code == 204, answer.text


def wait_for_success(requests: Requests, number: int) -> None:
    for _ in range(400):
        shown = requests.send("GET", f"/v1/{{p}}/jobs/j/instances/{number}").json()
        if shown["status"] == "success":
            return
    raise AssertionError(shown)


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json;charset=utf-8", "application/json; charset=UTF-8", "text/plain", ""]
)
def test_content_type__of_a_json_body_is_never_refused(requests: Requests, kind: str) -> None:
    headers = {"content_type": kind} if kind else {}
    assert requests.send("POST", JOBS, json.dumps(JOB).encode(), **headers).status_code == 204


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b"", "DLF.0802", "The specified parameter is not configured. The request needs a JSON body."),
        (b" \r\n", "DLF.0802", "The specified parameter is not configured. The request needs a JSON body."),
        (b"null", "DLF.0802", "The specified parameter is not configured. The request needs a JSON body."),
        (b"{", "DLF.3051", f"{INVALID} {NOT_JSON} Input data was truncated."),
        (b"{}x", "DLF.3051", f"{INVALID} {NOT_JSON} JSON is malformed: trailing characters (byte 3)."),
        (b"[]", "DLF.3051", f"{INVALID} Expected `object`, got `array`."),
        (b"7", "DLF.3051", f"{INVALID} Expected `object`, got `int`."),
        (b'{"odd":' + b"[" * 100_000, "DLF.3051", f"{INVALID} The body is nested too deeply."),
        (b'{"nodes":' + b'[{"nodes":' * 2000, "DLF.3051", f"{INVALID} The body is nested too deeply."),
    ],
    ids=["nothing", "blanks", "null", "cut", "trailing", "array", "number", "deep", "deep-objects"],
)  # fmt: skip
def test_body__what_is_no_object_answers_its_documented_error(
    requests: Requests, body: bytes, code: str, text: str
) -> None:
    assert failure(requests.send("POST", JOBS, body, content_type="application/json")) == refused(code, text)


def test_body__bytes_that_are_no_utf_8_answer_dlf_3051(requests: Requests) -> None:
    told = failure(requests.send("POST", JOBS, b'{"name":"\xff"}'))
    assert told["error_msg"].startswith(f"{INVALID} {NOT_JSON} ")
    assert {**told, "error_msg": ""} == refused("DLF.3051", "")


def test_body__a_large_one_is_taken_and_a_larger_one_answers_413(requests: Requests) -> None:
    largest = 16 * 1024 * 1024
    body = json.dumps({**JOB, "odd": "x"}).encode()
    fitting = body.replace(b'"x"', b'"' + b"x" * (largest - len(body) + 1) + b'"')
    assert len(fitting) == largest
    assert requests.send("POST", JOBS, fitting).status_code == 204
    text = "The request body is too large. At most 16777216 bytes are taken."
    assert failure(requests.send("POST", JOBS, fitting + b" ")) == refused("APIGW.0201", text, 413)


def test_null_members__count_as_absent(requests: Requests) -> None:
    members = dict.fromkeys(("description", "schedule", "params", "basicConfig", "targetStatus", "odd"))
    assert requests.send("POST", JOBS, json.dumps({**JOB, **members}).encode()).status_code == 204
    assert (
        requests.send("GET", "/v1/{p}/jobs/j").json().keys() & {"description", "params", "basicConfig", "odd"} == set()
    )


# ---- paths and queries


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("a+b", "a+b"),
        ("%E4%B8%AD%20x", "中 x"),
        ("..%2F..", "../.."),
        ("a%3Fb%23c", "a?b#c"),
    ],
)
def test_path__a_name_is_decoded_once_after_the_path_was_cut(requests: Requests, path: str, name: str) -> None:
    answer = requests.send("GET", f"/v1/{{p}}/jobs/{path}")
    assert answer.request.url.raw_path.endswith(path.encode())
    assert failure(answer) == refused("DLF.0100", f"The job does not exists. name: {name!r}.")


def test_path__a_trailing_slash_changes_nothing(requests: Requests) -> None:
    requests.job()
    assert requests.send("GET", "/v1/{p}/jobs/j/").json()["name"] == "j"


@pytest.mark.parametrize(
    ("path", "text"),
    [("/v1/%FF/jobs", "The path is not valid UTF-8."), ("/v1/p/jobs/%00", "The path holds a NUL character.")],
)
def test_path__what_is_no_text_answers_dlf_3051(server: Any, path: str, text: str) -> None:
    assert failure(server.http.get(path)) == refused("DLF.3051", f"{INVALID} {text}")


@pytest.mark.parametrize(
    "path",
    ["/x", "/v1", "/v1/{p}", "/v1/{p}/nothing", "/v1//jobs", "/v9/{p}/jobs", "/v1/{p}/jobs/a/b/c/d", "/v1/{p}/JOBS"],
)
def test_unknown_route__answers_404(requests: Requests, path: str) -> None:
    assert failure(requests.send("GET", path)) == refused("APIGW.0101", UNKNOWN_ROUTE, 404)


def test_unknown_route__is_told_without_credentials_too(server: Any) -> None:
    assert failure(httpx.get(f"{server.url}/v1/x/nothing")) == refused("APIGW.0101", UNKNOWN_ROUTE, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/{p}/jobs", "GET, POST"),
        ("PATCH", "/v1/{p}/jobs/j", "DELETE, GET, PUT"),
        ("GET", "/v1/{p}/jobs/j/start", "POST"),
        ("GET", "/v1/{p}/jobs/check-file/export", "POST"),
        ("POST", "/v1/{p}/systemTasks/1", "GET"),
        ("OPTIONS", "/v1/{p}/jobs", "GET, POST"),
    ],
)
def test_wrong_method__answers_405_and_names_the_right_ones(
    requests: Requests, method: str, path: str, allowed: str
) -> None:
    answer = requests.send(method, path)
    assert answer.headers["allow"] == allowed
    text = f"The method is not allowed for this API {allowed}"
    assert failure(answer) == refused("APIGW.0101", text, 405)


def test_static_segments__win_and_forbid_no_name(requests: Requests) -> None:
    for name in ("import", "batch-export", "check-file", "instances"):
        requests.job(name)
        assert requests.send("GET", f"/v1/{{p}}/jobs/{name}").json()["name"] == name
    assert "instances" in requests.send("GET", "/v1/{p}/jobs/instances/detail").json()
    assert requests.send("GET", "/v1/{p}/jobs/instances/status").json()["name"] == "instances"


@pytest.mark.parametrize("path", ["/v1/{p}/system-tasks/4d", "/v1/{p}/systemTasks/4d"])
def test_system_tasks__are_found_under_both_spellings(requests: Requests, path: str) -> None:
    assert failure(requests.send("GET", path)) == refused("DLF.20810", "Task[4d] does not exist")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=ten", "limit: expected `int`, got `str`."),
        ("limit=1.5", "limit: expected `int`, got `str`."),
        ("limit=0", "limit: 0 is not between 1 and 1000."),
        ("limit=1001", "limit: 1001 is not between 1 and 1000."),
        ("offset=-1", "offset: -1 is not a page number from 0."),
        ("offset=99999999999999999999", "offset: 99999999999999999999 is not a page number from 0."),
        ("jobName=%FF", "The query string is not valid UTF-8."),
        ("jobName=%00", "The query holds a NUL character."),
    ],
)
def test_query__a_wrong_value_answers_dlf_3051_and_names_it(requests: Requests, query: str, detail: str) -> None:
    assert failure(requests.send("GET", f"{JOBS}?{query}")) == refused("DLF.3051", f"{INVALID} {detail}")


def test_query__unknown_and_empty_members_are_ignored(requests: Requests) -> None:
    requests.job()
    assert requests.send("GET", f"{JOBS}?unknown=1&limit=&jobName=").json()["total"] == 1


# ---- headers


def test_headers__that_clients_send_for_others_are_ignored(requests: Requests) -> None:
    headers = {
        "Dlm_Type": "EXCLUSIVE", "X_Dlm_Type": "SHARED", "X_Language": "zh-cn", "X_Domain_Id": "d",
        "X_Security_Token": "t", "User_Agent": "golangsdk/2.0.0", "X_Project_Id": "other",
    }  # fmt: skip
    assert requests.send("GET", JOBS, **headers).status_code == 200


@pytest.mark.parametrize("change", [str.upper, lambda text: "-".join((text[:8], text[8:12], text[12:]))])
def test_workspace_header__takes_its_id_in_capitals_and_with_hyphens(requests: Requests, change: Any) -> None:
    requests.job()
    requests.headers = {"workspace": change(requests.headers["workspace"])}
    assert requests.send("GET", "/v1/{p}/jobs/j").status_code == 200


def test_workspace_header__absent_empty_and_the_default_id_are_one(server: Any) -> None:
    answer = server.http.post(JOBS, json={**JOB, "name": "of-default"})
    assert answer.status_code == 204
    for headers in ({}, {"workspace": ""}, {"workspace": server.credentials["workspace_id"]}):
        assert server.http.get("/v1/{p}/jobs/of-default", headers=headers).status_code == 200


def test_request_id__is_on_every_answer_and_never_twice_the_same(requests: Requests) -> None:
    requests.job()
    answers = [
        requests.send("GET", "/v1/{p}/jobs/j"),
        requests.send("POST", "/v1/{p}/jobs/j/stop"),
        requests.send("POST", "/v1/{p}/jobs/j/export"),
        requests.send("GET", "/v1/{p}/jobs/none"),
        requests.send("GET", "/nothing"),
        requests.send("PATCH", JOBS),
        httpx.get(f"{requests.server.url}/v1/p/jobs"),
        httpx.get(f"{requests.server.url}/healthz"),
    ]
    assert [answer.status_code for answer in answers] == [200, 204, 200, 400, 404, 405, 401, 200]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(len(text) == 32 for text in ids)
    assert all("date" in answer.headers for answer in answers)


def test_204__has_no_body_no_content_type_and_no_framing(requests: Requests) -> None:
    answer = requests.send("POST", JOBS, json.dumps(JOB).encode())
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers.keys() & {"content-type", "transfer-encoding", "content-length"} == set()


def test_200__is_json_of_known_length_and_archives_are_octets(requests: Requests) -> None:
    requests.job()
    shown = requests.send("GET", "/v1/{p}/jobs/j")
    assert (shown.headers["content-type"], shown.headers["content-length"]) == (
        "application/json",
        str(len(shown.content)),
    )
    exported = requests.send("POST", "/v1/{p}/jobs/j/export")
    assert exported.headers["content-type"] == "application/octet-stream"
    assert exported.headers["content-disposition"] == 'attachment; filename="DLF_j.zip"'
    assert exported.headers["content-length"] == str(len(exported.content))
    assert exported.content[:2] == b"PK"


def test_archive_name__that_is_not_ascii_comes_in_both_forms(requests: Requests) -> None:
    requests.job("每日")
    disposition = requests.send("POST", "/v1/{p}/jobs/每日/export").headers["content-disposition"]
    assert disposition == "attachment; filename=\"DLF___.zip\"; filename*=UTF-8''DLF_%E6%AF%8F%E6%97%A5.zip"


def test_connection_close__is_honoured(server: Any) -> None:
    assert httpx.get(f"{server.url}/healthz", headers={"connection": "close"}).headers["connection"] == "close"


# ---- what the server says of itself


def test_show_health__says_ok_to_anybody(server: Any) -> None:
    answer = httpx.get(f"{server.url}/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_show_readiness__asks_the_database_and_the_object_store(server: Any) -> None:
    answer = httpx.get(f"{server.url}/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_show_metrics__are_in_the_text_format_of_prometheus(server: Any) -> None:
    answer = httpx.get(f"{server.url}/metrics")
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")
    assert "python_info" in answer.text


def test_show_openapi__describes_every_operation_it_serves(server: Any) -> None:
    document = httpx.get(f"{server.url}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["paths"]["/v1/{project_id}/jobs/{job_name}/start"]["post"]["operationId"] == "StartJob"
