"""Who may call, seen from outside: both signature layouts, tokens, projects. Source: factory-v1-notes §2."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from v1.error_answers import failure, refused

from headrace.api import authentication
from headrace.app import open_installation
from headrace.auth import signature
from headrace.auth.passwords import hash_password
from headrace.auth.token import TokenClaims, issue_token
from headrace.domain.identity import User
from headrace.settings import InvalidSetting, Settings
from headrace.storage import identity

REFUSED = "Incorrect IAM authentication information:"


def not_authenticated(detail: str) -> dict[str, Any]:
    return refused("APIGW.0301", f"{REFUSED} {detail}", 401)


class Client:
    """Signs by hand, so that each part can be wrong."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.access_key, self.secret = server.credentials["access_key"], server.credentials["secret_key"]
        self.path = f"/v1/{server.project_id}/jobs"
        self.host = urlsplit(server.url).netloc

    def signed(
        self,
        *,
        now: datetime | None = None,
        access_key: str | None = None,
        secret: str | None = None,
        query: str = "",
        body: bytes = b"",
        method: str = "GET",
    ) -> dict[str, str]:
        """Headers in the layout ``Access=``, of the Python SDKs and the Terraform provider."""
        request = signature.Request(
            method=method, path=self.path, query=query, headers=[("host", self.host)], body=body
        )
        moment = now or datetime.now(UTC)
        return signature.sign(request, access_key or self.access_key, secret or self.secret, moment)

    def scoped(self, query: str = "") -> dict[str, str]:
        """Headers in the layout ``Credential=``, of the Go client, made here from its published recipe."""
        date = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{date[:8]}///sdk_request"
        key = b"SDK" + self.secret.encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        head = f"host:{self.host}\nx-sdk-date:{date}\n\nhost;x-sdk-date"
        canonical = f"GET\n{self.path}/\n{query}\n{head}\n{hashlib.sha256(b'').hexdigest()}"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        signed = hmac.digest(key, f"SDK-HMAC-SHA256\n{date}\n{scope}\n{hashed}".encode(), "sha256").hex()
        credential = f"Credential={self.access_key}/{scope}"
        return {
            "X-Sdk-Date": date,
            "Authorization": f"SDK-HMAC-SHA256 {credential}, SignedHeaders=host;x-sdk-date, Signature={signed}",
        }

    def get(self, headers: dict[str, str], query: str = "", path: str = "") -> httpx.Response:
        address = f"{self.server.url}{path or self.path}"
        return httpx.get(f"{address}?{query}" if query else address, headers=headers)


@pytest.fixture
def client(server: Any) -> Client:
    return Client(server)


# ---- signatures


def test_signature__of_the_python_sdks_is_taken(client: Client) -> None:
    query = f"limit=5&jobName={quote('a b/中', safe='')}"
    assert client.get(client.signed(query=query), query).status_code == 200


def test_signature__of_the_go_client_is_taken(client: Client) -> None:
    assert client.get(client.scoped()).status_code == 200
    assert client.get(client.scoped("limit=5&offset=0"), "offset=0&limit=5").status_code == 200


def test_signature__covers_the_body_the_query_and_the_path(client: Client) -> None:
    wrong = not_authenticated("the signature does not fit this request and access key.")
    assert failure(client.get(client.signed(query="limit=5"), "limit=6")) == wrong
    other = httpx.get(f"{client.server.url}{client.path}/other", headers=client.signed())
    assert failure(other) == wrong
    address = f"{client.server.url}{client.path}"
    changed = httpx.post(address, content=b'{"name":"b"}', headers=client.signed(method="POST", body=b'{"name":"a"}'))
    assert failure(changed) == wrong


@pytest.mark.parametrize("seconds", [-14 * 60, 14 * 60])
def test_signature__of_a_clock_up_to_15_minutes_off_is_taken(client: Client, seconds: int) -> None:
    assert client.get(client.signed(now=datetime.now(UTC) + timedelta(seconds=seconds))).status_code == 200


@pytest.mark.parametrize("seconds", [-16 * 60, 16 * 60])
def test_signature__of_a_clock_further_off_is_refused_with_both_times(client: Client, seconds: int) -> None:
    headers = client.signed(now=datetime.now(UTC) + timedelta(seconds=seconds))
    told = failure(client.get(headers))
    date = headers["X-Sdk-Date"]
    assert told.pop("error_msg").startswith(
        f"{REFUSED} X-Sdk-Date {date} is more than 15 minutes from the server's time, "
    )
    assert told == {"status": 401, "error_code": "APIGW.0301"}


def test_signature__with_another_secret_is_refused_and_tells_neither(client: Client) -> None:
    answer = client.get(client.signed(secret="not-the-secret"))
    assert failure(answer) == not_authenticated("the signature does not fit this request and access key.")
    assert client.secret not in answer.text
    assert "not-the-secret" not in answer.text


def test_signature__of_an_unknown_key_is_refused(client: Client) -> None:
    answer = client.get(client.signed(access_key="UNKNOWNKEY"))
    assert failure(answer) == not_authenticated("the access key 'UNKNOWNKEY' is unknown.")


def test_signature__of_a_key_that_was_removed_meanwhile_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "RECHECK", 0)
    services = client.server.services
    with services.db.writing() as connection:
        owner = identity.all_users(connection)[0]
        sealed = services.sealer.seal("second-secret")
        identity.add_access_key(connection, identity.AccessKey("SECONDKEY", owner.id, sealed, "", 1))
    second = {"access_key": "SECONDKEY", "secret": "second-secret"}
    assert client.get(client.signed(**second)).status_code == 200
    with services.db.writing() as connection:
        assert identity.delete_access_key(connection, "SECONDKEY")
    assert failure(client.get(client.signed(**second)))["error_code"] == "APIGW.0301"


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        ("Basic YTpi", "Authorization does not begin with SDK-HMAC-SHA256."),
        ("SDK-HMAC-SHA256 x", "Authorization names no access key (Access= or Credential=)."),
        ("SDK-HMAC-SHA256 Access=a", "Authorization has no SignedHeaders."),
        (
            "SDK-HMAC-SHA256 Access=a, SignedHeaders=host, Signature=zz",
            "Signature in Authorization is not 64 hexadecimal digits.",
        ),
    ],
)
def test_authorization__that_cannot_be_read_says_what_is_missing(
    client: Client, authorization: str, detail: str
) -> None:
    assert failure(client.get({"Authorization": authorization})) == not_authenticated(detail)


def test_credentials__are_needed(client: Client) -> None:
    detail = "send X-Auth-Token, or sign the request (Authorization: SDK-HMAC-SHA256 …)."
    assert failure(client.get({})) == not_authenticated(detail)


def test_credentials__are_checked_before_the_body_is_looked_at(client: Client) -> None:
    answer = httpx.post(f"{client.server.url}{client.path}", content=b"{")
    assert failure(answer)["status"] == 401


# ---- tokens


def token_of(server: Any, **changes: str) -> httpx.Response:
    credentials = server.credentials
    user = {
        "name": credentials["user"],
        "password": credentials["password"],
        "domain": {"name": credentials["domain_name"]},
        **changes,
    }
    scope = {"project": {"name": credentials["project_name"]}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    return httpx.post(f"{server.url}/v3/auth/tokens", json=body)


def claims(server: Any, **changes: Any) -> TokenClaims:
    names = {"user_id": "u", "user_name": "admin", "project_id": server.project_id, "domain_id": "d", "issued_ms": 0}
    return TokenClaims(**{**names, **changes})


def test_token__of_the_identity_service_opens_the_factory(client: Client) -> None:
    issued = token_of(client.server)
    assert issued.status_code == 201
    assert client.get({"X-Auth-Token": issued.headers["x-subject-token"]}).status_code == 200


def test_token__that_has_expired_is_refused(client: Client) -> None:
    key, past = client.server.services.token_key, datetime.now(UTC) - timedelta(seconds=1)
    text = issue_token(key, claims(client.server), past)
    assert failure(client.get({"X-Auth-Token": text})) == not_authenticated("the token has expired.")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "the token is malformed."),
        ("garbled", "the token is malformed."),
        ("hr1.e30.AAAA", "the token was not issued by this server."),
        ("x" * 5000, "the token is malformed."),
    ],
)
def test_token__that_is_garbled_is_refused(client: Client, text: str, detail: str) -> None:
    assert failure(client.get({"X-Auth-Token": text})) == not_authenticated(detail)


def test_token__with_changed_claims_is_refused(client: Client) -> None:
    version, content, mac = token_of(client.server).headers["x-subject-token"].split(".")
    changed = content[:-2] + ("AA" if content[-2:] != "AA" else "BB")
    answer = client.get({"X-Auth-Token": f"{version}.{changed}.{mac}"})
    assert failure(answer) == not_authenticated("the token was not issued by this server.")


def test_token__of_another_installation_is_refused(client: Client) -> None:
    text = issue_token(b"k" * 32, claims(client.server), datetime.now(UTC) + timedelta(hours=1))
    detail = "the token was not issued by this server."
    assert failure(client.get({"X-Auth-Token": text})) == not_authenticated(detail)


# ---- projects


@pytest.fixture
def stranger(server: Any) -> User:
    """A user of another project, who signs with STRANGER and stranger-secret."""
    services = server.services
    user = User(id="2" * 32, name="stranger", project_id="9" * 32, domain_id="8" * 32)
    with services.db.writing() as connection:
        if all(one.id != user.id for one in identity.all_users(connection)):
            identity.add_project(connection, identity.Project(user.project_id, "other", user.domain_id, "other", 1))
            identity.add_user(connection, user, hash_password("x"), 1)
            sealed = services.sealer.seal("stranger-secret")
            identity.add_access_key(connection, identity.AccessKey("STRANGER", user.id, sealed, "", 1))
    return user


def test_project__of_the_path_must_be_that_of_the_credentials(client: Client, stranger: User) -> None:
    answer = client.get(client.signed(access_key="STRANGER", secret="stranger-secret"))
    text = (
        "The project of the path is not the project of the credentials. "
        f"{client.server.project_id} is not {stranger.project_id}."
    )
    assert failure(answer) == refused("APIGW.0302", text, 403)


def test_project__of_a_token_counts_as_well(client: Client, stranger: User) -> None:
    key = client.server.services.token_key
    text = issue_token(
        key, claims(client.server, project_id=stranger.project_id), datetime.now(UTC) + timedelta(hours=1)
    )
    assert client.get({"X-Auth-Token": text}).status_code == 403


def test_project__that_is_unknown_is_refused_like_a_foreign_one(server: Any) -> None:
    assert server.http.get("/v1/unknown/jobs").status_code == 403


# ---- no authentication, on loopback only


@pytest.fixture
def open_server(tmp_path: Path) -> Iterator[httpx.AsyncClient]:
    """An application that takes anybody."""
    settings = Settings.load({"home": tmp_path, "auth": "none"}, {})
    installation = open_installation(settings, {})
    transport = httpx.ASGITransport(installation.application())
    yield httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
    installation.stop()


@pytest.mark.parametrize("headers", [{}, {"X-Auth-Token": "x"}, {"Authorization": "SDK-HMAC-SHA256 Access=x"}])
def test_auth_none__takes_any_or_no_credentials_as_the_administrator(
    open_server: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    async def calls() -> tuple[int, dict[str, Any]]:
        projects = (await open_server.get("/v3/projects", headers=headers)).json()["projects"]
        created = await open_server.post(
            f"/v1/{projects[0]['id']}/jobs", json={"name": "j", "processType": "BATCH"}, headers=headers
        )
        listed = await open_server.get(f"/v1/{projects[0]['id']}/jobs", headers=headers)
        return created.status_code, listed.json()["jobs"][0]

    status, job = asyncio.run(calls())
    assert (status, job["createUser"]) == (204, "admin")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.com"])  # noqa: S104 # it is refused
def test_auth_none__binds_to_loopback_only(tmp_path: Path, host: str) -> None:
    settings = Settings.load({"home": tmp_path / "h", "auth": "none", "host": host}, {})
    with pytest.raises(InvalidSetting, match="binds only to loopback"):
        open_installation(settings, {})
    assert not (tmp_path / "h").exists()


# ---- the official client


def sdk(server: Any, access_key: str, secret: str, project_id: str | None) -> Any:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkdgc.v1 import DgcClient

    credentials = BasicCredentials(access_key, secret, project_id)
    return DgcClient.new_builder().with_credentials(credentials).with_endpoints([server.url]).build()


def test_sdk__a_wrong_secret_is_a_client_error_with_its_code_and_request_id(server: Any) -> None:
    from huaweicloudsdkdgc.v1 import ListJobsRequest

    client = sdk(server, server.credentials["access_key"], "wrong", server.project_id)
    with pytest.raises(ClientRequestException) as told:
        client.list_jobs(ListJobsRequest())
    assert (told.value.status_code, told.value.error_code) == (401, "APIGW.0301")
    assert len(told.value.request_id) == 32


def test_sdk__with_a_region_and_no_project_finds_it_through_the_identity_service(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.region.region import Region
    from huaweicloudsdkdgc.v1 import DgcClient, ListJobsRequest

    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", server.url)
    monkeypatch.setattr(BasicCredentials, "_CACHE", type(BasicCredentials._CACHE)())
    credentials = BasicCredentials(server.credentials["access_key"], server.credentials["secret_key"])
    region = Region("cn-north-4", server.url)
    client = DgcClient.new_builder().with_credentials(credentials).with_region(region).build()
    assert client.list_jobs(ListJobsRequest()).total >= 0
    assert credentials.project_id == server.project_id
