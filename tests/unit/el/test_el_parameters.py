"""Effective parameters, typed values and conditions, as callers use them."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

import headrace.el
from headrace.el.errors import ExpressionError
from headrace.el.language import (
    condition_holds,
    effective_parameters,
    evaluate,
    parse,
    script_text,
    substitute_parameters,
    with_parameters,
)
from headrace.el.scope import Scope
from headrace.el.zones import zone_named

PLAN = datetime(2018, 9, 26, 1, tzinfo=zone_named("GMT+8"))
SCOPE = Scope(plan_time=PLAN, start_time=PLAN, zone=zone_named("GMT+8"), now=lambda: PLAN)


def test_effective_parameters__each_name_has_the_value_that_wins() -> None:
    found = effective_parameters(
        {"day": '#{Job.getPlanTime("yyyyMMdd")}', "city": "Wuhan", "n": "1"},
        {"city": "Xian", "n": "2", "home": '"05"'},
        {"n": "3", "file": "${city}-${day}.csv"},
        {"n": "4"},
        SCOPE,
    )
    assert found == {"n": "4", "day": "20180926", "city": "Wuhan", "home": "05", "file": "Wuhan-20180926.csv"}


def test_effective_parameters__cycle_is_told_with_its_names() -> None:
    with pytest.raises(ExpressionError, match=r"job parameter `a` → job parameter `b` → job parameter `a`"):
        effective_parameters({"a": "${b}", "b": "${a}"}, {}, {}, {}, SCOPE)


def test_effective_parameters__same_name_in_job_and_environment_is_no_cycle() -> None:
    assert effective_parameters({"a": '#{Env.get("a")}!'}, {"a": "x"}, {}, {}, SCOPE) == {"a": "x!"}


def test_with_parameters__wrong_value_that_nobody_reads_does_no_harm() -> None:
    scope = with_parameters(SCOPE, job_params={"bad": "#{1/0}", "good": "1"}, environment={})
    assert evaluate("${good}", scope) == "1"
    with pytest.raises(ExpressionError, match="a divisor other than 0"):
        evaluate("${bad}", scope)


def test_with_parameters__value_is_computed_once() -> None:
    asked: list[str] = []
    scope = replace(SCOPE, node_output=lambda name: asked.append(name) or "x")  # type: ignore[func-returns-value]
    scope = with_parameters(scope, job_params={"a": '#{Job.getNodeOutput("n")}'}, environment={})
    assert evaluate('${a}${a}#{Job.getParam("a")}', scope) == "xxx"
    assert asked == ["n"]


def test_substitute_parameters__value_is_not_looked_through_again() -> None:
    assert substitute_parameters("${a} ${b}", {"a": "${b}", "b": "${a}"}) == "${b} ${a}"


def test_script_text__takes_parameters_then_arguments_and_leaves_expressions() -> None:
    scope = with_parameters(SCOPE, job_params={"a": "#{1 + 1}"}, environment={"b": "env"})
    text = "${a} ${b} ${c} ${d} #{1 + 1} ${yyyymmdd} $[hh24]"
    arguments = {"a": "argument", "b": "argument", "c": "${a} #{x}"}
    assert script_text(text, scope, arguments) == "2 env ${a} #{x} ${d} #{1 + 1} ${yyyymmdd} $[hh24]"
    scope = replace(scope, simple_variables=True)
    assert script_text(text, scope, arguments) == "2 env ${a} #{x} ${d} #{1 + 1} 20180925 01"


def test_no_expression_reads_a_clock() -> None:
    """Plan time, start time and now are what the scope says; nothing in the language asks anything else."""
    folder = Path(headrace.el.__file__).parent
    names = {
        f"{path.name}: {part.attr}"
        for path in folder.rglob("*.py")
        for part in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(part, ast.Attribute) and part.attr in CLOCKS
    }
    assert names == {"date_util.py: now"}  # of the scope


CLOCKS = {"now", "today", "utcnow", "time_ns", "time", "monotonic", "perf_counter", "localtime", "gmtime"}


def test_substitute_parameters__with_prefix_only_dlf_names() -> None:
    assert substitute_parameters("${dlf.a} ${a}", {"dlf.a": "1", "a": "2"}, prefix_only_dlf=True) == "1 ${a}"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("#{1 == 1}", True),
        ('#{1 == 1 ? "true" : "false"}', True),
        ("#{' TRUE '}", True),
        ("true", True),
        ("#{1 == 2}", False),
        ("#{1}", False),
        ("#{null}", False),
        ("yes", False),
        ("", False),
    ],
)
def test_condition__holds_only_for_true(text: str, holds: bool) -> None:
    assert condition_holds(text, SCOPE) is holds


def test_condition__that_cannot_be_evaluated_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="a divisor other than 0"):
        condition_holds("#{1/0 == 1}", SCOPE)


def test_evaluate__whole_expression_keeps_its_type() -> None:
    assert evaluate("#{Job.planTime}", SCOPE) == PLAN
    assert evaluate("#{1 + 1}", SCOPE) == 2
    assert evaluate("#{1 + 1}!", SCOPE) == "2!"
    assert parse("StringUtil.split('a,b', ',')").evaluate(SCOPE) == ["a", "b"]
