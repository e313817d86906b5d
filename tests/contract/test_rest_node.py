"""The Rest Client node against a real service on loopback."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headrace.nodes.base import NodeFailed
from headrace.settings import Settings
from headrace.sql.engine import OUTPUT_TOO_LARGE, Cancellation
from node_surroundings import Answer, KeptLog, Request, as_json, context, run_node, web_service


def echo(request: Request) -> Answer:
    return as_json({"method": request.method, "path": request.path, "body": request.body.decode()})


def answering(*bodies: object) -> Callable[[Request], Answer]:
    """Each body in turn, the last again and again."""
    rest = list(bodies)
    return lambda request: as_json(rest.pop(0) if len(rest) > 1 else rest[0])


@pytest.mark.parametrize(
    ("method", "body", "heard"),
    [("GET", "{}", ""), ("POST", '{"é":"磁盘"}', '{"é":"磁盘"}'), ("PUT", "{}", "{}"), ("DELETE", "{}", "")],
)
def test_rest__the_body_of_the_answer_is_the_output(method: str, body: str, heard: str) -> None:
    with web_service(echo) as service:
        result = run_node("RESTAPI", context(), url=f"{service.url}/a%3Db?x=1", method=method, body=body)
    assert result.success
    assert json.loads(result.output or "") == {"method": method, "path": "/a%3Db?x=1", "body": heard}


def test_rest__headers_and_url_parameters_are_a_line_each() -> None:
    with web_service(echo) as service:
        run_node(
            "RESTClient",
            context(),
            url=f"{service.url}/?a=1",
            headers="Content-Type=text/plain\nX-Trace-Id=a=b\\nAuthorization=Bearer t",
            urlParameters="b=2\nc=中",
        )
    (request,) = service.requests
    assert request.path == "/?a=1&b=2&c=%E4%B8%AD"
    assert (request.headers["X-Trace-Id"], request.headers["Authorization"]) == ("a=b", "Bearer t")
    assert request.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize("status", [201, 204])
def test_rest__every_2xx_is_success(status: int) -> None:
    with web_service(lambda request: (status, b"", {})) as service:
        assert run_node("RESTAPI", context(), url=service.url, method="POST").success


def test_rest__any_other_status_fails_and_keeps_the_body() -> None:
    with web_service(lambda request: (404, b"no such host", {})) as service:
        result = run_node("RESTAPI", context(), url=f"{service.url}/hosts?token=hush")
    assert (result.success, result.output) == (False, "no such host")
    assert result.message == f"GET {service.url}/hosts answers status 404."


def test_rest__nothing_secret_is_logged() -> None:
    log = KeptLog()
    with web_service(echo) as service:
        url = service.url.replace("://", "://user:hush%40pw@") + "/x?token=hush"
        run_node("RESTAPI", context(log=log), url=url, headers="X-Auth-Token=hush", body="hush", method="POST")
    assert service.requests[0].headers["Authorization"] == "Basic dXNlcjpodXNoQHB3"
    assert "hush" not in log.text
    assert f"POST {service.url}/x: status 200" in log.text


def test_rest__a_large_answer_is_marked_as_output_and_too_large_a_one_fails() -> None:
    def large(request: Request) -> Answer:
        return 200, b"x" * (40_000 if request.path == "/40k" else 31 << 20), {}

    with web_service(large) as service:
        assert run_node("RESTAPI", context(), url=f"{service.url}/40k").output == OUTPUT_TOO_LARGE
        with pytest.raises(NodeFailed, match="larger than 30 MB"):
            run_node("RESTAPI", context(), url=f"{service.url}/31m")


def test_rest__an_endless_answer_fails_at_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(65_536)
                try:
                    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    while True:
                        peer.sendall(b"x" * (1 << 20))
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(NodeFailed, match="larger than 30 MB"):
            run_node("RESTAPI", context(), url=f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join(10)


CHECK = {"checkReturnValue": "YES", "propertyPath": "job.state", "successFlag": "DONE;OK", "failureFlag": "BAD; KO"}


def test_rest__check__asks_until_a_success_flag_comes() -> None:
    with web_service(answering({}, {"job": {"state": "RUNNING"}}, {"job": {"state": "OK"}})) as service:
        result = run_node("RESTAPI", context(), url=service.url, interval="0.01", **CHECK)
    assert (result.success, len(service.requests)) == (True, 3)


def test_rest__check__a_failure_flag_fails_at_once() -> None:
    with web_service(answering({"job": {"state": "KO"}})) as service:
        result = run_node("RESTAPI", context(), url=service.url, **CHECK)
    assert (result.success, result.message) == (False, "job.state has a failure flag.")


def test_rest__check__the_time_limit_of_the_node_ends_it() -> None:
    stop = Cancellation()
    threading.Timer(0.1, stop.cancel).start()
    with (
        web_service(answering({"job": {"state": "RUNNING"}})) as service,
        pytest.raises(NodeFailed, match=r"job.state had none of the flags when it was stopped"),
    ):
        run_node("RESTAPI", context(cancellation=stop), url=service.url, interval="600", **CHECK)


def test_rest__cancel__a_request_without_an_answer_ends_at_once() -> None:
    stop, release = Cancellation(), threading.Event()
    with web_service(lambda request: (200, b"", {}) if release.wait(20) else (500, b"", {})) as service:
        threading.Timer(0.1, stop.cancel).start()
        began = time.monotonic()
        with pytest.raises(NodeFailed, match="was stopped"):
            run_node("RESTAPI", context(cancellation=stop), url=service.url)
        took = time.monotonic() - began
        release.set()
    assert took < 5


def test_rest__cancel__half_an_answer_without_a_length_is_none() -> None:
    stop = Cancellation()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf")
                time.sleep(0.1)
                stop.cancel()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(NodeFailed, match="was stopped"):
            run_node("RESTAPI", context(cancellation=stop), url=f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join(10)


def test_rest__parts_of_the_answer_become_variables() -> None:
    body = {"inner": {"name": "x", "list": [1, {"a": True}]}}
    with web_service(answering(body)) as service:
        names = "v1=inner.name\nv2=inner.list[0]\nv3=inner.list[1]"
        result = run_node("RESTAPI", context(), url=service.url, responseVariables=names)
    assert result.variables == {"v1": "x", "v2": "1", "v3": '{"a":true}'}


@pytest.mark.parametrize("path", ["inner.none", "inner..", "["])
def test_rest__a_variable_without_a_value_fails(path: str) -> None:
    with web_service(answering({"inner": {}})) as service, pytest.raises(NodeFailed, match="responseVariables: v1"):
        run_node("RESTAPI", context(), url=service.url, responseVariables=f"v1={path}")


def test_rest__redirects__a_get_follows_and_leaves_its_token_behind() -> None:
    with web_service(echo) as other:
        moved = {"Location": f"{other.url}/there"}
        with web_service(lambda request: (302, b"", moved)) as service:
            result = run_node("RESTAPI", context(), url=service.url, headers="X-Auth-Token=t\nAccept=text/html")
    assert result.success
    assert "X-Auth-Token" not in other.requests[0].headers
    assert other.requests[0].headers["Accept"] == "text/html"


def test_rest__redirects__a_post_does_not_follow_and_a_circle_ends() -> None:
    with web_service(lambda request: (307, b"", {"Location": "/again"})) as service:
        assert not run_node("RESTAPI", context(), url=service.url, method="POST").success
        with pytest.raises(NodeFailed, match="more than 5 redirects"):
            run_node("RESTAPI", context(), url=service.url)
    assert len(service.requests) == 7


@dataclass(frozen=True)
class Authority:
    """A certificate for this machine, signed by itself."""

    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form, nothing = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, nothing))
    return Authority(folder / "cert.pem", folder / "key.pem")


@contextmanager
def tls_server(authority: Authority, answer: bytes) -> Iterator[str]:
    """A server that answers one request over TLS; an empty answer leaves the caller waiting."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate, authority.key)
    release = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            plain, _ = server.accept()
            with plain, context.wrap_socket(plain, server_side=True) as peer:
                peer.recv(65_536)
                if not answer:
                    release.wait(20)
                peer.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://localhost:{server.getsockname()[1]}/x"
        finally:
            release.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def test_rest__tls__a_trusted_certificate_is_taken(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with tls_server(authority, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as url:
        assert run_node("RESTAPI", context(), url=url).output == "ok"


def test_rest__tls__a_strange_certificate_is_refused(authority: Authority) -> None:
    with tls_server(authority, b"") as url, pytest.raises(NodeFailed, match="the certificate is not trusted"):
        run_node("RESTAPI", context(), url=url)


def test_rest__tls__a_stop_ends_the_wait(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    stop = Cancellation()
    began = time.monotonic()
    with tls_server(authority, b"") as url:
        threading.Timer(0.2, stop.cancel).start()
        with pytest.raises(NodeFailed, match="was stopped"):
            run_node("RESTAPI", context(cancellation=stop), url=url)
        assert time.monotonic() - began < 5


def test_rest__an_answer_that_ends_early_fails() -> None:
    with (
        web_service(lambda request: (200, b"half", {"Content-Length": "100"})) as service,
        pytest.raises(NodeFailed, match=r"failed: no proper HTTP answer|ended too early"),
    ):
        run_node("RESTAPI", context(), url=service.url)


@pytest.mark.parametrize(
    "url",
    ["http://" + "x" * 70 + ".中/", "file:///etc/passwd", "ftp://h/x", "//h/x", "nothing", "http://", "http://h:x/"],
)
def test_rest__only_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(NodeFailed, match="url: "):
        run_node("RESTAPI", context(), url=url)


def test_rest__a_redirect_to_a_file_is_refused() -> None:
    with (
        web_service(lambda request: (302, b"", {"Location": "file:///etc/passwd"})) as service,
        pytest.raises(NodeFailed, match="'file' is not allowed"),
    ):
        run_node("RESTAPI", context(), url=service.url)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "10.1.2.3", "localhost", "192.168.0.1"])
def test_rest__private_addresses_can_be_forbidden(host: str) -> None:
    with pytest.raises(NodeFailed, match="private address"):
        run_node("RESTAPI", context(settings=Settings(private_networks=False)), url=f"http://{host}:1/")


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "[::]"])
def test_rest__link_local_addresses_are_always_refused(host: str) -> None:
    with pytest.raises(NodeFailed, match="link-local"):
        run_node("RESTAPI", context(), url=f"http://{host}/latest/meta-data")


def test_rest__nobody_listening_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NodeFailed, match=rf"GET http://127.0.0.1:{port}/ failed: Connection refused"):
        run_node("RESTAPI", context(), url=f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"url": "http://" + "x" * 70 + ".中/"}, "is no name of a host"),
        ({}, "url: the node names no address"),
        ({"url": "http://h", "method": "PATCH"}, "method: 'PATCH'"),
        ({"url": "http://h", "securityAuthentication": "IAM"}, "securityAuthentication: 'IAM'"),
        ({"url": "http://h", "headers": "no pair"}, "headers: a line has no '='"),
        ({"url": "http://h", "headers": "a b=1"}, "headers: 'a b'"),
        ({"url": "http://h", "method": "POST", "checkReturnValue": "YES"}, "checkReturnValue"),
        ({"url": "http://h", "responseVariables": "a=b\na=c"}, "responseVariables: 'a'"),
        ({"url": "http://h", "responseVariables": "a-b=c"}, "responseVariables: 'a-b'"),
    ],
)
def test_rest__a_bad_property_is_named(properties: dict[str, str], named: str) -> None:
    with pytest.raises(NodeFailed) as failure:
        run_node("RESTAPI", context(), **properties)
    assert named in str(failure.value)
