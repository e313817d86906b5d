"""``headrace el``: what a field gives at a plan time, and how."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from headrace.cli.home import HomeOption, JsonOption, load_settings
from headrace.cli.output import FAILED, WRONG_USAGE, err, note, out, print_json, shown, stop
from headrace.el.errors import CannotEvaluate, ExpressionError
from headrace.el.java_calendar import from_wall
from headrace.el.language import Explanation, Step, explain
from headrace.el.scope import Scope
from headrace.el.zones import zone_named

_WIDEST = 40  # characters of a source that has its value on the same line


def el(
    text: Annotated[str, typer.Argument(help="A field, like 'obs://b/#{Job.getPlanTime(\"yyyyMMdd\")}/${city}'.")],
    plan_time: Annotated[
        str | None, typer.Option(help="Plan time like '2018-09-26 01:00:00', in the zone. Default: now.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE of a job parameter.")] = None,
    env: Annotated[list[str] | None, typer.Option("--env", "-e", help="NAME=VALUE of an environment variable.")] = None,
    tz: Annotated[str | None, typer.Option(help="Asia/Shanghai, GMT+8, UTC… Default: the setting time_zone.")] = None,
    node_output: Annotated[
        list[str] | None, typer.Option(help="NODE=TEXT: the output of an earlier node, which succeeded.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the value only.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a field, with its ${name} and #{…}, as a node would at a plan time.

    The value goes to standard output, the steps that led to it go to standard error.

    --param, --env and --node-output can be repeated; values of the first two may be expressions themselves.

    Exit status 1 when the text cannot be evaluated.

    Example: headrace el '#{Job.getYesterday("yyyyMMdd")}' --plan-time '2018-09-26 01:00:00'

    In a script: day=$(headrace el --quiet '#{Job.getYesterday("yyyyMMdd")}')
    """
    now = datetime.now(UTC)
    zone = _zone(tz, home)
    planned = now.astimezone(zone) if plan_time is None else _plan_time(plan_time, zone)
    outputs = _pairs("--node-output", node_output, "NODE=TEXT")
    scope = Scope(
        plan_time=planned,
        start_time=planned,
        zone=zone,
        now=lambda: now,
        node_output=outputs.get,
        node_status=lambda name: "success" if name in outputs else None,
    )
    told = explain(text, scope, job_params=_pairs("--param", param), environment=_pairs("--env", env))
    if "#{" not in text and not told.steps and not quiet:
        note("no #{…} in this text")
    if as_json:
        print_json(_document(told))
    else:
        _tell(told, quiet=quiet)
    if told.error is not None:
        raise typer.Exit(FAILED)


def _zone(name: str | None, home: Path | None) -> tzinfo:
    origin = "--tz" if name is not None else "the setting time_zone"
    try:
        return zone_named(name if name is not None else load_settings(home=home).time_zone)
    except CannotEvaluate as error:
        stop(f"{origin}: expected {error.expected}. {error.repair}", WRONG_USAGE)


def _plan_time(text: str, zone: tzinfo) -> datetime:
    try:
        return from_wall(datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S"), zone)  # noqa: DTZ007  # the zone's wall
    except (ValueError, CannotEvaluate):
        stop(f"--plan-time: {text!r} is no time like 2018-09-26 01:00:00", WRONG_USAGE)


def _pairs(option: str, texts: Sequence[str] | None, form: str = "NAME=VALUE") -> Mapping[str, str]:
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (name and equals):
            stop(f"{option}: {text!r} is not {form}", WRONG_USAGE)
        found[name] = value
    return found


def _document(told: Explanation) -> dict[str, Any]:
    result = {"value": told.value} if told.error is None else {"error": _error(told.error, told.error_place)}
    more = {"stepsLeftOut": told.left_out} if told.left_out else {}
    return {name: _encodable(one) for name, one in {**result, "steps": [*map(_step, told.steps)], **more}.items()}


def _error(error: ExpressionError, place: str) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": error.message,
        "in": place,
        "source": error.source,
        "position": error.position,
        "expected": error.expected,
        "repair": error.repair,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "in": step.place,
        "source": step.source,
        "position": step.position,
        "value": step.value,
        "type": step.type,
        **({"note": step.note} if step.note else {}),
        **({"arguments": step.arguments} if step.arguments else {}),
    }


def _encodable(value: Any) -> Any:
    """The same with ``?`` for halves of surrogate pairs, which no encoding has; Java writes them so."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _encodable(one) for name, one in value.items()}
    return [_encodable(one) for one in value] if isinstance(value, list | tuple) else value


def _tell(told: Explanation, *, quiet: bool) -> None:
    if not quiet:
        place = ""
        width = max((len(step.source) for step in told.steps if len(step.source) <= _WIDEST), default=0)
        for step in told.steps:
            if step.place != place:
                place = step.place
                _line(f"in {place}:" if place else "in the text:")
            _tell_step(step, width)
        if told.left_out:
            _line(f"  … and {told.left_out} more steps")
    if told.error is not None:
        where = f"in {told.error_place}: " if told.error_place else ""
        stop(_encodable(f"{where}{told.error.message}"), FAILED)
    value = _encodable(told.value)
    sys.stdout.write((shown(value) if out.is_terminal else value) + "\n")


def _tell_step(step: Step, width: int) -> None:
    source, value = _one_line(step.source), _one_line(step.value)
    known = step.type if step.type not in ("String", "boolean", "null") else ""
    about = ", ".join(filter(None, (known, step.note)))
    text = f'"{value}"' if step.type == "String" else value
    gap = "\n    " if len(source) > _WIDEST else " " * (width - len(source) + 1)
    _line(f"  {source}{gap}= {text}{f'   ({about})' if about else ''}")
    if step.arguments:
        _line(f"    with {', '.join(step.arguments)}")


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")


def _line(text: str) -> None:
    err.print(shown(_encodable(text)), markup=False)
