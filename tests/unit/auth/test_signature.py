"""Signatures: those of the official SDK's own signer, those of the Go client's recipe, and what a forgery is told."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st

from headrace.auth.signature import Authorization, Request, sign, verify
from headrace.errors import NotAuthenticated

ACCESS_KEY, SECRET = "HPUA0123456789ABCDEF", "sK/+secret0123456789abcdefghijklmnopqrstu"
NOW = datetime(2024, 1, 1, 12, 0, tzinfo=UTC)
DATE = "20240101T120000Z"
JSON_TYPE = "application/json;charset=utf-8"


def sdk_request(
    method: str,
    path: str,
    query: Sequence[tuple[str, Any]] = (),
    body: str = "",
    **headers: str,
) -> tuple[Request, Authorization]:
    """A request signed by the official SDK, as a server receives it."""
    unsigned = SdkRequest(
        method=method,
        schema="https",
        host="dayu-dlf.example.com:8443",
        resource_path=path,
        query_params=list(query),
        header_params={
            "X-Sdk-Date": DATE,
            "X-Project-Id": "a" * 32,
            "User-Agent": "huaweicloud-usdk-python/3.0",
            "Content-Type": JSON_TYPE,
            "Not_Signed": "x",
            **headers,
        },
        body=body,
    )
    signed = Signer(BasicCredentials(ACCESS_KEY, SECRET, "a" * 32)).sign(unsigned)
    path, _, raw_query = signed.uri.partition("?")
    received = [(name.lower(), value) for name, value in signed.header_params.items()]
    content = signed.body.encode() if isinstance(signed.body, str) else signed.body or b""
    request = Request(method=method, path=path, query=raw_query, headers=received, body=content)
    return request, Authorization.parse(dict(received)["authorization"])


def go_request(method: str, path: str, query: str, canonical_query: str, body: bytes | None) -> Request:
    """A request signed as the Go client does it. Source: gophertelekomcloud, signer of AK/SK requests."""
    headers = {
        "Content-Type": "application/json",
        "Host": "dayu-dlf.example.com",
        "User-Agent": "go  client",
        "workspace": "w",
    }
    headers["X-Sdk-Date"] = DATE
    payload = body or b""
    if method == "POST" and body is None:
        canonical_query, payload = "", query.replace("%20", "+").encode()
    names = sorted((name.lower() for name in headers), key=str.lower)
    values = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    canonical = "\n".join(
        [
            method,
            path.rstrip("/") + "/",
            canonical_query,
            "".join(f"{name}:{values[name]}\n" for name in names),
            ";".join(names),
            hashlib.sha256(payload).hexdigest(),
        ]
    )
    scope = "20240101///sdk_request"
    key = ("SDK" + SECRET).encode()
    for part in ("20240101", "", "", "sdk_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["SDK-HMAC-SHA256", DATE, scope, digest])
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    authorization = (
        f"SDK-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    received = [(name.lower(), value) for name, value in headers.items()]
    received += [("authorization", authorization), ("x-project-id", "added after signing")]
    return Request(method=method, path=path, query=query, headers=received, body=payload if body else b"")


def authorization_of(request: Request) -> Authorization:
    return Authorization.parse(dict(request.headers)["authorization"])


def refusal(request: Request, authorization: Authorization, secret: str = SECRET, now: datetime = NOW) -> str:
    with pytest.raises(NotAuthenticated) as refused:
        verify(request, authorization, secret, now)
    assert secret not in str(refused.value)
    return refused.value.detail


SDK_REQUESTS: dict[str, tuple[Any, ...]] = {
    "get": ("GET", "/v1/p/jobs"),
    "get with query": (
        "GET",
        "/v1/p/jobs",
        [("limit", 10), ("offset", 0), ("jobName", "日报 a&b=c+d~*"), ("flag", True)],
    ),
    "get with lists": ("GET", "/v1/p/jobs", [("tag", ["b", "a"]), ("Z", ""), ("a", "1")]),
    "post": ("POST", "/v1/p/jobs", [], json.dumps({"name": "作业", "nodes": []}, ensure_ascii=False)),
    "post without body": ("POST", "/v1/p/jobs/x/start"),
    "delete": ("DELETE", "/v1/p/scripts/x"),
    "put with query": ("PUT", "/v1/p/scripts/x", [("version", 3)], "{}"),
    "encoded names": ("GET", "/v1/p/jobs/a%20b%2F%E4%B8%AD~%25"),
    "slash at the end": ("GET", "/v1/p/jobs/"),
}


@pytest.mark.parametrize("arguments", SDK_REQUESTS.values(), ids=SDK_REQUESTS)
def test_verify__a_request_of_the_official_sdk_is_genuine(arguments: tuple[Any, ...]) -> None:
    request, authorization = sdk_request(*arguments)

    verify(request, authorization, SECRET, NOW)

    assert authorization.access_key == ACCESS_KEY
    assert "wrong" not in refusal(request, authorization, "wrong")


def test_verify__header_values_beyond_ascii_come_as_utf_8_bytes() -> None:
    request, authorization = sdk_request("GET", "/v1/p/jobs", workspace="工作区 ä")

    verify(request, authorization, SECRET, NOW)

    assert dict(request.headers)["workspace"] != "工作区 ä"


@pytest.mark.parametrize("body", ["", "a=1"])
def test_verify__a_form_of_the_official_sdk_has_an_unsigned_payload(body: str) -> None:
    request, authorization = sdk_request("POST", "/v1/p/x", [], body, **{"Content-Type": "text/plain"})

    assert dict(request.headers)["x-sdk-content-sha256"] == "UNSIGNED-PAYLOAD"
    verify(request, authorization, SECRET, NOW)


@given(
    st.lists(st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")))),
    st.text(st.characters(codec="utf-8")),
    st.text(st.characters(codec="utf-8")),
)
def test_verify__any_names_and_bodies_of_the_official_sdk_are_genuine(
    query: list[tuple[str, str]], name: str, body: str
) -> None:
    request, authorization = sdk_request("POST", "/v1/p/jobs/" + quote(name, safe=""), query, body)

    verify(request, authorization, SECRET, NOW)


@pytest.mark.parametrize(
    ("method", "path", "query", "canonical_query", "body"),
    [
        ("GET", "/v1/p/jobs", "", "", None),
        ("GET", "/v1/p/jobs", "limit=10&jobType=BATCH&Name=a+b", "jobType=BATCH&limit=10&Name=a%20b", None),
        ("POST", "/v1/p/jobs", "", "", b'{"name":"x"}'),
        ("POST", "/v1/p/jobs", "a=b", "a=b", b'{"name":"x"}'),
        ("POST", "/v1/p/jobs/%E4%B8%AD/start", "", "", None),
        ("POST", "/v1/p/jobs/x/run", "a=1&b=2%203", "", None),
        ("POST", "/v1/p/jobs/x/run", "a=1", "a=1", b""),
        ("DELETE", "/v1/p/scripts/x", "", "", b"null"),
    ],
)
def test_verify__a_request_of_the_go_client_is_genuine(
    method: str, path: str, query: str, canonical_query: str, body: bytes | None
) -> None:
    request = go_request(method, path, query, canonical_query, body)

    verify(request, authorization_of(request), SECRET, NOW)

    refusal(request, authorization_of(request), "wrong secret")


def test_verify__bytes_in_a_path_that_are_not_encoded_count_as_encoded() -> None:
    request, authorization = sdk_request("GET", "/v1/p/jobs/%E4%B8%AD")

    verify(replace(request, path="/v1/p/jobs/中".encode().decode("latin-1")), authorization, SECRET, NOW)


FORGERIES: dict[str, dict[str, Any]] = {
    "method": {"method": "DELETE"},
    "path": {"path": "/v1/p/jobs/other"},
    "query": {"query": "limit=11"},
    "query added": {"query": "limit=10&limit=10"},
    "body": {"body": b"{} "},
}


@pytest.mark.parametrize("signed_by", ["sdk", "go"])
@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_verify__a_changed_request_is_refused(change: dict[str, Any], signed_by: str) -> None:
    if signed_by == "sdk":
        request, authorization = sdk_request("POST", "/v1/p/jobs", [("limit", 10)], "{}")
    else:
        request = go_request("POST", "/v1/p/jobs", "limit=10", "limit=10", b"{}")
        authorization = authorization_of(request)
    verify(request, authorization, SECRET, NOW)

    said = refusal(replace(request, **change), authorization)

    assert said == "the signature does not fit this request and access key."


@pytest.mark.parametrize("name", ["content-type", "host", "user-agent", "workspace", "x-project-id", "x-sdk-date"])
def test_verify__a_changed_or_repeated_or_missing_signed_header_is_refused(name: str) -> None:
    request, authorization = sdk_request("GET", "/v1/p/jobs", workspace="w")
    value = {"x-sdk-date": "20240101T120001Z"}.get(name, "other")
    others = [header for header in request.headers if header[0] != name]

    refusal(replace(request, headers=[*others, (name, value)]), authorization)
    refusal(replace(request, headers=[*request.headers, (name, value)]), authorization)
    refusal(replace(request, headers=others), authorization)


def test_verify__a_sent_hash_does_not_cover_another_body() -> None:
    body_hash = hashlib.sha256(b"{}").hexdigest()
    request, authorization = sdk_request("POST", "/v1/p/jobs", [], "{}")
    headers = [*request.headers, ("x-sdk-content-sha256", body_hash)]

    verify(replace(request, headers=headers), authorization, SECRET, NOW)
    said = refusal(replace(request, headers=headers, body=b'{"name":"evil"}'), authorization)

    assert said == "the body is not the one that X-Sdk-Content-Sha256 belongs to."


def test_verify__declaring_the_payload_unsigned_afterwards_is_refused() -> None:
    request, authorization = sdk_request("POST", "/v1/p/jobs", [], "{}")

    refusal(replace(request, headers=[*request.headers, ("x-sdk-content-sha256", "UNSIGNED-PAYLOAD")]), authorization)


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(minutes=15), -timedelta(minutes=15)])
def test_verify__fifteen_minutes_of_skew_are_accepted(skew: timedelta) -> None:
    request, authorization = sdk_request("GET", "/v1/p/jobs")

    verify(request, authorization, SECRET, NOW + skew)


@pytest.mark.parametrize(
    "skew", [timedelta(minutes=15, seconds=1), -timedelta(minutes=15, seconds=1), timedelta(days=365)]
)
def test_verify__more_skew_is_refused_with_both_times(skew: timedelta) -> None:
    request, authorization = sdk_request("GET", "/v1/p/jobs")

    said = refusal(request, authorization, now=NOW + skew)

    assert said.startswith("X-Sdk-Date 20240101T120000Z is more than 15 minutes from the server's time, 202")


@pytest.mark.parametrize("date", ["", "yesterday", "20241301T000000Z", "20240101T120000", "２0240101T120000Z"])
def test_verify__a_date_that_is_none_is_told(date: str) -> None:
    request, authorization = sdk_request("GET", "/v1/p/jobs")
    headers = [header for header in request.headers if header[0] != "x-sdk-date"]

    assert refusal(replace(request, headers=[*headers, ("x-sdk-date", date)]), authorization).startswith("X-Sdk-Date")


def test_verify__a_missing_signed_header_is_named() -> None:
    request, authorization = sdk_request("GET", "/v1/p/jobs")
    headers = [header for header in request.headers if header[0] != "host"]

    said = refusal(replace(request, headers=headers), authorization)

    assert said == "the signed header 'host' is not in the request."


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("", "Credential is not of the form ACCESSKEY/yyyyMMdd/region/service/sdk_request."),
        ("20240101///other", "Credential is not of the form ACCESSKEY/yyyyMMdd/region/service/sdk_request."),
        ("20240102///sdk_request", "the day in Credential is not the day of X-Sdk-Date."),
        ("20240101/eu-de/dlf/sdk_request", "the signature does not fit this request and access key."),
    ],
)
def test_verify__another_scope_is_refused(scope: str, said: str) -> None:
    request = go_request("GET", "/v1/p/jobs", "", "", None)

    assert refusal(request, replace(authorization_of(request), scope=scope)) == said


def test_parse__reads_both_layouts_whatever_the_spacing() -> None:
    signature = "0" * 64

    assert Authorization.parse(f"SDK-HMAC-SHA256 Access=AK,SignedHeaders=Host;x-sdk-date,Signature={signature}") == (
        Authorization(access_key="AK", signed_headers=("host", "x-sdk-date"), signature=signature)
    )
    assert Authorization.parse(
        f"SDK-HMAC-SHA256 Credential=AK/20240101///sdk_request, SignedHeaders=host, Signature={signature.upper()}"
    ) == Authorization(access_key="AK", signed_headers=("host",), signature=signature, scope="20240101///sdk_request")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "does not begin with SDK-HMAC-SHA256"),
        ("Basic dXNlcjpwYXNz", "does not begin with SDK-HMAC-SHA256"),
        ("SDK-HMAC-SM3 Access=AK, SignedHeaders=host, Signature=00", "does not begin with SDK-HMAC-SHA256"),
        ("SDK-HMAC-SHA256", "names no access key"),
        ("SDK-HMAC-SHA256 Access=, SignedHeaders=host, Signature=00", "names no access key"),
        ("SDK-HMAC-SHA256 Access=AK, Access=BK, SignedHeaders=host", "has 'Access' twice"),
        ("SDK-HMAC-SHA256 Access=AK, Signature=00", "has no SignedHeaders"),
        ("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host", "is not 64 hexadecimal digits"),
        ("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=" + "é" * 64, "is not 64 hexadecimal digits"),
    ],
)
def test_parse__says_what_is_malformed(header: str, said: str) -> None:
    with pytest.raises(NotAuthenticated, match=said):
        Authorization.parse(header)


@given(st.text())
def test_parse__any_text_is_read_or_refused(text: str) -> None:
    try:
        Authorization.parse("SDK-HMAC-SHA256 " + text)
    except NotAuthenticated as error:
        assert error.code == "APIGW.0301"  # noqa: PT017 - both ends are fine


def test_sign__signs_as_the_official_sdk_does() -> None:
    request, expected = sdk_request("POST", "/v1/p/jobs/%E4%B8%AD", [("b", "2 3"), ("a", "")], '{"name":"作业"}')
    bare = replace(
        request, headers=[header for header in request.headers if header[0] not in ("x-sdk-date", "authorization")]
    )

    added = sign(bare, ACCESS_KEY, SECRET, NOW)

    assert added["X-Sdk-Date"] == DATE
    assert Authorization.parse(added["Authorization"]) == expected
