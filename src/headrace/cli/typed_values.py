"""Values as they are typed after options of several commands."""

from __future__ import annotations

from datetime import datetime, tzinfo

from headrace.cli.output import WRONG_USAGE, stop
from headrace.domain.schedule_time import read_schedule_time
from headrace.errors import InvalidSchedule
from headrace.wire.v1.runs import RunParameter


def parameter(text: str) -> RunParameter:
    """A parameter as it is typed; ends the command when it is none."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        stop(f"--param: {text!r} is not NAME=VALUE", WRONG_USAGE)
    return RunParameter(name=name, value=value)


def read_plan_time(text: str, zone: tzinfo, source: str = "--plan-time") -> int:
    """A plan time in milliseconds, with an offset as in schedules or in the zone; ends the command when it is none."""
    try:
        return int(datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).timestamp() * 1000)
    except ValueError:
        pass
    try:
        return int(read_schedule_time(text, source).timestamp() * 1000)
    except InvalidSchedule as error:
        stop(error.detail, WRONG_USAGE)
