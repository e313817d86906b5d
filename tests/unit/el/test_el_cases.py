"""Every question of the case files gets its answer."""

from __future__ import annotations

import pytest

from el_cases import Case, cases, scope_of
from headrace.el.errors import ExpressionError
from headrace.el.language import check, evaluate_text
from headrace.el.macros import expand_macros


def answer_to(case: Case) -> str:
    scope = scope_of(case.header)
    if case.header.get("macros"):
        return expand_macros(case.question, scope.plan_time, scope.zone)
    return evaluate_text(case.question, scope)


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.place)
def test_case__question_gets_its_answer(case: Case) -> None:
    if case.answer.startswith("error: "):
        with pytest.raises(ExpressionError) as raised:
            answer_to(case)
        assert case.answer.removeprefix("error: ") in raised.value.detail
    else:
        assert answer_to(case) == case.text


@pytest.mark.parametrize(
    "case", [case for case in cases() if not case.answer.startswith("error: ")], ids=lambda case: case.place
)
def test_check__right_expression_passes_unevaluated(case: Case) -> None:
    assert check(case.question) is None
