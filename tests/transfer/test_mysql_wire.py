"""Rows cut out of what MySQL sends, however it is divided into packets and reads."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

pymysql = pytest.importorskip("pymysql")

from headrace.transfer.relational.mysql_wire import Rows  # noqa: E402 - it needs the driver

END = b"\xfe\x00\x00\x02\x00"
Row = Sequence[bytes | None]


class Sent:
    """Gives its bytes in reads of at most ``most``."""

    def __init__(self, data: bytes, most: int = 1 << 30) -> None:
        self._data = data
        self._most = most

    def read1(self, size: int) -> bytes:
        found, self._data = self._data[: min(size, self._most)], self._data[min(size, self._most) :]
        return found


def packet(payload: bytes) -> bytes:
    """A payload with its header, in several packets where one is too short."""
    made = b""
    while len(payload) >= 0xFFFFFF:
        made += b"\xff\xff\xff\x00" + payload[:0xFFFFFF]
        payload = payload[0xFFFFFF:]
    return made + len(payload).to_bytes(3, "little") + b"\x00" + payload


def cell(value: bytes | None) -> bytes:
    if value is None:
        return b"\xfb"
    size = len(value)
    if size < 251:
        return bytes([size]) + value
    digits, first = (2, 0xFC) if size < 1 << 16 else (3, 0xFD) if size < 1 << 24 else (8, 0xFE)
    return bytes([first]) + size.to_bytes(digits, "little") + value


def sent(rows: Sequence[Row], end: bytes = END, most: int = 1 << 30) -> Sent:
    return Sent(b"".join(packet(b"".join(map(cell, row))) for row in rows) + packet(end), most)


def cut(file: Sent, width: int, most: int = 1000, most_bytes: int = 1 << 20) -> list[list[Row]]:
    return [list(zip(*cells, strict=True)) for cells in Rows(file, width).columns(most, most_bytes)]


ROWS: Sequence[Row] = [
    (b"1", None, b""),
    (b"\xfe" * 250, b"\xff" * 251, b"x" * 65_535),
    (None, None, None),
    (b"y" * 65_536, b"\x00", b"z" * 300),
]


@pytest.mark.parametrize("most", [1, 7, 1000, 1 << 30])
def test_rows__arrive_however_they_are_read(most: int) -> None:
    assert cut(sent(ROWS, most=most), 3) == [list(ROWS)]


@pytest.mark.parametrize("size", [0xFFFFFF - 6, 0xFFFFFF - 5, 0xFFFFFF - 4, 0xFFFFFF + 100, 2 * 0xFFFFFF])
def test_rows__larger_than_a_packet(size: int) -> None:
    rows: Sequence[Row] = [(b"a", b"1"), (b"v" * size, None), (b"b", b"2")]
    assert [row for part in cut(sent(rows), 2) for row in part] == list(rows)


def test_rows__come_in_parts_of_so_many_rows_or_bytes() -> None:
    rows: Sequence[Row] = [(str(number).encode(),) for number in range(25)]
    assert [len(part) for part in cut(sent(rows), 1, most=10)] == [10, 10, 5]
    large: Sequence[Row] = [(b"x" * 300_000,)] * 6
    assert [row for part in cut(sent(large), 1, most_bytes=500_000) for row in part] == list(large)
    assert len(cut(sent(large), 1, most_bytes=500_000)) > 1
    assert cut(sent([]), 1) == []


def test_rows__an_error_in_the_middle_is_raised() -> None:
    with pytest.raises(pymysql.err.OperationalError, match="interrupted"):
        cut(sent(ROWS, end=b"\xff\x25\x05#70100Query execution was interrupted"), 3)


def test_rows__a_connection_that_ends_is_an_error() -> None:
    whole = b"".join(packet(b"".join(map(cell, row))) for row in ROWS)
    for length in (0, 3, 5, len(whole) - 1, len(whole)):
        with pytest.raises(pymysql.err.OperationalError, match="Lost connection"):
            cut(Sent(whole[:length]), 3)
