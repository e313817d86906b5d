"""The CDM Job and Data Migration nodes: what they hand over, and what becomes of the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.errors_cdm import CdmJobNotFound, CdmJobRunning
from headrace.nodes.base import Migration, MigrationEnd, NodeFailed
from node_surroundings import context, run_node


class Runner:
    """Keeps what it is asked for, and gives one end."""

    def __init__(self, end: MigrationEnd | Exception) -> None:
        self.end = end
        self.asked: list[Migration] = []

    def __call__(self, migration: Migration) -> MigrationEnd:
        self.asked.append(migration)
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


MOVED = MigrationEnd(succeeded=True, message="", counts={"ROWS_READ": 7, "ROWS_WRITTEN": 5})


def test_cdm_job__runs_an_existing_job_and_gives_its_counters() -> None:
    runner = Runner(MOVED)
    result = run_node("CDMJob", context(migrate=runner), clusterName="cdm-b", jobName="moves", jobType="existsJob")
    assert runner.asked == [Migration(job_name="moves", cluster_name="cdm-b")]
    assert (result.success, result.input_row_count) == (True, 5)
    assert json.loads(result.output or "") == MOVED.counts


def test_cdm_job__brings_a_job_along() -> None:
    runner, body = Runner(MOVED), '{"jobs": [{"name": "es_css"}]}'
    assert run_node("Data Migration", context(migrate=runner), jobJson=body).success
    assert runner.asked == [Migration(job_name="es_css", body=body)]


def test_cdm_job__a_job_that_fails_fails_the_node() -> None:
    runner = Runner(MigrationEnd(succeeded=False, message="no such table", counts={}))
    result = run_node("CDMJob", context(migrate=runner), clusterName="c", jobName="m")
    assert (result.success, result.message, result.retry) == (False, "no such table", True)


def test_cdm_job__what_is_not_there_is_not_tried_again() -> None:
    result = run_node("CDMJob", context(migrate=Runner(CdmJobNotFound("m"))), clusterName="c", jobName="m")
    assert (result.success, result.message, result.retry) == (False, "Job [m] does not exist.", False)
    with pytest.raises(CdmJobRunning):
        run_node("CDMJob", context(migrate=Runner(CdmJobRunning("m"))), clusterName="c", jobName="m")


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({}, "jobName"),
        ({"jobName": "m"}, "clusterName"),
        ({"jobJson": "[1]"}, "jobJson"),
        ({"jobJson": "{"}, "jobJson"),
    ],
)
def test_cdm_job__a_missing_property_is_named(properties: dict[str, Any], named: str) -> None:
    with pytest.raises(NodeFailed, match=named):
        run_node("CDMJob", context(), **properties)
