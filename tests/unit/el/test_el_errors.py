"""Errors of expressions: where, what was expected, and how it is shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headrace.el.errors import ExpressionError
from headrace.el.language import check, evaluate_text, parse
from headrace.el.scope import Scope
from headrace.errors import HeadraceError


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("#{1 + }", 6, "a value, found the end of the expression"),
        ("a #{1 ? 2}", 9, "`:` and the value for the other case, found the end of the expression"),
        ('#{Job.getParam("a" "b")}', 19, "`,` or `)` after an argument, found `b`"),
        ("#{Job.}", 6, "the name of a property or method, found the end of the expression"),
        ("#{Job.planTime[1}", 16, "`]` after the index, found the end of the expression"),
        ("#{1} #{2", 8, "`}` after the expression"),
        ("#{#{1}", 6, "`}` after the expression"),
        ("#{1 @ 2}", 4, "an operator, a name, a number or a text, found '@'"),
        ("#{5 5}", 4, "an operator or the end of the expression, found `5`"),
        ("#{*}", 2, "a value, found `*`"),
        ('#{"a" "b"}', 6, "an operator or the end of the expression, found `b`"),
        ("x #{Job.planTime.y} #{Job.nam}", 26, "a property or method of Job, found `nam`"),
    ],
)
def test_check__wrong_expression_is_told_at_its_position(text: str, position: int, expected: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        check(text)
    assert (raised.value.position, raised.value.expected) == (position, expected)
    assert raised.value.source == text


def test_error__shows_line_caret_and_repair() -> None:
    with pytest.raises(ExpressionError) as raised:
        check('select 1\nwhere day = #{DateUtil.formatt(Job.planTime,"yyyy")}\n')
    assert raised.value.message == (
        "The expression cannot be evaluated. "
        "Expected a property or method of DateUtil, found `formatt`, at character 33:\n"
        '  where day = #{DateUtil.formatt(Job.planTime,"yyyy")}\n'
        "                         ^\n"
        "Did you mean DateUtil.format?"
    )
    assert isinstance(raised.value, HeadraceError)


def test_error__long_line_is_cut_around_the_position() -> None:
    with pytest.raises(ExpressionError) as raised:
        check("x" * 5000 + "#{?}" + "y" * 5000)
    problem, line, caret, *_ = raised.value.detail.split("\n")
    assert line[len(caret) - 1] == "?"
    assert max(len(line), len(problem)) < 150


def test_parse__text_after_the_expression_is_an_error() -> None:
    with pytest.raises(ExpressionError) as raised:
        parse("1 + 2} x")
    assert raised.value.position == 5


@pytest.mark.parametrize(
    "text", ["${nobody}", "#{${n} > 5}", '#{"${a}" == "x"}', "no expression", "", "#{DateUtil.getDay(${day})}"]
)
def test_check__a_parameter_stands_for_any_value(text: str) -> None:
    assert check(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "#{DateUtil.addDays(Job.name,1)}",
        '#{DateUtil.addDays(Job.planTime,"one")}',
        "#{DateUtil.getDay(1 == 1)}",
        "#{DateUtil.addDays(Job.planTime,Job.startTime)}",
        "#{StringUtil.join('a,b',',')}",
        "#{StringUtil.length(Job.name,1)}",
        "#{OBSUtil.isExistOBSPath(null)}",
    ],
)
def test_check__argument_of_a_type_known_to_be_wrong_is_told(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"Expected (a value of type|the arguments of)"):
        check(text)


SECRET = "hunter2-" + "x" * 80


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#{SECRET + }", "Expected a value, at character 94 of a text that holds a secret."),
        ("SECRET#{1/0}", "Expected a divisor other than 0, at character 92 of a text that holds a secret."),
        ('#{"a" + (1 - "SECRET")}', "Expected a number, at character 12 of a text that holds a secret."),
    ],
)
def test_without__shows_no_part_of_a_secret(text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_and_evaluate(text.replace("SECRET", SECRET))
    assert raised.value.without([SECRET]).message == f"The expression cannot be evaluated. {told}"


def test_without__a_secret_that_only_a_value_holds_shows_as_little() -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_and_evaluate('#{1 - Env.get("pw")}')
    assert SECRET[:8] in raised.value.message
    told = raised.value.without(["other", "", SECRET]).message
    assert (
        told == "The expression cannot be evaluated. Expected a number, at character 5 of a text that holds a secret."
    )


def test_without__is_the_error_itself_when_nothing_shows() -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_and_evaluate("#{1/0}")
    assert raised.value.without([SECRET, ""]) is raised.value


def parse_and_evaluate(text: str) -> str:
    moment = datetime(2024, 1, 7, tzinfo=UTC)
    scope = Scope(plan_time=moment, start_time=moment, zone=UTC, now=lambda: moment, environment={"pw": SECRET})
    return evaluate_text(text, scope)
