"""Whatever is written, an expression ends soon: with a value or an ExpressionError."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.el.errors import ExpressionError
from headrace.el.language import check, condition_holds, evaluate_text, substitute_parameters, with_parameters
from headrace.el.macros import expand_macros
from headrace.el.objects import OBJECTS
from headrace.el.scope import Loop, Scope
from headrace.el.zones import zone_named

ZONE = zone_named("Asia/Shanghai")
NOW = datetime(2024, 3, 31, 2, 30, tzinfo=ZONE)
OUTPUT = '{"a":[1,2,{"b":"c"}],"n":12345678901234567890,"f":1.5}'
SCOPE = Scope(
    plan_time=NOW,
    start_time=NOW,
    zone=ZONE,
    now=lambda: NOW,
    node_output=lambda name: OUTPUT,
    loop=Loop(data=[["a", 1], ["b", None]], offset=1),
    workdays=lambda name: lambda day: day.isoweekday() < 6,
    obs_exists=lambda path: path.endswith("/"),
    simple_variables=True,
)
SECONDS = 2.0  # the aim is 10 ms (bench/el.py); here only that it ends, on any machine

PIECES = st.sampled_from(
    [f"{owner.name}.{name}" for owner in OBJECTS.values() for name in owner.names()]
    + ["(", ")", "[", "]", ",", "?", ":", "+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "!", "empty "]
    + ["not ", " and ", " div ", "#{", "}", "${", "${x}", "$[", "]", '"', "'", "\\", '"yyyy-MM-dd"', "'a'", '"\\\\"']
    + ["0", "1", "-1", "99999999999", "9223372036854775807", "1.5", "1e400", "null", "true", "Job", "x", ".", " "]
    + ["Job.planTime", 'Job.getNodeOutput("n")', "yyyymmdd", "add_months(", "-1/24", "dateformat(", "timestamp("]
)
NUMBERS = ["null", "true", "0", "-1", "2147483648", "9223372036854775807", "1.5", '"12"', "1e400", "1e400-1e400"]
HALVES = ['"\\ud83d"', """JSONUtil.parse('"\\\\ude00"')"""]
TEXTS = ['""', '"a"', *HALVES, '"yyyy-MM-dd HH"', '"$.a[0]"', '"GMT+8"', 'Job.getNodeOutput("n")']
VALUES = st.sampled_from([*NUMBERS, *TEXTS, "Job.planTime", 'JSONUtil.parse("[[1],{}]")', "Loop.current"])


def ends_soon(text: str) -> None:
    """Evaluate, check and expand the text; nothing but an ExpressionError may come out, and soon."""
    begun = time.process_time()
    for work in (
        lambda: check(text),
        lambda: evaluate_text(text, SCOPE).encode(),
        lambda: condition_holds(text, SCOPE),
        lambda: expand_macros(text, NOW, ZONE),
    ):
        try:
            work()
        except ExpressionError as error:
            assert error.detail  # noqa: PT017  # any error is fine, but it says something
    assert time.process_time() - begun < SECONDS


FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(st.text(max_size=200))
def test_fuzz__any_text(text: str) -> None:
    ends_soon(text)
    ends_soon(f"#{{{text}}}")


@FUZZ
@given(st.lists(PIECES, max_size=30).map("".join))
def test_fuzz__pieces_of_expressions(text: str) -> None:
    ends_soon(text)
    ends_soon(f"#{{{text}}}")
    ends_soon(f"$[{text}]${{{text}}}")


METHODS = [method for owner in OBJECTS.values() for overloads in owner.methods.values() for method in overloads]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.signature)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_fuzz__any_arguments(method: object, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(method.parameters)))
    arguments = ",".join(data.draw(VALUES) for _ in range(count))
    ends_soon(f"#{{{method.owner}.{method.name}({arguments})}}")


@pytest.mark.parametrize(
    "text",
    [
        "#{" + "(" * 30_000 + "}",
        "#{" + "!" * 30_000 + "true}",
        "#{" + "1+" * 30_000 + "1}",
        "#{" + "-" * 30_000 + "1}",
        "#{Job" + ".a" * 30_000 + "}",
        "#{Job.planTime" + "[0]" * 20_000 + "}",
        "#{" + "true?" * 10_000 + "1" + ":1" * 10_000 + "}",
        "#{" + "1" * 60_000 + "}",
        "#{1." + "1" * 60_000 + "}",
        '#{"' + "\\" * 60_001,
        '#{"' + "\\" * 60_000 + '"}',
        "#{" + " " * 70_000 + "1}",
        "#{" * 30_000,
        "#{1}" * 30_000,
        "${" * 30_000,
        "$[" * 30_000,
        "${yyyymmdd" + "9" * 60_000 + "}",
        "$[yyyymmdd" + "-1" * 30_000 + "]",
        "${dateformat(" + "," * 60_000 + ")}",
        "${" + "y-" * 30_000,
        "#{" + "+".join(["StringUtil.repeat('aaaaaaaaaa',10000)"] * 300) + "}",
        "#{" + "&&".join(["StringUtil.length(StringUtil.leftPad('',100000))>0"] * 300) + "}",
        '#{StringUtil.replace(StringUtil.repeat("a",100000),"a",StringUtil.repeat("b",100000))}',
        '#{JSONUtil.parse(StringUtil.repeat("[",100000))}',
        '#{JSONUtil.parse(StringUtil.repeat("9",100000))}',
        '#{DateUtil.format(Job.planTime,StringUtil.repeat("y",100000))}',
        '#{DateUtil.parseDate(StringUtil.repeat("9",100000),"yyyy")}',
        '#{StringUtil.repeat("9",100000)+1}#{StringUtil.repeat("9",100000)*1}',
        '#{JSONUtil.path("{}",StringUtil.repeat("[0]",30000))}',
        "#{Job.getPreviousWorkday(99999999,'yyyy')}",
        '#{DateUtil.formatWithTimeZone(Job.planTime,"z","../../etc/passwd")}',
        '#{"".__class__.__mro__}#{Job.name.__class__}',
    ],
    ids=lambda text: text[:30],
)
def test_hostile__ends_soon(text: str) -> None:
    ends_soon(text)


def test_hostile__long_chain_of_parameters_is_told() -> None:
    params = {f"p{number}": f"${{p{number + 1}}}" for number in range(1000)}
    scope = with_parameters(SCOPE, job_params=params, environment={})
    with pytest.raises(ExpressionError, match="at most 20 parameters that need each other"):
        evaluate_text("${p0}", scope)


def test_hostile__parameters_that_double_each_other_are_told() -> None:
    params = {f"p{number}": f"${{p{number + 1}}}" * 20 for number in range(15)} | {"p15": "x" * 1000}
    scope = with_parameters(SCOPE, job_params=params, environment={})
    with pytest.raises(ExpressionError, match="at most 1,000,000 characters together"):
        evaluate_text("${p0}", scope)


@given(st.text(max_size=50), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_substitute_parameters__other_text_stays(text: str, values: dict[str, str]) -> None:
    assert substitute_parameters(text.replace("$", ""), values) == text.replace("$", "")
