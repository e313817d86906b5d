"""Checks what a test expects: the states, outputs and logs of an instance, rows of tables and queries, objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from headrace.cli.case_given import dialect_named
from headrace.cli.cases import Expect, ExpectedQuery, ExpectedTable, FoundCase
from headrace.cli.comparison import differences
from headrace.cli.instance_layout import tree
from headrace.cli.instance_view import InstanceView, NodeView
from headrace.cli.node_outputs import rows_of
from headrace.errors import HeadraceError
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.sql.engine import SqlEngine, SqlError

MOST_ROWS = 100_000  # of a table or query, that are compared
SHOWN = 200  # characters of a text that is not what was expected


def instance_failures(expect: Expect, instance: InstanceView, log_of: Callable[[NodeView], str]) -> Iterator[str]:
    """What does not hold of the instance and its nodes, several lines each. ``log_of``: the log of a node."""
    if instance.status != expect.status:
        lines = "\n".join(f"  {line.text}" for line in tree(instance))
        yield f"the instance: expected {expect.status}, it is {instance.status}\n{lines}"
    nodes = {node.name: node for node in instance.nodes}
    named = {*expect.nodes, *expect.outputs, *expect.messages, *expect.logs}
    for name in sorted(named - nodes.keys()):
        yield f"node {name}: it is not among the nodes that ran: {', '.join(nodes)}"
    for node in nodes.values():
        yield from _node_failures(expect, node, log_of)


def _node_failures(expect: Expect, node: NodeView, log_of: Callable[[NodeView], str]) -> Iterator[str]:
    name = node.name
    status = expect.nodes.get(name, node.status)
    if node.status != status:
        yield f"node {name}: expected {status}, it is {node.status}" + (f"\n  {node.message}" if node.message else "")
    if name in expect.outputs:
        yield from _output_failures(name, expect.outputs[name], node.output)
    if name in expect.messages and expect.messages[name] not in node.message:
        yield f"node {name}: its message has no {expect.messages[name]!r}: {_shortened(node.message)}"
    wanted = expect.logs.get(name, [])
    texts = [wanted] if isinstance(wanted, str) else wanted
    log = log_of(node) if texts else ""
    for text in texts:
        if text not in log:
            end = "\n".join(f"  │ {line}" for line in log.splitlines()[-10:])
            yield f"node {name}: its log has no {text!r}; it ends\n{end}"


def _output_failures(name: str, expected: Any, output: str | None) -> Iterator[str]:
    """The output is compared as text, or as rows where rows are expected."""
    if not isinstance(expected, list):
        if (output or "").rstrip("\n") != str(expected).rstrip("\n"):
            yield f"node {name}: expected the output {str(expected)!r}, it is {_shortened(output or '')}"
        return
    rows = rows_of(output or "")
    if rows is None:
        yield f"node {name}: its output is no rows: {_shortened(output or '')}"
        return
    width = len(rows[0]) if rows else len(expected[0]) if expected else 0
    types = ["decimal" if _is_number_column(expected, at) else "string" for at in range(width)]
    lines = differences(expected, rows, types, ordered=True)
    if lines:
        yield _block(f"node {name}: its rows differ", lines)


def _is_number_column(rows: Sequence[Sequence[Any]], at: int) -> bool:
    """Whether numbers are expected there: outputs are texts, which do not say."""
    return all(len(row) > at and isinstance(row[at], int | float) and not isinstance(row[at], bool) for row in rows)


def table_failures(engine: SqlEngine, found: FoundCase) -> Iterator[str]:
    """What does not hold of tables and queries. Raises InvalidCase."""
    for table in found.case.expect.table:
        columns = ", ".join(table.columns) or "*"
        where = f" WHERE {table.where}" if table.where else ""
        sql = f"SELECT {columns} FROM {table.name}{where}"  # noqa: S608  (the test's own SQL, in its own home)
        yield from _rows_failures(engine, found, table, f"table {table.name}", sql, "HiveSQL", "")
    for query in found.case.expect.query:
        label = f"query {' '.join(query.sql.split())}"
        yield from _rows_failures(engine, found, query, _cut(label), query.sql, query.type, query.database)


def _rows_failures(
    engine: SqlEngine,
    found: FoundCase,
    part: ExpectedTable | ExpectedQuery,
    label: str,
    sql: str,
    type_name: str,
    database: str,
) -> Iterator[str]:
    columns, rows = found.rows_of(part) or ([], None)
    if columns and isinstance(part, ExpectedTable) and not part.columns:
        sql = sql.replace("SELECT *", f"SELECT {', '.join(columns)}", 1)
    try:
        result = engine.execute(sql, dialect_named(type_name, found), database or None, row_limit=MOST_ROWS)[-1]
    except SqlError as error:
        yield f"{label}: {error}"
        return
    if part.row_count is not None and result.row_count != part.row_count:
        yield f"{label}: expected {part.row_count} rows, there are {result.row_count}"
    if rows is None:
        return
    lines = differences(rows, result.rows, [kind for _, kind in result.schema], ordered=part.ordered)
    if lines:
        yield _block(f"{label}: its rows differ ({', '.join(name for name, _ in result.schema)})", lines)


def object_failures(store: ObjectStore, expect: Expect) -> Iterator[str]:
    """What does not hold of objects."""
    for item in expect.object:
        try:
            text = store.get(ObsPath.parse(item.path)).decode("utf-8", "replace")
        except HeadraceError as error:
            yield f"object {item.path}: {error.message}"
            continue
        if item.text is not None and text != item.text:
            yield f"object {item.path}: expected {_shortened(item.text)}, it is {_shortened(text)}"
        if item.contains is not None and item.contains not in text:
            yield f"object {item.path}: it has no {item.contains!r}: {_shortened(text)}"


def _block(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _shortened(text: str) -> str:
    return repr(_cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
