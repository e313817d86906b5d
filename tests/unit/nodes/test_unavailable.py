"""Types without a system behind them fail with a reason, never silently."""

from __future__ import annotations

import pytest

from headrace.nodes.base import NodeFailed, is_inline, is_known_type
from headrace.nodes.unavailable import REASONS
from node_surroundings import context, run_node


@pytest.mark.parametrize("kind", sorted(REASONS))
def test_unavailable__each_type_fails_with_its_reason_and_is_not_tried_again(kind: str) -> None:
    result = run_node(kind, context())
    assert (result.success, result.retry) == (False, False)
    assert result.message.startswith(f"Nodes of type {kind!r} cannot run in this release. {REASONS[kind]}")
    assert not is_known_type(kind)
    assert not is_inline(kind)


def test_cdm_job__names_the_job_and_its_cluster() -> None:
    result = run_node("CDMJob", context(), clusterName="cdm-b", jobName="mig_wms_moves", jobType="existsJob")
    assert (result.success, result.retry) == (False, False)
    assert "later release of Headrace: job 'mig_wms_moves' of cluster 'cdm-b' was not run" in result.message


def test_cdm_job__a_body_brings_its_name() -> None:
    result = run_node("Data Migration", context(), jobJson='{"jobs": [{"name": "es_css"}]}')
    assert "job 'es_css' was not run" in result.message


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({}, "jobName"),
        ({"jobName": "m"}, "clusterName"),
        ({"jobJson": "[1]"}, "jobJson"),
        ({"jobJson": "{"}, "jobJson"),
    ],
)
def test_cdm_job__a_missing_property_is_named(properties: dict[str, str], named: str) -> None:
    with pytest.raises(NodeFailed, match=named):
        run_node("CDMJob", context(), **properties)
