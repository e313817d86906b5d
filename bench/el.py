"""Evaluations and parses a second of a usual expression, beside Jinja2 and cel-python when they are installed.

Run: python bench/el.py. Seconds are processor time of this process; the best of five rounds counts.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from headrace.el.language import evaluate_text
from headrace.el.parser import parse_at
from headrace.el.scope import Scope
from headrace.el.zones import zone_named

EXPRESSION = 'DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyMMdd")'
FIELD = f"#{{{EXPRESSION}}}"
ROUNDS = 5
GOALS = {"evaluate": 100_000, "parse": 50_000}


def rate(work: Callable[[], object], times: int = 20_000) -> float:
    """Calls a second of processor time, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - begun)
    return times / best


def scope_in(zone_name: str) -> Scope:
    zone = zone_named(zone_name)
    plan_time = datetime(2018, 9, 26, 1, tzinfo=zone)
    return Scope(plan_time=plan_time, start_time=plan_time, zone=zone, now=lambda: plan_time)


def ours() -> list[tuple[str, str, float]]:
    rows = []
    for zone_name in ("GMT+8", "Asia/Shanghai"):
        scope = scope_in(zone_name)
        assert evaluate_text(FIELD, scope) == "20180925"
        rows.append((f"headrace, {zone_name}", "evaluate", rate(lambda scope=scope: evaluate_text(FIELD, scope))))  # type: ignore[misc]
    return [*rows, ("headrace", "parse", rate(lambda: parse_at(EXPRESSION)))]


def jinja() -> list[tuple[str, str, float]]:
    """The same in Jinja2: compiled once and rendered, and parsed to its tree."""
    library: Any = importlib.import_module("jinja2")
    environment = library.Environment(autoescape=True)
    environment.globals["add_days"] = lambda moment, days: moment + timedelta(days=days)
    environment.globals["format"] = lambda moment, pattern: moment.strftime(pattern)
    source = '{{ format(add_days(plan_time,-1),"%Y%m%d") }}'
    template, plan_time = environment.from_string(source), scope_in("GMT+8").plan_time
    assert template.render(plan_time=plan_time) == "20180925"
    version = f"Jinja2 {library.__version__}"
    return [
        (version, "evaluate", rate(lambda: template.render(plan_time=plan_time))),
        (version, "parse", rate(lambda: environment.parse(source), 2_000)),
    ]


def cel() -> list[tuple[str, str, float]]:
    """The nearest in CEL (it has no date patterns): the timestamp less a day, as text."""
    library: Any = importlib.import_module("celpy")
    types: Any = importlib.import_module("celpy.celtypes")
    environment = library.Environment()
    source = 'string(plan_time - duration("24h"))'
    program = environment.program(environment.compile(source))
    values = {"plan_time": types.TimestampType("2018-09-26T01:00:00+08:00")}
    return [
        ("cel-python", "evaluate", rate(lambda: program.evaluate(values), 1_000)),
        ("cel-python", "parse", rate(lambda: environment.compile(source), 500)),
    ]


def main() -> None:
    print(f"{'':28}{'':10}{'per second':>12}  goal")
    for measure in (ours, jinja, cel):
        try:
            rows = measure()
        except ModuleNotFoundError as missing:
            print(f"{missing.name} is not installed")
            continue
        for name, what, per_second in rows:
            goal = f"{GOALS[what]:,}" if name.startswith("headrace") else ""
            print(f"{name:28}{what:10}{per_second:12,.0f}  {goal}")


if __name__ == "__main__":
    main()
