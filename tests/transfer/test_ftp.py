"""Files of an FTP server (pyftpdlib's, in this process), in the clear and with TLS."""

from __future__ import annotations

import itertools
import logging
import socket
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from file_store_suite import FileStoreSuite, paths, write
from memory_files import around, source_options

from headrace.errors_cdm import CdmError, FileNotWritten, FtpUnreachable, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import by_url, open_connector
from headrace.transfer.connectors.ftp import Ftp
from headrace.transfer.files.ftp_files import FtpFiles
from headrace.transfer.files.ftp_listing import moment
from headrace.transfer.files.store import FileStore
from headrace.transfer.options import Link

NUMBERS = itertools.count()


def library(name: str) -> Any:
    """A module of pyftpdlib, which uses modules that Python 3.11 warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(f"pyftpdlib.{name}", reason="pyftpdlib is absent: pip install --group test")


class Server:
    """An FTP server and its thread, a user and a folder for each test; ``lacks``: commands that it does not know."""

    def __init__(self, *, lacks: tuple[str, ...] = (), certificate: Path | None = None) -> None:
        handlers, authorizers, servers = library("handlers"), library("authorizers"), library("servers")
        logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
        self.authorizer = authorizers.DummyAuthorizer()
        members: dict[str, Any] = {"authorizer": self.authorizer, "auth_failed_timeout": 0}
        kind = handlers.FTPHandler
        if certificate:
            kind = handlers.TLS_FTPHandler
            members |= {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
        known = {name: about for name, about in kind.proto_cmds.items() if name not in lacks}
        handler = type("Handler", (kind,), {**members, "proto_cmds": known})
        self.server = servers.FTPServer(("127.0.0.1", 0), handler, ioloop=library("ioloop").IOLoop())
        self.port = self.server.socket.getsockname()[1]
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        """Until it ends; all in one thread, also the end."""
        while not self.ends.is_set():
            self.server.serve_forever(timeout=0.05, blocking=False)
        self.server.close_all()

    def values(self, root: Path, **changes: str) -> dict[str, str]:
        """The inputs of a link that shows a folder."""
        user = f"user{next(NUMBERS)}"
        self.authorizer.add_user(user, "very-secret", str(root), perm="elradfmwMT")
        given = {"server": "127.0.0.1", "port": str(self.port), "username": user, "password": "very-secret"}
        return given | changes

    def close(self) -> None:
        self.ends.set()
        self.thread.join(60)


def ftp(values: dict[str, str], **changes: Any) -> Ftp:
    found = open_connector(Link(name="f", connector="ftp-connector", values=values), around(**changes))
    assert isinstance(found, Ftp)
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture(scope="module")
def old_server() -> Iterator[Server]:
    """One of the time before RFC 3659."""
    found = Server(lacks=("MLSD", "MLST"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    return file


@pytest.fixture(scope="module")
def secure(certificate: Path) -> Iterator[Server]:
    found = Server(certificate=certificate)
    yield found
    found.close()


class TestFtpFiles(FileStoreSuite):
    @pytest.fixture
    def files(self, server: Server, tmp_path: Path) -> Iterator[FtpFiles]:
        store = ftp(server.values(tmp_path)).open_store(source_options())
        assert isinstance(store, FtpFiles)
        yield store
        store.close()


class TestFtpFilesOfAnOldServer(FileStoreSuite):
    @pytest.fixture
    def files(self, old_server: Server, tmp_path: Path) -> Iterator[FileStore]:
        store = ftp(old_server.values(tmp_path)).open_store(source_options())
        yield store
        store.close()


class TestFtpFilesOverTls(FileStoreSuite):
    @pytest.fixture
    def files(self, secure: Server, certificate: Path, tmp_path: Path) -> Iterator[FileStore]:
        values = secure.values(tmp_path, useSSL="true", certificate=certificate.read_text())
        store = ftp(values).open_store(source_options())
        yield store
        store.close()


def test_ftps__a_server_that_is_trusted_lets_us_in(secure: Server, certificate: Path, tmp_path: Path) -> None:
    values = secure.values(tmp_path, useSSL="true", certificate=certificate.read_text())

    assert "lets us in" in ftp(values).test()


def test_ftps__a_certificate_that_is_not_trusted_answers_cdm_0600(secure: Server, tmp_path: Path) -> None:
    with pytest.raises(FtpUnreachable, match="not trusted"):
        ftp(secure.values(tmp_path, useSSL="true")).test()
    with pytest.raises(CdmError, match="certificate"):
        ftp(secure.values(tmp_path, useSSL="true", certificate="none")).test()
    with pytest.raises(FtpUnreachable):
        ftp(secure.values(tmp_path)).test()


def test_a_folder_that_may_not_be_made_answers_cdm_0244(server: Server, tmp_path: Path) -> None:
    store = ftp(server.values(tmp_path)).open_store(source_options())
    write(store, "in/a", b"1")

    with pytest.raises(FileNotWritten):
        store.create("in/a/b")
    with pytest.raises(FileNotWritten):
        store.create("in").close()
    assert paths(store) == ["in/a"]
    store.close()


def test_test__a_password_that_is_refused_is_not_repeated(server: Server, tmp_path: Path) -> None:
    assert ftp(server.values(tmp_path)).test().endswith(f"@127.0.0.1:{server.port} lets us in.")
    with pytest.raises(FtpUnreachable, match="refuses") as refusal:
        ftp(server.values(tmp_path, password="wrong-secret")).test()
    assert "wrong-secret" not in refusal.value.message


def test_a_server_that_is_down_answers_cdm_0600() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FtpUnreachable):
        ftp({"server": "127.0.0.1", "port": str(port), "username": "u", "password": "p"}).test()


def test_a_user_with_a_line_break_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(FtpUnreachable):
        ftp(server.values(tmp_path, username="me\r\nDELE x")).test()


def test_a_job_that_stops_cuts_what_is_read_and_written(server: Server, tmp_path: Path) -> None:
    cancellation = Cancellation()
    store = ftp(server.values(tmp_path), cancellation=cancellation).open_store(source_options())
    write(store, "in/a", bytes(40 << 20))
    stream, output = store.open("in/a"), store.create("in/b")
    stream.read(1)

    cancellation.cancel()

    with pytest.raises(RunStopped):
        stream.read()
    with pytest.raises(RunStopped):
        for _ in range(1000):
            output.write(bytes(1 << 20))
    output.discard()
    stream.close()
    with pytest.raises(RunStopped):
        store.find("in/a")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("20240131020000", 1_706_666_400_000),
        ("20240131020000.5", 1_706_666_400_500),
        ("", None),
        ("20241331020000", None),
        ("soon", None),
    ],
)
def test_moment__of_the_words_of_a_server(text: str, milliseconds: int | None) -> None:
    assert moment(text) == milliseconds


def test_urls() -> None:
    job = by_url("ftps://me:p%2Fw@host:2121/in/a%20b.csv")

    assert dict(job.link.values) == {
        "server": "host",
        "port": "2121",
        "username": "me",
        "password": "p/w",
        "useSSL": "true",
    }
    assert (job.source, job.target) == ({"inputDirectory": "/in/a b.csv"}, {"outputDirectory": "/in/a b.csv"})
    with pytest.raises(CdmError):
        by_url("ftp:///x")
