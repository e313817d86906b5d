"""What an instance waits for: the cases of tests/cases/dependencies, documented and inferred."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.dependencies import (
    Upstream,
    Verdict,
    all_together,
    check_dependency,
    own_upstream,
    previous_plan_time,
    upstream_plan_times,
    verdict,
)
from headrace.domain.dependency_rules import TABLES, Mode
from headrace.domain.dependency_words import DependFailPolicy, DependPeriod, DependType
from headrace.domain.instance import JobState
from headrace.domain.job import ScheduleDefinition
from headrace.domain.periods import Period, period_of
from headrace.errors import InvalidSchedule

CASES = Path(__file__).parents[2] / "cases" / "dependencies"
WINDOW_FILES = ("natural_same", "natural_previous", "discrete_hours", "traditional", "clock_changes")
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Case:
    """A question and its answer, with where they stand."""

    place: str
    question: str
    answer: str
    words: dict[str, str] = field(default_factory=dict)


def lines_of(name: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate((CASES / f"{name}.txt").read_text("utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line.strip()


def cases_of(name: str) -> Iterator[Case]:
    """Questions and answers; words before the first evidence line hold for the file, others for their paragraph."""
    of_file: dict[str, str] = {}
    words = of_file
    question = ""
    for number, line in lines_of(name):
        if line.partition(" #")[0] in ("documented", "inferred"):
            words = dict(of_file)
        elif " = " in line:
            key, _, value = line.partition(" = ")
            words[key] = value
        elif not question:
            question = line
        else:
            yield Case(f"{name}:{number}", question, line, dict(words))
            question = ""


def period(expression: str, zone: ZoneInfo = SHANGHAI) -> Period:
    return period_of(ScheduleDefinition(expression=expression), zone)


def moment(text: str, zone: ZoneInfo) -> datetime:
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def ask(case: Case) -> tuple[Upstream, datetime]:
    words, zone = case.words, ZoneInfo(case.words["zone"])
    a, b = period(words["A"], zone), period(words["B"], zone)
    planned = moment(case.question, zone)
    assert list(a.plan_times(planned - timedelta(minutes=1), planned)) == [planned], "not a plan time of A"
    begin = moment(words["B from"], zone) if "B from" in words else datetime(2020, 1, 1, tzinfo=UTC)
    found = upstream_plan_times(
        a,
        planned,
        b,
        lambda after, until: (time for time in b.plan_times(after, until) if time >= begin),
        period=DependPeriod(words["period"]),
        previous=int(words.get("N", "1")),
        depend_type=DependType(words.get("type", "default")),
        mode=Mode(words["mode"]),
    )
    return found, planned


def as_answer(found: Upstream, planned: datetime, zone: ZoneInfo) -> str:
    if not found.plan_times:
        return "run at once" if found.runs_without else "do not run"
    return " ".join(shown(time.astimezone(zone), planned.astimezone(zone)) for time in found.plan_times)


def shown(time: datetime, planned: datetime) -> str:
    twice = time.utcoffset() != time.replace(fold=1 - time.fold).utcoffset()
    offset = f"{time:%z}"
    date = "" if time.date() == planned.date() else f"{time:%m-%d}/"
    return f"{date}{time:%H:%M}" + (f"{offset[:3]}:{offset[3:]}" if twice else "")


WINDOW_CASES = [case for name in WINDOW_FILES for case in cases_of(name)]


@pytest.mark.parametrize("case", WINDOW_CASES, ids=lambda case: case.place)
def test_upstream_plan_times__as_the_cases_say(case: Case) -> None:
    found, planned = ask(case)
    assert as_answer(found, planned, ZoneInfo(case.words["zone"])) == case.answer


@pytest.mark.parametrize("case", WINDOW_CASES, ids=lambda case: case.place)
def test_upstream_plan_times__lie_in_the_windows_that_are_told(case: Case) -> None:
    found, _ = ask(case)
    assert found.windows
    assert found.rule
    for time in found.plan_times:
        assert any(window.after < time <= window.until for window in found.windows)


OF_UNIT = {
    "minute": ["0 0/15 * * * ?"],
    "hour": ["0 0 * * * ?", "0 0 2,3,4 * * ?"],
    "day": ["0 0 1 * * ?"],
    "week": ["0 0 1 ? * 1"],
    "month": ["0 0 1 1 * ?"],
}


def allowed_pairs() -> Iterator[tuple[str, str, str, bool]]:
    mode, columns = "", []
    for _, line in lines_of("allowed"):
        first, *rest = line.split()
        if first in ("natural", "traditional"):
            mode, columns = first, rest
        else:
            for column, word in zip(columns, rest, strict=True):
                yield mode, first, column, word == "yes"


@pytest.mark.parametrize(("mode", "a", "b", "allowed"), list(allowed_pairs()))
def test_check_dependency__knows_the_documented_figures(mode: str, a: str, b: str, allowed: bool) -> None:
    for a_expression in OF_UNIT[a]:
        for b_expression in OF_UNIT[b][:1] if a == "hour" and mode == "traditional" else OF_UNIT[b]:
            pair = period(a_expression), period(b_expression)
            if allowed:
                check_dependency(*pair, Mode(mode))
            else:
                with pytest.raises(InvalidSchedule, match=f"{mode} periods"):
                    check_dependency(*pair, Mode(mode))


@pytest.mark.parametrize(
    ("a", "b", "allowed"),
    [
        ("0 0/10 * * * ?", "0 0/10 * * * ?", True),
        ("0 0/10 * * * ?", "0 0/15 * * * ?", False),
        ("0 0 0/2 * * ?", "0 0 * * * ?", True),
        ("0 0 * * * ?", "0 0 0/2 * * ?", False),
        ("0 0 9,12,15 * * ?", "0 0 0/3 * * ?", True),
        ("0 0 9,12,15 * * ?", "0 0 0/4 * * ?", False),
        ("0 0 0/4 * * ?", "0 0 9,12,15 * * ?", False),  # nothing of B between 15:00 and 09:00
    ],
)
def test_check_dependency__traditional_wants_an_interval_as_long_as_that_of_b(a: str, b: str, allowed: bool) -> None:
    if allowed:
        check_dependency(period(a), period(b), Mode.TRADITIONAL)
    else:
        with pytest.raises(InvalidSchedule, match="is shorter than"):
            check_dependency(period(a), period(b), Mode.TRADITIONAL)


def test_upstream_plan_times__of_a_pair_that_is_not_allowed_is_refused() -> None:
    a, b = period("0 0/15 * * * ?"), period("0 0 1 1 * ?")
    with pytest.raises(InvalidSchedule, match="period minute cannot depend on one with the period month"):
        upstream_plan_times(a, datetime(2024, 1, 1, tzinfo=UTC), b, b.plan_times)


def test_upstream_plan_times__tells_its_rule_in_words() -> None:
    a, b = period("0 0 2 * * ?"), period("0 0 * * * ?")
    planned = moment("2024-05-05 02:00", SHANGHAI)
    found = upstream_plan_times(a, planned, b, b.plan_times, depend_type=DependType.ANY)
    assert found.rule == "day on hour, same period: the natural day, any"
    assert (found.any_suffices, len(found.plan_times)) == (True, 24)


@pytest.mark.parametrize(
    ("expression", "planned", "before"),
    [
        ("0 0/50 * * * ?", "2024-05-05 15:00", "2024-05-05 14:50"),
        ("0 0 1 * * ?", "2024-05-05 01:00", "2024-05-04 01:00"),
        ("0 0 1 31 * ?", "2024-05-31 01:00", "2024-03-31 01:00"),
        ("0 0 1 29 2 ?", "2104-02-29 01:00", "2096-02-29 01:00"),
    ],
)
def test_previous_plan_time__is_what_a_job_that_depends_on_itself_waits_for(
    expression: str, planned: str, before: str
) -> None:
    found = previous_plan_time(moment(planned, SHANGHAI), period(expression).plan_times)
    assert found == moment(before, SHANGHAI)


def test_previous_plan_time__the_first_instance_waits_for_none() -> None:
    assert previous_plan_time(moment("2024-05-05 01:00", SHANGHAI), lambda after, until: []) is None


def test_own_upstream__waits_for_the_instance_before_until_it_has_succeeded() -> None:
    job = period("0 0 1 * * ?")
    own = own_upstream(moment("2024-05-05 01:00", SHANGHAI), job.plan_times)
    assert own.plan_times == (moment("2024-05-04 01:00", SHANGHAI),)
    states = (JobState.RUNNING, JobState.FAIL, JobState.SUCCESS)
    assert [verdict(own, [state], DependFailPolicy.SUSPEND) for state in states] == ["wait", "wait", "run"]


def test_own_upstream__the_first_instance_runs() -> None:
    own = own_upstream(moment("2024-05-05 01:00", SHANGHAI), lambda after, until: [])
    assert (own.windows, own.plan_times) == ((), ())
    assert verdict(own, [], DependFailPolicy.SUSPEND) is Verdict.RUN


def some_upstream(any_suffices: bool = False, count: int = 1, runs_without: bool = True) -> Upstream:
    times = tuple(datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in range(count))
    return Upstream(
        windows=(), plan_times=times, any_suffices=any_suffices, runs_without=runs_without, rule="of the test"
    )


@pytest.mark.parametrize("case", list(cases_of("verdicts")), ids=lambda case: case.place)
def test_verdict__as_the_cases_say(case: Case) -> None:
    head, _, states = case.question.partition(": ")
    policy, _, which = head.partition(" ")
    read = [None if state == "-" else JobState(state) for state in states.split()]
    upstream = some_upstream(any_suffices=which == "any", count=len(read))
    assert verdict(upstream, read, DependFailPolicy(policy)) == case.answer


def test_verdict__without_upstream_instances_natural_runs_and_traditional_does_not() -> None:
    natural, traditional = (some_upstream(count=0, runs_without=runs) for runs in (True, False))
    assert verdict(natural, [], DependFailPolicy.FAIL) is Verdict.RUN
    assert verdict(traditional, [], DependFailPolicy.IGNORE) is Verdict.CANCEL


def test_verdict__with_every_dependency_removed_by_a_person_runs() -> None:
    assert verdict(some_upstream(count=2, runs_without=False), [], DependFailPolicy.FAIL) is Verdict.RUN


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.RUN),
        ([Verdict.RUN, Verdict.RUN], Verdict.RUN),
        ([Verdict.RUN, Verdict.WAIT], Verdict.WAIT),
        ([Verdict.WAIT, Verdict.CANCEL, Verdict.RUN], Verdict.CANCEL),
    ],
)
def test_all_together__of_several_upstream_jobs(verdicts: Iterable[Verdict], expected: Verdict) -> None:
    assert all_together(verdicts) is expected


ONE_TABLE_FOR_BOTH = (Mode.TRADITIONAL, DependPeriod.PRE_PERIOD)


@pytest.mark.parametrize(("mode", "depend_period"), sorted(set(TABLES) - {ONE_TABLE_FOR_BOTH}))
def test_every_row_of_the_tables_has_a_case(mode: Mode, depend_period: DependPeriod) -> None:
    asked = [case.words for case in WINDOW_CASES if (case.words["mode"], case.words["period"]) == (mode, depend_period)]
    covered = {(period(words["A"]).unit, period(words["B"]).unit) for words in asked}
    assert {(a, b) for a, row in TABLES[mode, depend_period].items() for b in row} - covered == set()
