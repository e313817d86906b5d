"""Columns that count by themselves: AUTO_INCREMENT of MySQL, SERIAL and IDENTITY of DWS, by sequences of the engine.

A sequence lies in the default schema, so that renaming the schema of its table does not touch it; the table records
its sequences and takes them along when it is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from headrace.sql.catalog import CATALOG, MAIN, Scope, quoted

_SERIAL = {
    exp.DataType.Type.SERIAL: "INT",
    exp.DataType.Type.BIGSERIAL: "BIGINT",
    exp.DataType.Type.SMALLSERIAL: "SMALLINT",
}
_COUNTING = (exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint)


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A counted column as the engine takes it, and the sequence behind it."""

    column: exp.ColumnDef
    sequence: str
    start: int = 1
    step: int = 1

    @property
    def making(self) -> str:
        """The step that makes the sequence."""
        return f"CREATE SEQUENCE {place(self.sequence)} START {self.start} INCREMENT {self.step}"


def counter(column: exp.ColumnDef, create: exp.Create, table: str, scope: Scope) -> Counter | None:
    """The counter of a column that counts; None for any other, and for columns computed from others."""
    kinds = [constraint.kind for constraint in column.args.get("constraints") or []]
    identity = next((kind for kind in kinds if isinstance(kind, exp.GeneratedAsIdentityColumnConstraint)), None)
    if identity is not None and identity.args.get("expression") is not None:
        return None
    serial = _SERIAL.get(column.args["kind"].this) if column.args.get("kind") is not None else None
    if serial is None and not any(isinstance(kind, _COUNTING) for kind in kinds):
        return None
    sequence = _free(f"{table}.{column.name}", scope)
    kept = [each.copy() for each in column.args.get("constraints") or [] if not isinstance(each.kind, _COUNTING)]
    kept.append(exp.ColumnConstraint(kind=exp.DefaultColumnConstraint(this=_next_value(sequence))))
    kind = exp.DataType.build(serial) if serial else column.args["kind"].copy()
    counted = exp.ColumnDef(this=column.this.copy(), kind=kind, constraints=kept)
    first = create.find(exp.AutoIncrementProperty)
    start = identity.text("start") if identity is not None else first.name if first is not None else ""
    step = identity.text("increment") if identity is not None else ""
    return Counter(column=counted, sequence=sequence, start=int(start or 1), step=int(step or 1))


def dropping(sequence: str) -> str:
    """The step that drops a sequence whose table is gone."""
    return f"DROP SEQUENCE IF EXISTS {place(sequence)}"


def place(sequence: str) -> str:
    """A sequence by its full name."""
    return f"{quoted(CATALOG)}.{quoted(MAIN)}.{quoted(sequence)}"


def count_on(values: exp.Values, columns: Sequence[str], counted: Mapping[str, str]) -> None:
    """NULL, 0 and DEFAULT in rows of INSERT ... VALUES count on, as in MySQL; changed in place.

    ``columns`` are those of a row, ``counted`` the sequences by column.
    """
    places = {index: counted[name] for index, name in enumerate(columns) if name in counted}
    for row in values.expressions:
        for index, sequence in places.items():
            cells = row.expressions if isinstance(row, exp.Tuple) else []
            if index < len(cells) and cells[index].sql().upper() in ("NULL", "0", "DEFAULT"):
                cells[index].replace(_next_value(sequence))


def _next_value(sequence: str) -> exp.Anonymous:
    return exp.Anonymous(this="NEXTVAL", expressions=[exp.Literal.string(place(sequence))])


def _free(wanted: str, scope: Scope) -> str:
    """A name that no sequence has; an older table may have been renamed."""
    name, number = wanted, 1
    while scope.catalog.has_sequence(name):
        number += 1
        name = f"{wanted}.{number}"
    return name
