"""Texts of servers that send bytes."""

from __future__ import annotations

import pyarrow as pa

_MOST_SHOWN = 200  # characters


def as_texts(array: pa.Array) -> tuple[pa.Array, frozenset[int]]:
    """Bytes as text; the numbers of the cells that are no UTF-8, which are NULL."""
    try:
        return array.cast(pa.string()), frozenset()
    except pa.ArrowInvalid:
        cells = [_decoded(cell) for cell in array.to_pylist()]
        bad = frozenset(number for number, cell in enumerate(cells) if cell is None and array[number].is_valid)
        return pa.array(cells, pa.string()), bad


def _decoded(cell: bytes | None) -> str | None:
    try:
        return None if cell is None else cell.decode()
    except UnicodeDecodeError:
        return None


def shown_bytes(data: bytes) -> str:
    """Bytes in a message."""
    return data[:_MOST_SHOWN].decode("utf-8", "backslashreplace")
