"""The awkward values of every type as one table, a value a row, and what each place makes of those it cannot hold.

What is declared here is declared to users too: ``Capability.losses``, and ``formats.registry.LOSSES``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
from transfer_suite import AWKWARD, shown

REFUSED: Final = object()  # what becomes of a value whose row a place does not take
Becomes = Callable[[Any, pa.DataType], Any]  # what a place makes of a value that comes to it in a type
CELLS = [(name, value) for name, values in AWKWARD.items() for value in values.to_pylist()]


def table(names: Sequence[str]) -> pa.Table:
    """A row for each value of some columns, which are NULL in all other rows; ``n`` is its number in ``CELLS``."""
    chosen = [(number, name) for number, (name, _) in enumerate(CELLS) if name in names]
    columns: dict[str, pa.Array] = {"n": pa.array([number for number, _ in chosen], pa.int64())}
    for name in names:
        values = AWKWARD[name]
        plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
        before = [other for _, other in chosen].index(name)
        after = len(chosen) - before - len(values)
        column = pa.concat_arrays([pa.nulls(before, plain.type), plain, pa.nulls(after, plain.type)])
        columns[name] = column.dictionary_encode() if plain is not values else column
    return pa.table(columns)


def refused(is_bad: Callable[[Any], bool]) -> Becomes:
    return lambda value, given: REFUSED if value is not None and is_bad(value) else value


def _unsigned_zero(value: float | None, given: pa.DataType) -> float | None:
    return 0.0 if value == 0 else value


def _no_number_is_null(value: float | None, given: pa.DataType) -> float | None:
    return None if value is not None and math.isnan(value) else value


def _beyond_64_bits(value: int | None, given: pa.DataType) -> Any:
    return REFUSED if value is not None and value >= 2**63 and pa.types.is_integer(given) else value


_MORE_THAN_34_DIGITS = refused(lambda value: len(shown(value).strip("-").replace(".", "").strip("0")) > 34)


def _no_text(value: Any, given: pa.DataType) -> Any:
    return REFUSED if value is not None and pa.types.is_string(given) else value


_NO_TIMESTAMP = refused(lambda value: not 1970 <= value.year < 2038)
_NOT_FINITE = refused(lambda value: not math.isfinite(value))
_NO_NANOSECONDS = refused(lambda value: not 1678 <= value.year < 2262)
_NO_MILLISECONDS = refused(lambda value: value.microsecond % 1000 != 0)
_MARIADB: Mapping[str, Becomes] = {
    "flag": _no_text,
    "float32": _NOT_FINITE,
    "float64": _unsigned_zero,
    "infinite": _NOT_FINITE,
    "nan": _NOT_FINITE,
    "zoned": _NO_TIMESTAMP,
}
LOSSES: Mapping[str, Mapping[str, Becomes]] = {
    "mariadb": _MARIADB,
    "mariadb-inserts": _MARIADB,
    "sqlite": {"float64": _unsigned_zero, "nan": refused(math.isnan)},
    "sqlalchemy-sqlite": {"float64": _unsigned_zero, "nan": _no_number_is_null},
    "orc": {"moment": _NO_NANOSECONDS, "zoned": _NO_NANOSECONDS},
    "mongodb": {
        "uint64": _beyond_64_bits,
        "exact": _MORE_THAN_34_DIGITS,
        "wide": _MORE_THAN_34_DIGITS,
        "moment": _NO_MILLISECONDS,
        "zoned": _NO_MILLISECONDS,
    },
    "elasticsearch": {
        "uint64": _beyond_64_bits,
        "float32": _NOT_FINITE,
        "infinite": _NOT_FINITE,
        "nan": _NOT_FINITE,
    },
}
UNSUPPORTED: Mapping[str, Sequence[str]] = {
    "redis": ["bytes"],
    "hbase": ["bytes"],
}  # columns that cannot be moved through a place


def columns_of(*places: str) -> list[str]:
    """The columns that can be moved through some places."""
    return [name for name in AWKWARD if not any(name in UNSUPPORTED.get(place, ()) for place in places)]


def held(place: str, rows: Mapping[int, Any], given: pa.Schema, *, typed: bool = False) -> dict[int, Any]:
    """What a place has of values that come to it in the types of a schema, by their numbers.

    ``typed``: they are written in the types that are there, not as they come. Of a column that does not come only the
    row is there.
    """
    found = {}
    for number, value in rows.items():
        name = CELLS[number][0]
        kept = _kept(place, name, value, given.field(name).type, typed=typed) if name in given.names else None
        if kept is not REFUSED:
            found[number] = kept
    return found


def _kept(place: str, name: str, value: Any, given: pa.DataType, *, typed: bool) -> Any:
    if not typed and pa.types.is_string(given) and not pa.types.is_string(AWKWARD[name].type):
        return value  # a text stays one
    if not typed and pa.types.is_floating(given) and isinstance(value, Decimal):
        value = Decimal(repr(float(value)))
    becomes = LOSSES.get(place, {}).get(name)
    return becomes(value, given) if becomes else value


def values_of(rows: Sequence[Mapping[str, Any]]) -> dict[int, Any]:
    """The values of rows that were read, by their numbers; all other cells must be NULL, and no row there twice."""
    found = {}
    for row in rows:
        name = CELLS[row["n"]][0]
        assert [other for other, value in row.items() if value is not None and other not in ("n", name)] == []
        assert row["n"] not in found
        found[row["n"]] = row.get(name)
    return found


def shown_rows(rows: Mapping[int, Any]) -> dict[int, str]:
    """Values in a form that is equal where they are the same."""
    return {number: f"{CELLS[number][0]} {shown(value)}" for number, value in sorted(rows.items())}
