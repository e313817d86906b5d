"""A server to measure, a client that costs little, and tables."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from headrace.auth import signature

RUNS = 5
CONNECTIONS = 16


@dataclass
class Table:
    """Rows printed with aligned columns."""

    title: str
    header: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        self.rows.append([str(cell) for cell in cells])

    def print(self) -> None:
        lines = [list(self.header), *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        print(f"\n## {self.title}\n")
        for number, line in enumerate(lines):
            print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
            if number == 0:
                print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def median_of(work: Callable[[], float], runs: int = RUNS) -> float:
    """The median of what ``work`` returns, after one run that does not count."""
    work()
    return statistics.median(work() for _ in range(runs))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Target:
    """A running server, its process and its credentials."""

    port: int
    process: subprocess.Popen[bytes]
    seconds_to_healthy: float
    credentials: dict[str, str] = field(default_factory=dict)

    @property
    def project_id(self) -> str:
        return self.credentials["project_id"]

    def memory_mb(self) -> float:
        """Proportional set size of the process, MB."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def request(self, method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
        """A signed request as it goes over the wire."""
        path = path.replace("{p}", self.credentials.get("project_id", ""))
        plain, _, query = path.partition("?")
        headers = [("host", f"127.0.0.1:{self.port}"), ("content-type", content_type)]
        request = signature.Request(method=method, path=plain, query=query, headers=headers, body=body)
        keys = self.credentials["access_key"], self.credentials["secret_key"]
        headers += list(signature.sign(request, *keys, datetime.now(UTC)).items())
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"{method} {path} HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def serving(
    command: Sequence[str],
    home: Path | None = None,
    health: str = "/healthz",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Target]:
    """Start a server (``{port}`` in the command), wait until it is healthy, stop it in the end."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [part.replace("{port}", str(port)) for part in command],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={name: value for name, value in (environment or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
        | {f"HEADRACE_MAX_{kind}_PER_WORKSPACE": "100000" for kind in ("JOBS", "SCRIPTS")},
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=5).read()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"{command[0]} ended with {process.returncode}") from None
                time.sleep(0.005)
        healthy = time.perf_counter() - started
        target = Target(port, process, healthy)
        if home is not None:
            target.credentials = json.loads((home / "credentials.json").read_text())
        yield target
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def headrace(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "headrace", *arguments]


class _Connection(asyncio.Protocol):
    """Sends one request after the other on one connection and times each answer."""

    def __init__(self, requests: Iterator[bytes], seconds: list[float], done: asyncio.Future[None]) -> None:
        self._requests, self._seconds, self._done = requests, seconds, done
        self._buffer = bytearray()
        self._expected: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._buffer.clear()
        self._expected = None
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._expected is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            status = int(head[9:12])
            if status >= 400:
                self._done.set_exception(RuntimeError(self._buffer.decode("utf-8", "replace")[:500]))
                self._transport.close()
                return
            mark = head.find(b"content-length:")
            length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
            self._expected = end + 4 + length
        if len(self._buffer) >= self._expected:
            self._seconds.append(time.perf_counter() - self._sent)
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or RuntimeError("the server closed the connection"))


def load(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> tuple[float, list[float]]:
    """Send requests over some connections; requests a second, and the seconds of each answer."""
    seconds: list[float] = []

    async def run() -> float:
        loop = asyncio.get_running_loop()
        shared = iter(requests)
        waiting = []
        started = time.perf_counter()
        for _ in range(connections):
            done: asyncio.Future[None] = loop.create_future()
            waiting.append(done)
            await loop.create_connection(lambda done=done: _Connection(shared, seconds, done), "127.0.0.1", port)
        await asyncio.gather(*waiting)
        return time.perf_counter() - started

    return len(requests) / asyncio.run(run()), seconds


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
