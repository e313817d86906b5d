"""Opens connections to SFTP servers, after a look at whether each is the one it was before.

Paramiko is the extra ``headrace[ssh]`` and is imported when the first server is needed.
"""

from __future__ import annotations

import io
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from headrace.errors_cdm import CdmError, SftpUnreachable
from headrace.transfer.drivers import driver
from headrace.transfer.options import Link

CONNECT_SECONDS = 15.0  # for the address to answer, and again for the server to let us in
SILENCE_SECONDS = 60  # without an acknowledgement of what we sent, after which a link is lost


@dataclass(frozen=True, kw_only=True)
class SftpServer:
    """Where a server is and who enters. ``private_key`` is the text of a key, ``password`` its passphrase then.

    ``host_key``: the key or SHA256 fingerprint that the server must have; empty: one of ``known_hosts``.
    """

    address: str
    port: int
    user: str
    password: str = field(repr=False)
    private_key: str = field(default="", repr=False)
    host_key: str = ""
    known_hosts: Path

    @property
    def shown(self) -> str:
        """How messages call it."""
        return f"{self.user}@{self.address}:{self.port}"


def sftp_server(link: Link, known_hosts: Path) -> SftpServer:
    """The server of a link. Raises CdmError.

    ``privateKey`` and ``hostKey`` are our own inputs. Source: CDM API reference, link to an SFTP server.
    """
    address, port = link.address("server", default_port=22)
    return SftpServer(
        address=address,
        port=port,
        user=link.required("username"),
        password=link.text("password"),
        private_key=link.text("privateKey"),
        host_key=link.text("hostKey").strip(),
        known_hosts=known_hosts,
    )


class SftpSession:
    """A connection and its SFTP client, used by one thread at a time."""

    def __init__(self, link: socket.socket, client: Any) -> None:
        self._link = link
        self._client = client
        self.sftp: Any = client.open_sftp()
        self.sftp.get_channel().settimeout(SILENCE_SECONDS)

    def cut(self) -> None:
        """End it."""
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._client.close()
        self._link.close()


def paramiko() -> Any:
    """The library. Raises DriverMissing."""
    library = driver("paramiko", "ssh")
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what goes wrong is told by the job
    return library


def connect(server: SftpServer) -> SftpSession:
    """Enter a server. Raises SftpUnreachable: no answer, another key than it should have, refused."""
    library = paramiko()
    key = _private_key(library, server)
    try:
        link = socket.create_connection((server.address, server.port), timeout=CONNECT_SECONDS)
    except OSError as error:
        raise SftpUnreachable(f"{server.shown}: {error.strerror or error}.") from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)
    client = library.SSHClient()
    try:
        _enter(library, client, server, key, link)
        return SftpSession(link, client)
    except BaseException as error:
        client.close()
        link.close()
        if isinstance(error, library.SSHException | OSError | EOFError):
            raise SftpUnreachable(_refusal(library, server, error)) from error
        raise


def _enter(library: Any, client: Any, server: SftpServer, key: Any, link: socket.socket) -> None:
    if not server.host_key and server.known_hosts.exists():
        client.load_host_keys(str(server.known_hosts))
    client.set_missing_host_key_policy(_Unknown(server))
    client.connect(
        server.address,
        server.port,
        server.user,
        password=None if key is not None else server.password,
        pkey=key,
        sock=link,
        allow_agent=False,
        look_for_keys=False,
        banner_timeout=CONNECT_SECONDS,
        auth_timeout=CONNECT_SECONDS,
        timeout=CONNECT_SECONDS,
    )


def _refusal(library: Any, server: SftpServer, error: BaseException) -> str:
    if isinstance(error, library.BadHostKeyException):
        return (
            f"{server.shown} shows another key than before: {error.key.fingerprint}, where {server.known_hosts} has "
            f"{error.expected_key.fingerprint}. Either the server was set up anew or somebody stands in between; "
            "nothing was sent."
        )
    if isinstance(error, library.AuthenticationException):
        return f"{server.shown} does not accept the {'key' if server.private_key else 'password'} of the link."
    return f"{server.shown} was reached, but does not speak SFTP with us: {error}"


class _Unknown:
    """What Paramiko asks about a server of which no key is known. Nothing is trusted for the first time."""

    def __init__(self, server: SftpServer) -> None:
        self._server = server

    def missing_host_key(self, _client: Any, _name: str, key: Any) -> None:
        """Compare with the key of the link. Raises SftpUnreachable."""
        server = self._server
        if not server.host_key:
            raise SftpUnreachable(
                f"{server.shown} is not in {server.known_hosts}, and the link has no hostKey. Its key is "
                f"{key.fingerprint}. Compare it, then put it into linkConfig.hostKey, or add it: "
                f"ssh-keyscan -p {server.port} {server.address} >> {server.known_hosts}"
            )
        if key.fingerprint != server.host_key and key.get_base64() not in server.host_key.split():
            raise SftpUnreachable(
                f"{server.shown} has the key {key.fingerprint}, which is not that of linkConfig.hostKey. Either the "
                "server was set up anew or somebody stands in between; nothing was sent."
            )


def _private_key(library: Any, server: SftpServer) -> Any:
    """The key as Paramiko takes it, whatever the form of its text; None when a password is used. Raises CdmError."""
    if not server.private_key:
        return None
    loaded = _loaded(server.private_key.encode(), server.password.encode() or None)
    text = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    for kind in (library.Ed25519Key, library.ECDSAKey, library.RSAKey):
        with suppress(library.SSHException, ValueError):
            return kind.from_private_key(io.StringIO(text))
    raise CdmError("linkConfig.privateKey: the key is neither Ed25519 nor ECDSA nor RSA.")


def _loaded(data: bytes, passphrase: bytes | None) -> Any:
    load: Any = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    for word in dict.fromkeys((passphrase, None)):  # a passphrase may be given for a key that has none
        with suppress(TypeError, ValueError, UnsupportedAlgorithm):
            return load(data, word)
    raise CdmError("linkConfig.privateKey: it is no private key, or its passphrase, linkConfig.password, is wrong.")
