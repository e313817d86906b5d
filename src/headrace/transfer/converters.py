"""The converters of a job: what becomes of the values of a column on their way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa


class Converted(NamedTuple):
    """A column after a converter; ``bad``: the rows that it could not convert, and why."""

    column: pa.Array
    bad: Mapping[int, str] = {}


@dataclass(frozen=True)
class Rows:
    """A batch as expressions see it: ``cells(2)`` are the values of its third column as they were read."""

    length: int
    width: int
    cells: Callable[[int], Sequence[Any]]


@dataclass(frozen=True, kw_only=True)
class Converter(ABC):
    """Converts the source column of a name."""

    column: str

    @abstractmethod
    def convert(self, array: pa.Array, rows: Rows) -> Converted:
        """The column converted, as long as before."""


def read_converters(text: str) -> list[Converter]:
    """The converters in ``transformConfig.fieldConverters``, a JSON array. Raises CdmError naming the element."""
    return []
