"""Export and import, beside the ZIP library alone writing the same members."""

from __future__ import annotations

import http.client
import io
import json
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import documents
from bench.measure import Table, Target, headrace, load, median_of, percentile, serving
from headrace.packages.archive import Zlib, archive_chunks
from headrace.packages.text import canonical

JOBS = 10_000
SCRIPTS_EACH = 3
NODES = 9  # with them a job and its scripts take 14 KB in the text form


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with serving(headrace("up", "--home", str(home), "--port", "{port}"), home) as target:
            one_job(target)
        members = [*_members()]
        many_jobs(Path(folder), members)


def _members() -> Iterator[tuple[str, bytes]]:
    for number in range(JOBS):
        for index in range(SCRIPTS_EACH):
            script = documents.script(number, index)
            yield f"scripts/{script['name']}.script", canonical(documents.text(script))
    for number in range(JOBS):
        job = documents.job(number, NODES)
        yield f"jobs/{job['name']}.job", canonical(documents.text(job))


def one_job(target: Target) -> None:
    table = Table(
        "Export of one job with three scripts, through HTTP, signed", ["clients", "p50 ms", "p99 ms", "a second", "bar"]
    )
    requests = [target.request("POST", "/v1/{p}/jobs", documents.text(documents.job(0)))]
    requests += [
        target.request("POST", "/v1/{p}/scripts", documents.text(documents.script(0, index)))
        for index in range(SCRIPTS_EACH)
    ]
    load(target.port, requests, 1)
    for clients in (1, 16):
        call = target.request("POST", "/v1/{p}/jobs/job_00000/export")
        load(target.port, [call] * 200, clients)
        rate, seconds = load(target.port, [call] * 2000, clients)
        p50, p99 = percentile(seconds, 0.5) * 1000, percentile(seconds, 0.99) * 1000
        table.add(clients, f"{p50:.2f}", f"{p99:.2f}", f"{rate:,.0f}", "p50 ≤ 3" if clients == 1 else "")
    table.print()


def many_jobs(folder: Path, members: list[tuple[str, bytes]]) -> None:
    size = sum(len(content) for _, content in members) / 1e6
    table = Table(
        f"{JOBS:,} jobs with {JOBS * SCRIPTS_EACH:,} scripts, {size:.0f} MB of members",
        ["what", "seconds", "MB/s", "of the ZIP library alone", "peak memory +MB", "bar"],
    )

    def alone(**options: object) -> float:
        started = time.perf_counter()
        for _ in archive_chunks(iter(members), **options):  # type: ignore[arg-type]
            pass
        return time.perf_counter() - started

    limit = median_of(lambda: alone(), 3)
    table.add("ZIP library alone (libdeflate 6)", f"{limit:.2f}", f"{size / limit:.0f}", "1.00", "", "")
    table.add(
        "  for comparison: zlib 6", f"{(other := alone(compressor=Zlib())):.2f}", f"{size / other:.0f}", "", "", ""
    )
    standard = _standard_library(members)
    table.add("  for comparison: zipfile", f"{standard:.2f}", f"{size / standard:.0f}", "", "", "")

    archive = folder / "package.zip"
    with archive.open("wb") as file:
        for chunk in archive_chunks(iter(members)):
            file.write(chunk)
    for kind in ("imported", "created through the API"):
        home = folder / f"home-{kind[:3]}"
        with serving(headrace("up", "--home", str(home), "--port", "{port}"), home) as target:
            if kind == "imported":
                with _peak(target) as peak:
                    seconds = _import(target, archive, home)
                table.add(
                    "import",
                    f"{seconds:.2f}",
                    f"{size / seconds:.0f}",
                    f"{limit / seconds:.2f}",
                    f"{peak[0]:.0f}",
                    "≤ 15 s",
                )
            else:
                _create(target)
            with _peak(target) as peak:
                seconds = median_of(lambda target=target: _export(target), 3)  # type: ignore[misc]
            share = f"{limit / seconds:.2f}"
            table.add(f"export, {kind}", f"{seconds:.2f}", f"{size / seconds:.0f}", share, f"{peak[0]:.0f}", "≥ 0.50")
    table.print()


def _standard_library(members: list[tuple[str, bytes]]) -> float:
    started = time.perf_counter()
    with zipfile.ZipFile(io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return time.perf_counter() - started


@contextmanager
def _peak(target: Target) -> Iterator[list[float]]:
    """The most memory the server takes beyond what it had, sampled every 20 ms."""
    before, result, done = target.memory_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            result[0] = max(result[0], target.memory_mb() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield result
    finally:
        done.set()
        thread.join()


def _import(target: Target, archive: Path, home: Path) -> float:
    place = home / "obs" / "bench"
    place.mkdir(parents=True)
    (place / "package.zip").write_bytes(archive.read_bytes())
    body = json.dumps({"path": "obs://bench/package.zip"}).encode()
    started = time.perf_counter()
    task = json.loads(_call(target, "POST", "/v1/{p}/jobs/import", body))["taskId"]
    while True:
        found = json.loads(_call(target, "GET", f"/v1/{{p}}/system-tasks/{task}"))
        if found["status"] != "RUNNING":
            assert found["status"] == "SUCCESSFUL", found["message"]
            return time.perf_counter() - started
        time.sleep(0.05)


def _create(target: Target) -> None:
    requests = []
    for number in range(JOBS):
        requests += [
            target.request("POST", "/v1/{p}/scripts", documents.text(documents.script(number, index)))
            for index in range(SCRIPTS_EACH)
        ]
        requests.append(target.request("POST", "/v1/{p}/jobs", documents.text(documents.job(number, NODES))))
    load(target.port, requests)


def _export(target: Target) -> float:
    started = time.perf_counter()
    _call(target, "POST", "/v1/{p}/packages/export", b"{}")
    return time.perf_counter() - started


def _call(target: Target, method: str, path: str, body: bytes = b"") -> bytes:
    raw = target.request(method, path, body)
    head, _, content = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=120)
    headers = dict(line.split(": ", 1) for line in lines)
    connection.request(method, first.split(" ")[1], content, headers)
    answer = connection.getresponse()
    text = b""
    while piece := answer.read(1 << 20):
        text = piece if method == "POST" and path.endswith("packages/export") else text + piece
    assert answer.status < 400, text[:500]
    connection.close()
    return text
