"""Mapping by position: casts keep every value or put its row aside, whatever the column's type."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import sentinel
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors_cdm import CdmError, ColumnsDiffer, TypeUnsupported
from headrace.transfer.connector import Rejected
from headrace.transfer.converters import read_converters
from headrace.transfer.mapping import Mapper

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
BAD = sentinel.BAD
TEXT, INT8, INT32, INT64 = pa.string(), pa.int8(), pa.int32(), pa.int64()
FLOAT, REAL, PRICE = pa.float64(), pa.float32(), pa.decimal128(10, 2)
NAIVE, AWARE = pa.timestamp("us"), pa.timestamp("us", "UTC")
CLOCK, SPAN, DAY = pa.time64("us"), pa.duration("us"), pa.date32()


def mapped(column: pa.Array, target: pa.DataType, zone: ZoneInfo = SHANGHAI) -> list[Any]:
    """The cells of one column as a destination gets them; BAD for those whose row is put aside."""
    mapper = Mapper(pa.schema([("c", column.type)]), pa.schema([("c", target)]), zone=zone)
    batch, rejected = mapper(pa.RecordBatch.from_arrays([column], ["c"]))
    batch.validate(full=True)
    assert batch.schema.field(0).type == target
    cells = iter(batch.column(0).to_pylist())
    bad = {one.row for one in rejected}
    return [BAD if at in bad else next(cells) for at in range(len(column))]


def moment(*parts: int, zone: Any = None) -> datetime:
    return datetime(*parts, tzinfo=zone)  # type: ignore[arg-type, misc]


CASTS: list[tuple[pa.DataType, pa.DataType, Sequence[Any], Sequence[Any]]] = [
    (TEXT, INT32, ["1", "-2", " 3 ", "+4", "5.0", "1e3", "", "  "], [1, -2, 3, 4, 5, 1000, None, None]),
    (TEXT, INT32, ["x", "1.5", "0x1F", "2147483648", "1,000", "1e-50", "1_0"], [BAD] * 7),
    (TEXT, pa.uint8(), ["255", "256", "-1"], [255, BAD, BAD]),
    (TEXT, FLOAT, ["1.5", " -2 ", "+1e3", "", "Infinity", "-inf"], [1.5, -2.0, 1000.0, None, math.inf, -math.inf]),
    (TEXT, FLOAT, ["1e400", "1,5", "0x1p3", "1d"], [BAD] * 4),
    (TEXT, REAL, ["1.5", "1e39"], [1.5, BAD]),
    (TEXT, PRICE, ["1.5", "1.500", " 1e2", "+1", ""], [Decimal("1.50"), Decimal("1.50"), 100, 1, None]),
    (TEXT, PRICE, ["1.2" + "0" * 60, "1e-50", "123456789.01", "NaN", "1.2.3"], [Decimal("1.20"), BAD, BAD, BAD, BAD]),
    (TEXT, pa.decimal256(60, 20), ["9" * 40 + ".5", "9" * 41], [Decimal("9" * 40 + ".5"), BAD]),
    (TEXT, pa.bool_(), ["true", "T", "YES", "y", "on", "1", " "], [True] * 6 + [None]),
    (TEXT, pa.bool_(), ["false", "f", "No", "n", "off", "0", "2", "ja"], [False] * 6 + [BAD, BAD]),
    (
        TEXT,
        DAY,
        ["2024-01-31", "2024/1/5", "20240131", "2024-1-5", " 2024-01-31 00:00:00"],
        [
            date(2024, 1, 31),
            date(2024, 1, 5),
            date(2024, 1, 31),
            date(2024, 1, 5),
            date(2024, 1, 31),
        ],
    ),
    (TEXT, DAY, ["2023-02-29", "2024-01-31 10:00:00", "31.01.2024", "1706659200", ""], [BAD] * 4 + [None]),
    (TEXT, pa.date64(), ["2024-01-31", "x"], [date(2024, 1, 31), BAD]),
    (
        TEXT,
        NAIVE,
        ["2024-01-31 10:20:30.123456", "2024-01-31T10:20", "2024/01/31 10:20:30", "2024-01-31"],
        [
            moment(2024, 1, 31, 10, 20, 30, 123456),
            moment(2024, 1, 31, 10, 20),
            moment(2024, 1, 31, 10, 20, 30),
            moment(2024, 1, 31),
        ],
    ),
    (
        TEXT,
        NAIVE,
        ["2024-01-31 10:20:30.1234560000", "2024-01-31 10:20:30Z", "2024-01-31 10:20:30 +09:00"],
        [
            moment(2024, 1, 31, 10, 20, 30, 123456),
            moment(2024, 1, 31, 18, 20, 30),
            moment(2024, 1, 31, 9, 20, 30),
        ],
    ),
    (TEXT, NAIVE, ["2024-01-31 10:20:30.1234567", "2024-01-31 25:00:00", "10:20", "now"], [BAD] * 4),
    (
        TEXT,
        AWARE,
        ["2024-01-31 08:00:00", "2024-01-31T08:00:00.5Z", "2024-01-31 08:00+0100", ""],
        [
            moment(2024, 1, 31, zone=UTC),
            moment(2024, 1, 31, 8, 0, 0, 500000, zone=UTC),
            moment(2024, 1, 31, 7, zone=UTC),
            None,
        ],
    ),
    (
        TEXT,
        pa.timestamp("s"),
        ["2024-01-31 10:20:30.0", "2024-01-31 10:20:30.5"],
        [moment(2024, 1, 31, 10, 20, 30), BAD],
    ),
    (TEXT, pa.timestamp("ns"), ["2024-01-31", "9999-12-31"], [moment(2024, 1, 31), BAD]),
    (
        TEXT,
        CLOCK,
        ["10:20", "1:20:30.5", "10:20:30.100", "24:00", "10", ""],
        [
            time(10, 20),
            time(1, 20, 30, 500000),
            time(10, 20, 30, 100000),
            BAD,
            BAD,
            None,
        ],
    ),
    (
        TEXT,
        SPAN,
        ["-838:59:59", "00:00:01.5", "5", ""],
        [
            -timedelta(hours=838, minutes=59, seconds=59),
            timedelta(seconds=1.5),
            BAD,
            None,
        ],
    ),
    (TEXT, pa.binary(), ["a", "", "ÿ", "中"], [b"a", b"", b"\xff", BAD]),
    (TEXT, pa.binary(2), ["ab", "abc"], [b"ab", BAD]),
    (TEXT, pa.list_(INT32), ["[1,null]", "[]", "1", "[", ""], [[1, None], [], BAD, BAD, None]),
    (TEXT, pa.struct([("a", TEXT)]), ['{"a":"x"}', "{}"], [{"a": "x"}, {"a": None}]),
    (pa.large_string(), INT32, ["1", "x", ""], [1, BAD, None]),
    (pa.string_view(), pa.large_string(), ["a", ""], ["a", ""]),
    (TEXT, pa.dictionary(pa.int32(), TEXT), ["a", "a"], ["a", "a"]),
    (INT64, INT8, [127, -128, 128, -129], [127, -128, BAD, BAD]),
    (INT64, TEXT, [0, -9223372036854775808], ["0", "-9223372036854775808"]),
    (INT64, PRICE, [12345678, -1, 123456789], [Decimal("12345678.00"), Decimal("-1.00"), BAD]),
    (pa.uint64(), pa.decimal128(20, 0), [2**64 - 1], [Decimal(2**64 - 1)]),
    (INT64, FLOAT, [2**53, 2**53 + 1], [2.0**53, BAD]),
    (INT64, pa.bool_(), [0, 1, 2], [False, True, BAD]),
    (FLOAT, INT32, [1.0, -0.0, 1.5, 1e10, math.nan, math.inf], [1, 0, BAD, BAD, BAD, BAD]),
    (
        FLOAT,
        TEXT,
        [0.1, 1e300, 5.0, math.inf, -math.inf, math.nan],
        ["0.1", "1e+300", "5", "Infinity", "-Infinity", "NaN"],
    ),
    (FLOAT, PRICE, [0.1, 1e7, 0.123, math.nan], [Decimal("0.10"), Decimal(10**7), BAD, BAD]),
    (FLOAT, REAL, [0.5, math.inf, 1e39], [0.5, math.inf, BAD]),
    (FLOAT, pa.bool_(), [1.0, 0.5], [True, BAD]),
    (PRICE, TEXT, [Decimal("1.50"), Decimal("-0.05")], ["1.50", "-0.05"]),
    (
        pa.decimal128(30, 12),
        TEXT,
        [Decimal(0), Decimal("1e-9"), Decimal("12.5")],
        [
            "0.000000000000",
            "0.000000001000",
            "12.500000000000",
        ],
    ),
    (PRICE, pa.decimal128(9, 1), [Decimal("1.50"), Decimal("1.25")], [Decimal("1.5"), BAD]),
    (PRICE, INT8, [Decimal(5), Decimal("5.5"), Decimal(500)], [5, BAD, BAD]),
    (PRICE, FLOAT, [Decimal("0.10")], [0.1]),
    (PRICE, pa.bool_(), [Decimal(1), Decimal(2)], [True, BAD]),
    (pa.decimal256(60, 20), TEXT, [Decimal(0), Decimal("1e-20")], ["0." + "0" * 20, "0." + "0" * 19 + "1"]),
    (pa.decimal128(5, -2), TEXT, [Decimal(1500)], ["1500"]),
    (pa.bool_(), TEXT, [True, False], ["true", "false"]),
    (pa.bool_(), INT8, [True, False], [1, 0]),
    (pa.bool_(), PRICE, [True], [Decimal(1)]),
    (DAY, TEXT, [date(2024, 1, 31)], ["2024-01-31"]),
    (DAY, NAIVE, [date(1, 1, 1)], [moment(1, 1, 1)]),
    (DAY, AWARE, [date(2024, 1, 31)], [moment(2024, 1, 30, 16, zone=UTC)]),
    (
        NAIVE,
        TEXT,
        [moment(2024, 1, 31, 10), moment(2024, 1, 31, 10, 0, 0, 120000)],
        [
            "2024-01-31 10:00:00",
            "2024-01-31 10:00:00.12",
        ],
    ),
    (NAIVE, TEXT, [moment(2024, 1, 31, 10)], ["2024-01-31 10:00:00"]),
    (AWARE, TEXT, [moment(2024, 1, 31, 16, 0, 0, 500, zone=UTC)], ["2024-02-01 00:00:00.0005+08:00"]),
    (NAIVE, DAY, [moment(2024, 1, 31), moment(2024, 1, 31, 1)], [date(2024, 1, 31), BAD]),
    (AWARE, DAY, [moment(2024, 1, 30, 16, zone=UTC), moment(2024, 1, 30, zone=UTC)], [date(2024, 1, 31), BAD]),
    (
        NAIVE,
        pa.timestamp("ms"),
        [moment(2024, 1, 31, 0, 0, 0, 1000), moment(2024, 1, 31, 0, 0, 0, 1)],
        [
            moment(2024, 1, 31, 0, 0, 0, 1000),
            BAD,
        ],
    ),
    (NAIVE, AWARE, [moment(2024, 1, 31)], [moment(2024, 1, 30, 16, zone=UTC)]),
    (AWARE, NAIVE, [moment(2024, 1, 31, zone=UTC)], [moment(2024, 1, 31, 8)]),
    (AWARE, pa.timestamp("us", "Asia/Tokyo"), [moment(2024, 1, 31, zone=UTC)], [moment(2024, 1, 31, zone=UTC)]),
    (CLOCK, TEXT, [time(1, 2, 3), time(1, 2, 3, 50)], ["01:02:03", "01:02:03.00005"]),
    (CLOCK, pa.time32("s"), [time(1, 2, 3), time(1, 2, 3, 50)], [time(1, 2, 3), BAD]),
    (CLOCK, SPAN, [time(1, 2, 3, 50)], [timedelta(hours=1, minutes=2, seconds=3, microseconds=50)]),
    (SPAN, CLOCK, [timedelta(hours=1), timedelta(days=1), -timedelta(1)], [time(1), BAD, BAD]),
    (SPAN, TEXT, [timedelta(hours=100, seconds=1.5), -timedelta(seconds=1)], ["100:00:01.5", "-00:00:01"]),
    (
        pa.month_day_nano_interval(),
        TEXT,
        [
            pa.MonthDayNano([14, 3, 3_723_500_000_000]),
            pa.MonthDayNano([-14, 0, -1_000_000_000]),
            pa.MonthDayNano([0, 0, 0]),
        ],
        ["P1Y2M3DT1H2M3.5S", "P-1Y-2MT-1S", "PT0S"],
    ),
    (pa.binary(), TEXT, [b"a", b"\x00\xff", b""], ["a", "\x00ÿ", ""]),
    (pa.binary(2), pa.large_binary(), [b"ab"], [b"ab"]),
    (pa.list_(PRICE), TEXT, [[Decimal("1.50"), None], []], ["[1.50,null]", "[]"]),
    (
        pa.struct([("a", TEXT), ("b", DAY)]),
        TEXT,
        [{"a": '中"', "b": date(2024, 1, 31)}],
        ['{"a":"中\\"","b":"2024-01-31"}'],
    ),
    (pa.map_(TEXT, INT32), TEXT, [[("k", 1), ("l", None)], [], [("k", 1), ("k", 2)]], ['{"k":1,"l":null}', "{}", BAD]),
    (pa.list_(INT32), pa.list_(INT64), [[1], None], [[1], None]),
    (pa.null(), INT32, [None, None], [None, None]),
    (pa.dictionary(pa.int8(), TEXT), INT32, ["1", "x", "1"], [1, BAD, 1]),
]


@pytest.mark.parametrize(("source", "target", "cells", "answer"), CASTS, ids=lambda one: str(one)[:40])
def test_cast__keeps_the_value_or_puts_its_row_aside(
    source: pa.DataType, target: pa.DataType, cells: Sequence[Any], answer: Sequence[Any]
) -> None:
    column = pa.array([*cells, None], source)

    assert mapped(column, target) == [*answer, None]
    assert [mapped(column.slice(at, 1), target)[0] for at in range(len(cells))] == list(answer)
    assert mapped(column.slice(0, 0), target) == []


def test_cast__uuid_is_text_and_bytes() -> None:
    text = "c0ffee00-0000-4000-8000-000000000001"
    column = pa.array([text, text.upper(), "x", None])

    (made, rejected) = Mapper(pa.schema([("c", TEXT)]), pa.schema([("c", pa.uuid())]), zone=SHANGHAI)(
        pa.RecordBatch.from_arrays([column], ["c"])
    )

    assert [one.row for one in rejected] == [2]
    assert mapped(made.column(0), TEXT) == [text, text, None]
    assert mapped(made.column(0), pa.binary(16)) == [bytes.fromhex(text.replace("-", ""))] * 2 + [None]


def test_cast__infinite_dates_have_no_text() -> None:
    endless = pa.array([2**63 - 1, -(2**63) + 1, 0], INT64)

    assert mapped(endless.cast(NAIVE), TEXT) == [BAD, BAD, "1970-01-01 00:00:00"]
    assert mapped(endless.cast(AWARE), TEXT) == [BAD, BAD, "1970-01-01 08:00:00+08:00"]
    assert mapped(pa.array([2**31 - 1, 0], INT32).cast(DAY), TEXT) == [BAD, "1970-01-01"]
    assert mapped(endless.cast(NAIVE).slice(0, 2), DAY) == [BAD, BAD]


def test_cast__nan_stays_nan() -> None:
    assert math.isnan(mapped(pa.array(["NaN"]), FLOAT)[0])
    assert math.isnan(mapped(pa.array([math.nan]), REAL)[0])


@pytest.mark.parametrize(
    ("source", "target"),
    [(INT64, DAY), (DAY, INT64), (NAIVE, CLOCK), (pa.binary(), INT32), (INT32, pa.list_(INT32)), (SPAN, INT64)],
)
def test_cast__that_has_no_meaning_is_refused_before_anything_is_read(source: pa.DataType, target: pa.DataType) -> None:
    with pytest.raises(TypeUnsupported, match=r"Column 'a' to 'b': .* cannot become"):
        Mapper(pa.schema([("a", source)]), pa.schema([("b", target)]), zone=SHANGHAI)


def test_wall_clock__shown_twice_is_the_later_one_and_skipped_is_refused() -> None:
    column = pa.array([moment(2024, 10, 27, 2, 30), moment(2024, 3, 31, 2, 30)], NAIVE)

    assert mapped(column, AWARE, BERLIN) == [moment(2024, 10, 27, 1, 30, zone=UTC), BAD]


# ---- against Python's own numbers and dates

COLUMN = settings(max_examples=100, deadline=None)
DIGITS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=None)


@COLUMN
@given(st.lists(st.none() | DIGITS, max_size=30))
def test_text_to_decimal__is_exact_or_refused(values: list[Decimal | None]) -> None:
    def expected(value: Decimal | None) -> Any:
        if value is None:
            return None
        return value if value == round(value, 2) and abs(value) < 10**8 else BAD

    texts = pa.array([None if value is None else str(value) for value in values], TEXT)

    assert mapped(texts, PRICE) == [expected(value) for value in values]


@COLUMN
@given(st.lists(st.none() | st.integers(-(2**65), 2**65) | st.sampled_from([127, 128, -128, -129]), max_size=30))
def test_text_to_int__is_exact_or_refused(values: list[int | None]) -> None:
    texts = pa.array([None if value is None else str(value) for value in values], TEXT)

    def within(value: int | None, bits: int) -> Any:
        return value if value is None or -(2 ** (bits - 1)) <= value < 2 ** (bits - 1) else BAD

    assert mapped(texts, INT64) == [within(value, 64) for value in values]
    assert mapped(texts, INT8) == [within(value, 8) for value in values]


@COLUMN
@given(st.lists(st.none() | st.floats(allow_nan=False), max_size=30))
def test_float__comes_back_from_text_and_becomes_an_int_only_where_it_is_one(values: list[float | None]) -> None:
    def whole(value: float | None) -> Any:
        if value is None:
            return None
        return int(value) if value.is_integer() and -(2**63) <= value < 2**63 else BAD

    column = pa.array(values, FLOAT)

    assert mapped(pa.array(mapped(column, TEXT), TEXT), FLOAT) == values
    assert mapped(column, INT64) == [whole(value) for value in values]


@COLUMN
@given(st.lists(st.none() | st.floats(width=32, allow_nan=False), max_size=30))
def test_real__comes_back_from_text(values: list[float | None]) -> None:
    assert mapped(pa.array(mapped(pa.array(values, REAL), TEXT), TEXT), REAL) == values


@COLUMN
@given(st.lists(st.none() | st.floats(allow_nan=False), max_size=30))
def test_double_to_real__is_the_nearest(values: list[float | None]) -> None:
    def nearest(value: float | None) -> Any:
        if value is None:
            return None
        try:
            (made,) = struct.unpack("f", struct.pack("f", value))
        except OverflowError:
            return BAD
        return made if math.isfinite(made) or math.isinf(value) else BAD

    assert mapped(pa.array(values, FLOAT), REAL) == [nearest(value) for value in values]


@COLUMN
@given(st.lists(st.none() | st.datetimes(), max_size=30))
def test_moments__come_back_from_text(values: list[datetime | None]) -> None:
    column = pa.array(values, NAIVE)

    texts = mapped(column, TEXT)

    assert texts == [None if one is None else _plain(one) for one in values]
    assert mapped(pa.array(texts, TEXT), NAIVE) == values
    assert mapped(column, DAY) == [
        None if one is None else one.date() if one.time() == time() else BAD for one in values
    ]


def _plain(one: datetime) -> str:
    text = one.isoformat(" ")
    return text.rstrip("0") if one.microsecond else text


@COLUMN
@given(st.lists(st.none() | st.datetimes(moment(1950, 1, 1), moment(2037, 1, 1)), max_size=30))
def test_moments_with_zone__are_those_of_zoneinfo(values: list[datetime | None]) -> None:
    aware = [None if one is None else one.replace(tzinfo=UTC) for one in values]
    column = pa.array(aware, AWARE)

    walls = [None if one is None else one.astimezone(BERLIN).replace(tzinfo=None) for one in aware]
    assert mapped(column, NAIVE, BERLIN) == [None if one is None else one.replace(fold=0) for one in walls]
    assert mapped(pa.array(mapped(column, TEXT, BERLIN), TEXT), AWARE, BERLIN) == aware


# ---- whole batches


def three_columns(rows: int) -> tuple[pa.Schema, pa.Schema, dict[str, list[Any]]]:
    source = pa.schema([("a", TEXT), ("b", TEXT), ("c", TEXT)])
    target = pa.schema([("x", INT32), ("y", PRICE), ("z", DAY)])
    cells = {"a": [str(n) for n in range(rows)], "b": ["1.50"] * rows, "c": ["2024-01-31"] * rows}
    return source, target, cells


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500), st.data())
def test_bad_cells__put_exactly_their_rows_aside(rows: int, data: st.DataObject) -> None:
    source, target, cells = three_columns(rows)
    places = data.draw(st.sets(st.tuples(st.sampled_from("abc"), st.integers(0, rows - 1)), max_size=40))
    for name, at in places:
        cells[name][at] = "bad"

    batch, rejected = Mapper(source, target, zone=SHANGHAI)(pa.RecordBatch.from_pydict(cells, source))

    bad = {at for _, at in places}
    assert [one.row for one in rejected] == sorted(bad)
    assert batch.column(0).to_pylist() == [n for n in range(rows) if n not in bad]
    assert batch.schema == target
    batch.validate(full=True)


@pytest.mark.parametrize(
    ("column", "target", "shown"),
    [
        (pa.array([1], INT64).cast(pa.timestamp("ns")), NAIVE, "1970-01-01 00:00:00"),
        (pa.array([10**18], INT64).cast(NAIVE), pa.timestamp("ns"), "'<value out of range: 1000000000000000000>'"),
        (pa.array([b"\xff\xff"]), pa.binary(1), r"b'\xff\xff'"),
        (pa.array([Decimal("1.55")]), pa.decimal256(5, 1), "1.55"),
    ],
)
def test_rejected__show_any_value(column: pa.Array, target: pa.DataType, shown: str) -> None:
    _, rejected = Mapper(pa.schema([("c", column.type)]), pa.schema([("c", target)]), zone=SHANGHAI)(
        pa.RecordBatch.from_arrays([column], ["c"])
    )

    assert [one.reason for one in rejected] == [f"Column 'c': {shown} does not fit {target}."]


def test_all_cells_bad__give_an_empty_batch() -> None:
    source, target, cells = three_columns(3000)
    cells["a"] = ["bad"] * 3000

    batch, rejected = Mapper(source, target, zone=SHANGHAI)(pa.RecordBatch.from_pydict(cells, source))

    assert (batch.num_rows, len(rejected)) == (0, 3000)


def test_rejected__name_column_value_and_type() -> None:
    source, target, cells = three_columns(3)
    cells["b"][1] = "1.234"
    cells["c"][1] = "never"
    cells["a"][2] = "x" * 500

    _, rejected = Mapper(source, target, zone=SHANGHAI)(pa.RecordBatch.from_pydict(cells, source))

    assert rejected == [
        Rejected(1, "Column 'b': '1.234' does not fit decimal128(10, 2)."),
        Rejected(2, f"Column 'a': '{'x' * 59}… does not fit int32."),
    ]


def test_equal_types__are_not_copied() -> None:
    schema = pa.schema([("a", TEXT), ("b", PRICE)])
    batch = pa.RecordBatch.from_pydict({"a": ["x", None], "b": [Decimal(1), None]}, schema)

    made, rejected = Mapper(schema, pa.schema([("y", TEXT), ("z", PRICE)]), zone=SHANGHAI)(batch)

    assert rejected == ()
    assert made.schema.names == ["y", "z"]
    assert [one.address for one in made.column(0).buffers() if one] == [
        one.address for one in batch.column(0).buffers() if one
    ]


def test_columns__that_come_as_text_are_read() -> None:
    announced, target = pa.schema([("a", INT32)]), pa.schema([("a", INT64)])
    mapper = Mapper(announced, target, zone=SHANGHAI)

    as_text = mapper(pa.RecordBatch.from_pydict({"a": ["1", "x"]}))
    as_number = mapper(pa.RecordBatch.from_pydict({"a": [1, 2]}, announced))

    assert (as_text.batch.to_pydict(), [one.row for one in as_text.rejected]) == ({"a": [1]}, [1])
    assert as_number.batch.to_pydict() == {"a": [1, 2]}


def test_other_number_of_columns__is_told_with_both_lists() -> None:
    with pytest.raises(ColumnsDiffer) as error:
        Mapper(pa.schema([("a", TEXT)]), pa.schema([("x", TEXT)]), constants=[("k", "1")], zone=SHANGHAI)

    assert error.value.code == "Cdm.0931"
    assert "gives 2 columns (a, k), the destination takes 1 (x)" in error.value.message


def test_constants__stand_behind_the_columns_of_the_source() -> None:
    source = pa.schema([("a", TEXT)])
    target = pa.schema([("x", TEXT), ("n", INT32), ("day", DAY), ("empty", INT32), ("both", TEXT)])
    constants = [("n", "7"), ("day", "2024-01-31"), ("empty", ""), ("both", "#{row[0] == 'p' ? row[1] : 'no'}")]

    made, _ = Mapper(source, target, constants=constants, zone=SHANGHAI)(pa.RecordBatch.from_pydict({"a": ["p", "q"]}))

    assert made.to_pydict() == {
        "x": ["p", "q"],
        "n": [7, 7],
        "day": [date(2024, 1, 31)] * 2,
        "empty": [None, None],
        "both": ["7", "no"],
    }


@pytest.mark.parametrize(("value", "message"), [("x", "n: 'x' does not fit int32"), ("#{1 +}", "n: '1 +': expected")])
def test_constant__without_a_value_is_refused(value: str, message: str) -> None:
    with pytest.raises(CdmError) as error:
        Mapper(pa.schema([]), pa.schema([("n", INT32)]), constants=[("n", value)], zone=SHANGHAI)

    assert f"fromJobConfig.sampleValueColumn: {message}" in error.value.message


def test_converters__run_in_order_on_the_column_of_the_source_before_the_cast() -> None:
    converters = read_converters(
        '[{"column": "b", "type": "replace", "old": ",", "new": ""}, {"column": "b", "type": "trim"},'
        ' {"column": "k", "type": "concat", "before": "0"}, {"column": "a", "type": "expression", "expression":'
        ' "StringUtils.length(row[1]) * value"}]'
    )
    source = pa.schema([("a", TEXT), ("b", TEXT)])
    target = pa.schema([("x", INT32), ("y", PRICE), ("k", INT32)])
    mapper = Mapper(source, target, constants=[("k", "7")], converters=converters, zone=SHANGHAI)

    made, rejected = mapper(pa.RecordBatch.from_pydict({"a": ["2", "x", "3"], "b": [" 1,000.5", "1", "x"]}))

    assert made.to_pydict() == {"x": [16], "y": [Decimal("1000.50")], "k": [7]}
    assert [one.row for one in rejected] == [1, 2]
    assert rejected[0].reason == (
        "Column 'a': expected a number, found the text 'x', at character 28 of its expression."
    )


def test_converter__of_no_column_is_refused() -> None:
    converters = read_converters('[{"column": "z", "type": "trim"}]')

    with pytest.raises(CdmError, match=r"'z' is no column of the source \(a\)"):
        Mapper(pa.schema([("a", TEXT)]), pa.schema([("a", TEXT)]), converters=converters, zone=SHANGHAI)
