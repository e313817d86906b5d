"""What a rule's counts mean: passed, a warning (a weak rule is not met) or failed (a strong one is not)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from headrace.domain.quality import CustomSql, Freshness, RowCount, Rule, Strength, Threshold


class Status(StrEnum):
    """How a rule ended."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a rule's statement told. ``checked``: rows looked at; ``violations``: those that break the rule;
    ``at_least``: there are more of them; ``value``: the newest time, or the first value of a query."""

    checked: int | None = None
    violations: int | None = None
    at_least: bool = False
    value: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a rule of a rule job ended. ``message``: a sentence for a person."""

    rule_job: str
    rule: str
    type: str
    strength: Strength
    table: str
    status: Status
    message: str
    measured: Measured = Measured()

    def document(self) -> dict[str, Any]:
        """As JSON members; what was not measured is left out."""
        members = {
            "ruleJob": self.rule_job,
            "rule": self.rule,
            "type": self.type,
            "strength": self.strength.value,
            "table": self.table,
            "status": self.status.value,
            "checked": self.measured.checked,
            "violations": self.measured.violations,
            "value": self.measured.value,
            "message": self.message,
        }
        return {name: value for name, value in members.items() if value not in (None, "")}


def judged(rule_job: str, rule: Rule, measured: Measured, plan_time: datetime) -> Outcome:
    """The outcome of a rule that could be checked. Times without a zone are taken in that of ``plan_time``."""
    met, message = _judge(rule, measured, plan_time)
    return _outcome(rule_job, rule, met, message, measured)


def unchecked(rule_job: str, rule: Rule, reason: str) -> Outcome:
    """The outcome of a rule that could not be checked: not met."""
    return _outcome(rule_job, rule, False, f"It could not be checked: {reason}", Measured())


def _outcome(rule_job: str, rule: Rule, met: bool, message: str, measured: Measured) -> Outcome:
    not_met = Status.FAILED if rule.strength is Strength.STRONG else Status.WARNING
    return Outcome(
        rule_job=rule_job,
        rule=rule.name,
        type=rule.type,
        strength=rule.strength,
        table=".".join(rule.table),
        status=Status.PASSED if met else not_met,
        message=message,
        measured=measured,
    )


def worst(outcomes: Sequence[Outcome]) -> Status:
    """Failed if any did, else a warning if there is any."""
    found = {outcome.status for outcome in outcomes}
    return next((status for status in (Status.FAILED, Status.WARNING) if status in found), Status.PASSED)


def _judge(rule: Rule, measured: Measured, plan_time: datetime) -> tuple[bool, str]:
    if isinstance(rule, RowCount):
        return _between(Decimal(measured.checked or 0), rule.minimum, rule.maximum, "rows")
    if isinstance(rule, Freshness):
        return _fresh(rule, measured.value, plan_time)
    if isinstance(rule, CustomSql) and (rule.minimum, rule.maximum, rule.equals) != (None, None, None):
        return _valued(rule, measured.value)
    return _tolerated(rule.threshold, measured)


def _tolerated(threshold: Threshold, measured: Measured) -> tuple[bool, str]:
    violations, checked = measured.violations or 0, measured.checked
    met = threshold.rows is None or violations <= threshold.rows
    if threshold.percent is not None and checked:
        met = met and Decimal(violations) * 100 <= threshold.percent * checked
    limits = [f"{threshold.rows} rows"] if threshold.rows is not None else []
    limits += [f"{threshold.percent} %"] if threshold.percent is not None else []
    least = "at least " if measured.at_least else ""
    of = f" of {checked}" if checked is not None else ""
    return met, f"{least}{violations}{of} rows break the rule, {' and '.join(limits)} may."


def _between(
    value: Decimal, minimum: Decimal | int | None, maximum: Decimal | int | None, unit: str = ""
) -> tuple[bool, str]:
    told = f"{value:f} {unit}".strip()
    if minimum is not None and value < minimum:
        return False, f"{told}, fewer than {minimum}." if unit else f"{told} is less than {minimum}."
    if maximum is not None and value > maximum:
        return False, f"{told}, more than {maximum}." if unit else f"{told} is more than {maximum}."
    return True, f"{told}."


def _valued(rule: CustomSql, value: str | None) -> tuple[bool, str]:
    if value is None:
        return False, "The query gave no value."
    number = _number(value)
    if rule.equals is not None and not _same(value, rule.equals):
        return False, f"{value[:200]!r} is not {rule.equals[:200]!r}."
    if rule.minimum is None and rule.maximum is None:
        return True, f"{value[:200]!r}."
    if number is None:
        return False, f"{value[:200]!r} is not a number."
    return _between(number, rule.minimum, rule.maximum)


def _same(value: str, expected: str) -> bool:
    numbers = _number(value), _number(expected)
    return value == expected or (None not in numbers and numbers[0] == numbers[1])


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _fresh(rule: Freshness, value: str | None, plan_time: datetime) -> tuple[bool, str]:
    if value is None:
        return False, "There is no time in the column."
    newest = _moment(value, plan_time.tzinfo)
    if newest is None:
        return False, f"{value[:80]!r} is no time like 2024-01-31 10:00:00."
    age = max(plan_time - newest, timedelta(0))
    told = f"The newest is {value}, {_minutes(age)} minutes before the plan time"
    return age <= rule.max_age, f"{told}; {_minutes(rule.max_age)} may be."


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _moment(text: str, zone: tzinfo | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)
