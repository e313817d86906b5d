"""Shows what a node gave: the rows of a SELECT as a table, the text of a program as lines."""

from __future__ import annotations

import msgspec
from rich.markup import escape
from rich.table import Table

from headrace.cli.instance_view import NodeView
from headrace.cli.output import out, say, shown

MOST_ROWS = 20

Rows = list[list[str | None]]


def tell_output(node: NodeView) -> None:
    """Print the output of a node, at most 20 rows or lines of it."""
    if not node.output:
        return
    rows = rows_of(node.output)
    if rows is None:
        _tell_text(node.name, node.output.rstrip("\n").split("\n"))
    elif rows:
        _tell_rows(node.name, rows)


def rows_of(output: str) -> Rows | None:
    """The rows that an output is, as SQL nodes give them; None for other texts."""
    if not output.startswith("["):
        return None
    try:
        return msgspec.json.decode(output, type=Rows)
    except msgspec.MsgspecError:
        return None


def _tell_rows(name: str, rows: Rows) -> None:
    table = Table(title=escape(shown(name)), box=None, show_header=False, title_justify="left")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(escape(shown(cell)) if cell is not None else "NULL" for cell in row))
    out.print(table)
    if len(rows) > MOST_ROWS:
        say(f"… and {len(rows) - MOST_ROWS} more rows")


def _tell_text(name: str, lines: list[str]) -> None:
    if len(lines) > MOST_ROWS:
        say(f"{name} (the last {MOST_ROWS} of {len(lines)} lines)")
    else:
        say(name)
    for line in lines[-MOST_ROWS:]:
        say(f"  │ {line}")
