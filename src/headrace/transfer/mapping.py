"""Maps what is read to what is written: columns by position, converted, then cast; bad rows are put aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa

from headrace.errors_cdm import CdmError, ColumnsDiffer, TypeUnsupported
from headrace.transfer.casts import cast, cast_of
from headrace.transfer.connector import Rejected
from headrace.transfer.converters import MEMBER, ByExpression, Converter
from headrace.transfer.expression_columns import Rows, cells_of

CONSTANTS = "fromJobConfig.sampleValueColumn"
MOST_SHOWN = 60  # characters of a value in a reason


class Mapped(NamedTuple):
    """A batch of the destination's schema, and the rows of the source's batch that are not in it."""

    batch: pa.RecordBatch
    rejected: Sequence[Rejected]


class Mapper:
    """Maps batches; used by all threads of a job.

    ``constants``: columns behind those of the source, with their texts. such a text may also be an expression
    ``#{…}`` over ``row``. ``zone``: of times that carry none. Raises ColumnsDiffer, TypeUnsupported, and CdmError for a
    constant that has no value, or a converter of no column.
    """

    def __init__(
        self,
        source: pa.Schema,
        target: pa.Schema,
        *,
        constants: Sequence[tuple[str, str]] = (),
        converters: Sequence[Converter] = (),
        zone: tzinfo,
    ) -> None:
        names = [*source.names, *(name for name, _ in constants)]
        if len(names) != len(target):
            raise ColumnsDiffer(
                f"The source gives {len(names)} columns ({', '.join(names)}), "
                f"the destination takes {len(target)} ({', '.join(target.names)})."
            )
        self._names = names
        self._read = len(source)
        self._target = target
        self._zone = zone
        self._cache: dict[str, Mapping[str, Any]] = {}
        self._converters = _by_column(names, [*_computed(constants), *converters])
        for number, field in enumerate(source):
            if not self._converters[number]:
                self._cast_of(number, field.type)
        self._constants = [self._constant(len(source) + at, text) for at, (_, text) in enumerate(constants)]

    def __call__(self, batch: pa.RecordBatch) -> Mapped:
        """Map a batch of the source; a column may come as text instead of its type."""
        if batch.num_columns != self._read:
            raise ColumnsDiffer(f"A batch with {batch.num_columns} columns came where {self._read} were announced.")
        columns = [*batch.columns, *(pa.repeat(one, batch.num_rows) for one in self._constants)]
        rows = Rows(
            length=batch.num_rows,
            width=len(columns),
            cells=cache(lambda number: cells_of(columns[number])),
            zone=self._zone,
            cache=self._cache,
        )
        reasons: dict[int, str] = {}
        mapped = [self._mapped(number, column, rows, reasons) for number, column in enumerate(columns)]
        whole = pa.RecordBatch.from_arrays(mapped, schema=self._target)
        if not reasons:
            return Mapped(whole, ())
        kept = pa.array([number not in reasons for number in range(batch.num_rows)], pa.bool_())
        return Mapped(whole.filter(kept), [Rejected(number, reasons[number]) for number in sorted(reasons)])

    def _mapped(self, number: int, column: pa.Array, rows: Rows, reasons: dict[int, str]) -> pa.Array:
        """One column converted and cast, null where that was not possible; each such row gets its first reason."""
        name = self._names[number]
        for converter in self._converters[number]:
            column, bad = converter.convert(column, rows)
            for at, reason in bad.items():
                reasons.setdefault(at, f"Column {name!r}: {reason}")
        target = self._target.field(number).type
        if column.type == target:
            return column
        made, wrong = cast(column, self._cast_of(number, column.type), target)
        for at in wrong:
            reasons.setdefault(at, f"Column {name!r}: {_cell(column, at)} does not fit {target}.")
        return made

    def _cast_of(self, number: int, source: pa.DataType) -> Sequence[Callable[[pa.Array], pa.Array]]:
        field = self._target.field(number)
        try:
            return cast_of(source, field.type, self._zone)
        except TypeUnsupported as error:
            raise TypeUnsupported(f"Column {self._names[number]!r} to {field.name!r}: {error.detail}") from error

    def _constant(self, number: int, text: str) -> pa.Scalar:
        """A constant in the type of its column, or as text for its converters. Raises CdmError."""
        if self._converters[number]:
            return pa.scalar(text)
        target = self._target.field(number).type
        made, wrong = cast(pa.array([text]), self._cast_of(number, pa.string()), target)
        if wrong:
            raise CdmError(f"{CONSTANTS}: {self._names[number]}: {shown(text)} does not fit {target}.")
        return made[0]


def _cell(column: pa.Array, at: int) -> str:
    """A cell in a reason."""
    cell = column.slice(at, 1)
    try:
        return shown(cells_of(cell)[0])
    except (ValueError, OverflowError):  # a date that Python has not
        return shown(cell.cast(pa.string())[0].as_py())


def shown(value: Any) -> str:
    """A value in a reason, cut where it is long."""
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"


def _computed(constants: Sequence[tuple[str, str]]) -> Iterable[Converter]:
    """The constants that are expressions, as converters. Raises CdmError."""
    for name, text in constants:
        if text.startswith("#{") and text.endswith("}"):
            try:
                yield ByExpression(column=name, expression=text[2:-1])
            except ValueError as error:
                raise CdmError(f"{CONSTANTS}: {name}: {error}") from error


def _by_column(names: Sequence[str], converters: Iterable[Converter]) -> Sequence[Sequence[Converter]]:
    """The converters of each column. Raises CdmError for one of a column that is not there."""
    found: list[list[Converter]] = [[] for _ in names]
    for converter in converters:
        places = [number for number, name in enumerate(names) if name == converter.column]
        if not places:
            raise CdmError(f"{MEMBER}: {converter.column!r} is no column of the source ({', '.join(names)}).")
        for number in places:
            found[number].append(converter)
    return found
