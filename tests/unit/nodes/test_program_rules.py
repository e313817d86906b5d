"""What the properties of Shell and Python nodes mean, without running anything."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from headrace.nodes.base import BoundConnection, NodeFailed, Resource, build_node
from headrace.nodes.host import RemoteProgram, launcher_text, marks
from headrace.nodes.interpreters import python_command
from headrace.nodes.program_files import ProgramFiles, file_name, read_resource_names
from headrace.nodes.programs import Program, read_answers, read_codes
from headrace.nodes.python import Python
from headrace.nodes.ssh import Host, HostSlots, paramiko, private_key, read_host
from headrace.sql.engine import Cancellation
from node_surroundings import context, run_node


@pytest.mark.parametrize(
    ("text", "codes"),
    [("", set()), ("1", {1}), ("1, 3-5", {1, 3, 4, 5}), ("2;7", {2, 7}), ("1~2 9", {1, 2, 9})],
)
def test_read_codes__single_codes_and_ranges(text: str, codes: set[int]) -> None:
    assert read_codes(text) == codes


@pytest.mark.parametrize("part", ["any", "5-3", "1000", "-1", "1-2-3"])
def test_read_codes__what_is_no_code_is_named(part: str) -> None:
    with pytest.raises(NodeFailed, match=f"retryCodes: '{part}' is neither an exit code nor a range"):
        read_codes(f"1, {part}")


@pytest.mark.parametrize(
    ("text", "given"),
    [("", b""), ("  ", b""), ("a b", b"a b\n"), ("a\nb", b"a\nb\n"), ("a\\nb", b"a\nb\n"), ("a\r\nb\r\n", b"a\nb\n")],
)
def test_read_answers__blanks_stay_in_a_line_and_line_ends_part(text: str, given: bytes) -> None:
    assert read_answers(text) == given


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("[]", ()),
        ("a, b;c\nd a", ("a", "b", "c", "d")),
        ('["a", "b"]', ("a", "b")),
        ('[{"name": "a", "type": "jar"}]', ("a",)),
    ],
)
def test_read_resource_names__lists_of_either_form(text: str, names: tuple[str, ...]) -> None:
    assert read_resource_names(text) == names


@pytest.mark.parametrize("text", ["[1]", "[", '[{"id": "a"}]', '[""]'])
def test_read_resource_names__another_form_is_shown(text: str) -> None:
    with pytest.raises(NodeFailed, match=r"resourceNames: .* is no list"):
        read_resource_names(text)


def test_file_name__the_last_part_of_the_path() -> None:
    assert file_name(Resource(name="r", type="file", location=""), "obs://b/a/数据 1.json") == "数据 1.json"


NO_FILES = ("obs://b", "obs://b/", "obs://b/a/..", "obs://b/.", "obs://b/a\\b", "obs://b/a\nb", "hdfs://c/x", "/x")


@pytest.mark.parametrize("location", [*NO_FILES, "obs://b/" + "a" * 256])
def test_file_name__what_names_no_file_of_the_folder_is_refused(location: str) -> None:
    with pytest.raises(NodeFailed, match="Resource 'r': location"):
        file_name(Resource(name="r", type="file", location=location), location)


def test_python_path__the_folder_and_the_archives() -> None:
    files = ProgramFiles(names=("a.py", "b.ZIP", "c.whl", "d.json"))
    assert files.python_path("/t") == "/t:/t/b.ZIP:/t/c.whl"


LISTED = {"Python 2": ["/opt/py2/bin/python"], "3.9": "/opt/py39/bin/python"}


@pytest.mark.parametrize(
    ("version", "on_host", "command"),
    [
        ("", False, sys.executable),
        ("Python 3", False, sys.executable),
        ("python3", True, "python3"),
        ("Python2", False, "/opt/py2/bin/python"),
        ("Python 2", True, "python2"),
        ("3.9", False, "/opt/py39/bin/python"),
        ("Python 3.9", True, "python3.9"),
        ("/opt/py39/bin/python", True, "/opt/py39/bin/python"),
        ("/opt/py39/bin/python", False, "/opt/py39/bin/python"),
    ],
)
def test_python_command__versions_and_listed_paths(version: str, on_host: bool, command: str) -> None:
    assert python_command(version, LISTED, on_host=on_host) == [command]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("/bin/sh", "not among the interpreters"),
        ("3.9; rm", "no version of Python"),
        ("4", "no version of Python"),
        ("3.99", "there is no python3.99 on this machine"),
    ],
)
def test_python_command__others_are_refused(version: str, words: str) -> None:
    with pytest.raises(NodeFailed, match=words):
        python_command(version, LISTED, on_host=False)


def test_build_node__both_spellings_of_resources() -> None:
    given = {"resouces": "a", "interactiveInput": "y", "retryCondition": "1", "pythonVersion": "3.12"}
    assert build_node("Python", given) == Python(
        resource_names="a", interactive_input="y", retry_codes="1", python_version="3.12"
    )
    assert Program in Python.__mro__


def test_run__a_connection_that_is_no_host_is_refused() -> None:
    warehouse = BoundConnection(name="dw", type="DWS", config={})
    with pytest.raises(NodeFailed, match="connectionName: 'dw' is of type DWS; programs run on a HOST"):
        run_node("Shell", context(connections={"dw": warehouse}), statement="true", connectionName="dw")


def test_run__without_local_execution_an_unbound_host_says_what_to_do() -> None:
    with pytest.raises(NodeFailed, match=r"'ecs' is not bound.*password or keyLocation.*local_execution"):
        run_node("Shell", context(local_execution=False), statement="true", connectionName="ecs")


def test_read_host__the_members_in_either_spelling() -> None:
    config = {"ip": " 10.0.0.1 ", "port": "", "username": "me", "password": "p"}
    host = read_host(BoundConnection(name="h", type="HOST", config=config), context().store, Path("/keys"))
    assert host == Host(name="h", address="10.0.0.1", port=22, user="me", password="p")
    assert host.shown == "me@10.0.0.1:22 (connection 'h')"


def test_marks__attempts_of_a_node_share_them_and_others_do_not() -> None:
    assert marks("home:1:2:3") == marks("home:1:2:4")
    assert len({marks("home:1:2:3"), marks("home:1:3:3"), marks("home:2:2:3"), marks("other:1:2:3")}) == 4


def test_launcher__is_read_by_a_posix_shell_whatever_the_arguments_are() -> None:
    program = RemoteProgram(
        command=["bash"], script=("s.sh", b""), arguments=["'\"$(id)`id`\n;\\"], environment=lambda _: {}
    )
    text = launcher_text(program, "/tmp/f-1", "/tmp/f-", "A=b", 60)
    assert "set -- bash /tmp/f-1/s.sh ''\"'\"'\"$(id)`id`\n;\\'" in text
    assert subprocess.run(["sh", "-n"], input=text.encode(), check=False).returncode == 0


HOST = Host(name="h", address="a", port=22, user="u", password="")


def test_host_slots__a_place_is_free_again_after_an_error() -> None:
    slots, cancellation = HostSlots(), Cancellation()
    with pytest.raises(ZeroDivisionError), slots.one_of(1, HOST, cancellation):
        assert slots.taken() == {("a", 22): 1}
        raise ZeroDivisionError
    assert slots.taken() == {}


def test_host_slots__who_waits_is_woken_by_a_cancellation() -> None:
    slots, cancellation, refusals = HostSlots(), Cancellation(), []

    def wait() -> None:
        try:
            with slots.one_of(1, HOST, cancellation):
                refusals.append("it was let in")
        except NodeFailed as error:
            refusals.append(str(error))

    with slots.one_of(1, HOST, Cancellation()):
        thread = threading.Thread(target=wait)
        thread.start()
        cancellation.cancel()
        thread.join(10)
    assert refusals == ["Stopped while waiting for a place on host u@a:22 (connection 'h')."]


def text_of(key: Any, form: PrivateFormat, passphrase: bytes | None) -> str:
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    text: str = key.private_bytes(Encoding.PEM, form, lock).decode()
    return text


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("passphrase", [None, b"a phrase"])
def test_private_key__every_form_that_the_tools_write(form: PrivateFormat, passphrase: bytes | None) -> None:
    library = pytest.importorskip("paramiko")
    keys: list[Any] = [ec.generate_private_key(ec.SECP256R1())]
    if form is not PrivateFormat.TraditionalOpenSSL:
        keys.append(ed25519.Ed25519PrivateKey.generate())
    for key in keys:
        host = replace(HOST, private_key=text_of(key, form, passphrase), password="a phrase")
        assert private_key(library, host).get_name() in ("ssh-ed25519", "ecdsa-sha2-nistp256")


@pytest.mark.parametrize(
    ("password", "words"), [("", "the key is encrypted"), ("another", "cannot be read, or its passphrase is wrong")]
)
def test_private_key__without_its_passphrase_it_is_not_read(password: str, words: str) -> None:
    library = pytest.importorskip("paramiko")
    text = text_of(ed25519.Ed25519PrivateKey.generate(), PrivateFormat.OpenSSH, b"a phrase")
    with pytest.raises(NodeFailed, match=words) as refused:
        private_key(library, replace(HOST, private_key=text, password=password))
    assert "PRIVATE" not in str(refused.value)


def test_paramiko__where_it_is_absent_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(NodeFailed, match=re.escape("pip install 'headrace[ssh]'")):
        paramiko()
