"""Reads the case files of the expression language: a header, a question, its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from headrace.el.language import with_parameters
from headrace.el.scope import Loop, Scope
from headrace.el.zones import zone_named

FOLDER = Path(__file__).parent / "cases" / "el"
MARKS = ("documented", "inferred")
CALENDARS = {None: lambda day: day.isoweekday() <= 5, "all": lambda day: True}
Header = dict[str, str]


class Case(NamedTuple):
    """A question under a header, and its answer: a text, ``<empty>`` or ``error: part of the message``."""

    file: str
    mark: str
    header: Header
    question: str
    answer: str

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.file}: {self.question}"[:100]

    @property
    def text(self) -> str:
        """The answer as text."""
        return self.answer.replace("<empty>", "")


def cases() -> Iterator[Case]:
    """Blocks are separated by blank lines: settings that stay until replaced, or a mark and lines in pairs."""
    for path in sorted(FOLDER.glob("*.txt")):
        header: Header = {}
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            lines = [line for line in block.strip("\n").split("\n") if not line.startswith("# ")]
            mark = lines[0].split(" ")[0] if lines else ""
            if mark in MARKS:
                pairs = lines[1:]
                assert len(pairs) % 2 == 0, f"{path.name}: a question without an answer in {pairs}"
                for question, answer in zip(pairs[::2], pairs[1::2], strict=True):
                    yield Case(path.stem, mark, dict(header), question, answer)
            else:
                for line in lines:
                    name, sign, value = line.partition(" =")
                    assert sign, f"{path.name}: neither a setting nor a mark: {line}"
                    header[name] = value.strip()


def named(header: Header, kind: str) -> dict[str, str]:
    """The settings ``kind.name`` by their names."""
    return {name.removeprefix(f"{kind}."): value for name, value in header.items() if name.startswith(f"{kind}.")}


def moment(header: Header, name: str) -> datetime:
    """A time of the header; the plan time where it has none of this name."""
    text = header.get(name) or header["Job.planTime"]
    return datetime.fromisoformat(text).replace(tzinfo=zone_named(header.get("zone", "GMT+8")))


def scope_of(header: Header) -> Scope:
    """The scope a header describes."""
    objects = header.get("obs", "").split(",")
    rows: list[list[Any]] = json.loads(header.get("Loop.data") or "[]")
    scope = Scope(
        plan_time=moment(header, "Job.planTime"),
        start_time=moment(header, "Job.startTime"),
        zone=zone_named(header.get("zone", "GMT+8")),
        now=lambda: moment(header, "now"),
        job_name=header.get("Job.name", ""),
        project_id=header.get("Job.projectId", ""),
        job_id=header.get("Job.id", ""),
        instance_id=header.get("Job.instanceId") or None,
        event_data=header.get("Job.eventData"),
        obs_new_files=header.get("Job.trigger.obsNewFiles"),
        node_output=named(header, "output").get,
        node_status=named(header, "status").get,
        running_data=named(header, "running").get,
        insert_job_id=named(header, "insert").get,
        preceding_node=header.get("preceding"),
        workdays=CALENDARS.get,
        obs_exists=objects.__contains__,
        loop=Loop(data=rows, offset=int(header["Loop.offset"])) if rows else None,
        prefix_only_dlf=bool(header.get("dlf")),
        simple_variables=bool(header.get("simple")),
    )
    return with_parameters(
        scope,
        job_params=named(header, "param"),
        environment=named(header, "env"),
        script_args=named(header, "script"),
        handed_down=named(header, "handed"),
    )
