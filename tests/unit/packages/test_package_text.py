"""The text form of packages: value-exact, idempotent, strict about what strangers send."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.packages.text import Number, canonical, check_depth, checked, dump, is_canonical, members, parse

ODD_NUMBERS = ["-0", "-0.0", "1.50", "1E5", "1e+05", "1e400", "0.10", "18446744073709551616", "-9223372036854775809"]
ODD_NUMBERS += ["9" * 40, "1.0", "100000000000000000000.5", "5e-324", "-1.0E-0"]


NUMBERS = (
    st.sampled_from(ODD_NUMBERS) | st.integers().map(str) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
)
TEXTS = st.text() | st.sampled_from(
    ['": ', '\\": ', "\n  x", "\t", "\u2028", "\x7f", "\ud800", "a\udc00 b", "😀", "-0", " "]
)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXTS | NUMBERS.map(Number),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, max_size=6)


def written(value: Any, *, ascii_only: bool, blank: str) -> str:
    """JSON text in another form than ours, numbers as given."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        items = (
            f"{json.dumps(k)}{blank}:{blank}{written(v, ascii_only=ascii_only, blank=blank)}" for k, v in value.items()
        )
        return "{" + f"{blank},{blank}".join(items) + blank + "}"
    if isinstance(value, list):
        return "[" + f",{blank}".join(written(v, ascii_only=ascii_only, blank=blank) for v in value) + "]"
    has_half = isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value)
    return json.dumps(value, ensure_ascii=ascii_only or has_half)


@given(document=DOCUMENTS, ascii_only=st.booleans(), blank=st.sampled_from(["", " ", "\n\t", "\r\n  "]))
def test_canonical__keeps_every_value_and_number_form_and_is_idempotent(
    document: dict[str, Any], ascii_only: bool, blank: str
) -> None:
    text = written(document, ascii_only=ascii_only, blank=blank).encode()
    form = canonical(text)
    assert parse(form) == parse(text)
    assert canonical(form) == form
    assert is_canonical(form)
    assert dump(parse(text)) == form  # the quick way and the exact way agree
    assert checked(text)[0] == form


PAIRS = st.recursive(
    st.sampled_from(["1", "-0", "1.5", '"{\\n"', '"a\\\\"', "[]", "{}", "[ ]", "{\n}"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + " ,".join(items) + "]")
        | st.lists(st.tuples(st.sampled_from("ab"), inner), max_size=3).map(
            lambda pairs: "{" + ",\n".join(f'"{name}" :{value}' for name, value in pairs) + "}"
        )
    ),
    max_leaves=8,
)


@given(value=PAIRS)
def test_checked__refuses_exactly_what_parse_refuses(value: str) -> None:
    text = f'{{"x":{value}}}'.encode()
    try:
        document = parse(text)
    except ValueError as error:
        with pytest.raises(ValueError, match=f"^{re.escape(str(error))}$"):
            checked(text)
    else:
        form, looked_at = checked(text)
        assert (form, looked_at.keys()) == (dump(document), document.keys())


@given(document=DOCUMENTS)
def test_members__can_be_looked_at_whatever_the_text_holds(document: dict[str, Any]) -> None:
    shown = {name.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for name in document}
    assert members(dump(document)).keys() == shown


def test_canonical__is_the_form_of_real_exports() -> None:
    text = '{ "b" : [ ], "a" : { "é": "\\u4e2d \\": x", "Z": 1.50 }, "c": {}, "l": [1, {"k": null}] }'
    assert canonical(text.encode()).decode() == (
        '{\n\t"a":{\n\t\t"Z":1.50,\n\t\t"é":"中 \\": x"\n\t},\n\t"b":[],\n\t"c":{},'
        '\n\t"l":[\n\t\t1,\n\t\t{\n\t\t\t"k":null\n\t\t}\n\t]\n}'
    )


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_canonical__keeps_a_number_as_it_was_written(number: str) -> None:
    assert canonical(f'{{"a": {number}}}'.encode()) == f'{{\n\t"a":{number}\n}}'.encode()


def test_canonical__sorts_by_code_point() -> None:
    assert list(json.loads(canonical('{"😀":1,"\uffff":1,"é":1,"z":1,"Z":1,"":1}'.encode()))) == [
        "",
        "Z",
        "z",
        "é",
        "\uffff",
        "😀",
    ]


def test_canonical__half_a_surrogate_pair_stays_an_escape() -> None:
    assert canonical(b'{"a":"\\uD800 \\ud83d\\ude00"}') == '{\n\t"a":"\\ud800 😀"\n}'.encode()


@pytest.mark.parametrize("number", ["1", "-0"])
def test_canonical__of_a_member_twice_the_last_counts_on_both_ways(number: str) -> None:
    assert canonical(f'{{"a":5,"a":{number}}}'.encode()) == f'{{\n\t"a":{number}\n}}'.encode()


REFUSED = [
    (b"", "Expecting value"),
    (b"[1]", "no JSON object"),
    (b"1", "no JSON object"),
    (b"[-0]", "no JSON object"),
    (b'{"a":NaN}', "NaN is no JSON number"),
    (b'{"a":-Infinity}', "-Infinity is no JSON number"),
    (b'{"a":"\xff"}', "not UTF-8 (byte 6)"),
    (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
    ('{"a":1}'.encode("utf-16"), "not UTF-8"),
    (b'{"a":"\n"}', "Invalid control character"),
    (b'{"a":1,}', "Expecting property name|Illegal trailing comma"),
    (b'{"a":01}', "delimiter"),
    (b'{"a":1}{}', "Extra data"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_reading__refuses_with_a_reason(text: bytes, reason: str) -> None:
    escaped = reason.replace("(", r"\(").replace(")", r"\)")
    for read in (canonical, parse, checked):
        with pytest.raises(ValueError, match=escaped):
            read(text)


@pytest.mark.parametrize("read", [parse, checked])
def test_reading_strictly__refuses_a_member_twice_and_names_it(read: Any) -> None:
    with pytest.raises(ValueError, match="the member 'name' occurs twice"):
        read(b'{"nodes":[{"name":"a","name":"b"}]}')


@pytest.mark.parametrize("read", [parse, checked])
def test_reading__takes_a_byte_order_mark(read: Any) -> None:
    assert read(b'\xef\xbb\xbf{"a":true}') in ({"a": True}, (b'{\n\t"a":true\n}', {"a": True}))


@pytest.mark.parametrize("deep", [65, 1_000, 200_000])
@pytest.mark.parametrize("pair", ["[]", '{"a":}'])
def test_reading__refuses_deep_nesting_without_falling_over(deep: int, pair: str) -> None:
    opening, closing = pair[:-1], pair[-1]
    text = f'{{"a":{opening * (deep - 1)}1{closing * (deep - 1)}}}'.encode()
    if pair != "[]":
        text = (opening * deep + "1" + closing * deep).encode()
    for read in (parse, checked):
        with pytest.raises(ValueError, match="nested more than 64 levels"):
            read(text)


def test_reading__takes_what_is_just_as_deep_as_allowed() -> None:
    text = ('{"a":' * 64 + '"[[[["' + "}" * 64).encode()
    assert checked(text)[0] == dump(parse(text))


@pytest.mark.parametrize("text", ['"' + '\\"' * 500_000, '{"a":"' + "\\" * 1_000_001, '"' * 500_001, "[]" * 500_000])
def test_check_depth__takes_time_in_proportion_to_the_text(text: str) -> None:
    started = time.perf_counter()
    check_depth(text, 64)
    assert time.perf_counter() - started < 5  # a quadratic way would take an hour


def test_canonical__takes_texts_of_our_own_deeper_than_those_of_strangers() -> None:
    text = ('{"a":' * 300 + "-0" + "}" * 300).encode()
    assert canonical(canonical(text)) == canonical(text)


def test_members__show_half_a_surrogate_pair_as_unknown_and_leave_backslashes_alone() -> None:
    text = canonical(b'{"a":"\\ud800\\udbff", "b":"\\\\ud800", "c":"\\\\\\udc00"}')
    assert members(text) == {"a": "\ufffd\ufffd", "b": "\\ud800", "c": "\\\ufffd"}


@pytest.mark.parametrize(
    "twice", [b'{"a":1,"\\u0061":2}', b'{"x":[{"a":"\\/","a":"/"}]}', b'{"a":-0,"a":0}', b'{"":1,"":1}']
)
def test_checked__finds_a_member_twice_under_any_escape(twice: bytes) -> None:
    with pytest.raises(ValueError, match="occurs twice in one object"):
        checked(twice)


def test_checked__gives_names_that_are_no_texts_as_what_they_are() -> None:
    for text in (b'{"name":1.5}', b'{"name":-0}', b'{"name":12345678901234567890123}'):
        assert not isinstance(checked(text)[1]["name"], str)
