"""Opens the SSH connection of a HOST: its address, who enters, and whether the host is the one it was before.

Paramiko is the extra ``headrace[ssh]`` and is imported when the first host is needed.
"""

from __future__ import annotations

import importlib
import io
import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from headrace.errors import HeadraceError
from headrace.nodes.base import BoundConnection, NodeFailed
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.sql.engine import Cancellation

CONNECT_SECONDS = 15.0  # for the address to answer, and again for the host to let us in
SILENCE_SECONDS = 60  # without an acknowledgement of what we sent, after which a link is lost
MAX_KEY_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Host:
    """Where a HOST connection leads. ``private_key`` is the text of a key, ``password`` its passphrase then."""

    name: str
    address: str
    port: int
    user: str
    password: str
    private_key: str = ""

    @property
    def shown(self) -> str:
        """How messages call it."""
        return f"{self.user}@{self.address}:{self.port} (connection {self.name!r})"


@dataclass(frozen=True, kw_only=True)
class KnownHosts:
    """The keys of hosts, in a file that OpenSSH reads as well. ``trust_new``: note the key of a host never seen."""

    file: Path
    trust_new: bool = True


def read_host(connection: BoundConnection, store: ObjectStore, keys: Path) -> Host:
    """The host of a connection. ``keys``: the folder in which a key that is not in the store must be.

    Raises NodeFailed, naming the member. Source: API reference, "Creating a Connection", type HOST (ip, port, userName,
    password or keyLocation).
    """
    config = connection.config
    text = {name: str(config.get(name) or "").strip() for name in ("ip", "port", "userName", "username", "keyLocation")}
    port = text["port"] or "22"
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise NodeFailed(f"Connection {connection.name!r}: port {port!r} is not a number from 1 to 65535.")
    user = text["userName"] or text["username"]
    if not user:
        raise NodeFailed(f"Connection {connection.name!r}: userName is empty.")
    location = text["keyLocation"]
    return Host(
        name=connection.name,
        address=text["ip"],
        port=int(port),
        user=user,
        password=str(config.get("password") or ""),
        private_key=_key_text(connection.name, location, store, keys) if location else "",
    )


def _key_text(name: str, location: str, store: ObjectStore, keys: Path) -> str:
    where = f"Connection {name!r}: keyLocation {location!r}"
    try:
        if location.startswith("obs://"):
            path = ObsPath.parse(location)
            if store.size(path) > MAX_KEY_BYTES:
                raise NodeFailed(f"{where} is larger than a key.")
            return store.get(path).decode("utf-8")
        file = (keys / location).resolve()
        if not file.is_relative_to(keys.resolve()):
            raise NodeFailed(f"{where} is neither an obs:// path nor a file in {keys}.")
        with open(file, "rb") as opened:
            return opened.read(MAX_KEY_BYTES).decode("utf-8")
    except HeadraceError as error:
        raise NodeFailed(f"{where} cannot be read: {error.message}") from error
    except OSError as error:
        raise NodeFailed(f"{where} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise NodeFailed(f"{where} is not the text of a key.") from error


def paramiko() -> Any:
    """The library. Raises NodeFailed where it is not installed."""
    try:
        library = importlib.import_module("paramiko")
    except ImportError as error:
        raise NodeFailed("Hosts are reached with Paramiko, which is absent: pip install 'headrace[ssh]'.") from error
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what goes wrong is told in the log of the node
    return library


@contextmanager
def connected(host: Host, known: KnownHosts, cancellation: Cancellation) -> Iterator[Any]:
    """A Paramiko transport that has entered the host. Raises NodeFailed: unreachable, another key, refused, stopped."""
    library = paramiko()
    key = private_key(library, host)
    try:
        link = socket.create_connection((host.address, host.port), timeout=CONNECT_SECONDS)
    except OSError as error:
        raise NodeFailed(f"Host {host.shown} cannot be reached: {error.strerror or error}.") from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)
    with closing(link), closing(library.SSHClient()) as client:
        with cancellation.calling(lambda: _cut(link)):
            _enter(library, client, host, key, known, link, cancellation)
        yield client.get_transport()


def _enter(
    library: Any,
    client: Any,
    host: Host,
    key: Any,
    known: KnownHosts,
    link: socket.socket,
    cancellation: Cancellation,
) -> None:
    with _KEYS:
        if known.file.exists():
            client.load_host_keys(str(known.file))
    client.set_missing_host_key_policy(_FirstUse(host, known))
    try:
        client.connect(
            host.address,
            host.port,
            host.user,
            password=None if key is not None else host.password,
            pkey=key,
            sock=link,
            allow_agent=False,
            look_for_keys=False,
            banner_timeout=CONNECT_SECONDS,
            auth_timeout=CONNECT_SECONDS,
            timeout=CONNECT_SECONDS,
        )
    except (library.SSHException, OSError, EOFError) as error:
        if cancellation.cancelled:
            raise NodeFailed(f"Stopped while entering host {host.shown}.") from error
        raise NodeFailed(_refusal(library, host, known, error)) from error


def _refusal(library: Any, host: Host, known: KnownHosts, error: Exception) -> str:
    if isinstance(error, library.BadHostKeyException):
        return _changed(host, known, error.key, error.expected_key)
    if isinstance(error, library.AuthenticationException):
        by = "key" if host.private_key else "password"
        return f"Host {host.shown} does not accept the {by} of the connection: {error}"
    return f"Host {host.shown} was reached, but does not speak SSH with us: {error}"


def _cut(link: socket.socket) -> None:
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:  # it is closed already
        return


def private_key(library: Any, host: Host) -> Any:
    """The key as Paramiko takes it, whatever the form of its text; None when a password is used. Raises NodeFailed."""
    if not host.private_key:
        return None
    loaded = _read_key(host)
    kinds = (
        (ed25519.Ed25519PrivateKey, library.Ed25519Key),
        (ec.EllipticCurvePrivateKey, library.ECDSAKey),
        (rsa.RSAPrivateKey, library.RSAKey),
    )
    for kind, taken in kinds:
        if isinstance(loaded, kind):
            text = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
            return taken.from_private_key(io.StringIO(text))
    raise NodeFailed(f"Connection {host.name!r}: the key is neither Ed25519 nor ECDSA nor RSA.")


def _read_key(host: Host) -> Any:
    data, passphrase = host.private_key.encode(), host.password.encode() or None
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        try:
            return load(data, passphrase)
        except TypeError:  # a passphrase for a key that has none, or the other way round
            if passphrase is None:
                raise
            return load(data, None)
    except TypeError as error:
        raise NodeFailed(
            f"Connection {host.name!r}: the key is encrypted; its passphrase belongs into password."
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NodeFailed(
            f"Connection {host.name!r}: the key cannot be read, or its passphrase is wrong. It has to be a private key "
            "as ssh-keygen or OpenSSL write them."
        ) from error


_KEYS = threading.Lock()  # of the file of known hosts


class _FirstUse:
    """What Paramiko asks about a host of which no key is known."""

    def __init__(self, host: Host, known: KnownHosts) -> None:
        self._host, self._known = host, known

    def missing_host_key(self, _client: Any, name: str, key: Any) -> None:
        """Note the key, or raise NodeFailed."""
        file = self._known.file
        if not self._known.trust_new:
            raise NodeFailed(
                f"Host {self._host.shown} is not in {file}, and the setting ssh_trust_new_hosts is off. Its key is "
                f"{key.fingerprint}. Compare it, then add it: ssh-keyscan -p {self._host.port} {self._host.address} "
                f">> {file}"
            )
        with _KEYS:
            noted = paramiko().HostKeys(str(file) if file.exists() else None).lookup(name)
            if noted is not None:  # another attempt was first
                if key.get_name() not in noted or noted[key.get_name()] != key:
                    raise NodeFailed(_changed(self._host, self._known, key, next(iter(noted.values()))))
                return
            file.touch(mode=0o600)
            with open(file, "a", encoding="ascii") as opened:
                opened.write(f"{name} {key.get_name()} {key.get_base64()}\n")


def _changed(host: Host, known: KnownHosts, given: Any, expected: Any) -> str:
    name = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
    return (
        f"Host {host.shown} shows another key than before: {given.fingerprint}, where {known.file} has "
        f"{expected.fingerprint}. Either the host was set up anew or somebody stands in between; nothing was sent. "
        f"If the new key is right, forget the old one: ssh-keygen -R '{name}' -f {known.file}"
    )


class HostSlots:
    """How many programs run on each host at once; further ones wait, and stop waiting when cancelled."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: dict[tuple[str, int], int] = {}

    @contextmanager
    def one_of(self, limit: int, host: Host, cancellation: Cancellation) -> Iterator[None]:
        """Take a place. Raises NodeFailed when cancelled before there is one."""
        place = (host.address, host.port)

        def free() -> bool:
            return cancellation.cancelled or self._taken.get(place, 0) < limit

        with cancellation.calling(self._wake), self._changed:
            self._changed.wait_for(free)
            if cancellation.cancelled:
                raise NodeFailed(f"Stopped while waiting for a place on host {host.shown}.")
            self._taken[place] = self._taken.get(place, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._taken[place] -= 1
                self._changed.notify_all()

    def taken(self) -> Mapping[tuple[str, int], int]:
        """How many run, by address and port."""
        with self._changed:
            return {place: count for place, count in self._taken.items() if count}

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
