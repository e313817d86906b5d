"""Reading a file in ranges: the bytes are those of the file, and what comes next is asked for early."""

from __future__ import annotations

import io
import threading
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.objectstore.ranged import ranged

DATA = bytes(range(256)) * 5


class Fetched:
    """Ranges of `DATA`, and which were asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.closed = 0

    def __call__(self, start: int, end: int) -> bytes:
        self.asked.append((start, end))
        return DATA[start:end]

    def open(self, ahead: int, size: int = len(DATA)) -> BinaryIO:
        return ranged(size, self, ValueError, self.close, block=100, ahead=ahead)

    def close(self) -> None:
        self.closed += 1


@given(
    ahead=st.integers(0, 3),
    steps=st.lists(st.tuples(st.integers(0, 2), st.integers(-1500, 1500), st.integers(0, 700)), max_size=12),
)
def test_read__anywhere_gives_what_the_file_has_there(ahead: int, steps: list[tuple[int, int, int]]) -> None:
    with Fetched().open(ahead) as read, io.BytesIO(DATA) as plain:
        for whence, offset, length in steps:
            try:
                plain.seek(offset, whence)
            except ValueError:
                continue
            if plain.tell() < 0:
                continue
            read.seek(plain.tell())
            assert read.read(length) == plain.read(length)
            assert read.tell() == plain.tell()


@pytest.mark.parametrize("ahead", [0, 2])
def test_read__each_block_once_from_begin_to_end(ahead: int) -> None:
    fetched = Fetched()
    with fetched.open(ahead) as read:
        assert b"".join(iter(lambda: read.read(70), b"")) == DATA
    assert sorted(fetched.asked) == [(at, min(at + 100, len(DATA))) for at in range(0, len(DATA), 100)]
    assert fetched.closed == 1


def test_read__blocks_to_come_are_fetched_while_the_first_is_awaited() -> None:
    together = threading.Barrier(3, timeout=30)

    def fetch(start: int, end: int) -> bytes:
        if start < 300:
            together.wait()
        return DATA[start:end]

    with ranged(len(DATA), fetch, ValueError, block=100, ahead=2) as read:
        assert read.read(10) == DATA[:10]


def test_read__jumps_fetch_only_what_they_want() -> None:
    fetched = Fetched()
    with fetched.open(2) as read:
        for at in (900, 300, 700):
            read.seek(at)
            assert read.read(10) == DATA[at : at + 10]
    assert fetched.asked == [(900, 1000), (300, 400), (700, 800)]


@pytest.mark.parametrize("ahead", [0, 2])
def test_read__a_file_that_became_shorter_is_an_error(ahead: int) -> None:
    with Fetched().open(ahead, len(DATA) + 50) as read, pytest.raises(ValueError, match="ended after 1280 of 1330"):
        read.read()


def test_read__an_error_while_fetching_ahead_comes_where_its_block_is_read() -> None:
    def fetch(start: int, end: int) -> bytes:
        if start >= 200:
            raise ConnectionError("cut")
        return DATA[start:end]

    with ranged(len(DATA), fetch, ValueError, block=100, ahead=2) as read:
        assert read.read(200) == DATA[:200]
        with pytest.raises(ConnectionError, match="cut"):
            read.read(1)
