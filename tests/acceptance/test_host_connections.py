"""Shell and Python on a host, through a real sshd of this machine (scripts/services.sh starts it)."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.nodes.base import BoundConnection, NodeContext, NodeFailed, NodeResult, Resource
from headrace.nodes.host import marks
from headrace.objectstore.path import ObsPath
from headrace.settings import Settings
from headrace.sql.engine import Cancellation
from node_surroundings import KeptLog, context, run_node

paramiko = pytest.importorskip("paramiko", reason="Paramiko is absent: pip install 'headrace[ssh]'")

PORT = int(os.environ.get("HEADRACE_TEST_SSHD_PORT", "55422"))
FOLDER = Path(f"{os.environ.get('HEADRACE_SERVICES_DIR', '/tmp/headrace-services')}-sshd")
WAIT_SECONDS = 20


def until(true: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@pytest.fixture(scope="module")
def client_key() -> str:
    """The text of the key that may enter."""
    file = FOLDER / "client"
    try:
        text = file.read_text("utf-8")
        socket.create_connection(("127.0.0.1", PORT), 5).close()
    except OSError as error:
        pytest.skip(f"no sshd on 127.0.0.1:{PORT} (make services starts one): {error}")
    return text


@pytest.fixture
def home(tmp_path: Path, client_key: str) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "client").write_text(client_key, "utf-8")
    return tmp_path


class Connections(dict[str, BoundConnection]):
    """The connections that a test knows."""

    def add(self, name: str, **config: Any) -> None:
        self[name] = BoundConnection(name=name, type="HOST", config=config)


@pytest.fixture
def on_host(home: Path) -> Callable[..., NodeContext]:
    """Makes contexts in which ``host`` is the sshd."""

    def make(attempt: str = "1:0:1", **members: Any) -> NodeContext:
        connections = Connections()
        connections.add("host", ip="127.0.0.1", port=str(PORT), userName=getpass.getuser(), keyLocation="client")
        settings = members.pop("settings", Settings(home=home))
        return context(
            connections=connections,
            settings=settings,
            scratch=home / "scratch" / attempt,
            local_execution=False,
            token=f"home:{attempt}",
            **members,
        )

    return make


def shell(ctx: NodeContext, statement: str, **properties: str) -> NodeResult:
    return run_node("Shell", ctx, statement=statement, connectionName="host", **properties)


def left_on_host() -> list[Path]:
    return list(Path("/tmp").glob("headrace-*-*/.headrace"))


def test_a_script_runs_in_tmp_on_the_host_with_its_arguments(on_host: Callable[..., NodeContext]) -> None:
    ctx = on_host()
    result = shell(ctx, 'pwd; printf "<%s>\\n" "$@"', arguments="""a 'b c' '$HOME `id` "; exit 9' 中文""")
    assert result == NodeResult(success=True, output='/tmp\n<a>\n<b c>\n<$HOME `id` "; exit 9>\n<中文>\n')
    assert "Running on" in ctx.log.text  # type: ignore[attr-defined]
    assert left_on_host() == []


def test_the_exit_code_decides_and_the_output_is_kept(on_host: Callable[..., NodeContext]) -> None:
    result = shell(on_host(), "echo so far; echo why >&2; exit 3", retryCodes="1,2")
    assert (result.success, result.output, result.retry) == (False, "so far\n", False)
    assert result.message.startswith("Shell exit code is not 0: return code 3.")


def test_the_answers_are_what_the_script_reads(on_host: Callable[..., NodeContext]) -> None:
    result = shell(on_host(), 'read a b; read c; echo "$b $a $c"', interactiveInput="one two\nthree")
    assert result.output == "two one three\n"


def test_python_runs_with_the_version_of_the_host(on_host: Callable[..., NodeContext]) -> None:
    ctx = on_host()
    result = run_node(
        "Python", ctx, statement="import sys\nprint(sys.version_info[0], sys.argv[1:])", connectionName="host",
        pythonVersion="Python 3", arguments="x y",
    )  # fmt: skip
    assert result.output == "3 ['x', 'y']\n"
    missing = run_node("Python", on_host(), statement="1", connectionName="host", pythonVersion="3.99")
    assert missing.message == "Shell exit code is not 0: return code 127."


def test_resources_are_files_beside_the_script_and_can_be_imported(
    on_host: Callable[..., NodeContext], home: Path
) -> None:
    ctx = on_host(find_resource=lambda name: Resource(name=name, type="pyFile", location=f"obs://libs/py/{name}.py"))
    ctx.store.create_bucket("libs")
    ctx.store.put(ObsPath.parse("obs://libs/py/rates.py"), b"RATE = 7\n")
    result = run_node(
        "Python", ctx, statement="import os, rates\nprint(rates.RATE, os.listdir('.') > [], open('rates.py').read())",
        connectionName="host", resourceNames="rates",
    )  # fmt: skip
    assert (result.success, result.output) == (True, "7 True RATE = 7\n\n")
    assert left_on_host() == []
    assert not ctx.scratch.exists()


def test_command_lines_and_environment_hold_no_secret(
    on_host: Callable[..., NodeContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_SECRET_KEY", "of-the-server")
    ctx = on_host(process_environment={"HEADRACE_OBS_ROOT": "/home/of/the/server"})
    result = shell(ctx, "secret=in-the-script; ps -eo args; env", interactiveInput="in-the-answers")
    assert result.success
    seen = ctx.log.text  # type: ignore[attr-defined]
    assert "bash /tmp/headrace-" in seen
    assert not any(word in seen for word in ("in-the-script", "in-the-answers", "of-the-server", "of/the/server"))


def test_output_reaches_the_log_while_the_program_runs(on_host: Callable[..., NodeContext], tmp_path: Path) -> None:
    log, gate = KeptLog(), tmp_path / "gate"
    ctx = on_host(log=log)
    results: list[NodeResult] = []
    script = f"echo first; while [ ! -e {gate} ]; do sleep 0.02; done; echo last"
    thread = threading.Thread(target=lambda: results.append(shell(ctx, script)))
    thread.start()
    until(lambda: "first\n" in log.lines, "the first line came only at the end")
    assert (results, "last\n" in log.lines) == ([], False)
    gate.touch()
    thread.join(WAIT_SECONDS)
    assert results[0].output == "first\nlast\n"


def test_a_cancelled_program_ends_with_its_children(on_host: Callable[..., NodeContext], tmp_path: Path) -> None:
    cancellation, pids = Cancellation(), tmp_path / "pids"
    ctx = on_host(cancellation=cancellation)
    script = f"trap 'echo told; exit 5' TERM; sleep 300 & echo $! > {pids}.new; mv {pids}.new {pids}; wait"
    results: list[NodeResult] = []
    thread = threading.Thread(target=lambda: results.append(shell(ctx, script)))
    thread.start()
    until(pids.exists, "the program did not start")
    cancellation.cancel()
    thread.join(WAIT_SECONDS)
    assert (results[0].success, results[0].output) == (False, "told\n")
    until(lambda: not runs(int(pids.read_text())), "a child goes on")
    assert left_on_host() == []


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_an_output_of_more_than_30_mb_fails(on_host: Callable[..., NodeContext]) -> None:
    with pytest.raises(NodeFailed, match="larger than 30 MB"):
        shell(on_host(log=Discarded()), "head -c 40000000 /dev/zero; sleep 300")


class Discarded(KeptLog):
    """A log that keeps nothing."""

    def write(self, data: bytes) -> None:
        return


VICTIM = """
import sys
from headrace.nodes.host import RemoteProgram, run_on_host
from headrace.nodes.ssh import Host, KnownHosts
from headrace.sql.engine import Cancellation
from pathlib import Path
port, user, key, file, known = sys.argv[1:]
host = Host(name="h", address="127.0.0.1", port=int(port), user=user, password="", private_key=key)
script = f"echo $$ > {file}.new; mv {file}.new {file}; sleep 300"
program = RemoteProgram(command=["bash"], script=("s.sh", script.encode()), arguments=[], environment=lambda _: {})
run_on_host(
    host, program, token="home:9:0:1", known=KnownHosts(file=Path(known)), slots=1,
    cancellation=Cancellation(), on_stdout=print, on_stderr=print, patience=2,
)
"""


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_a_program_ends_when_the_server_that_started_it_dies_or_is_silent(
    home: Path, client_key: str, fate: signal.Signals
) -> None:
    pid = home / "pid"
    arguments = [str(PORT), getpass.getuser(), client_key, str(pid), str(home / "known_hosts")]
    with subprocess.Popen([sys.executable, "-c", VICTIM, *arguments]) as server:
        try:
            until(pid.exists, "the program did not start")
            number = int(pid.read_text())
            time.sleep(3)  # longer than the patience of the host
            assert runs(number)
            server.send_signal(fate)
            until(lambda: not runs(number), "the program outlives its server")
            until(lambda: left_on_host() == [], "the folder stays")
        finally:
            server.kill()


def test_a_lost_link_fails_the_node_and_ends_the_program(on_host: Callable[..., NodeContext], tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    kill_sshd = "read -r _ _ _ sshd _ </proc/$PPID/stat; kill -9 $sshd"
    with pytest.raises(NodeFailed, match="was lost before the program ended"):
        shell(on_host(), f"echo $$ > {pid}; {kill_sshd}; exec sleep 300")
    until(lambda: not runs(int(pid.read_text())), "the program goes on")
    until(lambda: left_on_host() == [], "the folder stays")


@pytest.mark.parametrize("moment", range(12))
def test_a_cancellation_at_any_moment_leaves_nothing(on_host: Callable[..., NodeContext], moment: int) -> None:
    cancellation = Cancellation()
    timer = threading.Timer(0.03 * moment, cancellation.cancel)
    timer.start()
    try:
        said = shell(on_host(cancellation=cancellation), "exec sleep 300").message
    except NodeFailed as error:
        said = str(error)
    assert re.match(r"Stopped while |Shell exit code is not 0: return code 143\.$", said), said
    timer.join()
    until(lambda: left_on_host() == [], "the folder stays")


def test_entering_a_host_that_says_nothing_can_be_cancelled(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connections, cancellation = Connections(), Cancellation()
        connections.add("host", ip="127.0.0.1", port=silent.getsockname()[1], userName="me", password="p")
        ctx = context(
            connections=connections, settings=Settings(home=home), scratch=home / "scratch", cancellation=cancellation
        )
        timer = threading.Timer(0.2, cancellation.cancel)
        timer.start()
        with pytest.raises(NodeFailed, match="Stopped while entering host me@"):
            run_node("Shell", ctx, statement="true", connectionName="host")
        timer.join()


def test_what_an_earlier_attempt_left_is_ended_before_the_next_begins(on_host: Callable[..., NodeContext]) -> None:
    family, mark = marks("home:77:0:1")
    folder = Path(f"{family}0123")
    (folder / ".headrace").mkdir(parents=True)
    name, _, value = mark.partition("=")
    with subprocess.Popen(["sleep", "300"], env={name: value}) as left:  # as if its host still believed in the link
        try:
            other = shell(on_host("78:0:1"), "echo another node")
            assert (other.output, left.poll(), folder.exists()) == ("another node\n", None, True)
            assert shell(on_host("77:0:2"), "echo again").output == "again\n"
            assert left.wait(WAIT_SECONDS) == -signal.SIGKILL
            assert not folder.exists()
        finally:
            left.kill()
            shutil.rmtree(folder, ignore_errors=True)


def test_a_host_runs_no_more_at_once_than_the_setting_says(
    on_host: Callable[..., NodeContext], home: Path, tmp_path: Path
) -> None:
    settings = Settings(home=home, ssh_sessions_per_host=1)
    gate, results = tmp_path / "gate", []
    first = f"touch {gate}.first; while [ ! -e {gate} ]; do sleep 0.02; done; echo first"
    jobs = [
        threading.Thread(target=lambda: results.append(shell(on_host("1:0:1", settings=settings), first).output)),
        threading.Thread(
            target=lambda: results.append(shell(on_host("2:0:1", settings=settings), "echo second").output)
        ),
    ]
    jobs[0].start()
    until(Path(f"{gate}.first").exists, "the first did not start")
    jobs[1].start()
    cancelled = Cancellation()
    cancelled.cancel()
    with pytest.raises(NodeFailed, match="waiting for a place on host"):
        shell(on_host("3:0:1", settings=settings, cancellation=cancelled), "echo third")
    assert results == []
    gate.touch()
    for job in jobs:
        job.join(WAIT_SECONDS)
    assert results == ["first\n", "second\n"]


def test_the_key_of_a_new_host_is_noted_and_another_one_is_refused(
    on_host: Callable[..., NodeContext], home: Path
) -> None:
    assert shell(on_host(), "true").success
    known = home / "known_hosts"
    host_key = (FOLDER / "host.pub").read_text().split()[:2]
    assert known.read_text().split() == [f"[127.0.0.1]:{PORT}", *host_key]
    assert known.stat().st_mode & 0o777 == 0o600
    assert shell(on_host(), "true").success
    assert known.read_text().count("\n") == 1
    other = paramiko.ECDSAKey.generate()
    known.write_text(f"[127.0.0.1]:{PORT} {other.get_name()} {other.get_base64()}\n")
    with pytest.raises(NodeFailed) as refused:
        shell(on_host(), "true")
    assert "shows another key than before" in str(refused.value)
    assert f"ssh-keygen -R '[127.0.0.1]:{PORT}' -f {known}" in str(refused.value)


def test_a_new_host_is_refused_where_the_setting_says_so(on_host: Callable[..., NodeContext], home: Path) -> None:
    with pytest.raises(NodeFailed, match="ssh-keyscan -p"):
        shell(on_host(settings=Settings(home=home, ssh_trust_new_hosts=False)), "true")
    assert not (home / "known_hosts").exists()
    known = FOLDER / "host.pub"
    (home / "known_hosts").write_text(f"[127.0.0.1]:{PORT} {known.read_text()}")
    assert shell(on_host(settings=Settings(home=home, ssh_trust_new_hosts=False)), "true").success


def test_a_key_may_lie_in_the_store_and_be_encrypted(home: Path, client_key: str) -> None:
    key = home / "encrypted"
    shutil.copy(FOLDER / "client", key)
    key.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "a phrase", "-f", key], check=True, stdout=subprocess.DEVNULL)
    connections = Connections()
    where = {"ip": "127.0.0.1", "port": PORT, "username": getpass.getuser(), "keyLocation": "obs://keys/encrypted"}
    connections.add("host", **where, password="a phrase")
    connections.add("without", **where)
    connections.add("wrong", **where, password="another")
    ctx = context(connections=connections, settings=Settings(home=home), scratch=home / "scratch")
    ctx.store.create_bucket("keys")
    ctx.store.put(ObsPath.parse("obs://keys/encrypted"), key.read_bytes())
    assert run_node("Shell", ctx, statement="echo in", connectionName="host").output == "in\n"
    with pytest.raises(NodeFailed, match="its passphrase belongs into password"):
        run_node("Shell", ctx, statement="echo in", connectionName="without")
    with pytest.raises(NodeFailed, match="or its passphrase is wrong"):
        run_node("Shell", ctx, statement="echo in", connectionName="wrong")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"port": "22x"}, "port '22x' is not a number"),
        ({"userName": ""}, "userName is empty"),
        ({"port": "1"}, "cannot be reached"),
        ({"keyLocation": "../../secret"}, "neither an obs:// path nor a file in"),
        ({"keyLocation": "absent"}, "cannot be read: No such file"),
        ({"keyLocation": "obs://nowhere/key"}, "cannot be read"),
        ({"keyLocation": "stranger"}, "does not accept the key"),
        ({"keyLocation": "nonsense"}, "the key cannot be read, or"),
    ],
)
def test_a_host_that_cannot_be_entered_says_why(home: Path, config: dict[str, str], words: str) -> None:
    paramiko.ECDSAKey.generate().write_private_key_file(str(home / "keys" / "stranger"))
    (home / "keys" / "nonsense").write_text("-----BEGIN NOTHING-----")
    connections = Connections()
    given = {"ip": "127.0.0.1", "port": str(PORT), "userName": getpass.getuser(), "keyLocation": "client"}
    connections.add("host", **(given | config))
    ctx = context(connections=connections, settings=Settings(home=home), scratch=home / "scratch")
    with pytest.raises(NodeFailed, match=words):
        run_node("Shell", ctx, statement="true", connectionName="host")


class PasswordOnly(paramiko.ServerInterface):  # type: ignore[misc, name-defined]
    """Lets in who knows the password."""

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        return int(paramiko.AUTH_SUCCESSFUL if (username, password) == ("me", "pass") else paramiko.AUTH_FAILED)


@contextmanager
def password_server() -> Iterator[int]:
    """The port of a server that asks for a password, and opens no session."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transports = []

        def serve() -> None:
            key = paramiko.ECDSAKey.generate()
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                transports.append(paramiko.Transport(link))
                transports[-1].add_server_key(key)
                transports[-1].start_server(event=threading.Event(), server=PasswordOnly())

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for transport in transports:
                transport.close()


def test_a_password_lets_in_and_a_wrong_one_does_not(home: Path) -> None:
    with password_server() as port:
        connections = Connections()
        connections.add("right", ip="127.0.0.1", port=port, userName="me", password="pass")
        connections.add("wrong", ip="127.0.0.1", port=port, userName="me", password="guess")
        ctx = context(connections=connections, settings=Settings(home=home), scratch=home / "scratch")
        with pytest.raises(NodeFailed, match="does not take the program"):  # it opens no session
            run_node("Shell", ctx, statement="true", connectionName="right")
        with pytest.raises(NodeFailed, match="does not accept the password") as refused:
            run_node("Shell", ctx, statement="true", connectionName="wrong")
        assert "guess" not in str(refused.value)


class Client:
    """A workspace of the server, with a connection to the host."""

    def __init__(self, server: Any, key: str) -> None:
        self._http, self._headers = server.http, {"workspace": server.workspace()}
        keys = server.home / "keys"
        keys.mkdir(exist_ok=True)
        (keys / "client").write_text(key, "utf-8")
        config = {"ip": "127.0.0.1", "port": str(PORT), "userName": getpass.getuser(), "keyLocation": "client"}
        self.post("/v1/{p}/connections", {"name": "ecs", "type": "HOST", "config": config | {"kmsKey": "k"}})

    def post(self, path: str, body: Any) -> Any:
        answer = self._http.post(path, json=body, headers=self._headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def get(self, path: str) -> Any:
        return self._http.get(path, headers=self._headers).json()


def test_a_job_runs_on_the_host_and_its_log_can_be_read_meanwhile(server: Any, client_key: str, tmp_path: Path) -> None:
    client = Client(server, client_key)
    gate = tmp_path / "gate"
    content = f"echo the first line of $1 on ${{SSH_CONNECTION:+a host}}; while [ ! -e {gate} ]; do sleep 0.02; done"
    client.post("/v1/{p}/scripts", {"name": "probe", "type": "Shell", "content": content, "connectionName": "ecs"})
    values = {"scriptName": "probe", "statementOrScript": "SCRIPT", "arguments": "${day}"}
    node = {
        "name": "n", "type": "Shell", "location": {"x": "0", "y": "0"},
        "properties": [{"name": name, "value": value} for name, value in values.items()],
    }  # fmt: skip
    job = {"name": "streams", "nodes": [node], "schedule": {"type": "EXECUTE_ONCE"}, "processType": "BATCH"}
    job |= {"params": [{"name": "day", "value": "20240131", "type": "variable"}]}
    client.post("/v1/{p}/jobs", job)
    number = client.post("/v1/{p}/jobs/streams/run-immediate", {})["instanceId"]

    def shown() -> Any:
        return client.get(f"/v1/{{p}}/jobs/streams/instances/{number}")

    until(lambda: shown()["nodes"] and shown()["nodes"][0].get("logPath"), "there is no log")
    log, store = ObsPath.parse(shown()["nodes"][0]["logPath"]), server.services.store
    first = b"the first line of 20240131 on a host\n"
    until(lambda: store.exists(log) and first in store.get(log), "the first line came only at the end")
    assert shown()["status"] == "running"
    gate.touch()
    until(lambda: shown()["status"] == "success", f"still {shown()}")


def test_a_script_executed_by_itself_runs_on_its_host(server: Any, client_key: str) -> None:
    client = Client(server, client_key)
    content = "import os\nprint(os.getcwd())\nprint('${word}')"
    client.post("/v1/{p}/scripts", {"name": "ask", "type": "PYTHON", "content": content, "connectionName": "ecs"})
    number = client.post("/v1/{p}/scripts/ask/execute", {"params": {"word": "hello"}})["instanceId"]
    path = f"/v1/{{p}}/scripts/ask/instances/{number}"
    until(lambda: client.get(path)["status"] in ("FINISHED", "FAILED"), "the script goes on")
    ended = client.get(path)
    assert (ended["status"], ended["message"]) == ("FINISHED", "")
    assert [result["rows"] for result in ended["results"]] == [[["/tmp"], ["hello"]]]


def test_a_cancelled_script_ends_on_its_host(server: Any, client_key: str, tmp_path: Path) -> None:
    client, pid = Client(server, client_key), tmp_path / "pid"
    content = f"echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 300"
    client.post("/v1/{p}/scripts", {"name": "endless", "type": "Shell", "content": content, "connectionName": "ecs"})
    number = client.post("/v1/{p}/scripts/endless/execute", {})["instanceId"]
    until(pid.exists, "the script did not start")
    path = f"/v1/{{p}}/scripts/endless/instances/{number}"
    client.post(f"{path}/stop", {})
    until(lambda: client.get(path)["status"] == "FAILED", "the script goes on")
    assert client.get(path)["message"] == "canceled"
    until(lambda: not runs(int(pid.read_text())), "the program goes on")


@contextmanager
def served(home: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """A server in a process of its own, and a client of its project."""
    command = [sys.executable, "-m", "headrace", "up", "--home", str(home), "--port", str(port), "--auth", "none"]
    with (home / "server.log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as probe:
                until(lambda: answers(probe), "the server does not answer")
            project = json.loads((home / "credentials.json").read_text("utf-8"))["project_id"]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1/{project}", timeout=30) as client:
                yield process, client
        finally:
            process.kill()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def test_a_killed_server_goes_on_with_the_job_and_nothing_runs_twice(home: Path) -> None:
    pids, gate = home / "pids", home / "gate"
    statement = f"echo $$ >> {pids}; [ -e {gate} ] || exec sleep 300; echo done"
    values = {"statementOrScript": "STATEMENT", "statement": statement, "connectionName": "ecs"}
    node = {
        "name": "n", "type": "Shell", "location": {"x": "0", "y": "0"}, "retryTimes": 1, "retryInterval": 5,
        "properties": [{"name": name, "value": value} for name, value in values.items()],
    }  # fmt: skip
    job = {"name": "j", "nodes": [node], "schedule": {"type": "EXECUTE_ONCE"}, "processType": "BATCH"}
    config = {"ip": "127.0.0.1", "port": str(PORT), "userName": getpass.getuser(), "keyLocation": "client"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with served(home, port) as (process, client):
        client.post("/connections", json={"name": "ecs", "type": "HOST", "config": config}).raise_for_status()
        client.post("/jobs", json=job).raise_for_status()
        number = client.post("/jobs/j/run-immediate", json={}).raise_for_status().json()["instanceId"]
        until(lambda: pids.exists() and pids.read_text(), "the program did not start")
        process.kill()
    (first,) = map(int, pids.read_text().split())
    until(lambda: not runs(first), "the program outlives its server")
    gate.touch()
    with served(home, port) as (process, client):
        path = f"/jobs/j/instances/{number}"
        until(lambda: client.get(path).json()["status"] == "success", "the instance does not end")
    assert len(pids.read_text().split()) == 2
    assert left_on_host() == []
