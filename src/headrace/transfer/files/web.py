"""Requests to web servers for connectors: http and https only, ended at once when the job stops.

Built on the standard library, for its sockets can be shut down from another thread.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from email.message import Message
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from headrace.errors_cdm import CdmError, RunStopped
from headrace.sql.engine import Cancellation

CONNECT_SECONDS, SILENCE_SECONDS = 15.0, 60.0
REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_REDIRECTING = {301, 302, 303, 307, 308}
_LOST = (OSError, http.client.HTTPException, ValueError)


class Web:
    """Sends requests, each over a connection of its own. ``unreachable``: what it raises when there is no answer."""

    def __init__(self, cancellation: Cancellation, unreachable: type[CdmError]) -> None:
        self._cancellation = cancellation
        self._unreachable = unreachable

    def get(self, url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        """Ask, and follow at most five redirects, to http and https only and never from https to http.

        A user and password of the URL go to its own host only.
        """
        for _ in range(REDIRECTS + 1):
            answer = self.ask(method, url, headers)
            target = answer.headers.get("Location")
            if answer.status not in _REDIRECTING or not target:
                return answer
            answer.close()
            url = self._redirected(url, target)
        raise self._unreachable(f"{shown(url)}: more than {REDIRECTS} redirects.")

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask once, without a body."""
        sending = self.send(method, url, {"Content-Length": "0"} if method in ("PUT", "POST") else {}, headers)
        return sending.answer()

    def upload(self, method: str, url: str) -> Sending:
        """Begin to send a body of unknown size."""
        headers = {"Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream"}
        return self.send(method, url, headers, None)

    def send(self, method: str, url: str, framing: Mapping[str, str], headers: Mapping[str, str] | None) -> Sending:
        """Send what comes before a body."""
        self.check()
        with self.told(url):
            parts = self._split(url)
        sending = Sending(self, url, _host(parts), parts, self._cancellation)
        try:
            with self.told(url):
                sending.begin(method, {"User-Agent": "headrace", **_login(parts), **(headers or {}), **framing})
        except BaseException:
            sending.close()
            raise
        return sending

    def _redirected(self, url: str, target: str) -> str:
        with self.told(url):
            before, after = self._split(url), self._split(urljoin(url, target))
        if before.scheme == "https" and after.scheme == "http":
            raise self._unreachable(f"{shown(url)} redirects from https to http, which is not followed.")
        if (before.scheme, before.hostname, before.port) == (after.scheme, after.hostname, after.port):
            login = before.netloc.rpartition("@")[0]
            after = after._replace(netloc=f"{login}@{_named(after)}" if login else _named(after))
        return after.geturl()

    def _split(self, url: str) -> SplitResult:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or (parts.port is not None and not parts.port):
            raise self._unreachable(f"{shown(url)}: not a web address; use http:// or https:// and a host.")
        return parts

    def check(self) -> None:
        """Raises RunStopped when the job is to stop."""
        if self._cancellation.cancelled:
            raise RunStopped

    @contextmanager
    def told(self, url: str) -> Iterator[None]:
        """Errors of a connection, without what was sent."""
        try:
            yield
        except _LOST as error:
            self.check()
            raise self._unreachable(f"{shown(url)}: {_reason(error)}.") from error


class Sending:
    """A request on its way."""

    def __init__(self, web: Web, url: str, host: str, parts: SplitResult, cancellation: Cancellation) -> None:
        self._web, self._url = web, url
        self._host, self._parts = host, parts
        self._sockets: list[socket.socket] = []
        self._connection = http.client.HTTPConnection(host, parts.port or _PORTS[parts.scheme])
        self._stack = ExitStack()
        self._stack.callback(self._close_sockets)
        self._stack.enter_context(cancellation.calling(self._shut_down))

    def begin(self, method: str, headers: Mapping[str, str]) -> None:
        """Connect and send the headers. Raises OSError."""
        parts = self._parts
        self._connection.sock = self._connected()
        self._web.check()  # nobody cut a connection that was not there yet
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~?[]{}|")
        self._connection.putrequest(method, f"{target}?{query}" if query else target)
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()

    def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        if data:
            with self._web.told(self._url):
                self._connection.send(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> Answer:
        """The body is complete; what the server says."""
        with self._web.told(self._url):
            self._connection.send(b"0\r\n\r\n")
        return self.answer()

    def answer(self) -> Answer:
        """What the server says."""
        try:
            with self._web.told(self._url):
                response = self._connection.getresponse()
        except BaseException:
            self.close()
            raise
        return Answer(self._web, self._url, response, self.close)

    def close(self) -> None:
        """Let go, also in the middle."""
        self._stack.close()
        self._connection.close()

    def _connected(self) -> socket.socket:
        failure: OSError | None = None
        found = socket.getaddrinfo(self._host, self._connection.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            _check_address(str(address[0]))
            plain = socket.socket(family, kind, protocol)
            self._sockets.append(plain)
            plain.settimeout(CONNECT_SECONDS)
            try:
                plain.connect(address)
            except OSError as error:
                failure = error
                continue
            return self._secured(plain)
        raise failure or OSError("no address")

    def _secured(self, plain: socket.socket) -> socket.socket:
        if self._parts.scheme == "https":
            plain = ssl.create_default_context().wrap_socket(plain, server_hostname=self._host)
            self._sockets.append(plain)
        plain.settimeout(SILENCE_SECONDS)
        return plain

    def _shut_down(self) -> None:
        for one in tuple(self._sockets):
            with suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def _close_sockets(self) -> None:
        for one in self._sockets:
            one.close()


class Answer:
    """What a server says; close it."""

    def __init__(self, web: Web, url: str, response: http.client.HTTPResponse, close: Callable[[], None]) -> None:
        self._web, self._url, self._response = web, url, response
        self.status = response.status
        self.headers: Message = response.headers
        self._close = close

    @property
    def size(self) -> int | None:
        """Bytes of the body, where the server says."""
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    def read(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        with self._web.told(self._url):
            data = self._response.read(most)
            if not data and self._response.length:
                raise OSError("the answer ended too early")
            return data

    def close(self) -> None:
        """Let go, also in the middle."""
        self._response.close()
        self._close()


def shown(url: str) -> str:
    """A URL without user, password and query, as messages may show it."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}" if rest else scheme.partition("?")[0]


def _login(parts: SplitResult) -> Mapping[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _host(parts: SplitResult) -> str:
    name = parts.hostname or ""
    return name if name.isascii() else name.encode("idna").decode()


def _named(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _check_address(address: str) -> None:
    """Raises OSError for link-local addresses, where clouds keep credentials, and for special ones."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or found
    if mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified:
        raise OSError(f"{address} is a link-local or special address, which is not called")


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "the host is unknown"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    if isinstance(error, http.client.HTTPException):
        return f"no proper HTTP answer ({type(error).__name__})"
    return "the address cannot be asked"
