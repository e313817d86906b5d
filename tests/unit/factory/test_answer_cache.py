"""Rendered answers are kept while they fit."""

from __future__ import annotations

from headrace.factory.answers import AnswerCache


def test_get__renders_once_while_it_is_kept() -> None:
    rendered: list[str] = []
    cache = AnswerCache(1000)

    def get(key: str) -> bytes:
        return cache.get(key, 1, lambda: rendered.append(key) or key.encode() * 10)

    assert [get("a"), get("a"), get("b"), get("a")] == [b"a" * 10, b"a" * 10, b"b" * 10, b"a" * 10]
    assert rendered == ["a", "b"]


def test_get__the_least_recently_used_goes_when_it_is_full() -> None:
    rendered: list[int] = []
    cache = AnswerCache(1000)

    def get(key: int) -> bytes:
        return cache.get(key, 0, lambda: rendered.append(key) or b"x" * 100)

    for key in range(10):
        get(key)
    get(0)
    get(10)  # pushes 1 out
    rendered.clear()
    get(0)
    get(1)
    assert rendered == [1]


def test_get__an_answer_too_large_for_the_cache_is_not_kept() -> None:
    rendered: list[str] = []
    cache = AnswerCache(1000)
    for _ in range(2):
        cache.get("large", 0, lambda: rendered.append("large") or b"x" * 500)
    assert rendered == ["large", "large"]
