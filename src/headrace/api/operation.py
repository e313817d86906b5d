"""An operation of the API is one declared function: its route, its shapes, its document and its test subject.

::

    @operation("POST", "/v1/{project_id}/jobs/{job_name}/start", answers=204, errors=(JobNotFound,))
    def start_job(call: Call, body: StartJobRequest | None) -> None:
        ...

What an operation takes is read from its annotations: ``body`` (a msgspec struct; ``| None`` where it may be absent,
empty or ``null``; ``bytes`` for the text as received) and ``query`` (a struct of the query's members). What it gives
is read from the return annotation: a struct, a ``Json[Struct]`` (text made elsewhere), an ``Archive`` or None.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from headrace.domain.identity import Caller, User, Workspace
from headrace.errors import HeadraceError
from headrace.services import Services

Family = Literal["v1", "v2", "cdm", "identity", "headrace"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Json(Generic[T]):
    """An answer whose JSON text exists already; ``T`` is its documented shape."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """A file to download: its name, its bytes in pieces, and its length where it is known."""

    name: str
    chunks: Iterable[bytes]
    length: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Created(Generic[T]):
    """An answer with headers or a status of its own (identity service, CDM's 202)."""

    content: T
    status: int
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, decoded as far as every operation needs it.

    ``path`` holds the decoded path members, ``headers`` lower-case names, ``body`` the bytes as received,
    ``now`` the time of arrival in milliseconds.
    """

    services: Services
    user: User
    workspace: Workspace
    path: dict[str, str]
    headers: dict[str, str]
    body: bytes
    now: int
    request_id: str
    base_url: str

    @property
    def caller(self) -> Caller:
        """What use cases know of this call."""
        return Caller(user=self.user, workspace=self.workspace, now=self.now)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A declared operation."""

    id: str
    method: str
    path: str
    aliases: tuple[str, ...]
    family: Family
    function: Callable[..., Any]
    answers: int
    errors: tuple[type[HeadraceError], ...]
    tag: str
    extension: bool
    public: bool
    slow: bool
    upload: bool
    batched: bool
    json_uploads: tuple[Any, ...] = ()
    body_type: Any = None
    body_optional: bool = False
    query_type: Any = None
    answer_type: Any = None
    summary: str = ""
    description: str = ""
    workspace_error: type[HeadraceError] | None = None
    partly: str = ""
    refuses: bool = False


_declared: list[Operation] = []

_FAMILIES: tuple[tuple[str, Family], ...] = (
    ("/v1.1/", "cdm"),
    ("/v1/", "v1"),
    ("/v1.0/", "v1"),
    ("/v2/", "v2"),
    ("/v3/", "identity"),
)


def operation(
    method: str,
    path: str,
    *,
    answers: int = 200,
    id: str | None = None,
    errors: tuple[type[HeadraceError], ...] = (),
    aliases: tuple[str, ...] = (),
    tag: str = "",
    extension: bool = False,
    public: bool = False,
    slow: bool = False,
    upload: bool = False,
    batched: bool = False,
    json_uploads: tuple[Any, ...] = (),
    workspace_error: type[HeadraceError] | None = None,
    partly: str = "",
    refuses: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function as an operation.

    ``id`` is the published operationId where the function's name in PascalCase is not it; ``aliases`` are further
    paths; ``extension`` marks our own operations; ``public`` ones need no credentials; ``slow`` ones always run on a
    worker thread; ``batched`` ones may share a
    commit with calls that arrive at the same moment: they write in one transaction, wake nobody and read nothing back.
    ``upload`` takes a body up to the size of a package, which may also be
    JSON of the ``json_uploads`` shapes; ``partly`` says what the published operation does and this one does not yet;
    ``refuses`` marks one that only tells its callers that this release cannot do it.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        family: Family = next((name for prefix, name in _FAMILIES if path.startswith(prefix)), "headrace")
        hints = typing.get_type_hints(function)
        body_type, optional = _without_none(hints.get("body"))
        summary, _, rest = inspect.cleandoc(function.__doc__ or "").partition("\n")
        _declared.append(
            Operation(
                id=id or "".join(part.capitalize() for part in function.__name__.split("_")),
                method=method,
                path=path,
                aliases=aliases,
                family=family,
                function=function,
                answers=answers,
                errors=errors,
                tag=tag or function.__module__.rpartition(".")[2],
                extension=extension,
                public=public,
                slow=slow,
                upload=upload,
                batched=batched,
                json_uploads=json_uploads,
                body_type=body_type,
                body_optional=optional,
                query_type=hints.get("query"),
                answer_type=hints.get("return"),
                summary=summary,
                description=rest.strip(),
                workspace_error=workspace_error,
                partly=partly,
                refuses=refuses,
            )
        )
        return function

    return declare


def _without_none(hint: Any) -> tuple[Any, bool]:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        kept = [part for part in typing.get_args(hint) if part is not type(None)]
        return (kept[0] if len(kept) == 1 else typing.Union[tuple(kept)]), len(kept) < len(typing.get_args(hint))  # noqa: UP007
    return hint, False


def declared_operations() -> list[Operation]:
    """Every operation, found by walking the folders of ``headrace.api``."""
    package = importlib.import_module("headrace.api")
    for module in pkgutil.walk_packages(package.__path__, "headrace.api."):
        importlib.import_module(module.name)
    return list(_declared)


@dataclass(slots=True)
class _Node:
    static: dict[str, _Node] = field(default_factory=dict)
    named: _Node | None = None
    operations: dict[str, tuple[Operation, tuple[str, ...]]] = field(default_factory=dict)


class Routes:
    """Finds the operation of a path. Static segments win over names at every level."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        for declared in operations:
            for path in (declared.path, *declared.aliases):
                self._add(path, declared)

    def _add(self, path: str, declared: Operation) -> None:
        node, names = self._root, []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.named = node.named or _Node()
                node = node.named
            else:
                node = node.static.setdefault(segment, _Node())
        if declared.method in node.operations:
            raise ValueError(f"{declared.method} {path} is declared twice")
        node.operations[declared.method] = (declared, tuple(names))

    def find(self, segments: list[str]) -> Iterator[tuple[dict[str, tuple[Operation, tuple[str, ...]]], list[str]]]:
        """The operations by method of each route that fits, best first, with the values of its names."""
        yield from _walk(self._root, segments, 0, [])


def _walk(
    node: _Node, segments: list[str], index: int, values: list[str]
) -> Iterator[tuple[dict[str, tuple[Operation, tuple[str, ...]]], list[str]]]:
    if index == len(segments):
        if node.operations:
            yield node.operations, list(values)
        return
    segment = segments[index]
    if (static := node.static.get(segment)) is not None:
        yield from _walk(static, segments, index + 1, values)
    if node.named is not None and segment:
        values.append(segment)
        yield from _walk(node.named, segments, index + 1, values)
        values.pop()
