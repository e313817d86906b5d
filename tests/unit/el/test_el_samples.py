"""Expressions that users and documents wrote are found right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headrace.el.language import check


def texts(value: Any) -> Iterator[str]:
    """All texts of a JSON document."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(part)


def test_check__expressions_of_the_samples_pass(samples: Path) -> None:
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(samples.glob("*.json"))]
    fields = [text for document in documents for text in texts(document) if "#{" in text]
    assert fields
    assert [check(field) for field in fields] == [None] * len(fields)
