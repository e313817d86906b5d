"""Cutting text between characters."""

from __future__ import annotations

import pytest

from headrace.factory.node_logs import whole_characters

TEXT = "aé水𝄞".encode()


@pytest.mark.parametrize(("size", "kept"), [(1, 1), (2, 1), (3, 3), (4, 3), (5, 3), (6, 6), (7, 6), (9, 6), (10, 10)])
def test_whole_characters__what_is_cut_is_left_for_the_next_piece(size: int, kept: int) -> None:
    assert whole_characters(TEXT[:size]) == TEXT[:kept]


def test_whole_characters__bytes_that_are_no_text_are_kept() -> None:
    assert whole_characters(b"\xff\x80\x80\x80\x80") == b"\xff\x80\x80\x80\x80"
    assert whole_characters(b"") == b""
