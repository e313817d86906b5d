"""The dataset of a For Each node, as people write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.nodes.dataset import InvalidDataset, read_dataset


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[['001'],['002']]", [["001"], ["002"]]),
        ('[["001"],["002"]]', [["001"], ["002"]]),
        ("[[00],[7],[x y]]", [["00"], [7], ["x y"]]),
        ("[ ['a' , \"b\"] , [] ]", [["a", "b"], []]),
        (r"""[["\"00\""]]""", [['"00"']]),
        (r"""[['\'00\'']]""", [["'00'"]]),
        ("[['it''s']]", None),
        ("[[1.50,true,null]]", [[1.5, True, None]]),
        ("[['a\\nb']]", [["a\nb"]]),
        ("", []),
        (" null ", []),
        ("[]", []),
        ("[['名字']]", [["名字"]]),
    ],
)
def test_datasets(text: str, rows: list[list[Any]] | None) -> None:
    if rows is None:
        with pytest.raises(InvalidDataset):
            read_dataset(text)
    else:
        assert read_dataset(text) == rows


@pytest.mark.parametrize("text", ["[", "[[", "[['a]]", "[['a']", "x", "[1]", "{}", "[['a']]x", "[[,]]", "[" * 100_000])
def test_what_is_no_array_of_arrays_is_refused(text: str) -> None:
    with pytest.raises(InvalidDataset):
        read_dataset(text)


@given(st.text(alphabet="[]'\", \\0aé", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        rows = read_dataset(text)
    except InvalidDataset:
        return
    assert all(isinstance(row, list) for row in rows)


@given(st.lists(st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.text())), min_size=1))
def test_json_reads_as_json(rows: list[list[Any]]) -> None:
    assert read_dataset(json.dumps(rows)) == rows
