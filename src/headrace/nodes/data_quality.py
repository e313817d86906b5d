"""The Data Quality Monitor node: checks tables against the rules of quality rule jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from headrace.domain.quality import RULE_JOB_PROPERTIES, CustomSql, Freshness, RowCount, Rule, RuleJob, rule_job_names
from headrace.domain.quality_document import read_rule_job, rule_parameters
from headrace.domain.quality_outcome import Measured, Outcome, Status, judged, unchecked, worst
from headrace.nodes.base import (
    BoundConnection,
    Node,
    NodeContext,
    NodeFailed,
    NodeResult,
    Script,
    evaluated_arguments,
    node_type,
)
from headrace.nodes.sql import run_sql
from headrace.sql.dialects import Dialect, dialect_of
from headrace.sql.engine import OUTPUT_LIMIT, Scalar, SqlError, StatementResult
from headrace.sql.engines import open_real
from headrace.sql.quality import EXAMPLES, examples_statement, quality_statement, shown_columns
from headrace.sql.statements import split
from headrace.wire.v1.quality import rule_job_document

DEFAULT_SCRIPT_TYPE = "SparkSQL"
PARAMETER_PROPERTIES = ("parameters", "params", "scriptArgs", "arguments")
MAX_CELL = 80  # characters of a value in an example

# The script type of rules that name none, by the type of their bound connection.
SCRIPT_TYPES = {"dws": "DWSSQL", "hive": "HiveSQL", "rds": "RDSSQL", "presto": "PrestoSQL", "impala": "ImpalaSQL"}
SCRIPT_TYPES |= {"clickhouse": "ClickHouseSQL", "hetuengine": "HetuEngine", "doris": "DorisSQL"}


@node_type("DataQualityMonitor")
@dataclass(frozen=True, kw_only=True)
class DataQualityMonitor(Node):
    """Checks every rule; a strong one that is not met fails the node, a weak one leaves a warning.

    The output is JSON: the worst ``status``, how many rules ``passed``, left a ``warning`` or ``failed``, and the
    ``rules``. Source: user guide, "Data Quality Monitor".
    """

    unevaluated: ClassVar[frozenset[str]] = frozenset(PARAMETER_PROPERTIES)

    rule_jobs: str = field(default="", metadata={"names": RULE_JOB_PROPERTIES})
    parameters: str = field(default="", metadata={"names": PARAMETER_PROPERTIES})

    def run(self, ctx: NodeContext) -> NodeResult:
        names = rule_job_names(self.rule_jobs)
        if not names:
            raise NodeFailed("qualityRuleName: the node names no quality rule job.")
        jobs = [_rule_job(ctx, name, evaluated_arguments(ctx, self.parameters)) for name in names]
        outcomes = [_checked(ctx, job, rule) for job in jobs for rule in job.rules]
        ctx.record_quality(outcomes)
        failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
        told = "; ".join(f"{outcome.rule_job}/{outcome.rule}: {outcome.message}" for outcome in failed[:3])
        more = f" And {len(failed) - 3} more." if len(failed) > 3 else ""
        return NodeResult(
            success=not failed,
            message=f"{len(failed)} of {len(outcomes)} quality rules failed. {told}{more}" if failed else "",
            output=output_of(outcomes),
        )


def _rule_job(ctx: NodeContext, name: str, arguments: Mapping[str, str]) -> RuleJob:
    """The rule job with values in place of its parameters. Raises NodeFailed, InvalidParameter."""
    document = rule_job_document(ctx.find_quality_rules(name))
    values = {**rule_parameters(document), **arguments}
    members = {key: value if key == "parameters" else _filled(ctx, value, values) for key, value in document.items()}
    return read_rule_job(members)


def _filled(ctx: NodeContext, value: Any, values: Mapping[str, str]) -> Any:
    """Every text of a value with ``${name}`` replaced: before it is quoted, so that no value ends a statement."""
    if isinstance(value, str):
        return ctx.substitute(value, values)
    if isinstance(value, list):
        return [_filled(ctx, item, values) for item in value]
    if isinstance(value, dict):
        return {key: _filled(ctx, item, values) for key, item in value.items()}
    return value


def _checked(ctx: NodeContext, job: RuleJob, rule: Rule) -> Outcome:
    """The outcome of one rule, told in the log. Raises NodeFailed when the node was stopped."""
    try:
        outcome, examples = _measured(ctx, job, rule)
    except NodeFailed as error:
        if ctx.cancellation.cancelled:
            raise
        outcome, examples = unchecked(job.name, rule, str(error)), ()
    ctx.log.line(f"{outcome.status.upper():<7} {job.name}/{rule.name} ({rule.strength}): {outcome.message}")
    for example in examples:
        ctx.log.line(f"        {example}")
    return outcome


def _measured(ctx: NodeContext, job: RuleJob, rule: Rule) -> tuple[Outcome, Sequence[str]]:
    ask = _Asking(ctx, rule)
    result = ask.answer(quality_statement(rule, ask.dialect))
    outcome = judged(job.name, rule, measured(rule, result), ctx.plan_time)
    if isinstance(rule, CustomSql):
        broken = outcome.measured.violations
        return outcome, list(_examples([name for name, _ in result.schema], result.rows)) if broken else ()
    statement = examples_statement(rule, ask.dialect) if outcome.measured.violations else None
    if statement is None:
        return outcome, ()
    names = [*shown_columns(rule), "count"]
    return outcome, list(_examples(names, ask.answer(statement).rows))


class _Asking:
    """Asks the engine of a rule's connection in the engine's words."""

    def __init__(self, ctx: NodeContext, rule: Rule) -> None:
        # what is asked is complete: a pattern may hold what looks like a parameter
        self._ctx = replace(ctx, substitute=lambda text, _: text)
        self._rule = rule
        bound = ctx.find_connection(rule.connection) if rule.connection else None
        self._type = rule.script_type or _script_type(bound)
        self.dialect = _dialect(self._type, bound)

    def answer(self, text: str) -> StatementResult:
        """The result of one query. Raises NodeFailed."""
        if (count := len(split(text, self.dialect))) != 1:
            raise NodeFailed(f"its SQL is {count} statements, expected one query.")
        script = Script(name=self._rule.name, type=self._type, content=text)
        (result,) = run_sql(
            self._ctx,
            self._type,
            script,
            connection=self._rule.connection,
            database=self._rule.database,
            script_arguments={},
        )
        if not result.schema:
            raise NodeFailed("its SQL gives no rows; expected a query.")
        return result


def _script_type(bound: BoundConnection | None) -> str:
    key = "" if bound is None else "".join(filter(str.isalnum, bound.type)).lower().removeprefix("mrs")
    return SCRIPT_TYPES.get(key, DEFAULT_SCRIPT_TYPE)


def _dialect(script_type: str, bound: BoundConnection | None) -> Dialect:
    """The dialect in which the engine of a rule is asked. Raises NodeFailed."""
    dialect = dialect_of(script_type)
    if dialect is None:
        raise NodeFailed(f"scriptType: {script_type!r} is no type of SQL scripts.")
    if bound is None:
        return dialect
    try:
        return open_real(bound.name, bound.type, bound.config)[1] or dialect
    except SqlError as error:
        raise NodeFailed(str(error)) from error


def measured(rule: Rule, result: StatementResult) -> Measured:
    """What the answer to a rule's statement says."""
    first = result.rows[0] if result.rows else ()
    if isinstance(rule, CustomSql):
        value = _text(first[0]) if first else None
        if (rule.minimum, rule.maximum, rule.equals) != (None, None, None):
            return Measured(value=value)
        return Measured(violations=len(result.rows), at_least=result.truncated)
    checked = _whole(first[0])
    if isinstance(rule, RowCount):
        return Measured(checked=checked)
    if isinstance(rule, Freshness):
        return Measured(checked=checked, value=_text(first[1]))
    return Measured(checked=checked, violations=_whole(first[1]))


def _whole(value: Scalar) -> int:
    return int(Decimal(str(value))) if value is not None else 0


def _text(value: Scalar) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _examples(names: Sequence[str], rows: Sequence[Sequence[Scalar]]) -> Iterator[str]:
    for row in rows[:EXAMPLES]:
        yield ", ".join(f"{name} = {_shown(value)}" for name, value in zip(names, row, strict=False))


def _shown(value: Scalar) -> str:
    if value is None:
        return "NULL"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 3] + "..."


def output_of(outcomes: Sequence[Outcome]) -> str:
    """The output of the node. Where all rules do not fit, those that are not met come first, and ``omitted`` counts
    the rest. Source: user guide, "EL, Job object": 32,768 characters at most."""
    counts = {status.value: sum(outcome.status is status for outcome in outcomes) for status in Status}
    head = {"status": worst(outcomes).value, **counts}
    text = _json(head | {"rules": [outcome.document() for outcome in outcomes]})
    if len(text) <= OUTPUT_LIMIT:
        return text
    ordered = sorted(outcomes, key=lambda outcome: outcome.status is Status.PASSED)
    room, kept = OUTPUT_LIMIT - 200, []
    for outcome in ordered:
        entry = outcome.document() | {"message": outcome.message[:200]}
        room -= len(_json(entry)) + 1
        if room < 0:
            break
        kept.append(entry)
    return _json(head | {"rules": kept, "omitted": len(outcomes) - len(kept)})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
