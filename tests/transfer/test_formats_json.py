"""JSON files: lines, objects one after the other, arrays, a node of records; and what is written."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.errors_cdm import FileFormatWrong
from headrace.transfer.formats import json_values, records
from headrace.transfer.formats.base import choose
from headrace.transfer.formats.json_format import JsonReader, JsonWriter
from headrace.transfer.options import Options


def read(data: bytes, **values: str) -> tuple[list[dict[str, Any]], list[Any]]:
    reader, rejected = JsonReader(Options(section="fromJobConfig", values=values)), []
    columns = choose(reader.head(io.BytesIO(data)), (), "columnList")
    batches = reader.read(io.BytesIO(data), columns, lambda row, reason: rejected.append((row, reason)))
    return pa.Table.from_batches(batches, columns.schema).to_pylist(), rejected


ROWS = [{"a": "1", "b.c": "x"}, {"a": "2", "b.c": None}]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"b":{"c":"x"}}\n{"a":2}\n',
        '{"a":1,"b":{"c":"x"}}\r\n\r\n{"a":2}',
        '{"a":1,"b":{"c":"x"}}{"a":2}',
        '{\n "a": 1,\n "b": {"c": "x"}\n}\n{\n "a": 2\n}\n',
        '[{"a":1,"b":{"c":"x"}},{"a":2}]',
        '\ufeff [ {"a":1, "b":{"c":"x"}}\n , {"a":2} ] \n',
    ],
)
def test_read__every_way_to_put_objects_into_a_file(text: str) -> None:
    assert read(text.encode()) == (ROWS, [])


@pytest.mark.parametrize(
    "text",
    [
        '{"data":{"list":[{"a":1,"b":{"c":"x"}},{"a":2}]}}',
        '{"n":[{"list":[]}],"s":"}]{","data":{"x":{"list":1},"list":[{"a":1,"b":{"c":"x"}},{"a":2}],"y":[1]},"z":0}',
    ],
)
def test_read__the_records_under_a_node(text: str) -> None:
    assert read(text.encode(), jsonReferenceNode="data.list") == (ROWS, [])


def test_read__a_node_that_is_one_object_is_one_record() -> None:
    assert read(b'{"data":{"a":1}}', jsonReferenceNode="data") == ([{"a": "1"}], [])


def test_read__a_node_that_is_not_there_has_no_records() -> None:
    assert read(b'{"data":{"a":1}}', jsonReferenceNode="data.list") == ([], [])


def test_read__numbers_keep_every_digit_and_arrays_stay_text() -> None:
    data = b'{"n":123456789012345678901234567890.10,"e":1.0E5,"i":-0,"t":true,'
    data += b'"l":[1, {"x": null}],"z":null,"s":"\\u4e2d\\n"}'
    assert read(data)[0] == [
        {
            "n": "123456789012345678901234567890.10",
            "e": "1.0E5",
            "i": "-0",
            "t": "true",
            "l": '[1, {"x": null}]',
            "z": None,
            "s": "中\n",
        }
    ]


def test_read__lines_that_are_no_objects_are_rejected() -> None:
    rows, rejected = read(b'{"a":1}\n{"a":\n[1]\n{"a":"\xff"}\n{"a":2}\n')
    assert rows == [{"a": "1"}, {"a": "2"}]
    assert [row for row, _ in rejected] == ['{"a":', "[1]", '{"a":"\ufffd"}']


def test_read__elements_that_are_no_objects_are_rejected() -> None:
    rows, rejected = read(b'[{"a":1},5,"x",[2],{"a":2}]')
    assert rows == [{"a": "1"}, {"a": "2"}]
    assert [row for row, _ in rejected] == ["5", '"x"', "[2]"]


def test_read__gbk() -> None:
    assert read('{"名":"李"}\n'.encode("gbk"), encodeType="GBK") == ([{"名": "李"}], [])


@pytest.mark.parametrize("data", [b'[{"a":1}', b'[{"a":"x', b"{" * 2_000, b'{"a":' * 2_000])
def test_read__what_has_no_end_is_an_error(data: bytes) -> None:
    with pytest.raises(FileFormatWrong):
        read(data)


def test_read__deep_objects_on_a_line_are_rejected() -> None:
    deep = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    rows, rejected = read(b'{"a":1}\n' + deep + b"\n")
    assert (rows, len(rejected)) == ([{"a": "1"}], 1)


def test_read__a_value_without_an_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (records, json_values):
        monkeypatch.setattr(module, "LONGEST", 1 << 14)
    monkeypatch.setattr(records, "BLOCK", 1 << 10)
    with pytest.raises(FileFormatWrong, match="longer than"):
        read(b'[{"a":"' + b"x" * (1 << 18) + b'"}]')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(['"', "\\", "}]", "\\\\"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab}", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    rows=st.lists(st.fixed_dictionaries({"k": st.integers()}, optional={"v": JSON}), min_size=1, max_size=5),
    block=st.integers(1, 50),
    indent=st.sampled_from([None, 1]),
    form=st.sampled_from(["lines", "objects", "array", "node"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_read__any_objects_in_any_blocks(
    monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]], block: int, indent: int | None, form: str
) -> None:
    monkeypatch.setattr(records, "BLOCK", block)
    texts = [json.dumps(row, indent=indent) for row in rows]
    whole = {
        "lines": "\n".join(json.dumps(row) for row in rows),
        "objects": "".join(texts),
        "array": f"[{','.join(texts)}]",
        "node": f'{{"x":[1,{{"n":2}}],"n":{{"r":[{",".join(texts)}]}}}}',
    }
    found, rejected = read(whole[form].encode(), **({"jsonReferenceNode": "n.r"} if form == "node" else {}))
    assert rejected == []
    assert [row["k"] for row in found] == [str(row["k"]) for row in rows]
    for row, before in zip(found, rows, strict=True):
        value = before.get("v")
        if isinstance(value, str):
            assert row["v"] == value
        elif isinstance(value, list):
            assert json.loads(row["v"]) == value


def test_write__objects_with_exact_numbers_and_text_where_json_has_no_form() -> None:
    table = pa.table(
        {
            "i": pa.array([1, None]),
            "d": pa.array([Decimal("12345678901234567890.120"), Decimal("0.000")], pa.decimal128(38, 3)),
            "f": [0.1, float("nan")],
            "s": ['a"\\b', "l\n中"],
            "l": [[1, 2], None],
            "b": [True, False],
        }
    )
    out = io.BytesIO()
    writer = JsonWriter(out.write, table.schema)
    for batch in table.to_batches():
        assert not writer.write(batch)
    writer.close()
    assert out.getvalue().decode().splitlines() == [
        '{"i":1,"d":12345678901234567890.120,"f":0.1,"s":"a\\"\\\\b","l":[1,2],"b":true}',
        '{"i":null,"d":0.000,"f":"NaN","s":"l\\n中","l":null,"b":false}',
    ]
