"""Quality rule jobs and their results: an extension of ours. Source: the reference page "Quality rules"."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from headrace.errors import InvalidParameter
from headrace.wire.base import Page, Wire

_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def rule_job_document(text: str | bytes) -> dict[str, Any]:
    """The members of a quality rule job's text, fractions as Decimal. Raises InvalidParameter."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidParameter(f"The quality rule job is not readable: {error}.") from error


class QualityThreshold(Wire):
    """How many rows may break a rule: ``rows``, ``percent`` (0 to 100) of those looked at, or both."""

    rows: int | str | None = None
    percent: float | str | None = None


class QualityRule(Wire):
    """One rule. ``type``: rowCount, null, unique, range, regex, freshness or sql, which decides what else it has.

    ``strength``: strong (the default) or weak. ``connection``, ``database``, ``scriptType``: instead of the rule job's.
    """

    name: str | None = None
    type: str | None = None
    description: str | None = None
    strength: str | None = None
    connection: str | None = None
    database: str | None = None
    script_type: str | None = None
    table: str | None = None
    where: str | None = None
    threshold: QualityThreshold | None = None
    example_columns: list[str] | None = None
    column: str | None = None
    columns: list[str] | None = None
    min: int | float | str | None = None
    max: int | float | str | None = None
    value_type: str | None = None
    pattern: str | None = None
    max_age_minutes: int | str | None = None
    sql: str | None = None
    equals: int | float | str | None = None


class QualityRuleJob(Wire):
    """Rules that a Data Quality Monitor node names together. ``parameters``: values of ``${name}`` by default.

    ``name`` may be left out where the path gives it; members that are not named here stay.
    """

    name: str | None = None
    description: str | None = None
    connection: str | None = None
    database: str | None = None
    script_type: str | None = None
    parameters: dict[str, str] | None = None
    rules: list[QualityRule] | None = None


class ListQualityRuleJobsQuery(Page):
    """``name``: part of the name, case counts."""

    name: str = ""


class QualityRuleJobSummary(Wire, omit_defaults=False):
    """A row of the list; times in milliseconds."""

    name: str
    description: str
    rule_count: int
    create_user: str
    create_time: int
    modify_time: int


class QualityRuleJobList(Wire, omit_defaults=False):
    """``total``: over all pages."""

    total: int
    rule_jobs: list[QualityRuleJobSummary]


class ListQualityResultsQuery(Page):
    """``rule`` needs ``ruleJob``; ``status``: passed, warning, failed; ``minTime`` and ``maxTime`` in milliseconds."""

    rule_job: str = ""
    rule: str = ""
    status: str = ""
    node_name: str = ""
    instance_id: int | None = None
    min_time: int | None = None
    max_time: int | None = None


class QualityResult(Wire):
    """What one rule found in one attempt of a node.

    ``checked``: rows looked at; ``violations``: those that break the rule; ``value``: newest time or first value;
    ``time`` in milliseconds.
    """

    id: str
    rule_job: str
    rule: str
    type: str
    strength: str
    status: str
    message: str
    node_name: str
    time: int
    instance_id: int | None = None
    table: str | None = None
    checked: int | None = None
    violations: int | None = None
    value: str | None = None


class QualityResultList(Wire, omit_defaults=False):
    """One page, newest first; ``total`` counts all matches."""

    total: int
    results: list[QualityResult]
