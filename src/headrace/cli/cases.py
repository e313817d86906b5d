"""The tests of a package: TOML files beside it that say what is given and what is expected. See the how-to page."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec

NULL = "\\N"  # how a NULL is written in rows and files. Source: Hive's text format


class InvalidCase(Exception):
    """A test file says what it cannot; the text names the file and the place."""


class _Part(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table of a test file; what it does not know is a mistake."""


class RowsPart(_Part, kw_only=True):
    """Rows, here or in a CSV file whose first line names the columns."""

    rows: list[list[Any]] | None = None
    file: str | None = None


class GivenTable(RowsPart, kw_only=True):
    """A table that is there before the job runs. ``columns`` and ``partitioned_by``: ``name TYPE`` of Hive."""

    name: str
    columns: list[str] = []
    partitioned_by: list[str] = []


class GivenScript(_Part, kw_only=True):
    """Statements that run before the job. ``type``: that of a script."""

    sql: str | None = None
    file: str | None = None
    type: str = "HiveSQL"
    database: str = ""


class GivenObject(_Part, kw_only=True):
    """An object of the object store that is there before the job runs."""

    path: str
    text: str | None = None
    file: str | None = None


class Given(_Part, kw_only=True):
    """What is there before the job runs."""

    table: list[GivenTable] = []
    script: list[GivenScript] = []
    object: list[GivenObject] = []
    variables: dict[str, str] = {}


class _ExpectedRows(RowsPart, kw_only=True):
    row_count: int | None = None
    ordered: bool = False


class ExpectedTable(_ExpectedRows, kw_only=True):
    """What a table holds afterwards; ``columns``: only these, ``where``: only these rows."""

    name: str
    columns: list[str] = []
    where: str = ""


class ExpectedQuery(_ExpectedRows, kw_only=True):
    """What a SELECT gives afterwards. ``type``: that of a script."""

    sql: str
    type: str = "HiveSQL"
    database: str = ""


class ExpectedObject(_Part, kw_only=True):
    """An object of the object store afterwards; ``text``: all of it, ``contains``: a part."""

    path: str
    text: str | None = None
    contains: str | None = None


class Expect(_Part, kw_only=True):
    """What must hold afterwards. ``outputs``, ``messages`` and ``logs`` by the name of a node."""

    status: str = "success"
    nodes: dict[str, str] = {}
    outputs: dict[str, Any] = {}
    messages: dict[str, str] = {}
    logs: dict[str, str | list[str]] = {}
    table: list[ExpectedTable] = []
    query: list[ExpectedQuery] = []
    object: list[ExpectedObject] = []


class Case(_Part, kw_only=True):
    """One test: a job is run once. ``nodes``: only these; ``stub``: outputs of nodes that do nothing else.

    ``retries``: whether nodes of the package are tried again as they say.
    """

    name: str
    job: str = ""
    plan_time: Any = ""
    params: dict[str, Any] = {}
    nodes: list[str] = []
    stub: dict[str, str] = {}
    retries: bool = True
    skip: str = ""
    given: Given = msgspec.field(default_factory=Given)
    expect: Expect = msgspec.field(default_factory=Expect)


class CaseFile(_Part, kw_only=True):
    """A file of tests; ``job``, ``plan_time``, ``params`` and ``given`` count for each that does not say otherwise."""

    job: str = ""
    plan_time: Any = ""
    params: dict[str, Any] = {}
    given: Given = msgspec.field(default_factory=Given)
    test: list[Case]


@dataclass(frozen=True, kw_only=True)
class FoundCase:
    """A test, and the file that says it."""

    path: Path
    case: Case

    @property
    def label(self) -> str:
        """``file.toml::name``."""
        return f"{self.path.name}::{self.case.name}"

    def beside(self, name: str) -> Path:
        """A file that the test names, relative to its own."""
        return self.path.parent / name

    def rows_of(self, part: RowsPart) -> tuple[list[str], list[list[Any]]] | None:
        """The rows of a part, and their columns where a file names them. Raises InvalidCase."""
        if part.file is None:
            return None if part.rows is None else ([], part.rows)
        if part.rows is not None:
            raise InvalidCase(f"{self.label}: rows and file exclude each other")
        with _told(self), self.beside(part.file).open(encoding="utf-8", newline="") as file:
            columns, *rows = [*csv.reader(file)] or [[]]
        return columns, [list(row) for row in rows]

    def text_of(self, part: GivenScript | GivenObject) -> str:
        """The text of a part, from itself or a file. Raises InvalidCase."""
        own = part.sql if isinstance(part, GivenScript) else part.text
        if (own is None) == (part.file is None):
            raise InvalidCase(f"{self.label}: either the text or a file must be given, and not both")
        if part.file is None:
            return own or ""
        with _told(self):
            return self.beside(part.file).read_text("utf-8")


@contextmanager
def _told(found: FoundCase) -> Iterator[None]:
    """Turns an unreadable file into an InvalidCase."""
    try:
        yield
    except OSError as error:
        raise InvalidCase(f"{found.label}: {error.filename}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidCase(f"{found.label}: the file is not UTF-8 text") from error


def read_cases(folder: Path) -> Iterator[FoundCase]:
    """The tests of a folder, by file and as written. Raises InvalidCase."""
    for path in sorted(folder.glob("*.toml")):
        yield from _cases_of(path)


def _cases_of(path: Path) -> Iterator[FoundCase]:
    try:
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), CaseFile)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidCase(f"{path.name}: {error}") from error
    names: set[str] = set()
    for case in file.test:
        case.job = case.job or file.job
        case.plan_time = case.plan_time or file.plan_time
        case.params = file.params | case.params
        case.given = _joined(file.given, case.given)
        if not case.job:
            raise InvalidCase(f"{path.name}::{case.name}: job is missing")
        if case.name in names:
            raise InvalidCase(f"{path.name}::{case.name}: another test of the file has this name")
        names.add(case.name)
        yield FoundCase(path=path, case=case)


def _joined(common: Given, own: Given) -> Given:
    return Given(
        table=common.table + own.table,
        script=common.script + own.script,
        object=common.object + own.object,
        variables=common.variables | own.variables,
    )


def folder_of_tests(target: Path) -> Path | None:
    """Where the tests of a package are: ``tests`` in its folder, or beside it."""
    candidates = [target / "tests", target.parent / "tests"] if target.is_dir() else [target.parent / "tests"]
    return next((folder for folder in candidates if any(folder.glob("*.toml"))), None)


def cell_text(value: Any) -> str:
    """How a value of a test file or of a result is compared: as text, NULL as ``\\N``."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
