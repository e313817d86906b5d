"""Field converters: what each does to texts, and what is no converter."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors_cdm import CdmError
from headrace.transfer.converters import read_converters
from headrace.transfer.expression_columns import Rows

ROWS = Rows(length=0, width=0, cells=lambda at: [], zone=ZoneInfo("Asia/Shanghai"), cache={})


def converted(values: list[Any] | pa.Array, **converter: Any) -> list[Any]:
    """The values of a column after one converter."""
    (read,) = read_converters(json.dumps([{"column": "c", **converter}]))
    column = values if isinstance(values, pa.Array) else pa.array(values)
    made = read.convert(column, ROWS)
    assert made.bad == {}
    answer: list[Any] = made.column.to_pylist()
    return answer


@pytest.mark.parametrize(
    ("converter", "value", "answer"),
    [
        # Source: CDM user guide, "Field Conversion"
        (
            {"type": "anonymization", "prefixLength": 3, "suffixLength": 4, "replaceChar": "*"},
            "12345678910",
            "123****8910",
        ),
        ({"type": "trim"}, "  ABC ", "ABC"),
        ({"type": "reverse"}, "ABC", "CBA"),
        ({"type": "replace", "old": "a", "new": "bc"}, "banana", "bbcnbcnbc"),
        ({"type": "removeLineBreak"}, "a\r\nb\nc\rd", "abcd"),
        ({"type": "expression", "expression": "StringUtils.upperCase(value)"}, "abc", "ABC"),
        # ours
        ({"type": "anonymization"}, "abc", "***"),
        ({"type": "anonymization", "prefixLength": 1}, "abc", "a**"),
        ({"type": "anonymization", "suffixLength": 1, "replaceChar": "某"}, "张三丰", "某某丰"),
        ({"type": "anonymization", "prefixLength": 3, "suffixLength": 4}, "1234567", "*******"),
        ({"type": "anonymization", "prefixLength": 3, "suffixLength": 4}, "", ""),
        ({"type": "trim"}, "\t\x00 a\u3000 b\n", "a\u3000 b"),
        ({"type": "trim"}, "   ", ""),
        ({"type": "reverse"}, "中文a", "a文中"),
        ({"type": "replace", "old": ".", "new": ""}, "1.2.3", "123"),
        ({"type": "case", "to": "upper"}, "aé", "AÉ"),
        ({"type": "case", "to": "lower"}, "AÉ", "aé"),
        ({"type": "substring", "start": 1, "end": 3}, "abcd", "bc"),
        ({"type": "substring", "start": -2}, "abcd", "cd"),
        ({"type": "substring", "start": 1, "end": -1}, "中文字符", "文字"),
        ({"type": "concat", "before": "<", "after": ">"}, "a", "<a>"),
        ({"type": "default", "value": "x"}, "", ""),
    ],
)
def test_converter__changes_texts_and_leaves_null(converter: dict[str, Any], value: str, answer: str) -> None:
    null = converter.get("value")

    assert converted([value, None, value], **converter) == [answer, null, answer]
    assert converted(pa.array([], pa.string()), **converter) == []
    assert converted(pa.array([value, value, None]).slice(1), **converter) == [answer, null]


def test_converter__takes_any_column_as_text() -> None:
    mask = {"type": "anonymization", "prefixLength": 3, "suffixLength": 4}

    assert converted([12345678910, None], **mask) == ["123****8910", None]
    assert converted([1.5, float("nan")], type="concat", after="!") == ["1.5!", "NaN!"]
    assert converted(pa.array([" a"], pa.large_string()), type="trim") == ["a"]
    assert converted(pa.array(["ab", "ab", None]).dictionary_encode(), type="reverse") == ["ba", "ba", None]


def test_expression_converter__keeps_the_kind_of_its_results() -> None:
    assert converted([1, 2, None], type="expression", expression="value + 1") == [2, 3, 1]
    assert converted(["a", None], type="expression", expression="value == 'a'") == [True, False]


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.none() | st.text(max_size=12), max_size=8), before=st.integers(0, 5), after=st.integers(0, 5))
def test_anonymization__hides_every_other_character(texts: list[str | None], before: int, after: int) -> None:
    made = converted(pa.array(texts, pa.string()), type="anonymization", prefixLength=before, suffixLength=after)

    def hidden(text: str) -> str:
        middle = len(text) - before - after
        if middle <= 0:
            return "*" * len(text)
        return text[:before] + "*" * middle + text[len(text) - after :]

    assert made == [None if text is None else hidden(text) for text in texts]


def test_read_converters__keeps_their_order() -> None:
    text = '[{"column": "b", "type": "trim"}, {"column": "a", "type": "reverse"}, {"column": "b", "type": "reverse"}]'

    assert [(type(one).__name__, one.column) for one in read_converters(text)] == [
        ("Trim", "b"),
        ("Reverse", "a"),
        ("Reverse", "b"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "truncated"),
        ("{}", "Expected `array`"),
        ('[{"column": "a", "type": "trim"}, 1]', "`$[1]`"),
        ('[{"type": "trim"}]', "missing required field `column`"),
        ('[{"column": "", "type": "trim"}]', "`$[0].column`"),
        ('[{"column": "a"}]', "missing required field `type`"),
        ('[{"column": "a", "type": "shout"}]', "Invalid value 'shout' - at `$[0].type`"),
        ('[{"column": "a", "type": "trim", "side": "left"}]', "unknown field `side`"),
        ('[{"column": "a", "type": "replace", "new": "b"}]', "missing required field `old`"),
        ('[{"column": "a", "type": "replace", "old": "", "new": "b"}]', "`$[0].old`"),
        ('[{"column": "a", "type": "anonymization", "prefixLength": -1}]', "`$[0].prefixLength`"),
        ('[{"column": "a", "type": "anonymization", "replaceChar": "**"}]', "`$[0].replaceChar`"),
        ('[{"column": "a", "type": "case", "to": "title"}]', "`$[0].to`"),
        ('[{"column": "a", "type": "expression", "expression": "value +"}]', "expected a value, found the end"),
        ('[{"column": "a", "type": "expression", "expression": "eval(value)"}]', "at `$[0]`"),
        ("[" + ",".join(['{"column": "a", "type": "trim"}'] * 1001) + "]", "1001 converters, 1000 are allowed"),
        ("[" * 100_000, "transformConfig.fieldConverters"),
    ],
)
def test_read_converters__names_the_element_that_is_none(text: str, message: str) -> None:
    with pytest.raises(CdmError) as error:
        read_converters(text)

    assert error.value.message.startswith("The parameter is invalid. transformConfig.fieldConverters: ")
    assert message in error.value.message
