"""The steps an explanation tells: exactly these, from the inside out, and never too many."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.el.errors import ExpressionError
from headrace.el.explain import MAX_STEPS
from headrace.el.language import Explanation, evaluate_text, explain, with_parameters
from headrace.el.scope import Loop, Scope
from headrace.el.shown import MAX_SHOWN
from headrace.el.zones import zone_named

ZONE = zone_named("Asia/Shanghai")
PLAN = datetime(2018, 9, 26, 1, tzinfo=ZONE)
OUTPUT = '[["Dean","08"]]'
SCOPE = Scope(
    plan_time=PLAN,
    start_time=PLAN,
    zone=ZONE,
    now=lambda: PLAN,
    node_output=lambda name: OUTPUT,
    node_status=lambda name: "success",
    loop=Loop(data=[["a", 1]], offset=0),
)


def parts(told: Explanation) -> list[tuple[str, str, str]]:
    return [(step.source, step.value, step.type) for step in told.steps]


def test_explain__documented_example_from_the_inside_out() -> None:
    text = '#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyMMdd")}'
    told = explain(text, SCOPE)
    assert told.value == "20180925"
    assert parts(told) == [
        ("Job.planTime", "2018-09-26 01:00:00 +08:00", "Date"),
        ("DateUtil.addDays(Job.planTime,-1)", "2018-09-25 01:00:00 +08:00", "Date"),
        (text[2:-1], "20180925", "String"),
    ]
    assert [step.arguments for step in told.steps] == [
        (),
        ("2018-09-26 01:00:00 +08:00", "-1"),
        ("2018-09-25 01:00:00 +08:00", '"yyyyMMdd"'),
    ]


def test_explain__documented_split_of_an_output_with_its_odd_quotes() -> None:
    inner = 'StringUtil.split(StringUtil.split(Job.getNodeOutput("x"),"]")[0],"\\\\"")'
    told = explain(f"#{{{inner}[1]}}", SCOPE)
    assert parts(told) == [
        ('Job.getNodeOutput("x")', OUTPUT, "String"),
        ('StringUtil.split(Job.getNodeOutput("x"),"]")', '["[[\\"Dean\\",\\"08\\""]', "Object[]"),
        ('StringUtil.split(Job.getNodeOutput("x"),"]")[0]', '[["Dean","08"', "String"),
        (inner, '["[[","Dean",",","08"]', "Object[]"),
        (f"{inner}[1]", "Dean", "String"),
    ]


def test_explain__documented_condition_tells_substitution_and_branch() -> None:
    told = explain('#{${result} > 5 ? "true" : "false"}', SCOPE, job_params={"result": "4"})
    assert told.value == "false"
    assert [(step.source, step.value, step.note) for step in told.steps] == [
        ("${result}", "4", "job parameter"),
        ('#{${result} > 5 ? "true" : "false"}', '#{4 > 5 ? "true" : "false"}', "${name} replaced"),
        ("4 > 5", "false", ""),
        ('"false"', "false", "chosen: the condition is false"),
        ('4 > 5 ? "true" : "false"', "false", ""),
    ]


def test_explain__operators_step_by_step_with_their_parentheses() -> None:
    told = explain('#{(4 + -2) * (3-1) - 1 > 5 or not (empty "")}', SCOPE)
    assert [(step.source, step.position, step.value) for step in told.steps] == [
        ("4 + -2", 3, "2"),
        ("3-1", 14, "2"),
        ("(4 + -2) * (3-1)", 2, "4"),
        ("(4 + -2) * (3-1) - 1", 2, "3"),
        ("(4 + -2) * (3-1) - 1 > 5", 2, "false"),
        ('empty ""', 35, "true"),
        ('not (empty "")', 30, "false"),
        ('(4 + -2) * (3-1) - 1 > 5 or not (empty "")', 2, "false"),
    ]


def test_explain__what_is_not_evaluated_is_not_told() -> None:
    told = explain('#{true || 1/0 == 1 ? (1 + 1) : Job.getNodeOutput("x")}', SCOPE)
    assert [(step.source, step.value, step.note) for step in told.steps] == [
        ("true || 1/0 == 1", "true", ""),
        ("1 + 1", "2", "chosen: the condition is true"),
        ('true || 1/0 == 1 ? (1 + 1) : Job.getNodeOutput("x")', "2", ""),
    ]


def test_explain__parameter_that_is_an_expression_is_told_in_its_place() -> None:
    told = explain(
        '${day}/#{Env.get("depth") + 1}',
        SCOPE,
        job_params={"day": '#{Job.getYesterday("yyyy-MM-dd")}'},
        environment={"depth": "#{1+1}"},
    )
    assert told.value == "2018-09-25/21"
    assert [(step.place, step.source, step.value) for step in told.steps] == [
        ("job parameter `day`", 'Job.getYesterday("yyyy-MM-dd")', "2018-09-25"),
        ("", "${day}", "2018-09-25"),
        ("", '${day}/#{Env.get("depth") + 1}', '2018-09-25/#{Env.get("depth") + 1}'),
        ("environment variable `depth`", "1+1", "2"),
        ("", 'Env.get("depth")', "2"),
        ("", 'Env.get("depth") + 1', "21"),
    ]


@pytest.mark.parametrize(
    ("value", "shown", "type_name"),
    [
        ("null + ''", "null", "String"),
        ("2147483647 + 1", "2147483648", "long"),
        ("1 / 2.0", "0.5", "double"),
        ('JSONUtil.parse("{\\"a\\":[1]}")', '{"a":[1]}', "Object"),
        ('JSONUtil.path("{}","a")', "null", "null"),
        ("Job.planTime == Job.startTime", "true", "boolean"),
    ],
)
def test_explain__value_and_type_of_the_last_step(value: str, shown: str, type_name: str) -> None:
    last = explain(f"#{{{value}}}", SCOPE).steps[-1]
    assert (last.source, last.value, last.type) == (value, shown, type_name)


def test_explain__parameters_already_in_the_scope_are_told_with_their_values() -> None:
    scope = with_parameters(SCOPE, job_params={"a": "#{1+1}"}, environment={})
    told = explain("${a}${a}${b}", scope)
    assert told.value == "22${b}"
    assert [(step.source, step.position, step.note) for step in told.steps] == [
        ("${a}", 0, "job parameter"),
        ("${a}", 4, "job parameter"),
    ]


def test_explain__value_with_a_hash_begins_no_expression() -> None:
    told = explain("#{1+1} ${a}", SCOPE, job_params={"a": '#{"#" + "{1+2}"}'})
    assert told.value == "2 #{1+2}"
    assert "1+2" not in [step.source for step in told.steps]


def test_explain__error_comes_with_its_place_and_the_steps_before_it() -> None:
    told = explain("${a}", SCOPE, job_params={"a": "${b}", "b": "#{(1 + 1) / 0}"})
    assert told.value is None
    assert told.error is not None
    assert (told.error.source, told.error.position, told.error_place) == ("#{(1 + 1) / 0}", 10, "job parameter `b`")
    assert parts(told) == [("1 + 1", "2", "int")]


def test_explain__cycle_is_an_error() -> None:
    told = explain("${a}", SCOPE, job_params={"a": "${b}", "b": "${a}"})
    assert told.error is not None
    assert "does not need itself" in told.error.expected


@pytest.mark.parametrize(
    "text",
    [
        "#{" + "+".join(["1"] * 1000) + "}",
        "#{1+1}" * 700,
        "#{" + "(" * 48 + "1" + "+1)" * 48 + "}",
        "#{" + "!(" * 24 + "true" + ")" * 24 + "}",
        "#{" + "true?(" * 20 + "1" + "):2" * 20 + "}",
        "#{" + "StringUtil.trim(" * 45 + "'a'" + ")" * 45 + "}",
        '#{JSONUtil.parse("' + "[" * 60 + "1" + "]" * 60 + '")' + "[0]" * 45 + "}",
        "#{" + "+".join(["StringUtil.repeat('a',90000)"] * 5) + "}",
        "#{StringUtil.split(StringUtil.repeat('a,',50000),',')}",
        "${a}" * 1000,
    ],
    ids=lambda text: text[:20],
)
def test_hostile__explanation_is_bounded_and_gives_the_same_value(text: str) -> None:
    scope = with_parameters(SCOPE, job_params={"a": "x" * 900}, environment={})
    begun = time.process_time()
    told = explain(text, scope)
    assert time.process_time() - begun < 2
    assert told.value == evaluate_text(text, scope)
    assert len(told.steps) <= MAX_STEPS
    assert (told.left_out > 0) == (len(told.steps) == MAX_STEPS)
    assert all(max(map(len, (step.source, step.value, step.note))) <= MAX_SHOWN for step in told.steps)
    assert all(len(one) <= 2 * MAX_SHOWN for step in told.steps for one in step.arguments)


SIGNS = [
    "(",
    ")",
    "[",
    "]",
    ",",
    "?",
    ":",
    "+",
    "-",
    "*",
    "/",
    "==",
    "<",
    "&&",
    "||",
    "!",
    "empty ",
    " not ",
    "#{",
    "}",
]
VALUES = [
    "${x}",
    '"a"',
    "'",
    "1",
    "0",
    "-1",
    "1.5",
    "null",
    "true",
    "Job.planTime",
    'Job.getParam("x")',
    "Loop.current",
]
CALLS = ["StringUtil.split(Job.name,", "DateUtil.getDay(", "[0]", ".a", "\\\\"]
PIECES = st.sampled_from([*SIGNS, *VALUES, *CALLS])


def outcome(text: str, scope: Scope) -> str | tuple[int, str]:
    try:
        return evaluate_text(text, scope)
    except ExpressionError as error:
        return error.position, error.expected


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_fuzz__explaining_ends_as_evaluating_does(text: str) -> None:
    for field in (text, f"#{{{text}}}"):
        told = explain(field, SCOPE, job_params={"x": "#{1+1}"})
        scope = with_parameters(SCOPE, job_params={"x": "#{1+1}"}, environment={})
        ended = told.value if told.error is None else (told.error.position, told.error.expected)
        assert ended == outcome(field, scope)
        for step in told.steps:
            if step.place == "" and "${x}" not in field:
                assert field.startswith(step.source, step.position)
