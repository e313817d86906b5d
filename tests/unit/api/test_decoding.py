"""How a request becomes arguments, and what is said when it cannot."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest

from headrace.api.decoding import decode_body, decode_json, decode_query, decode_segments
from headrace.api.operation import Operation
from headrace.errors import HeadraceError, InvalidParameter, MissingParameter
from headrace.wire.base import Page, Wire


class Inner(Wire):
    retry_times: int | None = None


class Outer(Wire):
    name: str | None = None
    nodes: list[Inner] | None = None


class Filter(Page):
    job_name: str = ""
    precise_query: bool = False
    min_plan_time: int | None = None


def operation(**members: Any) -> Operation:
    """An operation of which only some members matter."""
    needed = {item.name: False for item in fields(Operation) if item.default is MISSING}
    return Operation(**{**needed, "id": "Some", "method": "POST", "path": "/v1/some", **members})


def refusal(error: pytest.ExceptionInfo[HeadraceError]) -> tuple[type[HeadraceError], str]:
    return error.type, error.value.detail


@pytest.mark.parametrize("body", [b"", b"null", b"  ", b" null \n"])
def test_decode_body__an_optional_body_that_says_nothing_is_no_options(body: bytes) -> None:
    assert decode_body(operation(body_type=Outer, body_optional=True), body) is None


def test_decode_body__an_empty_object_is_a_body_without_members() -> None:
    assert decode_body(operation(body_type=Outer, body_optional=True), b"{}") == Outer()


@pytest.mark.parametrize("body", [b"", b"null", b"\t"])
def test_decode_body__a_body_that_must_be_there_is_missed(body: bytes) -> None:
    with pytest.raises(MissingParameter) as error:
        decode_body(operation(body_type=Outer), body)
    assert refusal(error) == (MissingParameter, "The request needs a JSON body.")


def test_decode_body__bytes_come_as_received() -> None:
    assert decode_body(operation(body_type=bytes), b"\xff\x00") == b"\xff\x00"


def test_decode_json__unknown_members_are_skipped_and_null_is_absent() -> None:
    text = b'{"odd":[1.50,{"x":null}],"name":null,"nodes":[{"retryTimes":null,"more":1}]}'
    assert decode_json(Outer, text) == Outer(nodes=[Inner()])


def test_decode_json__numbers_may_come_as_text() -> None:
    assert decode_json(Outer, b'{"nodes":[{"retryTimes":"3"}]}') == Outer(nodes=[Inner(retry_times=3)])


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"[]", "Expected `object`, got `array`."),
        (b'{"name":7}', "name: expected `str | null`, got `int`."),
        (b'{"nodes":[{},{"retryTimes":[]}]}', "nodes[1].retryTimes: expected `int | null`, got `array`."),
        (b'{"nodes":[{"retryTimes":1.5}]}', "nodes[0].retryTimes: expected `int | null`, got `float`."),
        (b'{"name"', "The body is not valid JSON in UTF-8: Input data was truncated."),
        (
            b"{'name':1}",
            "The body is not valid JSON in UTF-8: JSON is malformed: object keys must be strings (byte 1).",
        ),
        (b'{"odd":NaN}', "The body is not valid JSON in UTF-8: JSON is malformed: invalid character (byte 7)."),
        (b'{"odd":' + b"[" * 100_000, "The body is nested too deeply."),
    ],
)
def test_decode_json__says_what_is_wrong_and_where(body: bytes, detail: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        decode_json(Outer, body)
    assert refusal(error) == (InvalidParameter, detail)


@pytest.mark.parametrize("body", [b'{"odd":"\xff"}', b'{"name":"\xed\xa0\x80"}', b'{"\xc3":1}'])
def test_decode_json__text_that_is_no_utf_8_is_refused_also_in_members_that_no_shape_names(body: bytes) -> None:
    with pytest.raises(InvalidParameter, match="The body is not valid JSON in UTF-8"):
        decode_json(Outer, body)


def test_decode_query__reads_each_type_and_empty_values_count_as_absent() -> None:
    query = b"jobName=a%20b%2F%E4%B8%AD+c&preciseQuery=true&minPlanTime=12&limit=&unknown=1&flag"
    assert decode_query(operation(query_type=Filter), query) == Filter(
        job_name="a b/中 c", precise_query=True, min_plan_time=12
    )


class Several(Wire, rename=None):
    priority: list[int] | None = None
    name: str = ""


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (b"priority=5&name=a&priority=4&priority=", Several(priority=[5, 4], name="a")),
        (b"priority=1", Several(priority=[1])),
        (b"priority=&name=a&name=b", Several(name="b")),
    ],
)
def test_decode_query__a_list_is_given_by_naming_it_several_times(query: bytes, found: Several) -> None:
    assert decode_query(operation(query_type=Several), query) == found


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        (b"limit=ten", "limit: expected `int`, got `str`."),
        (b"limit=1.5", "limit: expected `int`, got `str`."),
        (b"preciseQuery=maybe", "preciseQuery: expected `bool`, got `str`."),
        (b"jobName=%FF", "The query string is not valid UTF-8."),
        (b"jobName=\xff", "The query string is not valid UTF-8."),
        (b"jobName=a%00", "The query holds a NUL character."),
    ],
)
def test_decode_query__says_what_is_wrong_and_where(query: bytes, detail: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        decode_query(operation(query_type=Filter), query)
    assert refusal(error) == (InvalidParameter, detail)


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        (b"/v1/p/jobs/a%2Fb", ["v1", "p", "jobs", "a/b"]),
        (b"/v1/p/jobs/a%252Fb", ["v1", "p", "jobs", "a%2Fb"]),
        (b"/v1/p/jobs/%E4%B8%AD%20x/", ["v1", "p", "jobs", "中 x"]),
        (b"/v1/p/jobs/a+b", ["v1", "p", "jobs", "a+b"]),
        (b"/v1//jobs", ["v1", "", "jobs"]),
        (b"/", [""]),
    ],
)
def test_decode_segments__are_decoded_once_after_the_cut(path: bytes, segments: list[str]) -> None:
    assert decode_segments(path) == segments


@pytest.mark.parametrize(
    ("path", "detail"),
    [(b"/v1/%FF", "The path is not valid UTF-8."), (b"/v1/a%00b", "The path holds a NUL character.")],
)
def test_decode_segments__refuses_what_is_no_text(path: bytes, detail: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        decode_segments(path)
    assert refusal(error) == (InvalidParameter, detail)
