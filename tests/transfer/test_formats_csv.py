"""CSV files: separators, quotes, ends of lines, character sets, bad rows, hostile files."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.errors_cdm import CdmError, FileFormatWrong
from headrace.transfer.formats import records
from headrace.transfer.formats.base import choose
from headrace.transfer.formats.csv_dialect import CsvDialect, reading_dialect, writing_dialect
from headrace.transfer.formats.csv_format import CsvReader, CsvWriter
from headrace.transfer.options import Options


def read(data: bytes, dialect: CsvDialect, wanted: tuple[str, ...] = ()) -> tuple[list[tuple[Any, ...]], list[Any]]:
    reader, rejected = CsvReader(dialect), []
    columns = choose(reader.head(io.BytesIO(data)), wanted, "columnList")
    batches = reader.read(io.BytesIO(data), columns, lambda row, reason: rejected.append((row, reason)))
    table = pa.Table.from_batches(batches, columns.schema)
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True)), rejected


def written(rows: list[tuple[str | None, ...]], dialect: CsvDialect) -> bytes:
    names = [f"c{number}" for number in range(len(rows[0]))]
    arrays = [pa.array([row[number] for row in rows], pa.string()) for number in range(len(names))]
    batch = pa.RecordBatch.from_arrays(arrays, names=names)
    out = io.BytesIO()
    writer = CsvWriter(out.write, batch.schema, dialect)
    assert not writer.write(batch)
    writer.close()
    return out.getvalue()


def options(section: str = "fromJobConfig", **values: str) -> Options:
    return Options(section=section, values=values)


# ---- what is documented


def test_reading_dialect__defaults_are_the_documented_ones() -> None:
    assert reading_dialect(options()) == CsvDialect(separator=",", line_separator="", quotes="NONE", header=False)


def test_writing_dialect__lines_end_in_crlf_by_default() -> None:
    assert writing_dialect(options("toJobConfig")).line_separator == "\r\n"


@pytest.mark.parametrize(
    ("sent", "meant"), [("%7C%7C", "||"), ("%20", " "), ("%09", "\t"), ("%01", "\x01"), ("%25", "%")]
)
def test_reading_dialect__separators_may_be_percent_encoded(sent: str, meant: str) -> None:
    assert reading_dialect(options(fieldSeparator=sent)).separator == meant


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF_8", "utf8"])
def test_reading_dialect__spellings_of_utf8_are_one(encoding: str) -> None:
    assert reading_dialect(options(encodeType=encoding)).encoding == "utf-8"


def test_write__a_field_with_a_quote_stands_in_three_quotes() -> None:
    assert written([('a"hello,world"c', "x,y", "z")], CsvDialect(quotes="TRIPLE")) == (
        b'"""a"hello,world"c""","x,y",z\n'
    )


def test_read__the_documented_quotes_come_back() -> None:
    data = b'"""a"hello,world"c""","x,y",z\n'
    assert read(data, CsvDialect(quotes="AUTO")) == ([('a"hello,world"c', "x,y", "z")], [])


def test_read__quotes_of_rfc_4180_are_understood_without_being_told() -> None:
    data = b'"""Big"" deal","say ""no""","""x"""\r\n1,2,3\r\n'
    assert read(data, CsvDialect(quotes="AUTO")) == ([('"Big" deal', 'say "no"', '"x"'), ("1", "2", "3")], [])


def test_read__quotes_are_ordinary_signs_unless_asked_for() -> None:
    assert read(b'"a,b"\n"c,d"\n', CsvDialect()) == ([('"a', 'b"'), ('"c', 'd"')], [])


def test_read__header_names_the_columns_and_is_no_row() -> None:
    reader = CsvReader(CsvDialect(header=True))
    data = b"\xef\xbb\xbfid,name,,id\r\n1,x,y,z\r\n"
    assert reader.head(io.BytesIO(data)).names == ["id", "name", "3", "4"]
    assert read(data, CsvDialect(header=True)) == ([("1", "x", "y", "z")], [])


def test_read__column_numbers_choose_columns() -> None:
    assert read(b"a,b,c\nd,e,f\n", CsvDialect(), ("1", "3")) == ([("a", "c"), ("d", "f")], [])


@pytest.mark.parametrize("wanted", [("3", "1"), ("1", "1"), ("4",), ("0",), ("name",)])
def test_read__column_numbers_that_are_not_ascending_or_not_there_are_refused(wanted: tuple[str, ...]) -> None:
    with pytest.raises(CdmError, match="columnList"):
        read(b"a,b,c\n", CsvDialect(), wanted)


def test_read__lines_end_in_lf_cr_and_crlf_alike() -> None:
    assert read(b"a,b\rc,d\ne,f\r\ng,h", CsvDialect()) == ([("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")], [])


def test_read__another_line_separator_leaves_line_feeds_in_values() -> None:
    dialect = CsvDialect(line_separator="|~|", separator="||")
    assert read("a||b\nc|~|中||\r|~|".encode(), dialect) == ([("a", "b\nc"), ("中", "\r")], [])


def test_read__gbk() -> None:
    assert read("姓名，城市\n李雷，北京\n".encode("gbk"), CsvDialect(encoding="gbk", separator="，")) == (
        [("姓名", "城市"), ("李雷", "北京")],
        [],
    )


def test_write__characters_that_gbk_lacks_reject_their_row() -> None:
    out = io.BytesIO()
    batch = pa.RecordBatch.from_arrays([pa.array(["李", "🐎", "x"])], names=["a"])
    rejected = CsvWriter(out.write, batch.schema, CsvDialect(encoding="gbk")).write(batch)
    assert [(one.row, one.reason) for one in rejected] == [(1, "gbk has no character '🐎'.")]
    assert out.getvalue() == "李\nx\n".encode("gbk")


def test_read__a_regular_expression_with_groups_gives_a_column_a_group() -> None:
    dialect = CsvDialect(pattern=r"^(\d+-\d+) (\w*) \[(.*)\] (.*)")
    data = b"01-11 INFO [main] started\n01-12 WARN [a b] slow\nno match\n"
    rows, rejected = read(data, dialect)
    assert rows == [("01-11", "INFO", "main", "started"), ("01-12", "WARN", "a b", "slow")]
    assert rejected == [("no match", "The row does not match the regular expression.")]


def test_read__a_regular_expression_without_groups_separates_columns() -> None:
    assert read(b"a  b c\nd e   f\n", CsvDialect(pattern=" +")) == ([("a", "b", "c"), ("d", "e", "f")], [])


def test_reader__a_bad_regular_expression_is_told() -> None:
    with pytest.raises(CdmError, match="regex"):
        CsvReader(CsvDialect(pattern="("))


# ---- null and empty text


def test_read__empty_text_in_quotes_is_not_null() -> None:
    assert read(b'a,b\n"",\n', CsvDialect(quotes="RFC4180")) == ([("a", "b"), ("", None)], [])


def test_read__a_null_literal_leaves_empty_text_empty() -> None:
    dialect = CsvDialect(quotes="RFC4180", null=r"\N")
    assert read(b'a,b\n\\N,\n"\\N",x\n', dialect) == ([("a", "b"), (None, ""), (r"\N", "x")], [])


@pytest.mark.parametrize("quotes", ["TRIPLE", "RFC4180"])
def test_write__null_and_empty_text_can_be_told_apart(quotes: Any) -> None:
    assert written([(None, "")], CsvDialect(quotes=quotes)) == b',""\n'


# ---- bad rows


@pytest.mark.parametrize("quotes", ["NONE", "AUTO", "RFC4180"])
def test_read__rows_with_other_numbers_of_fields_are_rejected_and_the_others_kept(quotes: Any) -> None:
    rows, rejected = read(b"a,b\nc\nd,e,f\n\ng,h\n", CsvDialect(quotes=quotes))
    assert rows == [("a", "b"), ("g", "h")]
    assert rejected == [
        ("c", "The row has 1 columns, the file has 2."),
        ("d,e,f", "The row has 3 columns, the file has 2."),
    ]


def test_read__bytes_that_are_no_characters_reject_their_row() -> None:
    rows, rejected = read(b"a,b\nc\xff,d\ne,f\n", CsvDialect())
    assert rows == [("a", "b"), ("e", "f")]
    assert rejected == [(["c\ufffd", "d"], "The row holds bytes that are no characters.")]


def test_read__bytes_that_are_no_gbk_reject_their_row() -> None:
    rows, rejected = read("李,b\n".encode("gbk") + b"\xff,d\ne,f\n", CsvDialect(encoding="gbk"))
    assert (rows, len(rejected)) == ([("李", "b"), ("e", "f")], 1)


def test_read__a_bad_row_and_bad_bytes_together_with_other_separators() -> None:
    data = b"a||b|~|c|~|d\xfe||e|~|f||g|~|"
    rows, rejected = read(data, CsvDialect(separator="||", line_separator="|~|"))
    assert rows == [("a", "b"), ("f", "g")]
    assert len(rejected) == 2


def test_read__an_open_quote_at_the_end_is_a_bad_row() -> None:
    rows, rejected = read(b'a,b\n"c,d\n', CsvDialect(quotes="RFC4180"))
    assert rows == [("a", "b")]
    assert len(rejected) == 1


def test_read__an_empty_file_has_no_columns() -> None:
    assert len(CsvReader(CsvDialect()).head(io.BytesIO(b""))) == 0


def test_read__one_column_keeps_its_empty_lines() -> None:
    assert read(b"a\n\nb\n", CsvDialect()) == ([("a",), (None,), ("b",)], [])


# ---- hostile files


def test_read__a_quote_that_is_never_closed_ends_in_an_error_not_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK", 1 << 10)
    monkeypatch.setattr(records, "LONGEST", 1 << 14)
    with pytest.raises(FileFormatWrong, match="longer than"):
        read(b"a,b\n" + b'"' + b"x" * (1 << 17), CsvDialect(quotes="RFC4180"))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", [b'"""",', b'"""a"",', b',"""', b'"', b'""', b'a"b,', b"\r", b'"\n"'])
@pytest.mark.parametrize("quotes", ["AUTO", "TRIPLE", "RFC4180"])
def test_read__quotes_in_odd_places_take_no_more_than_linear_time(piece: bytes, quotes: Any) -> None:
    data = b"a,b\n" + piece * 100_000
    dialect = CsvDialect(quotes=quotes)
    reader = CsvReader(dialect)
    columns = choose(reader.head(io.BytesIO(data)), (), "columnList")
    for batch in reader.read(io.BytesIO(data), columns, lambda row, reason: None):
        assert batch.num_columns == 2


# ---- round trips

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(' ",\n\r|~a\x1f', max_size=6)
SEPARATORS = st.sampled_from([",", "|", "||", "\x01", "，", '~"'.strip('"'), " ", "aa"])
LINES = st.sampled_from(["", "\n", "\r\n", "|~|", "\x02\n", "\x02"])


@given(
    rows=st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT, TEXT), min_size=1, max_size=8),
    separator=SEPARATORS,
    lines=LINES,
    null=st.sampled_from(["", r"\N", "NULL"]),
    block=st.integers(1, 40),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_round_trip__rfc_4180_keeps_every_value(
    monkeypatch: pytest.MonkeyPatch,
    rows: list[tuple[str | None, ...]],
    separator: str,
    lines: str,
    null: str,
    block: int,
) -> None:
    monkeypatch.setattr(records, "BLOCK", block)
    dialect = CsvDialect(quotes="RFC4180", separator=separator, line_separator=lines, null=null, header=True)
    assert read(written(rows, dialect), dialect) == (rows, [])


PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"'), max_size=10)
WITH_QUOTE = st.builds('{}x"y{}'.format, PLAIN, PLAIN)


@given(
    rows=st.lists(st.tuples(st.none() | PLAIN | WITH_QUOTE, PLAIN), min_size=1, max_size=8),
    separator=st.sampled_from([",", "||"]),
    lines=LINES,
)
@settings(deadline=None)
def test_round_trip__the_documented_quotes_keep_values_with_quotes_inside(
    rows: list[tuple[str | None, ...]], separator: str, lines: str
) -> None:
    writing = CsvDialect(quotes="TRIPLE", separator=separator, line_separator=lines, header=True)
    assert read(written(rows, writing), writing) == (rows, [])


@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
@settings(deadline=None)
def test_read__agrees_with_the_csv_module_on_rfc_4180(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("h1", "h2"), *rows])
    found, rejected = read(text.getvalue().encode(), CsvDialect(quotes="RFC4180", header=True))
    assert (found, rejected) == (rows, [])


@given(data=st.binary(max_size=200), quotes=st.sampled_from(["NONE", "AUTO", "TRIPLE", "RFC4180"]))
@settings(deadline=None)
def test_read__any_bytes_are_rows_or_bad_rows(data: bytes, quotes: Any) -> None:
    rows, rejected = read(data, CsvDialect(quotes=quotes))
    assert bool(rows or rejected) or not data.strip(b"\r\n\xef\xbb\xbf")
