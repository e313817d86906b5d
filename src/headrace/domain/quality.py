"""What a quality rule job is: rules that tables must meet.

The cloud service keeps its rules in another product, whose format is not published; these rules are our own. Source of
the words: user guide, "Data Quality Monitor" (Quality Rule Name). Their document: ``quality_document.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

# How a node names its rule jobs. Source: user guide, "Data Quality Monitor" (Quality Rule Name); the property's name in
# a job is not published, so every likely spelling is read.
RULE_JOB_PROPERTIES = (
    "qualityRuleName",
    "Quality Rule Name",
    "qualityJobName",
    "qualityRuleJobName",
    "ruleJobName",
    "ruleName",
    "jobName",
)
_SEPARATOR = re.compile(r"[,;\n]")


def rule_job_names(text: str) -> list[str]:
    """The names in the property of a node, each once: separated by commas, semicolons or line breaks."""
    return list(dict.fromkeys(name.strip() for name in _SEPARATOR.split(text) if name.strip()))


class Strength(StrEnum):
    """What a rule that is not met does: a strong one fails the node, a weak one leaves a warning."""

    STRONG = "strong"
    WEAK = "weak"


class ValueType(StrEnum):
    """How a bound of a range is written in SQL."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """An end of a range; ``text`` is checked to be of its type."""

    type: ValueType
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """How many rows may break a rule before it counts as not met; with both members, neither may be passed."""

    rows: int | None = None
    percent: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. ``table``: the parts of its name. ``where``: an SQL condition, or empty for every row."""

    type: ClassVar[str]
    name: str
    strength: Strength
    connection: str
    database: str
    script_type: str
    table: tuple[str, ...] = ()
    where: str = ""
    threshold: Threshold = Threshold(rows=0)
    example_columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RowCount(Rule):
    """The table has at least ``minimum`` and at most ``maximum`` rows."""

    type = "rowCount"
    minimum: int | None
    maximum: int | None


@dataclass(frozen=True, kw_only=True)
class NotNull(Rule):
    """No row has NULL in any of the columns."""

    type = "null"
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Unique(Rule):
    """No two rows agree in all of the columns; rows with NULL in one of them are not compared."""

    type = "unique"
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Range(Rule):
    """Every value of the column lies between the bounds, both included; NULL is not looked at."""

    type = "range"
    column: str
    minimum: Bound | None
    maximum: Bound | None


@dataclass(frozen=True, kw_only=True)
class Regex(Rule):
    """The pattern is found in every value of the column; NULL is not looked at."""

    type = "regex"
    column: str
    pattern: str


@dataclass(frozen=True, kw_only=True)
class Freshness(Rule):
    """The newest time in the column is at most so much older than the plan time."""

    type = "freshness"
    column: str
    max_age: timedelta


@dataclass(frozen=True, kw_only=True)
class CustomSql(Rule):
    """A query. Without ``minimum``, ``maximum`` and ``equals`` each row breaks the rule, else its first value is
    compared."""

    type = "sql"
    sql: str
    minimum: Decimal | None
    maximum: Decimal | None
    equals: str | None


@dataclass(frozen=True, kw_only=True)
class RuleJob:
    """Rules under one name. ``parameters``: values of ``${name}`` in them where nobody gives another."""

    name: str
    description: str
    parameters: Mapping[str, str]
    rules: tuple[Rule, ...]
