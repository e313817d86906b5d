"""The reference of test files names all that they can say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.cli import cases

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "package-tests.md"
PARTS: list[Any] = [
    cases.CaseFile,
    cases.Case,
    cases.Given,
    cases.GivenTable,
    cases.GivenScript,
    cases.GivenObject,
    cases.Expect,
    cases.ExpectedTable,
    cases.ExpectedQuery,
    cases.ExpectedObject,
]


@pytest.mark.parametrize("part", PARTS)
def test_reference__names_every_member(part: Any) -> None:
    named = set(re.findall(r"`(\w+)`", REFERENCE.read_text("utf-8")))
    assert {field.name for field in msgspec.structs.fields(part)} <= named
