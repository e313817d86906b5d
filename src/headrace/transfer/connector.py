"""What a connector is: how to reach one kind of system, read from it and write to it.

::

    @connector
    class Redis(Connector):
        capability = Capability(title="Redis", connector_names=("redis-connector",), ...)

        def test(self) -> str: ...
        def source(self, options: Options) -> Source: ...
        def target(self, options: Options) -> Target: ...

Everything a source, a target or a writer raises for a person to read is a ``CdmError``. The modules of
``transfer/connectors`` are found by walking it.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

import pyarrow as pa

from headrace.errors_cdm import CdmConnectorNotFound, CdmDirectionMissing
from headrace.objectstore.base import ObjectStore
from headrace.settings import Settings
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.transfer.counters import Counters
from headrace.transfer.options import Link, Options

BATCH_ROWS, BATCH_BYTES = 65_536, 8 << 20  # of a batch, whichever comes first. Source: reference on the engine, §6

REFUSED = "the row is refused"  # what becomes of most values that a system cannot hold
Split = Mapping[str, Any]  # a part of the source, as JSON
Reject = Callable[[Any, str], None]  # takes a row in whatever form it has, and why it is none


class Rejected(NamedTuple):
    """A row that was not written: its number in the batch, and why."""

    row: int
    reason: str


class Elsewhere(NamedTuple):
    """Other machines that may run splits; nothing of it is set where threads of this process do.

    ``dask``: the address of a scheduler; ``spark``: the URL of Spark Connect, which may hold a token; ``spark_python``:
    the path of Python on its executors, where it is not the one they are configured with.
    """

    dask: str = ""
    spark: str = ""
    spark_python: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Elsewhere:
        """What an installation is set to."""
        return cls(settings.dask_scheduler or "", settings.spark_connect or "", settings.spark_python or "")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What connectors may use of this installation.

    ``store``: its object store; ``files``: the only folder of the machine they may touch; ``open_sql``: the embedded
    engine of the workspace; ``cancellation``: cancelled when the job is to stop; ``say``: a line for the log of the
    run, never a secret; ``zone``: of times that carry none; ``now``: milliseconds; ``counters``: of the run, for those
    who count files; ``elsewhere``: other machines that may run the splits.
    """

    store: ObjectStore
    files: Path
    open_sql: Callable[[], SqlEngine]
    zone: tzinfo
    now: Callable[[], int]
    cancellation: Cancellation = field(default_factory=Cancellation)
    counters: Counters = field(default_factory=Counters)
    say: Callable[[str], None] = lambda text: None
    elsewhere: Elsewhere = field(default_factory=Elsewhere)


class Source(ABC):
    """One side of a job that is read.

    ``counts_bytes``: whether it counts what it reads itself; ``endless``: whether it is read until the job is stopped;
    ``resumes``: whether one that is endless goes on where it was when it is read again.
    """

    counts_bytes: bool = False
    endless: bool = False
    resumes: bool = False

    @abstractmethod
    def schema(self) -> pa.Schema:
        """The columns that ``read`` gives, in the order of the job's column list. Raises CdmError."""

    @abstractmethod
    def splits(self, wanted: int) -> Sequence[Split]:
        """Parts that can be read at the same time, at most ``wanted``; none where there is nothing to read."""

    @abstractmethod
    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        """The batches of a split, each with the columns of ``schema``; a column may come as text instead.

        Rows that cannot be read are given to ``reject``, whose errors end the reading. Called in a thread of its own;
        closed early when the job stops.
        """

    def written(self, split: Split) -> None:  # noqa: B027
        """The first batch of a split of which this was not said yet is in the destination, to stay.

        Called by the thread that writes, only for targets that are ``lasting``.
        """

    def finish(self) -> None:  # noqa: B027
        """Everything was read and written: do what the job wants done to the source."""

    def close(self) -> None:  # noqa: B027
        """Let go of connections."""


class Writer(ABC):
    """Writes one split, in the order it is given. Used by one thread. ``counts_bytes`` as for sources."""

    counts_bytes: bool = False

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Write a batch of the schema that was prepared; the rows that the system refused, the others are in.

        Raises CdmError when the system is not to be had any more.
        """

    @abstractmethod
    def close(self) -> None:
        """The split is complete: make it durable. Raises CdmError."""

    @abstractmethod
    def abort(self) -> None:
        """The split failed: let go, and undo what can be undone."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A destination that is ready.

    ``schema``: what writers take; ``state``: JSON that other processes and a recovery need.
    """

    schema: pa.Schema
    state: Mapping[str, Any] = field(default_factory=dict)


class Target(ABC):
    """One side of a job that is written."""

    repeatable: bool = False  # whether a split that failed may be written again from its beginning
    restartable: bool = False  # whether the whole load may be, after a crash
    lasting: bool = False  # whether each batch that was written stays, also if the job is stopped

    @abstractmethod
    def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
        """Make, clear and stage what is written to. Raises CdmError.

        ``run`` names this run, unique, of letters and digits; ``splits``: how many writers there will be.
        """

    @abstractmethod
    def writer(self, prepared: Prepared, split: int) -> Writer:
        """The writer of a split, counted from 0."""

    def finish(self, prepared: Prepared) -> None:  # noqa: B027
        """All splits were written: show them to others. Called again after a crash, and then does what is left."""

    def abandon(self, prepared: Prepared) -> None:  # noqa: B027
        """The job failed: remove what only this run would need."""

    def close(self) -> None:  # noqa: B027
        """Let go of connections."""


class Loss(NamedTuple):
    """Values that do not arrive as they left.

    ``kinds``: of values, by their names in the tests' table of awkward values; ``values``: which of these;
    ``becomes``: what becomes of them.
    """

    kinds: tuple[str, ...]
    values: str
    becomes: str


@dataclass(frozen=True, kw_only=True)
class Capability:
    """What the coverage table says of a connector.

    ``connector_names``: as links name it; ``databases``: the values of ``databaseType`` it serves, for the connector
    of relational databases; ``schemes``: of URLs; ``extra``: of the package, where it needs a driver;
    ``tested``: the real server that tests use, empty where there is none; ``limits``: what it does not do; ``losses``:
    what it does not keep of values.
    """

    title: str
    connector_names: tuple[str, ...]
    databases: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    reads: bool = True
    writes: bool = True
    extra: str = ""
    tested: str = ""
    limits: str = ""
    losses: tuple[Loss, ...] = ()


class UrlJob(NamedTuple):
    """What a URL stands for in ``headrace migrate copy``: a link, and the inputs of either side."""

    link: Link
    source: Mapping[str, str]
    target: Mapping[str, str]


class Connector(ABC):
    """One kind of system, reached through one link."""

    capability: ClassVar[Capability]

    def __init__(self, link: Link, surroundings: Surroundings) -> None:
        self.link = link
        self.surroundings = surroundings

    @abstractmethod
    def test(self) -> str:
        """Try to get in; a line about what answered. Raises CdmError."""

    @property
    def only_here(self) -> str:
        """What keeps its splits in this process; empty where workers on other machines can run them."""
        return ""

    def source(self, options: Options) -> Source:
        """What a job reads. Raises CdmError."""
        raise CdmDirectionMissing(f"{self.link.connector}: cannot be read from.")

    def target(self, options: Options) -> Target:
        """What a job writes. Raises CdmError."""
        raise CdmDirectionMissing(f"{self.link.connector}: cannot be written to.")

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """The link and the inputs that a URL of one of the schemes stands for. Raises CdmError."""
        raise CdmConnectorNotFound(url)


C = TypeVar("C", bound=type[Connector])
_CONNECTORS: list[type[Connector]] = []


def connector(cls: C) -> C:
    """Declare a class as the connector of the names in its capability."""
    _CONNECTORS.append(cls)
    return cls


@cache
def connectors() -> tuple[type[Connector], ...]:
    """Every connector, by title."""
    package = importlib.import_module("headrace.transfer.connectors")
    for module in pkgutil.iter_modules(package.__path__, "headrace.transfer.connectors."):
        importlib.import_module(module.name)
    return tuple(sorted(_CONNECTORS, key=lambda cls: cls.capability.title))


def open_connector(link: Link, surroundings: Surroundings) -> Connector:
    """The connector of a link. Raises CdmConnectorNotFound."""
    database = link.text("databaseType").upper()
    for cls in connectors():
        one = cls.capability
        if link.connector in one.connector_names and (not one.databases or database in one.databases):
            return cls(link, surroundings)
    raise CdmConnectorNotFound(f"{link.connector} {database}".strip())


def by_url(url: str) -> UrlJob:
    """What a URL stands for. Raises CdmConnectorNotFound, and what its connector raises."""
    scheme = url.partition(":")[0].lower()
    for cls in connectors():
        if scheme in cls.capability.schemes:
            return cls.from_url(url)
    raise CdmConnectorNotFound(url.partition("://")[0])
