"""The console is served as the files of a built page, and only those; most tests serve a small page of their own."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from headrace import __version__
from headrace.console.serving import Console
from headrace.settings import Settings

Message = MutableMapping[str, Any]


@dataclass
class Answer:
    """What an ASGI application answered."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def ask(console: Console, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request, its path as a client may send it."""
    answer = Answer()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(console(scope, receive, send))
    return answer


async def api(scope: Any, receive: Any, send: Any) -> None:
    """Stands for the API behind the console."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"api"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html>")
    (page / "assets" / "index-abc.js").write_text("1")
    (tmp_path / "secret.key").write_text("secret")
    return page


@pytest.fixture
def console(folder: Path, tmp_path: Path) -> Console:
    return Console(api, Settings(home=tmp_path), folder)


@pytest.mark.parametrize(("path", "location"), [("/", "console/"), ("/console", "console/")])
def test_console__its_entrances_lead_to_the_page(console: Console, path: str, location: str) -> None:
    answer = ask(console, path)

    assert (answer.status, answer.headers["location"]) == (307, location)


def test_console__the_first_page_is_asked_for_anew_and_may_not_be_framed(console: Console) -> None:
    answer = ask(console, "/console/")

    assert (answer.status, answer.body) == (200, b"<!doctype html>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert not any("unsafe" in rule for rule in policy)


def test_console__head_tells_the_length_only(console: Console) -> None:
    answer = ask(console, "/console/", "HEAD")

    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "15")


def test_console__files_named_after_their_content_are_kept_for_ever(console: Console) -> None:
    answer = ask(console, "/console/assets/index-abc.js")

    assert (answer.status, answer.body) == (200, b"1")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_console__what_the_browser_has_is_not_sent_again(console: Console, form: str) -> None:
    etag = ask(console, "/console/").headers["etag"]

    again = ask(console, "/console/", if_none_match=form.format(etag))

    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    "path",
    [
        "/console/../secret.key",
        "/console/%2e%2e/secret.key",
        "/console/..%2fsecret.key",
        "/console/assets/../../secret.key",
        "/console//etc/passwd",
        "/console/%2fetc%2fpasswd",
        "/console/index.html%00.js",
        "/console/..\\secret.key",
        "/console/assets/",
        "/console/page/index.html",
        "/console/missing.js",
    ],
)
def test_console__only_files_of_the_page_are_found(console: Console, path: str) -> None:
    answer = ask(console, path)

    assert (answer.status, answer.body) == (404, b"There is no such file in the console.")


def test_console__nothing_can_be_sent_to_it(console: Console) -> None:
    answer = ask(console, "/console/", "POST")

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/healthz", "/v1/p/jobs", "/consoles", "/console.html"])
def test_console__every_other_path_is_the_apis(console: Console, path: str) -> None:
    assert (ask(console, path).status, ask(console, path, "POST").body) == (418, b"api")


def test_console__without_a_built_page_it_says_how_to_build_one(tmp_path: Path) -> None:
    console = Console(api, Settings(home=tmp_path), tmp_path / "page")

    answer = ask(console, "/console/")

    assert answer.status == 200
    assert b"make console" in answer.body
    assert ask(console, "/console/assets/index-abc.js").status == 404


def test_console__a_page_that_is_built_meanwhile_is_served(tmp_path: Path) -> None:
    console = Console(api, Settings(home=tmp_path), tmp_path / "page")
    ask(console, "/console/")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("built")

    assert ask(console, "/console/").body == b"built"


@pytest.mark.parametrize(("auth", "sign_in"), [("on", True), ("none", False)])
def test_console_settings__say_what_the_page_must_know(folder: Path, auth: Any, sign_in: bool) -> None:
    console = Console(api, Settings(home=folder, auth=auth, time_zone="Europe/Berlin"), folder)

    answer = ask(console, "/console/settings.json")

    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body) == {"version": __version__, "timeZone": "Europe/Berlin", "signIn": sign_in}


# ---- over HTTP, as an installation joins them


def over_http(url: str, path: str) -> tuple[int, bytes]:
    """A request whose path goes out exactly as it is written."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_server__serves_the_console_beside_the_api(server: Any) -> None:
    assert over_http(server.url, "/")[0] == 307
    assert over_http(server.url, "/console/")[0] == 200
    assert json.loads(over_http(server.url, "/console/settings.json")[1])["signIn"] is True
    assert over_http(server.url, "/healthz")[0] == 200


@pytest.mark.parametrize("path", ["/console/../page.py", "/console/%2e%2e/page.py", "/console/../../../etc/passwd"])
def test_server__gives_no_file_beside_the_page(server: Any, path: str) -> None:
    status, body = over_http(server.url, path)

    assert status == 404
    assert b"import" not in body
    assert b"root:" not in body


def test_server__no_console_serves_the_api_only(start_server: Any, tmp_path: Path) -> None:
    with start_server(tmp_path / "home", console=False) as running:
        for path in ("/", "/console/", "/console/settings.json"):
            status, body = over_http(running.url, path)
            assert (status, json.loads(body)["error_code"]) == (404, "APIGW.0101")
        assert over_http(running.url, "/healthz")[0] == 200


@pytest.mark.parametrize("flags", [[], ["--no-console"]])
def test_up__tells_where_the_console_is(flags: list[str], tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "headrace", "up", "--home", str(tmp_path / "home"), "--port", port, *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            told = []
            for line in server.stderr:
                told.append(line.split())
                if line.strip().startswith("credentials"):
                    break
        finally:
            server.kill()
    places = [words[1] for words in told if words and words[0] == "console"]
    assert places == ([] if flags else [f"http://127.0.0.1:{port}/console/"])
