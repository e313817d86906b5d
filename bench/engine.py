"""Runs of jobs, from the API call until the client sees the end, beside Prefect where it is installed.

``seq40``: 40 Dummy nodes in a chain; ``fan100``: 1 + 98 + 1; ``par10x40``: ten of the first at once. Every transition
is in the database before the next node starts. Prefect runs the same graphs of empty tasks in one process against its
own server (its fastest documented way); it is looked for in ``$PEERS_DIR/venv-prefect``.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import Table, Target, headrace, median_of, percentile, serving

BARS = {"seq40": 60, "fan100": 40, "par10x40": 250}  # milliseconds
SHELLS = 20
INSTANCES = 1000
_PIPE = subprocess.PIPE
ENDED = ("success", "fail", "manual-stop")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        command = headrace("up", "--home", str(home), "--port", "{port}", "--local-execution", "--auth", "none")
        with serving(command, home):
            pass
        with serving(command, home) as target:
            client = Client(target)
            for name, nodes in graphs().items():
                client.create(name, nodes)
            ours = {name: median_of(lambda name=name: client.seconds(name)) for name in ("seq40", "fan100")}  # type: ignore[misc]
            ours["par10x40"] = median_of(lambda: client.seconds_together("seq40", 10))
            peers = prefect(Path(folder))
            table = Table("Runs, ms from the call until the client sees success", ["work", "headrace", "bar", *peers])
            for name, seconds in ours.items():
                theirs = [f"{figures[name] * 1000:,.0f}" if name in figures else "" for figures in peers.values()]
                table.add(name, f"{seconds * 1000:.1f}", f"≤ {BARS[name]}", *theirs)
            table.print()
            shell_nodes(Client(target))
            crowd(Client(target), target)


def graphs() -> dict[str, list[dict[str, Any]]]:
    """The nodes of every job that is run."""
    middle = [_node(f"m{at}", "Dummy", "first") for at in range(98)]
    fan = [_node("first", "Dummy"), *middle, _node("last", "Dummy", *(node["name"] for node in middle))]
    return {
        "seq40": _chain(40, "Dummy"),
        "fan100": fan,
        "shells": _chain(SHELLS, "Shell", statement="true", statementOrScript="STATEMENT"),
        "ten": _chain(10, "Dummy"),
    }


def _chain(count: int, kind: str, **properties: str) -> list[dict[str, Any]]:
    return [_node(f"n{at}", kind, *([f"n{at - 1}"] if at else []), **properties) for at in range(count)]


def _node(name: str, kind: str, *before: str, **properties: str) -> dict[str, Any]:
    listed = [{"name": key, "value": value} for key, value in properties.items()]
    return {"name": name, "type": kind, "preNodeName": list(before), "properties": listed}


class Client:
    """A client with one connection per thread that looks again at once until it sees the end."""

    def __init__(self, target: Target) -> None:
        self._port = target.port
        self._root = f"/v1/{target.project_id}/jobs"
        self._local = threading.local()

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port)
        text = None if body is None else json.dumps(body)
        connection.request(method, self._root + path, text, {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content) if content else None

    def create(self, name: str, nodes: Sequence[Mapping[str, Any]]) -> None:
        self.call("POST", "", {"name": name, "processType": "BATCH", "nodes": list(nodes)})

    def begin(self, name: str) -> int:
        return int(self.call("POST", f"/{name}/run-immediate", {})["instanceId"])

    def seconds(self, name: str) -> float:
        began = time.perf_counter()
        self.finish(name, self.begin(name))
        return time.perf_counter() - began

    def seconds_together(self, name: str, count: int) -> float:
        began = time.perf_counter()
        for number in [self.begin(name) for _ in range(count)]:
            self.finish(name, number)
        return time.perf_counter() - began

    def finish(self, name: str, number: int, pause: float = 0.0) -> dict[str, Any]:
        while True:
            shown: dict[str, Any] = self.call("GET", f"/{name}/instances/{number}")
            if shown["status"] in ENDED:
                assert shown["status"] == "success", shown
                return shown
            time.sleep(pause)


def shell_nodes(client: Client) -> None:
    """What a Shell node costs over the process it starts."""

    def per_node() -> float:
        number = client.begin("shells")
        shown = client.finish("shells", number, pause=0.05)  # its looks must not cost what is measured
        return float(shown["executeTime"]) / SHELLS / 1000

    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write("true\n")
        script.flush()

        def bare() -> float:
            began = time.perf_counter()
            for _ in range(SHELLS):
                subprocess.run(["bash", script.name], check=True, stdout=subprocess.PIPE)
            return (time.perf_counter() - began) / SHELLS

        alone, node = median_of(bare), median_of(per_node)
    table = Table("A Shell node, a new process each, ms", ["node", "the process alone", "over it", "bar"])
    table.add(f"{node * 1000:.1f}", f"{alone * 1000:.1f}", f"{(node - alone) * 1000:.1f}", "≤ 5 over it")
    table.print()


def crowd(client: Client, target: Target) -> None:
    """A thousand instances of ten nodes at once."""
    before, peak = target.memory_mb(), 0.0
    began = time.perf_counter()
    numbers: list[int] = []
    lock = threading.Lock()

    def begin(count: int) -> None:
        for _ in range(count):
            number = client.begin("ten")
            with lock:
                numbers.append(number)

    threads = [threading.Thread(target=begin, args=(INSTANCES // 8,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, target.memory_mb())
        time.sleep(0.05)
    shown = [client.finish("ten", number) for number in numbers]
    seconds = time.perf_counter() - began
    peak = max(peak, target.memory_mb())
    waits = sorted(float(item["endTime"] - item["submitTime"]) for item in shown)
    table = Table(
        f"{len(shown):,} instances of 10 nodes, begun by 8 clients as fast as they can",
        ["instances/s", "nodes/s", "submit to end p50 ms", "p99 ms", "memory before MB", "at most MB"],
    )
    table.add(
        f"{len(shown) / seconds:,.0f}",
        f"{len(shown) * 10 / seconds:,.0f}",
        f"{percentile(waits, 0.50):.0f}",
        f"{percentile(waits, 0.99):.0f}",
        f"{before:.0f}",
        f"{peak:.0f}",
    )
    table.print()


# ---- Prefect

FLOWS = """
import sys, time
from prefect import flow, task

@task
def noop(i):
    return i

@flow
def seq40():
    for i in range(40):
        noop(i)

@flow
def fan100():
    noop(0)
    for future in [noop.submit(i) for i in range(98)]:
        future.result()
    noop(99)

print("READY", flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    {"seq40": seq40, "fan100": fan100}[line.strip()]()
    print("DONE", time.perf_counter() - began, flush=True)
"""


def prefect(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds by work, under the name of the release; nothing where it is not installed."""
    place = Path(os.environ.get("PEERS_DIR", "/nonexistent")) / "venv-prefect" / "bin"
    if not (place / "prefect").exists():
        print("Prefect is not installed: set PEERS_DIR to a folder with venv-prefect")
        return {}
    (folder / "flows.py").write_text(FLOWS)
    told = subprocess.run([place / "prefect", "--version"], check=True, capture_output=True, text=True)
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    command = [str(place / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", "{port}"]
    with serving(command, health="/api/health", environment=environment) as target:
        environment["PREFECT_API_URL"] = f"http://127.0.0.1:{target.port}/api"
        run = [str(place / "python"), str(folder / "flows.py")]
        with workers(run, environment, 10) as started:
            figures = {name: median_of(lambda name=name: flow(started[:1], name)) for name in ("seq40", "fan100")}  # type: ignore[misc]
            flow(started, "seq40")
            figures["par10x40"] = statistics.median(flow(started, "seq40") for _ in range(3))
    return {f"Prefect {told.stdout.strip()}": figures}


def flow(started: Sequence[subprocess.Popen[str]], name: str) -> float:
    """Seconds until each of the processes has run a flow."""
    began = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
    for process in started:
        _read_until(process, "DONE")
    return time.perf_counter() - began


@contextmanager
def workers(
    command: Sequence[str], environment: Mapping[str, str], count: int
) -> Iterator[list[subprocess.Popen[str]]]:
    started = [
        subprocess.Popen(command, env=environment, text=True, stdin=_PIPE, stdout=_PIPE, stderr=subprocess.DEVNULL)
        for _ in range(count)
    ]
    try:
        for process in started:
            _read_until(process, "READY")
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def _read_until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return
    raise RuntimeError(f"the peer ended with {process.wait()}")


if __name__ == "__main__":
    main()
