"""Values of links and jobs on their way in and out. Source: cdm-connectors.md §1 and its appendix."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors_cdm import CdmContentInvalid
from headrace.migration import values

TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def job_text(*inputs: Any, section: str = "fromJobConfig", **others: Any) -> str:
    configs = {"configs": [{"inputs": list(inputs), "name": section}]}
    return json.dumps({"name": "j", "from-config-values": configs, **others})


def shown(text: str, *, encode: bool = True) -> list[Any]:
    inputs: list[Any] = values.view(text, encode=encode)["from-config-values"]["configs"][0]["inputs"]
    return inputs


@given(TEXT)
def test_value__that_was_read_comes_back_as_it_was_stored(value: str) -> None:
    assert values.decoded(values.encoded(value)) == value


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("a b", "a b"),
        ("a%20b", "a b"),
        ("like '50%'", "like '50%'"),
        ("%0A", "\n"),
        ("%0a", "%0a"),
        ("a+b", "a+b"),
        ("a%2Fb/c", "a%2Fb/c"),
        ("%zz", "%zz"),
        ("%FF", "%FF"),
    ],
)
def test_value__is_decoded_only_where_it_is_our_own_encoding(sent: str, stored: str) -> None:
    assert values.decoded(sent) == stored


@pytest.mark.parametrize(
    ("stored", "answered"),
    [
        ("a b&c", "a%20b%26c"),
        (22, "22"),
        (1.5, "1.5"),
        (True, "true"),
        ("Add password here", "Add password here"),
        (None, None),
        ({"a b": 1}, {"a b": 1}),
    ],
)
def test_view__values_are_text_but_for_null_and_maps(stored: Any, answered: Any) -> None:
    assert shown(job_text({"name": "fromJobConfig.x", "value": stored})) == [
        {"name": "fromJobConfig.x", "value": answered}
    ]


def test_view__plain_where_the_setting_says_so() -> None:
    assert shown(job_text({"name": "x", "value": "a b"}), encode=False) == [{"name": "x", "value": "a b"}]


def test_view__keeps_the_form_of_numbers() -> None:
    text = '{"from-config-values":{"configs":[{"inputs":[{"name":"x","value":1.50}]}]}}'
    assert shown(text) == [{"name": "x", "value": "1.50"}]


@pytest.mark.parametrize("empty", [{}, [], None])
def test_view__inputs_are_a_list(empty: Any) -> None:
    text = json.dumps({"to-config-values": {"configs": [{"inputs": empty, "name": "toJobConfig"}]}})
    assert values.view(text, encode=True)["to-config-values"]["configs"] == [{"inputs": [], "name": "toJobConfig"}]


def test_view__replaces_secrets() -> None:
    assert shown(job_text({"name": "fromJobConfig.dek", "value": "sealed:v1:x"})) == [
        {"name": "fromJobConfig.dek", "value": "Add password here"}
    ]


@pytest.mark.parametrize("odd", [[3, None, "x"], [{"inputs": 3}], [{"inputs": [3, None]}]])
def test_view__an_imported_text_of_any_shape_is_answered(odd: Any) -> None:
    text = json.dumps({"from-config-values": {"configs": odd}, "to-config-values": 3})
    assert values.view(text, encode=True)["to-config-values"] == 3


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_received__without_an_encoded_value_the_text_stays_byte_for_byte(unknown: dict[str, Any]) -> None:
    text = job_text(
        {"name": "fromJobConfig.x", "value": "a b"}, **{f"x-{name}": item for name, item in unknown.items()}
    )
    assert values.received(text.encode()) == text.encode()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("llinkConfig.host", "linkConfig.host"),
        ("oJobConfig.useStageTable", "toJobConfig.useStageTable"),
        ("linkConfig.llinkConfig.x", "linkConfig.llinkConfig.x"),
        ("dialect.identifierEnclose", "dialect.identifierEnclose"),
    ],
)
def test_received__documented_misspellings_of_sections_are_put_right(sent: str, kept: str) -> None:
    stored = json.loads(values.received(job_text({"name": sent, "value": "v"}).encode()))
    assert stored["from-config-values"]["configs"][0]["inputs"] == [{"name": kept, "value": "v"}]


@pytest.mark.parametrize(
    ("name", "sent", "kept"),
    [
        ("linkConfig.password", "p%40ss", "p%40ss"),
        ("llinkConfig.password", "p%40ss", "p%40ss"),
        ("linkConfig.securityKey", "a%2Fb%2B", "a%2Fb%2B"),
        ("linkConfig.password", "Add%20password%20here", "Add password here"),
        ("linkConfig.username", "a%40b", "a@b"),
    ],
)
def test_received__a_secret_is_never_decoded_but_the_placeholder_is(name: str, sent: str, kept: str) -> None:
    config = {"configs": [{"inputs": [{"name": name, "value": sent}], "name": "linkConfig"}]}
    stored = json.loads(values.received(json.dumps({"link-config-values": config}).encode()))
    assert stored["link-config-values"]["configs"][0]["inputs"][0]["value"] == kept


def test_received__decoding_one_value_keeps_the_form_of_all_numbers() -> None:
    text = b'{"from-config-values":{"configs":[{"inputs":[{"name":"a","value":"%20"}]}]},"x":1.50,"y":1E5}'
    assert values.received(text).endswith(b'"value":" "}]}]},"x":1.50,"y":1E5}')


@pytest.mark.parametrize("text", [b'{"x":"\\ud800"}', b'{"x":"\xff"}', b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}"])
def test_received__what_cannot_be_read_again_is_refused(text: bytes) -> None:
    with pytest.raises(CdmContentInvalid):
        values.received(text)


@pytest.mark.parametrize(
    ("text", "fields"),
    [("e30=", {}), ("eyLjbGVhclR5cGUiOiLLTlNFUlRfT1ZFUldSSVRFIn0=", {"clearType": "INSERT_OVERWRITE"})],
)
def test_extended_fields__of_the_published_samples(text: str, fields: dict[str, Any]) -> None:
    assert (values.extended_fields(text), values.extended_text(fields)) == (fields, text)


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_extended_fields__come_back_from_their_text(fields: dict[str, Any]) -> None:
    assert values.extended_fields(values.extended_text(fields)) == fields


@pytest.mark.parametrize("text", ["", "eyLx", "W10=", "é", "!!!!"])
def test_extended_fields__other_text_is_refused(text: str) -> None:
    with pytest.raises(CdmContentInvalid):
        values.extended_fields(text)
