"""The statement that checks a quality rule, and the one that shows rows which break it, in the words of a dialect.

Names are always quoted and values are always literals, so that neither ends the statement; only ``where`` and the
queries of custom rules are SQL of the rule's author.
"""

from __future__ import annotations

from headrace.domain.quality import (
    Bound,
    CustomSql,
    Freshness,
    NotNull,
    Range,
    Regex,
    RowCount,
    Rule,
    Unique,
    ValueType,
)
from headrace.sql.dialects import Dialect

EXAMPLES = 5  # rows shown of those that break a rule
_COUNT = "headrace_count"  # a name of ours that no column of a table has
_BACKTICKS = frozenset({"hive", "impala", "spark", "mysql", "doris"})

# How each dialect asks whether a pattern is found in a text.
_REGEX = {
    "hive": "{column} RLIKE {pattern}",
    "impala": "{column} RLIKE {pattern}",
    "spark": "{column} RLIKE {pattern}",
    "postgres": "{column} ~ {pattern}",
    "mysql": "{column} REGEXP {pattern}",
    "doris": "{column} REGEXP {pattern}",
    "presto": "REGEXP_LIKE({column}, {pattern})",
    "trino": "REGEXP_LIKE({column}, {pattern})",
    "clickhouse": "match({column}, {pattern})",
}


def quality_statement(rule: Rule, dialect: Dialect) -> str:
    """One query. Its row is (rows looked at, rows that break the rule); of a row count the first alone, of freshness
    (rows looked at, newest value); a custom query is given as it is."""
    if isinstance(rule, CustomSql):
        return rule.sql
    source = f"FROM {_table(rule, dialect)}{_where(rule)}"
    if isinstance(rule, RowCount):
        return f"SELECT COUNT(*) {source}"
    if isinstance(rule, Freshness):
        return f"SELECT COUNT(*), MAX({_name(rule.column, dialect)}) {source}"
    if isinstance(rule, Unique):
        return _repeated(rule, source, dialect)
    return f"SELECT COUNT(*), SUM(CASE WHEN {_broken(rule, dialect)} THEN 1 ELSE 0 END) {source}"


def examples_statement(rule: Rule, dialect: Dialect) -> str | None:
    """A query for a few rows that break the rule; None where rows do not break it one by one."""
    if isinstance(rule, CustomSql | RowCount | Freshness):
        return None
    table, shown = _table(rule, dialect), ", ".join(_name(column, dialect) for column in shown_columns(rule))
    if isinstance(rule, Unique):
        keys = ", ".join(_name(column, dialect) for column in rule.columns)
        known = " AND ".join(f"{_name(column, dialect)} IS NOT NULL" for column in rule.columns)
        groups = f"FROM {table}{_where(rule, known)} GROUP BY {keys} HAVING COUNT(*) > 1"
        return f"SELECT {keys}, COUNT(*) AS {_COUNT} {groups} LIMIT {EXAMPLES}"
    return f"SELECT {shown} FROM {table}{_where(rule, _broken(rule, dialect))} LIMIT {EXAMPLES}"  # noqa: S608


def shown_columns(rule: Rule) -> tuple[str, ...]:
    """The columns of an example: those of the rule, after those its author wants to see."""
    own = rule.columns if isinstance(rule, NotNull | Unique) else (rule.column,) if hasattr(rule, "column") else ()
    return tuple(dict.fromkeys((*rule.example_columns, *own)))


def _repeated(rule: Unique, source: str, dialect: Dialect) -> str:
    """Rows that could go until every key is there once. Keys are renamed, because a column may be called anything."""
    names = [_name(column, dialect) for column in rule.columns]
    keys = [f"headrace_key{number}" for number in range(1, len(names) + 1)]
    renamed = ", ".join(f"{name} AS {key}" for name, key in zip(names, keys, strict=True))
    known = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    groups = f"SELECT {renamed}, COUNT(*) AS {_COUNT} {source} GROUP BY {', '.join(names)}"
    surplus = f"SUM(CASE WHEN {known} THEN {_COUNT} - 1 ELSE 0 END)"
    return f"SELECT SUM({_COUNT}), {surplus} FROM ({groups}) headrace_groups"  # noqa: S608 - quoted names


def _broken(rule: Rule, dialect: Dialect) -> str:
    """The condition that a row breaks the rule; not true for what the rule does not look at."""
    if isinstance(rule, NotNull):
        return " OR ".join(f"{_name(column, dialect)} IS NULL" for column in rule.columns)
    if isinstance(rule, Range):
        column = _name(rule.column, dialect)
        ends = [f"{column} < {_bound(rule.minimum, dialect)}"] if rule.minimum is not None else []
        ends += [f"{column} > {_bound(rule.maximum, dialect)}"] if rule.maximum is not None else []
        return " OR ".join(ends)
    if isinstance(rule, Regex):
        found = _REGEX[dialect.name].format(column=_name(rule.column, dialect), pattern=_text(rule.pattern, dialect))
        return f"NOT ({found})"
    raise TypeError(f"rows do not break a rule of type {rule.type}")


def _table(rule: Rule, dialect: Dialect) -> str:
    return ".".join(_name(part, dialect) for part in rule.table)


def _where(rule: Rule, condition: str = "") -> str:
    """The author's condition on lines of its own, so that a comment in it ends with its line."""
    own = [f"(\n{rule.where}\n)"] if rule.where.strip() else []
    parts = own + ([f"({condition})"] if condition else [])
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def _name(name: str, dialect: Dialect) -> str:
    if dialect.name in _BACKTICKS:
        return "`" + name.replace("`", "``") + "`"
    written = name.replace("\\", "\\\\") if dialect.name == "clickhouse" else name
    return '"' + written.replace('"', '""') + '"'


def _text(value: str, dialect: Dialect) -> str:
    if dialect.backslash_escapes:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + value.replace("'", "''") + "'"


def _bound(bound: Bound, dialect: Dialect) -> str:
    if bound.type is ValueType.NUMBER:
        return bound.text
    word = {ValueType.DATE: "DATE ", ValueType.TIMESTAMP: "TIMESTAMP "}.get(bound.type, "")
    return word + _text(bound.text, dialect)
