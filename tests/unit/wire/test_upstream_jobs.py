"""What a stored document says about the jobs it depends on, whatever client wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.domain.dependency_words import DependFailPolicy, DependPeriod, DependType, UpstreamJob
from headrace.domain.job import ScheduleDefinition
from headrace.wire.v1.definition import read_definition

PREVIOUS = DependPeriod.PRE_PERIOD


def schedule(**cron: Any) -> ScheduleDefinition:
    return read_definition(json.dumps({"name": "j", "schedule": {"type": "CRON", "cron": cron}})).schedule


@pytest.mark.parametrize("jobs", ["b", ["b"], ["b", "b"]])
def test_upstream_jobs_may_be_a_name_or_names(jobs: Any) -> None:
    assert schedule(dependJobs={"jobs": jobs}).upstream == (UpstreamJob(job="b"),)


def test_an_upstream_job_named_twice_counts_once_with_its_details() -> None:
    entry = {"jobName": "b", "workSpace": "w", "dependType": "LAST"}
    read = schedule(dependJobs={"jobs": ["b", "c"], "sameWorkSpaceJobs": [entry]})
    assert read.upstream == (UpstreamJob(job="b", workspace="w", type=DependType.LAST), UpstreamJob(job="c"))


def test_an_upstream_job_of_another_workspace_may_have_the_same_name() -> None:
    read = schedule(dependJobs={"jobs": ["b"], "otherWorkSpaceJobs": [{"jobName": "b", "workSpaceId": "7"}]})
    assert read.upstream == (UpstreamJob(job="b", workspace_id="7"), UpstreamJob(job="b"))


@pytest.mark.parametrize(
    ("block", "entry", "expected"),
    [
        ({}, {}, UpstreamJob(job="b")),
        ({"dependPeriod": "PRE_PERIOD"}, {}, UpstreamJob(job="b", period=PREVIOUS)),
        ({}, {"dependOnLastPeriod": True}, UpstreamJob(job="b", period=PREVIOUS)),
        (
            {"dependPeriod": "PRE_PERIOD"},
            {"dependOnLastNPeriodValue": "7"},
            UpstreamJob(job="b", period=PREVIOUS, previous=7),
        ),
        ({}, {"dependOnLastNPeriodValue": 0}, UpstreamJob(job="b")),
        ({}, {"dependOnLastNPeriodValue": 31}, UpstreamJob(job="b", previous=30)),
        ({"dependPeriod": ""}, {"dependType": "whatever"}, UpstreamJob(job="b")),
    ],
)
def test_the_cycles_of_an_upstream_job(block: Any, entry: Any, expected: UpstreamJob) -> None:
    assert schedule(dependJobs={"sameWorkSpaceJobs": [{"jobName": "b", **entry}], **block}).upstream == (expected,)


def test_what_a_schedule_says_about_its_own_instances() -> None:
    cron = {"dependPrePeriod.": "true", "isSkipSelfDepJob": "true", "intervalType": "hours", "period": "1 hours"}
    read = schedule(**cron, dependJobs={"dependFailPolicy": "SUSPEND"})
    assert (read.depends_on_itself, read.skips_waiting) == (True, True)
    assert (read.interval_type, read.period, read.upstream) == ("hours", "1 hours", ())
    assert read.upstream_fail_policy is DependFailPolicy.SUSPEND


def test_a_schedule_without_words_on_dependency_has_the_documented_defaults() -> None:
    read = schedule(expression="0 0 1 * * ?", dependJobs={"jobs": []})
    assert (read.upstream, read.upstream_fail_policy) == ((), DependFailPolicy.FAIL)
    assert (read.depends_on_itself, read.skips_waiting) == (False, False)
