"""Following logs piece by piece, and the windows of the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.cli.instances import WINDOW, windows
from headrace.cli.logs import LogReader


class Written:
    """A log that grows."""

    def __init__(self) -> None:
        self.data, self.ended, self.asked = b"", False, 0

    def piece(self, query: Mapping[str, Any]) -> dict[str, Any]:
        self.asked += 1
        offset = query["offset"]
        begin = offset if offset >= 0 else max(0, len(self.data) + offset)
        content = self.data[begin : begin + 8 if "wait" in query else None]
        over = self.ended and begin + len(content) == len(self.data)
        return {"content": content.decode(), "nextOffset": begin + len(content), "ended": over}


def test_reader__tells_whole_lines_as_they_come() -> None:
    log, lines = Written(), list[str]()
    reader = LogReader(piece=log.piece, tell=lines.append)
    log.data = b"first\nsecond, which is long\nthi"
    reader.read_on()
    assert lines == ["first", "second, which is long"]
    log.data, log.ended = log.data + b"rd\nlast", True
    reader.read_on()
    assert (lines[2:], reader.ended) == (["third"], True)
    reader.end()
    assert lines[3:] == ["last"]
    asked = log.asked
    reader.read_on()
    assert log.asked == asked


def test_reader__begins_with_the_last_lines() -> None:
    log, lines = Written(), list[str]()
    log.data = b"".join(b"line %d\n" % number for number in range(5_000))
    reader = LogReader(piece=log.piece, tell=lines.append, tail=2)
    reader.read_on()
    assert lines == ["line 4998", "line 4999"]
    log.data += b"more\n"
    reader.read_on()
    assert lines[2:] == ["more"]


def test_windows__are_no_longer_than_the_api_lists_and_leave_nothing_out() -> None:
    found = list(windows(5, 2 * WINDOW + 6))
    assert found == [(WINDOW + 6, 2 * WINDOW + 6), (6, WINDOW + 6), (5, 6)]
    assert list(windows(5, 5)) == []
