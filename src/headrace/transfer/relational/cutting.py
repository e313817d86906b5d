"""Cuts a batch that a system refused at its bad rows, so that all the others are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from headrace.transfer.connector import Rejected

_SMALLEST = 64  # rows tried together after a refusal


class Refused(Exception):
    """A system refused a batch for one of its rows; nothing of the batch is in.

    ``row``: its number in the batch, None where the system does not say.
    """

    def __init__(self, reason: str, row: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.row = row


def load_in_pieces(batch: pa.RecordBatch, load: Callable[[pa.RecordBatch], None]) -> Sequence[Rejected]:
    """Load all rows that can be loaded; the others.

    ``load`` takes a piece as a whole or raises Refused. Pieces shrink to the distance between bad rows and grow again,
    so that the work stays in proportion to the batch, however many rows are bad.
    """
    rejected: list[Rejected] = []
    begin, size = 0, batch.num_rows
    known: Refused | None = None  # why the row after this piece is bad, where it is known already
    while begin < batch.num_rows:
        size = min(size, batch.num_rows - begin)
        try:
            load(batch.slice(begin, size))
        except Refused as refused:
            known = None
            row = 0 if size == 1 else refused.row
            if row is None or row >= size:
                size //= 2
            elif row:
                size, known = row, refused
            else:
                rejected.append(Rejected(begin, refused.reason))
                begin, size = begin + 1, _SMALLEST
            continue
        begin += size
        if known is not None:
            rejected.append(Rejected(begin, known.reason))
            begin += 1
        size, known = max(_SMALLEST, 2 * size), None
    return rejected
