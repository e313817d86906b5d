"""The reference of the package format is true: its digest is ours, its example is in our text form."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from headrace.packages.digest import content_digest
from headrace.packages.model import Kind, PackageObject
from headrace.packages.reader import ReadLimits
from headrace.packages.text import is_canonical

PAGE = (Path(__file__).resolve().parents[1] / "docs/reference/package-format.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)\n```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_digest__is_what_the_reference_describes() -> None:
    described: dict[str, Any] = {}
    exec(block("python"), described)  # noqa: S102 - our own page
    items = [
        PackageObject.made(Kind.JOB, "日次", '{"name":"日次"}'),
        PackageObject.made(Kind.CDM_JOB, "m", b'{"name":"m"}', cluster="c"),
        PackageObject.made(Kind.RESOURCE, "r", b'{"name":"r","directory":"x/y/"}'),
        PackageObject.made(Kind.RESOURCE, "r", b'{"name":"r"}'),
        PackageObject.environment([("v", '{"name":"v","value":"1"}')]),
    ]
    groups = ["", "c", "/x/y", "/", ""]
    objects = [(item.kind.name, group, item.name, item.text) for item, group in zip(items, groups, strict=True)]
    assert described["digest"](objects) == content_digest(items)


def test_text_form__is_that_of_the_example() -> None:
    example = block("json")
    assert is_canonical(example.encode())
    assert json.loads(example)["params"] == [{"name": "rate", "value": 1.5}]


def test_limits__are_those_of_the_reference() -> None:
    limits = ReadLimits()
    mib = 1024 * 1024
    row = f"{limits.member_bytes // mib} MiB, and {limits.ratio:,} times its packed size"
    assert row in PAGE
    assert f"| all members, unpacked | {limits.total_bytes // mib // 1024} GiB |" in PAGE
    assert f"| entries of the archive | {limits.members:,}, " in PAGE
    assert f"| depth of a document | {limits.depth} levels |" in PAGE
