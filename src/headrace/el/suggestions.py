"""Errors for names that are not there, with the one that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from headrace.el.declare import EmbeddedObject
from headrace.el.errors import ExpressionError
from headrace.el.objects import OBJECTS
from headrace.el.tree import Name


def unknown_name(source: str, node: Name) -> ExpressionError:
    """The error for a bare word that is no embedded object."""
    near = _nearest(node.name, OBJECTS)
    repair = f"Did you mean {near}?" if near else f'A text needs quotes: "{node.name[:40]}".'
    expected = f"one of the objects {', '.join(sorted(OBJECTS))}, found `{node.name[:40]}`"
    return ExpressionError(source, node.position, expected, repair)


def unknown_member(source: str, owner: EmbeddedObject, name: str, position: int) -> ExpressionError:
    """The error for a property or method that an embedded object does not have."""
    names = owner.names()
    near = _nearest(name, names)
    if near:
        repair = f"Did you mean {owner.name}.{near}?"
    else:
        listed = len(names) <= 30
        repair = f"It has {', '.join(names)}." if listed else "The reference of the language lists them."
    return ExpressionError(source, position, f"a property or method of {owner.name}, found `{name[:40]}`", repair)


def _nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name most like this one, whatever its case."""
    by_lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name[:64].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None
