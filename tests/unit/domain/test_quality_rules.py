"""Documents of quality rule jobs: what is read, and what is wrong with those that are refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.domain.quality import Bound, Freshness, NotNull, Range, Rule, Strength, Threshold, ValueType
from headrace.domain.quality_document import _READERS, MAX_RULES, read_rule_job
from headrace.domain.quality_outcome import Measured, Status, judged, unchecked, worst
from headrace.errors import InvalidParameter

Json = dict[str, Any]
PLAN = datetime(2024, 1, 31, 2, tzinfo=UTC)


def rule(kind: str = "null", **members: Any) -> Json:
    shared = {"name": "r", "type": kind, "table": "orders"}
    own: Json = {
        "rowCount": {"min": 1},
        "null": {"column": "id"},
        "unique": {"columns": ["id"]},
        "range": {"column": "amount", "min": 0},
        "regex": {"column": "mail", "pattern": "@"},
        "freshness": {"column": "at", "maxAgeMinutes": 60},
        "sql": {"sql": "SELECT 1", "table": ...},
    }.get(kind, {})
    return {name: value for name, value in {**shared, **own, **members}.items() if value is not ...}


def read(*rules: Json, deferred: bool = False, **members: Any) -> tuple[Rule, ...]:
    return read_rule_job({"name": "orders", "rules": list(rules), **members}, deferred=deferred).rules


def refused(*rules: Any, **members: Any) -> str:
    with pytest.raises(InvalidParameter) as caught:
        read_rule_job({"name": "orders", "rules": list(rules), **members})
    return caught.value.detail


def test_rule_job__a_rule_takes_what_it_does_not_say_from_the_job() -> None:
    own = rule(connection="mine", database="", scriptType="HiveSQL")
    (found,) = read(own, connection="dws", database="sales", scriptType="DWSSQL")
    assert found == NotNull(
        name="r",
        strength=Strength.STRONG,
        connection="mine",
        database="sales",
        script_type="HiveSQL",
        table=("orders",),
        columns=("id",),
    )


def test_rule_job__names_have_up_to_three_parts_and_any_signs() -> None:
    (found,) = read(rule(table='hive.sa"les.my orders', column="größe`"))
    assert (found.table, getattr(found, "columns", ())) == (("hive", 'sa"les', "my orders"), ("größe`",))


def test_range__bounds_have_the_type_of_their_json_or_the_one_that_is_said() -> None:
    numbers, text, dates, told = read(
        rule("range", name="1", min=Decimal("-1.50"), max=7),
        rule("range", name="2", min="a"),
        rule("range", name="3", min="2024-01-31", valueType="date"),
        rule("range", name="4", min="5", valueType="number"),
    )
    assert isinstance(numbers, Range)
    assert (numbers.minimum, numbers.maximum) == (
        Bound(type=ValueType.NUMBER, text="-1.50"),
        Bound(type=ValueType.NUMBER, text="7"),
    )
    assert getattr(text, "minimum", None) == Bound(type=ValueType.TEXT, text="a")
    assert getattr(dates, "minimum", None) == Bound(type=ValueType.DATE, text="2024-01-31")
    assert getattr(told, "minimum", None) == Bound(type=ValueType.NUMBER, text="5")


def test_deferred__texts_with_parameters_are_checked_when_they_have_values() -> None:
    rules = [
        rule("rowCount", name="a", min="${least}", max=5, table="${table}"),
        rule("range", name="b", min="${low}", max=-5, valueType="number"),
        rule("freshness", name="c", maxAgeMinutes="${age}", column="${column}"),
    ]
    assert len(read(*rules, deferred=True)) == 3
    assert refused(rules[0] | {"table": "t"}) == "rules[0].min: '${least}' is wrong; expected a number."


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"type": "nul"}, "rules[0].type: 'nul' is none of rowCount, null, unique, range, regex, freshness, sql."),
        ({"name": ""}, "rules[0].name: '' is wrong; expected a line of 1 to 128 characters."),
        ({"name": "a\nb"}, "rules[0].name: 'a\\nb' is wrong; expected a line of 1 to 128 characters."),
        ({"strength": "hard"}, "rules[0].strength: 'hard' is wrong; expected strong or weak."),
        ({"table": ...}, "rules[0].table: missing; expected the name of a table."),
        ({"table": "a.b.c.d"}, "rules[0].table: 'a.b.c.d' is wrong; expected table, schema.table or"),
        ({"table": "a..b"}, "rules[0].table: 'a..b' is wrong;"),
        ({"column": "a\0"}, "rules[0].column: 'a\\x00' is wrong; expected text"),
        ({"columns": ["a"]}, "rules[0].columns: \"['a']\" is wrong; expected a list of columns, or column for"),
        ({"colum": "a"}, "rules[0].colum: a rule of type null has no such member; it has column, columns,"),
        ({"where": 7}, "rules[0].where: '7' is wrong; expected text"),
        ({"threshold": 3}, "rules[0].threshold: '3' is wrong; expected an object like"),
        ({"threshold": {"rows": -1}}, "rules[0].threshold.rows: '-1' is wrong; expected a whole number from 0"),
        (
            {"threshold": {"percent": 101}},
            "rules[0].threshold.percent: '101' is wrong; expected a number from 0 to 100",
        ),
    ],
)
def test_rule__what_is_wrong_is_named(document: Json, message: str) -> None:
    given = {**rule(), **document}
    assert refused({name: value for name, value in given.items() if value is not ...}).startswith(message)


@pytest.mark.parametrize(
    ("kind", "document", "message"),
    [
        ("rowCount", {"min": ...}, "rules[0].min or max: missing."),
        ("rowCount", {"min": 2, "max": 1}, "rules[0].min: 2 is more than max, 1."),
        ("rowCount", {"min": True}, "rules[0].min: 'True' is wrong; expected a number."),
        ("rowCount", {"min": Decimal("1.5")}, "rules[0].min: '1.5' is wrong; expected a whole number"),
        ("unique", {"columns": []}, "rules[0].columns: '[]' is wrong; expected a list of columns"),
        ("range", {"min": 5, "max": 1}, "rules[0].min: 5 is more than max, 1."),
        ("range", {"min": "5", "max": 1}, "rules[0].min and max are of different types;"),
        ("range", {"min": "x", "valueType": "date"}, "rules[0].min: 'x' is wrong; expected a date like 2024-01-31."),
        (
            "range",
            {"min": "1e99", "valueType": "number"},
            "rules[0].min: '1e99' is wrong; expected a number of at most",
        ),
        ("range", {"min": "NaN", "valueType": "number"}, "rules[0].min: 'NaN' is wrong;"),
        ("regex", {"pattern": ""}, "rules[0].pattern: '' is wrong; expected a regular expression."),
        ("freshness", {"maxAgeMinutes": ...}, "rules[0].maxAgeMinutes: missing."),
        ("sql", {"sql": " "}, "rules[0].sql: ' ' is wrong; expected a query."),
        ("sql", {"where": "a"}, "rules[0].where: a rule of type sql has no such member;"),
        ("sql", {"threshold": {"rows": 1000}}, "rules[0].threshold: a rule of type sql takes rows up to 999."),
    ],
)
def test_rule__what_its_type_needs_is_named(kind: str, document: Json, message: str) -> None:
    assert refused(rule(kind, **document)).startswith(message)


def test_rule_job__its_own_members_are_checked() -> None:
    assert refused(rule(), name="a/b").startswith("name: 'a/b' is not 1 to 128 letters")
    assert refused() == "rules: expected a list of at least one rule."
    assert refused(7) == "rules[0]: expected an object."
    assert refused(rule(), rule()) == "rules: two are called 'r'."
    assert refused(*[rule()] * (MAX_RULES + 1)) == f"rules: {MAX_RULES + 1} are more than {MAX_RULES}."
    assert refused(rule(), parameters={"day": 7}) == "parameters.day: expected text."
    assert refused(rule(), parameters={"a b": "7"}) == "parameters: 'a b' is no name of a parameter."


def outcome(document: Json, measured: Measured) -> tuple[str, str]:
    (found,) = read(document)
    told = judged("orders", found, measured, PLAN)
    return told.status, told.message


@pytest.mark.parametrize(
    ("threshold", "violations", "status"),
    [
        (None, 0, "passed"),
        (None, 1, "failed"),
        ({"rows": 2}, 2, "passed"),
        ({"rows": 2}, 3, "failed"),
        ({"percent": Decimal("0.5")}, 1, "passed"),
        ({"percent": Decimal("0.5")}, 2, "failed"),
        ({"rows": 0, "percent": 50}, 1, "failed"),
    ],
)
def test_judged__a_threshold_is_what_may_break_the_rule(threshold: Json | None, violations: int, status: str) -> None:
    assert outcome(rule(threshold=threshold), Measured(checked=200, violations=violations))[0] == status


def test_judged__an_empty_table_breaks_no_rule_but_a_row_count() -> None:
    nothing = Measured(checked=0, violations=0)
    assert outcome(rule(threshold={"percent": 1}), nothing)[0] == "passed"
    assert outcome(rule("rowCount"), nothing) == ("failed", "0 rows, fewer than 1.")


def test_judged__a_weak_rule_only_warns_also_when_it_cannot_be_checked() -> None:
    (found,) = read(rule(strength="weak"))
    broken = judged("orders", found, Measured(checked=4, violations=1), PLAN)
    assert (broken.status, broken.message) == (Status.WARNING, "1 of 4 rows break the rule, 0 rows may.")
    lost = unchecked("orders", found, "no such table.")
    assert (lost.status, lost.message) == (Status.WARNING, "It could not be checked: no such table.")
    assert worst([broken, judged("orders", found, Measured(violations=0), PLAN)]) is Status.WARNING


@pytest.mark.parametrize(
    ("newest", "status"),
    [
        ("2024-01-31 01:00:00", "passed"),
        ("2024-01-31 00:59:59.5", "failed"),
        ("2024-01-31T09:30:00+08:00", "passed"),
        ("2024-01-31", "failed"),
        ("2024-02-01", "passed"),
        ("yesterday", "failed"),
        (None, "failed"),
    ],
)
def test_judged__freshness_is_measured_against_the_plan_time(newest: str | None, status: str) -> None:
    assert outcome(rule("freshness"), Measured(checked=1, value=newest))[0] == status
    (found,) = read(rule("freshness"))
    assert isinstance(found, Freshness)
    assert found.max_age == timedelta(hours=1)


@pytest.mark.parametrize(
    ("expected", "value", "status"),
    [
        ({"equals": 3}, "3.0", "passed"),
        ({"equals": "ok"}, "ok", "passed"),
        ({"equals": "ok"}, "bad", "failed"),
        ({"min": 1, "max": 2}, "1.5", "passed"),
        ({"min": 1}, "0", "failed"),
        ({"min": 1}, "many", "failed"),
        ({"max": 1}, None, "failed"),
    ],
)
def test_judged__the_value_of_a_query_is_compared(expected: Json, value: str | None, status: str) -> None:
    assert outcome(rule("sql", **expected), Measured(value=value))[0] == status


def test_threshold__without_rows_only_the_percentage_counts() -> None:
    (found,) = read(rule(threshold={"percent": 5}))
    assert found.threshold == Threshold(rows=None, percent=Decimal(5))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**300)
    | st.decimals()
    | st.text(max_size=8)
    | st.sampled_from(["2024-01-31", "1e9999999999999999999", "sNaN", "${a}", "strong", "date", "number", "a.b"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
MEMBERS = st.sampled_from(sorted({name for allowed, _ in _READERS.values() for name in allowed}))


@given(
    kind=st.sampled_from(sorted(_READERS)),
    members=st.dictionaries(MEMBERS, VALUES, max_size=4),
    deferred=st.booleans(),
)
def test_any_rule__is_read_or_refused(kind: str, members: Json, deferred: bool) -> None:
    document = {"name": "j", "rules": [rule(kind) | members]}
    with suppress(InvalidParameter):
        (found,) = read_rule_job(document, deferred=deferred).rules
        assert found.type == members.get("type", kind)


def test_rule__a_number_of_thousands_of_digits_is_refused() -> None:
    assert (
        refused(rule("rowCount", min=10**5000)) == "rules[0].min: it is wrong; expected a number of at most 40 digits."
    )
