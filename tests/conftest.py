"""Fixtures shared by all tests: a real server over HTTP, and the official clients pointed at it."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from free_port import free_port
from headrace.app import Installation, open_installation
from headrace.auth import signature
from headrace.auth.credentials import read_credentials
from headrace.services import Services
from headrace.settings import Settings


class SignedAuth(httpx.Auth):
    """Signs requests as the official SDK does."""

    requires_request_body = True

    def __init__(self, access_key: str, secret_key: str) -> None:
        self._access_key, self._secret_key = access_key, secret_key

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        headers = [(name.lower(), value) for name, value in request.headers.items()]
        signed = signature.Request(
            method=request.method,
            path=request.url.raw_path.decode().partition("?")[0],
            query=request.url.query.decode(),
            headers=headers,
            body=request.content,
        )
        for name, value in signature.sign(signed, self._access_key, self._secret_key, datetime.now(UTC)).items():
            request.headers[name] = value
        yield request


class ProjectClient(httpx.Client):
    """An HTTP client that signs, and puts the project's id for ``{p}`` in paths."""

    def __init__(self, base_url: str, project_id: str, auth: httpx.Auth | None) -> None:
        super().__init__(base_url=base_url, auth=auth, timeout=30)
        self._project_id = project_id

    def request(self, method: str, url: Any, **options: Any) -> httpx.Response:
        return super().request(method, str(url).replace("{p}", self._project_id), **options)


@dataclass
class Server:
    """A running server of this process."""

    url: str
    home: Path
    installation: Installation
    credentials: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        return self.installation.services

    @property
    def project_id(self) -> str:
        return self.credentials["project_id"]

    @property
    def http(self) -> ProjectClient:
        if not hasattr(self, "_http"):
            auth = SignedAuth(self.credentials["access_key"], self.credentials["secret_key"])
            self._http = ProjectClient(self.url, self.project_id, auth)
        return self._http

    def close(self) -> None:
        if hasattr(self, "_http"):
            self._http.close()

    def workspace(self) -> str:
        """The id of a fresh workspace."""
        name = f"ws_{time.time_ns()}"
        answer = self.http.post("/v1/{p}/workspaces/studio", json={"name": name, "eps_id": "0"})
        assert answer.is_success, answer.text
        listed = self.http.get("/v1/{p}/workspaces/studio", params={"limit": 100}).json()
        offset = 0
        while all(item["name"] != name for item in listed["data"]):
            offset += 100
            listed = self.http.get("/v1/{p}/workspaces/studio", params={"limit": 100, "offset": offset}).json()
        return next(item["id"] for item in listed["data"] if item["name"] == name)

    def _sdk(self, package: str, client: str) -> Any:
        core = __import__("huaweicloudsdkcore.auth.credentials", fromlist=["BasicCredentials"])
        module = __import__(package, fromlist=[client])
        credentials = core.BasicCredentials(
            self.credentials["access_key"], self.credentials["secret_key"], self.project_id
        )
        return getattr(module, client).new_builder().with_credentials(credentials).with_endpoints([self.url]).build()

    def sdk_dgc(self) -> Any:
        return self._sdk("huaweicloudsdkdgc.v1", "DgcClient")

    def sdk_dlf(self) -> Any:
        return self._sdk("huaweicloudsdkdlf.v1", "DlfClient")

    def sdk_cdm(self) -> Any:
        return self._sdk("huaweicloudsdkcdm.v1", "CdmClient")


@contextmanager
def running_server(home: Path, **settings: Any) -> Iterator[Server]:
    """Open an installation and serve it on a free port of loopback until the block ends."""
    port = free_port()
    chosen = Settings.load({"home": home, "port": port, "local_execution": True, **settings}, {})
    installation = open_installation(chosen, {})
    config = uvicorn.Config(
        installation.application(), host="127.0.0.1", port=port, log_level="warning", ws="none", lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the server did not start")
        time.sleep(0.005)
    running = Server(f"http://127.0.0.1:{port}", home, installation, read_credentials(home))
    try:
        yield running
    finally:
        running.close()
        server.should_exit = True
        thread.join(20)


ServerStarter = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="session")
def start_server() -> ServerStarter:
    """``start_server(home, **settings)``: a server of the test's own, as a context manager."""
    return running_server


POSTGRES = os.environ.get("HEADRACE_TEST_POSTGRES", "postgresql://headrace@127.0.0.1:55432/postgres")


@contextmanager
def postgres_databases() -> Iterator[Callable[[], str]]:
    """A maker of empty PostgreSQL databases, each a URL; all are dropped at the end. Skips where no server answers."""
    psycopg = pytest.importorskip("psycopg")
    made: list[str] = []

    def made_url() -> str:
        name = f"headrace_{uuid.uuid4().hex[:12]}"
        try:
            with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=2) as connection:
                connection.execute(f"CREATE DATABASE {name}")
        except psycopg.OperationalError as error:
            pytest.skip(f"no PostgreSQL at {POSTGRES.rpartition('@')[2]} (make services starts one): {error}")
        made.append(name)
        return f"{POSTGRES.rpartition('/')[0]}/{name}"

    yield made_url
    if made:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            for name in made:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def new_postgres_url() -> Iterator[Callable[[], str]]:
    """Makes empty databases, which end with the test."""
    with postgres_databases() as made_url:
        yield made_url


@pytest.fixture(scope="module")
def new_module_postgres_url() -> Iterator[Callable[[], str]]:
    """Makes empty databases, which end with the module."""
    with postgres_databases() as made_url:
        yield made_url


@pytest.fixture(scope="module")
def postgres_url(new_module_postgres_url: Callable[[], str]) -> str:
    """The URL of an empty database."""
    return new_module_postgres_url()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The URL of an S3 server (moto's) in this process."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", category=DeprecationWarning, module=r"(moto|werkzeug|flask|botocore|py_partiql).*"
        )
        server = pytest.importorskip("moto.server", reason="moto[server] is not installed").ThreadedMotoServer
        pytest.importorskip("obstore", reason="the extra headrace[s3] is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = server("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real and constructed samples; tests that need it are skipped where it is absent."""
    named = os.environ.get("HEADRACE_SAMPLES")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip("the shared samples are not beside this checkout (set HEADRACE_SAMPLES)")
    return folder


def load_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
