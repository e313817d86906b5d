"""``headrace ps --why`` and ``headrace release``: what instances wait for, and letting them go without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from headrace.cli.client import Client
from headrace.cli.output import moment_text, say

MOST_UPSTREAM = 10  # instances shown of each upstream job


def explain(client: Client, found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The instances with why they have not gone on, in the member ``why``."""
    return [
        {
            **item,
            "why": client.json(
                "GET", f"/jobs/{quote(item['jobName'], safe='')}/instances/{item['instanceId']}/waiting-reasons"
            ),
        }
        for item in found
    ]


def tell(explained: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> None:
    """Below each instance the reasons, and the upstream instances that keep it."""
    for item in explained:
        planned = moment_text(item["planTime"], zone)
        say(f"{item['instanceId']} {item['jobInstanceName']} planned {planned}: {item['status']}")
        for line in _lines(item["why"], lambda millis: moment_text(millis, zone)):
            say(f"    {line}")


def _lines(why: Mapping[str, Any], moment: Callable[[int], str]) -> Iterator[str]:
    yield from why["reasons"] or ["Nothing keeps it."]
    if why["status"] != "waiting":
        return
    for dependency in why["dependencies"]:
        blocking = [each for each in dependency["instances"] if each["blocking"]]
        for each in blocking[:MOST_UPSTREAM]:
            state = f"instance {each['instanceId']}, {each['status']}" if "instanceId" in each else "not made yet"
            yield f"  {dependency['jobName']} {moment(each['planTime'])}: {state}"
        if len(blocking) > MOST_UPSTREAM:
            yield f"  and {len(blocking) - MOST_UPSTREAM} more of {dependency['jobName']}"
