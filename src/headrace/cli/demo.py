"""``headrace demo``: a server with a sample workspace; imports a package, runs it, exports it, proves it the same."""

from __future__ import annotations

import io
import os
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
import uvicorn

from headrace.app import open_installation
from headrace.auth.credentials import read_credentials
from headrace.cli.client import CallFailed, Client
from headrace.cli.examples import example
from headrace.cli.home import load_settings
from headrace.cli.output import say, stop
from headrace.cli.up import configure_logging, greet
from headrace.console.serving import PATH
from headrace.packages.archive import write_archive
from headrace.packages.digest import content_digest
from headrace.packages.layout import single_members
from headrace.packages.reader import load, open_package
from headrace.settings import Settings

JOBS = ("retail_day", "retail_stock_alert")
FINISHED = {"success", "fail", "running-exception", "manual-stop"}


def demo(
    home: Annotated[Path, typer.Option(help="Where the demo keeps everything.")] = Path(".demo"),
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: 8700, or a free one.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with an empty home.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the server up afterwards, until interrupted.")] = False,
) -> None:
    """Start a server, import the retail example, run it, export it again, and compare the two packages.

    Leaves with status 0 when the jobs succeeded and the exported package is identical to the imported one.
    """
    if fresh and (home / "headrace.db").exists():
        shutil.rmtree(home)
    chosen = port if port is not None else _free_port(8700)
    settings = load_settings(home=home, port=chosen, local_execution=True)
    configure_logging()
    with _serving(settings) as client:
        try:
            _story(client)
        except CallFailed as error:
            stop(str(error))
        say()
        say(f"API       {client.base}/v1/{client.project_id}/…  (described in {client.base}/openapi.json)")
        say(f"home      {settings.home}")
        if settings.console:
            say(f"console   {client.base}{PATH}  (user and password are in {settings.home / 'credentials.json'})")
        if keep:
            say("the server stays up; Ctrl-C ends it")
            _until_interrupted()


def _story(client: Client) -> None:
    source = example("retail_warehouse")
    objects = sorted(load(source).objects(), key=lambda item: item.key)
    package = write_archive(single_members(objects))
    digest = content_digest(objects)
    say(f"package   {len(objects)} objects, {len(package)} bytes, {digest}")

    task = client.json("POST", "/jobs/import?sameNamePolicy=OVERWRITE", package, "application/zip")
    ended = client.wait(f"/system-tasks/{task['taskId']}", {"SUCCESSFUL", "FAILED"})
    if ended["status"] != "SUCCESSFUL":
        stop(f"the import failed: {ended['message']}")
    say(f"imported  {ended['message']}")

    for name in JOBS:
        _run(client, name)

    exported = client.call("POST", "/packages/export", {})
    again = list(open_package(io.BytesIO(exported)).objects())
    say(f"exported  {len(again)} objects, {len(exported)} bytes, {content_digest(again)}")
    if exported != package:
        stop("the exported package differs from the imported one")
    say("identical: the exported package has the same bytes as the imported one")


def _run(client: Client, name: str) -> None:
    number = client.json("POST", f"/jobs/{name}/run-immediate")["instanceId"]
    instance = client.wait(f"/jobs/{name}/instances/{number}", FINISHED)
    say(f"ran       {name}: {instance['status']} in {instance.get('executeTime', 0) / 1000:.2f} s")
    for node in instance["nodes"]:
        seconds = (node.get("endTime", 0) - node.get("startTime", node.get("endTime", 0))) / 1000
        say(f"            {node['nodeName']:<24} {node['type']:<10} {node['status']:<8} {seconds:.2f} s")
        if node["status"] == "fail":
            say(f"            {node.get('errorMessage', '')}")
            path = f"/jobs/{name}/instances/{number}/nodes/{quote(node['nodeName'], safe='')}/log?offset=-2000"
            for line in client.json("GET", path)["content"].splitlines()[-10:]:
                say(f"            │ {line}")
    if instance["status"] != "success":
        stop(f"{name} ended as {instance['status']}")


def _free_port(wanted: int) -> int:
    """The wanted port of loopback, or any free one where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port of 127.0.0.1 is free")


@contextmanager
def _serving(settings: Settings) -> Iterator[Client]:
    installation = open_installation(settings, dict(os.environ))
    greet(installation)
    config = uvicorn.Config(
        installation.application(),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="on",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    credentials = read_credentials(settings.home)
    base = f"http://{settings.host}:{settings.port}"
    try:
        _wait_until_healthy(base, thread)
        yield Client(
            base=base,
            project_id=credentials["project_id"],
            access_key=credentials["access_key"],
            secret_key=credentials["secret_key"],
        )
    finally:
        server.should_exit = True
        thread.join()


def _wait_until_healthy(base: str, thread: threading.Thread) -> None:
    until = time.monotonic() + 30
    while thread.is_alive() and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{base}/healthz", timeout=5):  # noqa: S310  (our own server)
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.02)
    stop(f"the server did not start on {base}; is the port taken?")


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("stopping")
