"""What a node type is: a class whose fields are the node's properties, and what it may touch while it runs.

::

    @node_type("Shell")
    @dataclass(frozen=True, kw_only=True)
    class Shell(Node):
        script_name: str = ""

        def run(self, ctx: NodeContext) -> NodeResult: ...

``#{…}`` and ``${…}`` in properties are replaced before the class is built, so it knows nothing of expressions. The
modules of this folder are found by walking it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from headrace.domain.quality_outcome import Outcome
from headrace.el.scope import Loop
from headrace.objectstore.base import ObjectStore
from headrace.settings import Settings
from headrace.sql.engine import Cancellation, SqlEngine


class NodeFailed(Exception):
    """The node cannot do its work; the text is for the person who reads its log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """An instance of another job that a node runs. ``parameters`` replace the job's own of the same names."""

    instance_name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Children:
    """What a node runs as instances of another job, at most ``parallel`` at once, in this order."""

    job_name: str
    instances: Sequence[Child]
    parallel: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeResult:
    """How an attempt ended. ``output``: what ``Job.getNodeOutput`` gives; None when there is none.

    ``running_data``: JSON text that ``Job.getRunningData`` gives. ``variables``: what later nodes read as ``${name}``.
    ``retry``: whether a failure may be tried again. ``children``: the node goes on until these have ended; it succeeds
    if all of them do.
    """

    success: bool
    message: str = ""
    output: str | None = None
    input_row_count: int | None = None
    timed_out: bool = False
    running_data: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    retry: bool = True
    children: Children | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A script as a node runs it; names of connection and database may be empty. ``configuration``: of DLI SQL."""

    name: str
    type: str
    content: str
    connection_name: str = ""
    database: str = ""
    configuration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundConnection:
    """A connection with an address and credentials. ``config`` as in its document, secrets in clear: log none of it."""

    name: str
    type: str
    config: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A file that scripts and nodes name. ``location``: its obs:// path; ``depends``: those of what it needs."""

    name: str
    type: str
    location: str
    depends: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """A migration job to run: an existing one by its name, or one to be made (or replaced) from ``body`` first.

    ``cluster_id`` counts where both are given; empty ones are the default cluster.
    """

    job_name: str
    cluster_name: str = ""
    cluster_id: str = ""
    body: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MigrationEnd:
    """How a migration job ended. ``counts``: what it moved, by the names of the API (``ROWS_READ``)."""

    succeeded: bool
    message: str
    counts: Mapping[str, int]


class Log(Protocol):
    """The log of one attempt; secrets are masked on the way in."""

    def write(self, data: bytes) -> None: ...

    def conceal(self, secret: str) -> None:
        """From here on, mask this as well."""

    def line(self, text: str) -> None:
        """Add a line with the time before it."""


def _no_quality_rules(_: object) -> Any:
    raise NodeFailed("What runs here has no quality rules.")


def _no_migrations(_: Migration) -> MigrationEnd:
    raise NodeFailed("What runs here has no migration jobs.")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeContext:
    """All that an attempt may touch. Times are aware.

    ``token`` names the attempt, unique on this machine; processes carry it. ``scratch``: a folder that the attempt
    may make and must remove. ``find_script`` (name, version or "") and ``find_resource`` raise NodeFailed for unknown
    names; ``find_connection`` gives a connection that has an address and credentials, its secrets concealed in the
    log, None for any other name; ``open_sql`` gives the embedded engine of the workspace.
    ``substitute`` replaces ``${name}`` in a script's text, given its arguments; parameters of the job come first, then
    those of the workspace. ``evaluate`` gives the text of a property listed in ``unevaluated``, for a row of a loop.
    ``polling_interval``: seconds between two looks at something remote. ``find_quality_rules`` gives the document of a
    quality rule job; ``record_quality`` keeps what its rules found; ``migrate`` runs a migration job to its end, tells
    the log how far it is, and raises HeadraceError where it cannot be started.
    """

    job_name: str
    node_name: str
    instance_id: str
    plan_time: datetime
    token: str
    scratch: Path
    log: Log
    cancellation: Cancellation
    find_script: Callable[[str, str], Script]
    find_resource: Callable[[str], Resource]
    find_connection: Callable[[str], BoundConnection | None]
    store: ObjectStore
    open_sql: Callable[[], SqlEngine]
    substitute: Callable[[str, Mapping[str, str]], str]
    evaluate: Callable[[str, Loop | None], str]
    polling_interval: float
    local_execution: bool
    embedded_connections: bool
    process_environment: Mapping[str, str]
    settings: Settings = field(default_factory=Settings)
    find_quality_rules: Callable[[str], str] = _no_quality_rules
    record_quality: Callable[[Sequence[Outcome]], None] = _no_quality_rules
    migrate: Callable[[Migration], MigrationEnd] = _no_migrations


@dataclass(frozen=True, kw_only=True)
class Node(ABC):
    """Base of the node types. ``inline`` ones do nothing that takes time and are run where they are decided.

    ``unevaluated``: names of properties that are handed over as written, for ``ctx.evaluate``. ``needs``: what must be
    installed or set for nodes of the type to do their work, for the reference.
    """

    inline: ClassVar[bool] = False
    unevaluated: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[str] = ""

    @classmethod
    def refusal(cls, type_name: str) -> str:
        """Why nodes of this type cannot run in this release, as a sentence; empty where they can."""
        return ""

    @abstractmethod
    def run(self, ctx: NodeContext) -> NodeResult:
        """Do the node's work. Raises NodeFailed; whatever else it raises fails the node too."""


N = TypeVar("N", bound=type[Node])

_TYPES: dict[str, tuple[type[Node], str]] = {}


def node_type(*names: str) -> Callable[[N], N]:
    """Declare a class as the node type of these names, compared without blanks and case."""

    def declare(cls: N) -> N:
        for name in names:
            _TYPES[compared_name(name)] = (cls, name)
        return cls

    return declare


def compared_name(name: str) -> str:
    """The name of a type as it is compared: without blanks and case."""
    return "".join(name.split()).lower()


@cache
def node_types() -> Mapping[str, tuple[type[Node], str]]:
    """Every declared type by its compared name, with the name as declared."""
    package = importlib.import_module("headrace.nodes")
    for module in pkgutil.iter_modules(package.__path__, "headrace.nodes."):
        importlib.import_module(module.name)
    return _TYPES


def is_known_type(type_name: str) -> bool:
    """Whether nodes of this type can run in this release."""
    found = node_types().get(compared_name(type_name))
    return found is not None and not found[0].refusal(type_name)


def is_inline(type_name: str) -> bool:
    """Whether a node of this type is run where it is decided."""
    found = node_types().get(compared_name(type_name))
    return found is not None and found[0].inline


def unevaluated_properties(type_name: str) -> frozenset[str]:
    """The properties that nodes of a type take as written."""
    found = node_types().get(compared_name(type_name))
    return frozenset() if found is None else found[0].unevaluated


def build_node(type_name: str, properties: Mapping[str, str]) -> Node:
    """A node of a type with its properties; members that the type does not know are ignored. Raises NodeFailed."""
    found = node_types().get(compared_name(type_name))
    if found is None:
        raise NodeFailed(
            f"Nodes of type {type_name!r} cannot run in this release. "
            'A dry run (emptyRunningJob "1") passes it; the list of types is in the coverage reference.'
        )
    cls, _ = found
    values: dict[str, str] = {}
    for item in fields(cls):
        for name in item.metadata.get("names") or (property_name(item.name),):
            if properties.get(name):
                values[item.name] = properties[name]
                break
    values |= {name: type_name for name in ("type_name",) if name in {item.name for item in fields(cls)}}
    return cls(**values)


def property_name(name: str) -> str:
    """The name of a property by that of its field."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def read_arguments(text: str) -> dict[str, str]:
    """``k1=v1`` per line, as scripts are given their arguments; values as written. Lines without ``=`` are ignored.

    A line ends at a line break or at ``\\n``, but not inside ``#{…}``.
    Source: API reference, "Creating a Job", scriptArgs: pairs separated by ``\\n``.
    """
    pairs = (line.partition("=") for line in _lines(text) if "=" in line)
    return {name.strip(): value for name, _, value in pairs if name.strip()}


def evaluated_arguments(ctx: NodeContext, text: str) -> dict[str, str]:
    """As ``read_arguments``, each value evaluated by itself: what it gives may have lines of its own."""
    return {name: ctx.evaluate(value, None) for name, value in read_arguments(text).items()}


_OUTSIDE = re.compile(r"#\{|\\n|\r?\n")
_INSIDE = re.compile(r"""\}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""")


def _lines(text: str) -> list[str]:
    """The text cut at line ends outside of expressions."""
    lines, start, at = [], 0, 0
    while found := _OUTSIDE.search(text, at):
        at = found.end()
        if found.group() == "#{":
            at = _end_of_expression(text, at)
        else:
            lines.append(text[start : found.start()])
            start = at
    return [*lines, text[start:]]


def _end_of_expression(text: str, at: int) -> int:
    """Where an expression ends that began before ``at``; there, if it is not closed."""
    for found in _INSIDE.finditer(text, at):
        if found.group() == "}":
            return found.end()
    return at
