"""A server that is told to end while somebody follows a log."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from headrace.auth.credentials import read_credentials
from headrace.cli.client import CallFailed, Client


def test_up__ends_at_once_though_a_log_is_followed(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    variables = {**os.environ, "HEADRACE_HOME": str(tmp_path / "home"), "HEADRACE_SERVER": f"http://127.0.0.1:{port}"}
    command = [sys.executable, "-m", "headrace"]
    with subprocess.Popen(
        [*command, "up", "--port", port, "--local-execution"], env=variables, stderr=subprocess.DEVNULL
    ) as server:
        try:
            client = connected(tmp_path / "home", port)
            properties = [{"name": "statement", "value": "echo begun; sleep 100"}]
            node = {"name": "n", "type": "Shell", "properties": properties}
            client.json("POST", "/jobs", {"name": "long", "processType": "BATCH", "nodes": [node]})
            number = client.json("POST", "/jobs/long/run-immediate")["instanceId"]
            with subprocess.Popen(
                [*command, "logs", str(number), "-f"], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as follower:
                assert follower.stdout is not None
                assert any(b"begun" in line for line in iter(follower.stdout.readline, b""))
                began = time.monotonic()
                server.send_signal(signal.SIGTERM)
                server.wait(30)
                assert time.monotonic() - began < 8
                _, complained = follower.communicate(timeout=30)
                assert follower.returncode == 1
                assert b"no server answers" in complained
        finally:
            server.kill()


def connected(home: Path, port: str) -> Client:
    """A client of a server that may not answer yet."""
    deadline = time.monotonic() + 30
    while True:
        try:
            known = read_credentials(home)
            client = Client(
                base=f"http://127.0.0.1:{port}",
                project_id=known["project_id"],
                access_key=known["access_key"],
                secret_key=known["secret_key"],
            )
            client.json("GET", "/jobs")
        except (OSError, CallFailed, json.JSONDecodeError):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return client
