"""Reads the document of a quality rule job. Every error names the member, its value and what is expected.

Source: the reference page "Quality rules", which describes the format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from headrace.domain.names import JOB_NAME, PARAMETER_NAME
from headrace.domain.quality import (
    CustomSql,
    Freshness,
    NotNull,
    Range,
    Regex,
    RowCount,
    Rule,
    RuleJob,
    Strength,
    Threshold,
    Unique,
    ValueType,
)
from headrace.domain.quality_members import Members
from headrace.errors import InvalidParameter

MAX_RULES = 200
MAX_SQL_THRESHOLD = 999  # rows; a result is read up to its thousandth row
_MAX_AGE = 525_600_000  # minutes: a thousand years


def read_rule_job(document: Mapping[str, Any], *, deferred: bool = False) -> RuleJob:
    """A rule job of its document. With ``deferred``, texts that hold ``${`` are not checked further: no value is known
    yet. Raises InvalidParameter naming the member, the value and what is expected."""
    members = Members("", document, deferred)
    name = members.text("name")
    if not JOB_NAME.fullmatch(name):
        raise InvalidParameter(f"name: {name[:140]!r} is not 1 to 128 letters, digits, Chinese, '.', '-' or '_'.")
    rules = document.get("rules")
    if not isinstance(rules, list) or not rules:
        raise InvalidParameter("rules: expected a list of at least one rule.")
    if len(rules) > MAX_RULES:
        raise InvalidParameter(f"rules: {len(rules)} are more than {MAX_RULES}.")
    read = tuple(_rule(f"rules[{index}]", rule, members) for index, rule in enumerate(rules))
    names = [rule.name for rule in read]
    if twice := [one for one in names if names.count(one) > 1]:
        raise InvalidParameter(f"rules: two are called {twice[0]!r}.")
    return RuleJob(name=name, description=members.text("description"), parameters=rule_parameters(document), rules=read)


def rule_parameters(document: Mapping[str, Any]) -> dict[str, str]:
    """The ``parameters`` of a rule job's document. Raises InvalidParameter."""
    given = document.get("parameters")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidParameter('parameters: expected an object like {"day": "2024-01-31"}.')
    for name, value in given.items():
        if not PARAMETER_NAME.fullmatch(name):
            raise InvalidParameter(f"parameters: {name[:80]!r} is no name of a parameter.")
        if not isinstance(value, str):
            raise InvalidParameter(f"parameters.{name}: expected text.")
    return dict(given)


_SHARED = frozenset(
    ("name", "type", "description", "strength", "connection", "database", "scriptType", "table", "where")
)
_COUNTED = _SHARED | {"threshold", "exampleColumns"}


def _rule(where: str, document: Any, outer: Members) -> Rule:
    if not isinstance(document, dict):
        raise InvalidParameter(f"{where}: expected an object.")
    members = Members(f"{where}.", document, outer.deferred)
    kind = members.text("type")
    if kind not in _READERS:
        raise InvalidParameter(f"{where}.type: {kind[:40]!r} is none of {', '.join(_READERS)}.")
    allowed, read = _READERS[kind]
    if unknown := sorted(document.keys() - allowed):
        raise InvalidParameter(
            f"{where}.{unknown[0][:40]}: a rule of type {kind} has no such member; it has {', '.join(sorted(allowed))}."
        )
    strength = members.one_of("strength", Strength) or Strength.STRONG
    return read(members, _common(members, outer, kind) | {"strength": strength})


def _common(members: Members, outer: Members, kind: str) -> dict[str, Any]:
    table = members.table()
    if not table and kind != CustomSql.type:
        raise members.wrong("table", "the name of a table")
    texts = {
        member: members.text(name) or outer.text(name)
        for member, name in (("connection", "connection"), ("database", "database"), ("script_type", "scriptType"))
    }
    return {"name": members.label("name"), "table": table, "where": members.text("where"), **texts}


def _row_count(members: Members, common: dict[str, Any]) -> Rule:
    members.require_any("min", "max")
    minimum, maximum = members.count("min"), members.count("max")
    _in_order(members, minimum, maximum)
    return RowCount(**common, minimum=minimum, maximum=maximum)


def _not_null(members: Members, common: dict[str, Any]) -> Rule:
    return NotNull(**common, **_counted(members), columns=members.columns())


def _unique(members: Members, common: dict[str, Any]) -> Rule:
    return Unique(**common, **_counted(members), columns=members.columns())


def _range(members: Members, common: dict[str, Any]) -> Rule:
    members.require_any("min", "max")
    kind = members.one_of("valueType", ValueType)
    minimum, maximum = members.bound("min", kind), members.bound("max", kind)
    both = [bound for bound in (minimum, maximum) if bound is not None]
    if len({bound.type for bound in both}) > 1:
        raise InvalidParameter(f"{members.prefix}min and max are of different types; valueType says which is meant.")
    if len(both) > 1 and both[0].type is ValueType.NUMBER and all(bound.text for bound in both):
        _in_order(members, Decimal(both[0].text), Decimal(both[1].text))
    return Range(**common, **_counted(members), column=members.column(), minimum=minimum, maximum=maximum)


def _regex(members: Members, common: dict[str, Any]) -> Rule:
    pattern = members.text("pattern")
    if not pattern:
        raise members.wrong("pattern", "a regular expression")
    return Regex(**common, **_counted(members), column=members.column(), pattern=pattern)


def _freshness(members: Members, common: dict[str, Any]) -> Rule:
    members.require_any("maxAgeMinutes")
    minutes = members.count("maxAgeMinutes", most=_MAX_AGE)
    return Freshness(**common, column=members.column(), max_age=timedelta(minutes=minutes or 0))


def _custom_sql(members: Members, common: dict[str, Any]) -> Rule:
    sql = members.text("sql")
    if not sql.strip():
        raise members.wrong("sql", "a query")
    counted = _counted(members)
    threshold: Threshold = counted["threshold"]
    if threshold.percent is not None or (threshold.rows or 0) > MAX_SQL_THRESHOLD:
        raise InvalidParameter(f"{members.prefix}threshold: a rule of type sql takes rows up to {MAX_SQL_THRESHOLD}.")
    minimum, maximum = members.number("min"), members.number("max")
    _in_order(members, minimum, maximum)
    equals = members.scalar("equals") if members.given("equals") else None
    return CustomSql(**common, **counted, sql=sql, minimum=minimum, maximum=maximum, equals=equals)


def _in_order(members: Members, minimum: int | Decimal | None, maximum: int | Decimal | None) -> None:
    if minimum is not None and maximum is not None and minimum > maximum:
        raise InvalidParameter(f"{members.prefix}min: {minimum} is more than max, {maximum}.")


def _counted(members: Members) -> dict[str, Any]:
    return {"threshold": members.threshold(), "example_columns": members.list_of_columns("exampleColumns")}


_READERS: dict[str, tuple[frozenset[str], Callable[[Members, dict[str, Any]], Rule]]] = {
    RowCount.type: (_SHARED | {"min", "max"}, _row_count),
    NotNull.type: (_COUNTED | {"column", "columns"}, _not_null),
    Unique.type: (_COUNTED | {"column", "columns"}, _unique),
    Range.type: (_COUNTED | {"column", "min", "max", "valueType"}, _range),
    Regex.type: (_COUNTED | {"column", "pattern"}, _regex),
    Freshness.type: (_SHARED | {"column", "maxAgeMinutes"}, _freshness),
    CustomSql.type: ((_COUNTED - {"table", "where", "exampleColumns"}) | {"sql", "min", "max", "equals"}, _custom_sql),
}
