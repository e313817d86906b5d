"""The example warehouse comes to its end though its server is killed in the middle of it, again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from free_port import free_port

PACKAGE = Path(__file__).parents[2] / "examples/retail_warehouse/package"
KILLS = (0.2, 0.4)  # seconds after each start


class Server:
    """A server of its own process."""

    def __init__(self, home: Path, port: int) -> None:
        command = [sys.executable, "-m", "headrace", "up", "--home", str(home), "--port", str(port)]
        environment = {**os.environ, "HEADRACE_AUTH": "none", "HEADRACE_LOCAL_EXECUTION": "true"}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._url = f"http://127.0.0.1:{port}"
        self._until_healthy()
        project = json.loads((home / "credentials.json").read_text("utf-8"))["project_id"]
        self._root = f"{self._url}/v1/{project}"

    def _until_healthy(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            assert self.process.poll() is None, "the server left"
            try:
                if httpx.get(f"{self._url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                assert time.monotonic() < deadline, "it never answered"
            time.sleep(0.02)

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = httpx.request(method, self._root + path, timeout=60, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def outputs(shown: dict[str, Any]) -> dict[str, str]:
    return {node["nodeName"]: node["status"] for node in shown["nodes"]}


def test_the_example_warehouse_completes_although_its_server_is_killed(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    archive = tmp_path / "retail.zip"
    subprocess.run([sys.executable, "-m", "headrace", "pack", str(PACKAGE), "-o", str(archive)], check=True)
    server = Server(home, port)
    try:
        kind = {"content-type": "application/zip"}
        task = server.call("POST", "/jobs/import", content=archive.read_bytes(), headers=kind)
        while server.call("GET", f"/system-tasks/{task['taskId']}")["status"] != "SUCCESSFUL":
            time.sleep(0.05)
        number = server.call("POST", "/jobs/retail_day/run-immediate")["instanceId"]
        for seconds in KILLS:
            time.sleep(seconds)
            server.kill()
            server = Server(home, port)
        deadline = time.monotonic() + 60
        shown = server.call("GET", f"/jobs/retail_day/instances/{number}")
        while shown["status"] in ("waiting", "running") and time.monotonic() < deadline:
            time.sleep(0.05)
            shown = server.call("GET", f"/jobs/retail_day/instances/{number}")
    finally:
        server.kill()
    assert shown["status"] == "success", shown
    assert set(outputs(shown).values()) == {"success"}
