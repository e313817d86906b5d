"""What an instance waits for, and what follows from the instances it waits for.

Pure functions: no clock, no storage. Which windows count for which periods is in ``dependency_rules``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from headrace.domain.dependency_rules import TABLES, Asked, Mode, PlanTimes, times_before
from headrace.domain.dependency_words import MAX_PREVIOUS, DependFailPolicy, DependPeriod, DependType
from headrace.domain.instance import JobState
from headrace.domain.periods import Period, Unit, Window
from headrace.errors import InvalidSchedule

_HOURS = frozenset({Unit.HOUR, Unit.DISCRETE_HOURS})


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream:
    """What an instance waits for in one upstream job.

    ``windows``: where plan times of the upstream job were looked for, the newest first. ``plan_times``: those that
    count, ascending, in UTC. ``any_suffices``: one of them that succeeds is enough. ``runs_without``: whether the
    instance runs when there are none. ``rule``: the rule in words, as "day on hour, same period: the natural day".
    """

    windows: tuple[Window, ...]
    plan_times: tuple[datetime, ...]
    any_suffices: bool
    runs_without: bool
    rule: str


def check_dependency(a: Period, b: Period, mode: Mode = Mode.NATURAL, member: str = "schedule.cron.dependJobs") -> None:
    """Whether a job of period ``a`` may depend on one of period ``b``. Raises InvalidSchedule (DLF.3025).

    Source: figures of "Comparison Between Traditional Periodic Scheduling Dependency and Natural Periodic Scheduling
    Dependency"; "Traditional Periodic Scheduling", "Setting Conditions of a Dependency Job".
    """
    if b.unit not in TABLES[mode, DependPeriod.SAME_PERIOD].get(a.unit, {}):
        raise InvalidSchedule(
            f"{member}: a job with the period {a.unit} cannot depend on one with the period {b.unit} ({mode} periods)."
        )
    alike = a.unit == b.unit or {a.unit, b.unit} <= _HOURS
    if mode is Mode.TRADITIONAL and alike and a.interval < b.longest_gap:
        raise InvalidSchedule(
            f"{member}: an interval of {_minutes(a.interval)} minutes is shorter than the {_minutes(b.longest_gap)} "
            f"minutes of the upstream job ({mode} periods)."
        )


def _minutes(interval: timedelta) -> int:
    return interval // timedelta(minutes=1)


def upstream_plan_times(
    a: Period,
    planned: datetime,
    b: Period,
    b_plan_times: PlanTimes,
    *,
    period: DependPeriod = DependPeriod.SAME_PERIOD,
    previous: int = 1,
    depend_type: DependType = DependType.DEFAULT,
    mode: Mode = Mode.NATURAL,
) -> Upstream:
    """Which plan times of B the instance of A planned at a moment waits for.

    ``b_plan_times`` gives those that B really has (its schedule begins and ends, it was paused). ``previous``
    (1 to 30) counts with PRE_PERIOD. The natural periods are those of A's zone. Raises InvalidSchedule for a pair of
    periods that is not allowed. Source: reference on scheduling §4 and §5; decision 19.
    """
    check_dependency(a, b, mode)
    planned = planned.astimezone(UTC)
    row = TABLES[mode, period][a.unit][b.unit]
    windows = row.windows(Asked(a=a, b=b, planned=planned), period, min(max(previous, 1), MAX_PREVIOUS))
    choice = row.choice if depend_type is DependType.DEFAULT else depend_type
    found = [sorted(moment.astimezone(UTC) for moment in b_plan_times(w.after, w.until)) for w in windows]
    cycle = "same period" if period is DependPeriod.SAME_PERIOD else f"previous period ({previous})"
    return Upstream(
        windows=tuple(windows),
        plan_times=tuple(sorted(set(_chosen(found, choice, planned)))),
        any_suffices=choice is DependType.ANY,
        runs_without=mode is Mode.NATURAL,
        rule=f"{a.unit} on {b.unit}, {cycle}: {row.text}"
        + (f", {depend_type}" if depend_type is not DependType.DEFAULT else "")
        + (", traditional periods" if mode is Mode.TRADITIONAL else ""),
    )


def _chosen(found: Sequence[Sequence[datetime]], choice: DependType, planned: datetime) -> Iterable[datetime]:
    """The plan times that count of those in each window."""
    if choice is DependType.LAST:
        return [times[-1] for times in found if times]
    every = [moment for times in found for moment in times]
    if choice is DependType.NEAREST:
        before = [moment for moment in every if moment < planned]
        return [max(before)] if before else [min(every)] if every else []
    return every


def previous_plan_time(planned: datetime, plan_times: PlanTimes) -> datetime | None:
    """The plan time before, which an instance of a job that depends on itself waits for; None for the first one.

    Source: reference on scheduling §3.1.
    """
    return next(iter(times_before(plan_times, planned.astimezone(UTC), 1)), None)


def own_upstream(planned: datetime, plan_times: PlanTimes) -> Upstream:
    """What an instance of a job that depends on itself waits for; the policy is SUSPEND, whatever its job says.

    One that failed leaves those after it waiting until it succeeds after all. Source: reference on scheduling §3.1.
    """
    before = previous_plan_time(planned, plan_times)
    return Upstream(
        windows=() if before is None else (Window(before - timedelta(microseconds=1), before),),
        plan_times=() if before is None else (before,),
        any_suffices=False,
        runs_without=True,
        rule="the same job: the plan time before",
    )


class Verdict(StrEnum):
    """What is to be done with an instance that waits."""

    WAIT = "wait"
    RUN = "run"
    CANCEL = "cancel"


# An upstream instance that has ended well: success may be declared by a person, be a dry run, or ignore failed nodes;
# of a skipped one its owner wants only the newer one. Source: reference on scheduling §5.4; decision 19.
SUCCEEDED = frozenset({JobState.SUCCESS, JobState.SKIP_BY_DEPEND})
FAILED = frozenset({JobState.FAIL, JobState.MANUAL_STOP, JobState.FREEZE})


def verdict(upstream: Upstream, states: Collection[JobState | None], policy: DependFailPolicy) -> Verdict:
    """What the states of the instances it waits for mean for an instance; None is one that does not exist yet.

    ``states`` has one for each of ``upstream.plan_times`` that still counts (a person can remove one). Source:
    reference on scheduling §5.4.
    """
    if not upstream.plan_times:
        return Verdict.RUN if upstream.runs_without else Verdict.CANCEL
    succeeded = sum(state in SUCCEEDED for state in states)
    failed = sum(state in FAILED for state in states)
    ended = succeeded + failed
    if not states or (upstream.any_suffices and succeeded) or succeeded == len(states):
        return Verdict.RUN
    if policy is DependFailPolicy.IGNORE:
        return Verdict.RUN if ended == len(states) or (upstream.any_suffices and ended) else Verdict.WAIT
    hopeless = failed == len(states) if upstream.any_suffices else failed > 0
    return Verdict.CANCEL if hopeless and policy is DependFailPolicy.FAIL else Verdict.WAIT


def all_together(verdicts: Iterable[Verdict]) -> Verdict:
    """That of an instance with several upstream jobs: one that cancels beats one that waits."""
    every = set(verdicts)
    return next((each for each in (Verdict.CANCEL, Verdict.WAIT) if each in every), Verdict.RUN)
