"""Files of an SFTP server: the sshd of this machine (scripts/services.sh starts it)."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_store_suite import FileStoreSuite, paths, write
from memory_files import around, source_options

from headrace.errors_cdm import CdmError, FileNotWritten, RunStopped, SftpUnreachable
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import by_url, open_connector
from headrace.transfer.connectors.sftp import Sftp
from headrace.transfer.files.sftp_files import SftpFiles
from headrace.transfer.files.store import FileEntry, FileStore
from headrace.transfer.options import Link

paramiko = pytest.importorskip("paramiko", reason="Paramiko is absent: pip install 'headrace[ssh]'")

PORT = int(os.environ.get("HEADRACE_TEST_SSHD_PORT", "55422"))
FOLDER = Path(f"{os.environ.get('HEADRACE_SERVICES_DIR', '/tmp/headrace-services')}-sshd")


@pytest.fixture(scope="module")
def values() -> dict[str, str]:
    """The inputs of a link to the sshd."""
    try:
        key, host_key = (FOLDER / "client").read_text("utf-8"), (FOLDER / "host.pub").read_text("utf-8")
        socket.create_connection(("127.0.0.1", PORT), 5).close()
    except OSError as error:
        pytest.skip(f"no sshd on 127.0.0.1:{PORT} (make services starts one): {error}")
    return {
        "server": "127.0.0.1",
        "port": str(PORT),
        "username": getpass.getuser(),
        "privateKey": key,
        "hostKey": host_key,
    }


def sftp(values: dict[str, str], **changes: Any) -> Sftp:
    found = open_connector(Link(name="s", connector="sftp-connector", values=values), around(**changes))
    assert isinstance(found, Sftp)
    return found


class Below(FileStore):
    """The files of a store below a folder: the server shows the whole machine."""

    renames = True

    def __init__(self, store: FileStore, folder: Path) -> None:
        self.store = store
        self.folder = str(folder).strip("/")

    def inside(self, path: str) -> str:
        return f"{self.folder}/{path}" if path else ""

    def list(self, path: str) -> Iterator[FileEntry]:
        for one in self.store.list(self.inside(path) or self.folder):
            yield one._replace(path=one.path.removeprefix(f"{self.folder}/"))

    def find(self, path: str) -> FileEntry | None:
        found = self.store.find(self.inside(path))
        return found and found._replace(path=path)

    def open(self, path: str) -> Any:
        return self.store.open(self.inside(path))

    def create(self, path: str) -> Any:
        return self.store.create(self.inside(path))

    def delete(self, path: str) -> None:
        self.store.delete(self.inside(path))

    def rename(self, path: str, to: str) -> None:
        self.store.rename(self.inside(path), self.inside(to))


class TestSftpFiles(FileStoreSuite):
    @pytest.fixture
    def files(self, values: dict[str, str], tmp_path: Path) -> Iterator[FileStore]:
        store = sftp(values).open_store(source_options())
        assert isinstance(store, SftpFiles)
        yield Below(store, tmp_path)
        store.close()


def test_linked_folders_are_not_listed_and_linked_files_are(values: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("1")
    (tmp_path / "in" / "loop").symlink_to(tmp_path)
    (tmp_path / "in" / "link").symlink_to("a")
    (tmp_path / "in" / "dead").symlink_to("nothing")
    store = sftp(values).open_store(source_options())

    assert paths(Below(store, tmp_path)) == ["in/a", "in/link"]
    store.close()


def test_a_folder_that_may_not_be_made_answers_cdm_0244(values: dict[str, str], tmp_path: Path) -> None:
    files = Below(sftp(values).open_store(source_options()), tmp_path)
    write(files, "in/a", b"1")

    for path in ("in", "in/a/b"):
        with pytest.raises(FileNotWritten):
            files.create(path)
    assert paths(files) == ["in/a"]
    files.store.close()


def test_test__enters(values: dict[str, str]) -> None:
    assert sftp(values).test() == f"{getpass.getuser()}@127.0.0.1:{PORT} lets us in."


def test_a_known_host_needs_no_key_in_the_link(values: dict[str, str], tmp_path: Path) -> None:
    kind, key = values["hostKey"].split()[:2]
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{PORT} {kind} {key}\n")

    assert "lets us in" in sftp(values | {"hostKey": ""}, files=tmp_path / "files").test()


def test_the_fingerprint_of_the_host_is_enough(values: dict[str, str]) -> None:
    kind, key = values["hostKey"].split()[:2]
    fingerprint = paramiko.PKey.from_type_string(kind, __import__("base64").b64decode(key)).fingerprint

    assert "lets us in" in sftp(values | {"hostKey": fingerprint}).test()


def test_an_unknown_or_another_host_answers_cdm_0700(values: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SftpUnreachable, match="ssh-keyscan"):
        sftp(values | {"hostKey": ""}, files=tmp_path / "files").test()
    other = paramiko.ECDSAKey.generate()
    with pytest.raises(SftpUnreachable, match="not that of linkConfig"):
        sftp(values | {"hostKey": f"{other.get_name()} {other.get_base64()}"}).test()
    kind = values["hostKey"].split()[0]
    wrong = (FOLDER / "client.pub").read_text().split()[1]
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{PORT} {kind} {wrong}\n")
    with pytest.raises(SftpUnreachable, match="another key than before"):
        sftp(values | {"hostKey": ""}, files=tmp_path / "files").test()


def test_a_password_that_is_refused_is_not_repeated(values: dict[str, str]) -> None:
    with pytest.raises(SftpUnreachable, match="does not accept the password") as refusal:
        sftp(values | {"privateKey": "", "password": "very-secret"}).test()
    assert "very-secret" not in refusal.value.message
    with pytest.raises(CdmError, match="privateKey"):
        sftp(values | {"privateKey": "no key"}).test()


def test_a_server_that_is_down_answers_cdm_0700() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SftpUnreachable):
        sftp({"server": "127.0.0.1", "port": str(port), "username": "u", "password": "p"}).test()


def test_a_job_that_stops_cuts_what_is_read_and_written(values: dict[str, str], tmp_path: Path) -> None:
    cancellation = Cancellation()
    files = Below(sftp(values, cancellation=cancellation).open_store(source_options()), tmp_path)
    write(files, "in/a", bytes(20 << 20))
    stream, output = files.open("in/a"), files.create("in/b")
    stream.read(1)

    cancellation.cancel()

    with pytest.raises(RunStopped):
        stream.read()
    with pytest.raises(RunStopped):
        for _ in range(1000):
            output.write(bytes(1 << 20))
    output.discard()
    with pytest.raises(RunStopped):
        files.find("in/a")


def test_urls(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key")
    job = by_url(f"sftp://me%40here:p%2Fw@host:2222/in/a%20b.csv?identity={tmp_path}/key&host_key=SHA256:abc")

    assert dict(job.link.values) == {
        "server": "host",
        "port": "2222",
        "username": "me@here",
        "password": "p/w",
        "hostKey": "SHA256:abc",
        "privateKey": "a key",
    }
    assert (job.source, job.target) == ({"inputDirectory": "/in/a b.csv"}, {"outputDirectory": "/in/a b.csv"})
    for wrong in ("sftp://host/x", "sftp:///x", f"sftp://u@h/x?identity={tmp_path}/nothing"):
        with pytest.raises(CdmError):
            by_url(wrong)
