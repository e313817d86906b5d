"""Sends one HTTP request for a node: http and https only, ended at once by a cancellation, nothing secret in errors.

Built on the standard library, for its sockets can be shut down from another thread.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from headrace.nodes.base import NodeFailed
from headrace.sql.engine import Cancellation

BODY_LIMIT = 30 * 1024 * 1024  # bytes of an answer. Source: user guide, "Rest Client"
REDIRECTS = 5
CONNECT_SECONDS = 15.0  # per address of a host
_PORTS = {"http": 80, "https": 443}
_KEPT_ELSEWHERE = {"accept", "accept-language", "user-agent"}  # headers that follow a redirect to another host
_FRAMING = {"content-length", "transfer-encoding", "connection"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REDIRECTING = {301, 302, 303, 307, 308}


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """``url``: http or https; a user and password in it become an Authorization header."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def shown(self) -> str:
        """Method and address without user, password and query, as a log may show them."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """A whole answer; ``headers`` compares names without case."""

    status: int
    headers: Message
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body in the charset it names, else UTF-8; what cannot be read is replaced."""
        charset = self.headers.get_content_charset() or "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")


def send(request: HttpRequest, cancellation: Cancellation, *, private_networks: bool = True) -> HttpAnswer:
    """Send a request; a GET follows at most five redirects, and takes its own headers to no other host.

    Link-local addresses, where clouds keep credentials, are refused; so are private and loopback ones unless
    ``private_networks``. Raises NodeFailed: not a web address, no connection, an answer of more than 30 MB, stopped.
    """
    for _ in range(REDIRECTS + 1):
        answer = _exchange(request, cancellation, private_networks)
        target = answer.headers.get("Location")
        if request.method != "GET" or answer.status not in _REDIRECTING or not target:
            return answer
        request = _redirected(request, target)
    raise NodeFailed(f"{request.shown}: more than {REDIRECTS} redirects.")


def _redirected(request: HttpRequest, target: str) -> HttpRequest:
    url = urljoin(request.url, target)
    before, after = _split(request.url), _split(url)
    if before.scheme == "https" and after.scheme == "http":
        raise NodeFailed(f"{request.shown} redirects from https to http, which is not followed.")
    headers = request.headers
    if (before.hostname, before.port, before.scheme) != (after.hostname, after.port, after.scheme):
        headers = {name: value for name, value in headers.items() if name.lower() in _KEPT_ELSEWHERE}
    return replace(request, url=url, headers=headers)


def _split(url: str) -> SplitResult:
    """The parts of a web address. Raises NodeFailed."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError as error:
        raise NodeFailed(f"url: not a web address: {error}.") from error
    if parts.scheme.lower() not in _PORTS or not parts.hostname:
        raise NodeFailed(f"url: {parts.scheme or 'this'!r} is not allowed; use http:// or https:// and a host.")
    return parts


def _exchange(request: HttpRequest, cancellation: Cancellation, private_networks: bool) -> HttpAnswer:
    parts = _split(request.url)
    host = parts.hostname or ""
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (
        "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?[]{}|") if parts.query else ""
    )
    headers = _headers(request, parts)
    connection = http.client.HTTPConnection(host, parts.port or _PORTS[parts.scheme])
    try:
        with _connected(host, parts, cancellation, private_networks) as opened:
            connection.sock = opened
            connection.request(request.method, target, request.body, headers)
            answer = _read(request, connection.getresponse())
        if cancellation.cancelled:  # an answer without a length ends like this too
            raise OSError("stopped")
        return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        if cancellation.cancelled:
            raise NodeFailed(f"{request.shown} was stopped.") from error
        raise NodeFailed(f"{request.shown} failed: {_reason(error)}.") from error
    finally:
        connection.close()


def _headers(request: HttpRequest, parts: SplitResult) -> dict[str, bytes]:
    """The headers as they are sent: the request's own, without those that frame the body, over ours."""
    headers = {"Host": _host(parts), "User-Agent": "headrace", "Accept": "*/*"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name) or any(sign in value for sign in "\r\n\0"):
            raise NodeFailed(f"headers: {name!r} cannot be a header, or its value has a line break.")
        for known in [known for known in headers if known.lower() == name.lower()]:
            del headers[known]
        headers[name] = value
    return {name: value.encode() for name, value in headers.items() if name.lower() not in _FRAMING}


def _host(parts: SplitResult) -> str:
    """The Host header. Raises NodeFailed for a name that no host can have."""
    try:
        host = (parts.hostname or "").encode("idna").decode()
    except UnicodeError as error:
        raise NodeFailed(f"url: {parts.hostname!r} is no name of a host.") from error
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{parts.port}" if parts.port and parts.port != _PORTS[parts.scheme] else bracketed


def _read(request: HttpRequest, response: http.client.HTTPResponse) -> HttpAnswer:
    body = b"" if (response.length or 0) > BODY_LIMIT else response.read(BODY_LIMIT + 1)
    if (response.length or 0) > BODY_LIMIT or len(body) > BODY_LIMIT:
        raise NodeFailed(f"{request.shown}: the answer is larger than 30 MB, which is not supported.")
    if response.length:
        raise NodeFailed(f"{request.shown} failed: the answer ended too early.")
    return HttpAnswer(status=response.status, headers=response.headers, body=body)


@contextmanager
def _connected(
    host: str, parts: SplitResult, cancellation: Cancellation, private_networks: bool
) -> Iterator[socket.socket]:
    """A connection to the host's first address that answers; a cancellation shuts it down."""
    opened: list[socket.socket] = []

    def shut_down() -> None:
        for item in tuple(opened):
            with suppress(OSError):
                socket.socket.shutdown(item, socket.SHUT_RDWR)

    with cancellation.calling(shut_down):
        try:
            plain = _connect(host, parts.port or _PORTS[parts.scheme], private_networks, opened, cancellation)
            if parts.scheme == "https":
                secured = ssl.create_default_context().wrap_socket(
                    plain, server_hostname=host, do_handshake_on_connect=False
                )
                opened.append(secured)
                secured.do_handshake()
                plain = secured
            plain.settimeout(None)  # how long a node may wait is for the node's own limit to say
            if cancellation.cancelled:
                raise OSError("stopped")
            yield plain
        finally:
            for item in opened:
                item.close()


def _connect(
    host: str, port: int, private_networks: bool, opened: list[socket.socket], cancellation: Cancellation
) -> socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        check_address(str(address[0]), private_networks)
        if cancellation.cancelled:
            break
        plain = socket.socket(family, kind, protocol)
        opened.append(plain)
        plain.settimeout(CONNECT_SECONDS)
        try:
            plain.connect(address)
        except OSError as error:
            failure = error
            continue
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain
    raise failure or OSError("no address")


def check_address(address: str, private_networks: bool) -> None:
    """Raises NodeFailed for an address that a node may not call."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or found
    if mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified:
        raise NodeFailed(f"url: {address} is a link-local or special address, which nodes may not call.")
    if not private_networks and not mapped.is_global:
        raise NodeFailed(f"url: {address} is a private address, and the setting private_networks is off.")


def _reason(error: Exception) -> str:
    """Why, without what was sent."""
    if isinstance(error, socket.gaierror):
        return "the host is unknown"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    if isinstance(error, http.client.HTTPException):
        return f"no proper HTTP answer ({type(error).__name__})"
    return "the request cannot be written as HTTP"
