"""How the command line speaks: people read lines and tables, scripts read ``--json``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from headrace.errors import HeadraceError
from headrace.packages.text import printable

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

FAILED, WRONG_USAGE = 1, 2
INTERRUPTED = 130  # Source: POSIX shells, 128 + SIGINT
_WIDE = 10_000  # columns


def shown(text: str) -> str:
    """Text of strangers' packages without what a terminal would obey."""
    return "\n".join(printable(line) for line in text.split("\n"))


def say(text: str = "") -> None:
    """A line for a person."""
    out.print(shown(text), markup=False)


def tell_table(table: Table) -> None:
    """A table: as wide as the terminal, or as wide as it is where there is none."""
    wide = out if out.is_terminal else Console(file=sys.stdout, highlight=False, width=_WIDE)
    wide.print(table)


def tell_rows(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table of strangers' texts."""
    table = Table(*heads, box=None)
    for row in rows:
        table.add_row(*(escape(shown(cell)) for cell in row))
    tell_table(table)


def moment_text(millis: int | None, zone: tzinfo) -> str:
    """``2026-05-31 06:00:00`` by the clock of a zone; nothing for no moment."""
    return "" if millis is None else f"{datetime.fromtimestamp(millis / 1000, zone):%Y-%m-%d %H:%M:%S}"


def note(text: str) -> None:
    """A line for a person that is no result: to standard error, so that output can be piped."""
    err.print(shown(text), markup=False, style="dim" if err.is_terminal else None)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def tell_outcomes(
    told: Sequence[Mapping[str, Any]], member: str, says: Callable[[Mapping[str, Any]], str], *, as_json: bool
) -> None:
    """What became of each of several things, named by a member; the command fails where one has an ``error``."""
    if as_json:
        print_json(told)
    for item in told if not as_json else ():
        if item["error"]:
            style = "red" if err.is_terminal else None
            err.print(shown(f"{item[member]}: {item['error']}"), markup=False, style=style)
        else:
            say(says(item))
    if any(item["error"] for item in told):
        raise typer.Exit(FAILED)


def stop(message: str, status: int = FAILED) -> NoReturn:
    """End with a message that names the cause and the repair."""
    err.print(shown(f"headrace: {message}"), markup=False, style="red" if err.is_terminal else None)
    raise typer.Exit(status)


@contextmanager
def told_errors() -> Iterator[None]:
    """Turn an error a caller can be told into a message and exit status 1."""
    try:
        yield
    except HeadraceError as error:
        stop(f"{error.message} ({error.code})")
    except FileNotFoundError as error:
        stop(f"{error.filename}: there is no such file or folder", WRONG_USAGE)
    except BrokenPipeError:
        raise typer.Exit(FAILED) from None


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere; the first task of it is ``label``."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        bar.add_task(label, total=total)
        yield bar
