"""A place where a connector is tried, and what its inputs are made of."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest

from headrace.errors_cdm import (
    CdmError,
)
from headrace.transfer.connector import by_url
from headrace.transfer.options import Link

SECRET = "very-secret"
NOWHERE = "nothing_of_this_name"
_NUMBERS = count(1)

Inputs = Mapping[str, str]
Opener = Callable[[Path, pytest.FixtureRequest], AbstractContextManager["Place"]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A system that is up, and the link to it.

    ``source``: the inputs that read what bears a name, of these columns; ``target``: those that write it; ``fill``:
    how rows get there that no job can write. ``down``: a link with ``SECRET`` to where nothing answers, and the error
    that says so. ``missing``: the error for a name that is not there.
    ``urls``: one for each scheme. ``keeps_nothing``: an empty table leaves no trace, as there is no such thing.
    ``typed``: what is written takes the types of the table that is there, not those of the source.
    """

    link: Link
    source: Callable[[str, pa.Schema], Inputs]
    target: Callable[[str], Inputs] | None = None
    fill: Callable[[str, pa.Table], None] | None = None
    urls: Sequence[str] = ()
    down: tuple[Link, type[CdmError]]
    missing: type[CdmError]
    keeps_nothing: bool = False
    typed: bool = False


def closed_port() -> int:
    """A port of this machine at which nothing answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def new_name() -> str:
    """A name that no test before had, good for a table, a file, a topic or an index."""
    return f"t{next(_NUMBERS)}"


def listed(names: Sequence[str]) -> dict[str, str]:
    return {"columnList": "&".join(names)}


def url_link(url: str) -> Link:
    return by_url(url).link
