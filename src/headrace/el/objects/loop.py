"""``Loop``: the position of a For Each node in its dataset."""

from __future__ import annotations

from typing import Any

from headrace.el import scope as scopes
from headrace.el.declare import EmbeddedObject
from headrace.el.errors import CannotEvaluate
from headrace.el.scope import Scope

LOOP = EmbeddedObject("Loop", "The position of a For Each node in its dataset; only inside such a node.")


def _loop(scope: Scope) -> scopes.Loop:
    if scope.loop is None:
        repair = "Pass the value to the subjob as a parameter of the For Each node and read it with ${name}."
        raise CannotEvaluate("Loop only in the fields of a For Each node", repair)
    return scope.loop


@LOOP.property("dataArray")
def data_array(scope: Scope) -> list[Any]:
    """The whole dataset, a two-dimensional array: ``Loop.dataArray[row][column]``."""
    data = _loop(scope).data
    return data if isinstance(data, list) else list(data)


@LOOP.property("current")
def current(scope: Scope) -> list[Any]:
    """The current row: ``Loop.current[column]``."""
    loop = _loop(scope)
    if not 0 <= loop.offset < len(loop.data):
        raise CannotEvaluate(f"an offset inside the dataset of {len(loop.data)} rows, found {loop.offset}")
    row = loop.data[loop.offset]
    return row if isinstance(row, list) else list(row)


@LOOP.property("offset")
def offset(scope: Scope) -> int:
    """The number of the current row, from 0."""
    return _loop(scope).offset
