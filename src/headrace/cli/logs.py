"""``headrace logs``: the logs of an instance of a running server, also while they are written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from headrace.cli.client import Client
from headrace.cli.instances import segment
from headrace.cli.output import WRONG_USAGE, print_json, say, stop
from headrace.cli.server import Where, at_server
from headrace.domain.instance import ENDED_JOB_STATES, NodeState

WAIT_SECONDS = 2  # for one node; so often the others are looked at
PIECE_BYTES, MOST_BYTES = 1 << 18, 1 << 20
_TAIL_BYTES = 1_000  # looked at for each line that is wanted of the end


@at_server
def logs(
    where: Where,
    instance: Annotated[str, typer.Argument(help="Number of the instance, as ps shows it.")],
    node: Annotated[str | None, typer.Argument(help="Only this node. Default: all nodes.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the instance or node has ended.")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", min=0, help="Only so many lines of the end. Default: all.")
    ] = None,
) -> None:
    """Show what the nodes of an instance wrote, oldest attempt first; of several nodes each line says which.

    Secrets are masked.
    """
    if follow and where.as_json:
        stop("--follow and --json exclude each other", WRONG_USAGE)
    with where.client() as client:
        shown = client.json("GET", f"/job-instances/{segment(instance)}")
        if node is not None and node not in (item["nodeName"] for item in shown["nodes"]):
            names = ", ".join(item["nodeName"] for item in shown["nodes"])
            stop(f"the instance {instance} has no node {node!r}; it has {names}", WRONG_USAGE)
        readers = _readers(client, shown, node, tail)
        if where.as_json:
            print_json([_whole(reader, item) for item, reader in readers])
        elif follow:
            try:
                _follow(client, shown, {item["nodeName"]: reader for item, reader in readers})
            except KeyboardInterrupt:
                return
        else:
            for _, reader in readers:
                reader.read_on()
                reader.end()


@dataclass(kw_only=True)
class LogReader:
    """Reads the log of a node piece by piece, and tells its whole lines. ``tail``: only so many of the first read."""

    piece: Callable[[Mapping[str, Any]], dict[str, Any]]
    tell: Callable[[str], None]
    tail: int | None = None
    ended: bool = False
    _offset: int = 0
    _held: str = ""
    _begun: bool = field(default=False)

    def read_on(self, wait: float = 0) -> bool:
        """Tell what there is, or else what comes within ``wait`` seconds; whether there was something."""
        found = False
        if self.tail is not None and not self._begun:
            self._read_tail(self.tail)
        self._begun = True
        while not self.ended:
            told = self.piece({"offset": self._offset, "limit": PIECE_BYTES, "wait": wait})
            self._offset, self.ended = told["nextOffset"], told["ended"]
            self._tell(told["content"])
            if not told["content"]:
                return found
            found, wait = True, 0
        return found

    def end(self) -> None:
        """Tell a last line that has no end."""
        if self._held:
            self.tell(self._held)
        self._held = ""

    def _read_tail(self, lines: int) -> None:
        told = self.piece({"offset": -min(max(1, lines * _TAIL_BYTES), MOST_BYTES), "limit": MOST_BYTES})
        kept = told["content"].splitlines(keepends=True)[-lines:] if lines else []
        self._offset, self.ended = told["nextOffset"], told["ended"]
        self._tell("".join(kept))

    def _tell(self, content: str) -> None:
        *whole, self._held = (self._held + content).split("\n")
        for line in whole:
            self.tell(line)


def _readers(
    client: Client, shown: Mapping[str, Any], node: str | None, tail: int | None
) -> list[tuple[dict[str, Any], LogReader]]:
    nodes = [item for item in shown["nodes"] if node in (None, item["nodeName"])]
    width = max((len(item["nodeName"]) for item in nodes), default=0) if node is None else 0
    return [(item, _reader(client, shown, item["nodeName"], width, tail)) for item in nodes]


def _reader(client: Client, shown: Mapping[str, Any], name: str, width: int, tail: int | None) -> LogReader:
    path = f"/jobs/{segment(shown['jobName'])}/instances/{shown['instanceId']}/nodes/{segment(name)}/log"
    prefix = f"{name:<{width}} | " if width else ""
    return LogReader(
        piece=lambda query: _as_members(client.json("GET", f"{path}?{urlencode(query)}")),
        tell=lambda line: say(prefix + line),
        tail=tail,
    )


def _as_members(told: Any) -> dict[str, Any]:
    return dict(told)


def _follow(client: Client, shown: Mapping[str, Any], readers: Mapping[str, LogReader]) -> None:
    """Tell what nodes write until all have ended; one that runs is waited for, the others are looked at in between."""
    states = {item["nodeName"]: item["status"] for item in shown["nodes"]}
    while True:
        over = shown["status"] in ENDED_JOB_STATES
        for name, reader in readers.items():
            if over or states[name] != NodeState.WAITING:
                reader.read_on(WAIT_SECONDS if over else 0)
        open_nodes = [name for name in readers if not readers[name].ended]
        if over or not open_nodes:
            break
        waited = next((name for name in open_nodes if states[name] == NodeState.RUNNING), open_nodes[0])
        began = time.monotonic()
        if not readers[waited].read_on(WAIT_SECONDS) and time.monotonic() - began < WAIT_SECONDS / 2:
            time.sleep(WAIT_SECONDS / 2)  # the server lets nobody else wait now
        shown = client.json("GET", f"/job-instances/{shown['instanceId']}")
        states = {item["nodeName"]: item["status"] for item in shown["nodes"]}
    for reader in readers.values():
        reader.end()


def _whole(reader: LogReader, item: Mapping[str, Any]) -> dict[str, Any]:
    lines: list[str] = []
    reader.tell = lines.append
    reader.read_on()
    reader.end()
    return {"node": item["nodeName"], "status": item["status"], "content": "".join(f"{line}\n" for line in lines)}
