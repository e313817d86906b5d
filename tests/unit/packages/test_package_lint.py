"""Each rule of lint finds its mistake, and finds nothing in a job without any."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from headrace.errors import InvalidParameter
from headrace.packages.lint import Finding, Level, Rules, lint
from headrace.packages.model import Kind, PackageObject


def refuse(text: str) -> None:
    if "bad" in text:
        raise InvalidParameter(f"{text!r} does not parse.")


RULES = Rules(
    known_node_type=lambda kind: kind in ("Dummy", "Shell", "DWSSQL", "CDMJob", "DLFSubJob"),
    check_expression=refuse,
    check_cron=refuse,
    check_time=refuse,
    max_nodes=3,
)


def a_node(name: str = "n", kind: str = "Dummy", *before: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "preNodeName": list(before), "properties": [], **members}


def properties(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def a_job(*nodes: dict[str, Any], **members: Any) -> PackageObject:
    document = {"name": "j", "processType": "BATCH", "nodes": list(nodes) or [a_node()], **members}
    return PackageObject.made(Kind.JOB, document["name"], json.dumps(document))


def an_object(kind: Kind, name: str, cluster: str = "", **members: Any) -> PackageObject:
    return PackageObject.made(kind, name, json.dumps({"name": name, **members}), cluster=cluster)


def found(*items: PackageObject) -> list[tuple[str, str, str]]:
    return [(finding.level.value, finding.rule, finding.where) for finding in lint(items, RULES)]


def test_lint__a_job_without_mistakes_has_no_findings() -> None:
    job = a_job(
        a_node("a", "Shell", properties=properties(scriptName="s", connectionName="host")),
        a_node("b", "CDMJob", "a", properties=properties(clusterName="k", jobName="m")),
        a_node(
            "c",
            "DWSSQL",
            "b",
            properties=properties(statementOrScript="STATEMENT", sql="select #{1}"),
            conditions=[{"preNodeName": "b", "expression": "#{true}"}],
        ),
        params=[{"name": "p", "value": "#{1}"}],
        schedule={"type": "CRON", "cron": {"expression": "0 0 1 * * ?", "startTime": "2024-01-01T00:00:00+08"}},
    )
    package = [
        job,
        an_object(Kind.SCRIPT, "s", connectionName="host"),
        an_object(Kind.CONNECTION, "host"),
        an_object(Kind.CDM_JOB, "m", "k", **{"from-link-name": "l"}),
        an_object(Kind.CDM_LINK, "l", "k"),
    ]
    assert found(*package) == []


JOBS = {
    "job name": (a_job(name="a b"), ("error", "job-name", "name")),
    "process type": (a_job(processType="STREAM"), ("error", "process-type", "processType")),
    "no nodes": (a_job(nodes=[]), ("warning", "no-nodes", "nodes")),
    "too many nodes": (a_job(*(a_node(name) for name in "abcd")), ("warning", "too-many-nodes", "nodes")),
    "duplicate node": (a_job(a_node("a"), a_node("a")), ("error", "duplicate-node", "nodes[a]")),
    "unknown predecessor": (a_job(a_node("a", "Dummy", "x")), ("error", "unknown-predecessor", "nodes[a].preNodeName")),
    "cycle": (a_job(a_node("a", "Dummy", "b"), a_node("b", "Dummy", "a")), ("error", "cycle", "nodes")),
    "waits for itself": (a_job(a_node("a", "Dummy", "a")), ("error", "cycle", "nodes")),
    "node name": (a_job(a_node("a b")), ("error", "node-name", "nodes[a b]")),
    "node type": (a_job(a_node("a", "Teleport")), ("warning", "unknown-node-type", "nodes[a].type")),
    "fail policy": (a_job(a_node("a", failPolicy="END")), ("error", "fail-policy", "nodes[a].failPolicy")),
    "polling interval": (
        a_job(a_node("a", pollingInterval=0)),
        ("warning", "out-of-range", "nodes[a].pollingInterval"),
    ),
    "execution time": (
        a_job(a_node("a", maxExecutionTime=7201)),
        ("warning", "out-of-range", "nodes[a].maxExecutionTime"),
    ),
    "retries": (a_job(a_node("a", retryTimes=6)), ("warning", "out-of-range", "nodes[a].retryTimes")),
    "retry interval": (a_job(a_node("a", retryInterval=1.5)), ("warning", "out-of-range", "nodes[a].retryInterval")),
    "no script": (a_job(a_node("a", "Shell")), ("error", "no-script", "nodes[a].properties")),
    "no statement": (
        a_job(a_node("a", "DWSSQL", properties=properties(statementOrScript="STATEMENT"))),
        ("error", "no-statement", "nodes[a].properties"),
    ),
    "expression in a property": (
        a_job(a_node("a", properties=properties(x="#{bad"))),
        ("error", "expression", "nodes[a].properties[x]"),
    ),
    "expression in a condition": (
        a_job(a_node("a"), a_node("b", "Dummy", "a", conditions=[{"preNodeName": "a", "expression": "#{bad}"}])),
        ("error", "expression", "nodes[b].conditions[a]"),
    ),
    "condition without a line": (
        a_job(a_node("a"), a_node("b", conditions=[{"preNodeName": "a", "expression": "#{1}"}])),
        ("error", "condition-without-line", "nodes[b].conditions[a]"),
    ),
    "expression in a parameter": (
        a_job(params=[{"name": "p", "value": "#{bad}"}]),
        ("error", "expression", "params[p]"),
    ),
    "parameter name": (a_job(params=[{"name": "p q"}]), ("error", "parameter-name", "params[p q]")),
    "parameter value": (a_job(params=[{"name": "p", "value": "x" * 1025}]), ("warning", "out-of-range", "params[p]")),
    "no cron": (a_job(schedule={"type": "CRON"}), ("warning", "no-cron", "schedule")),
    "cron": (
        a_job(schedule={"type": "CRON", "cron": {"expression": "bad"}}),
        ("error", "cron", "schedule.cron.expression"),
    ),
    "start time": (
        a_job(schedule={"cron": {"startTime": "bad"}}),
        ("error", "schedule-time", "schedule.cron.startTime"),
    ),
    "end time of a node": (
        a_job(a_node("a", cronTrigger={"endTime": "bad"})),
        ("error", "schedule-time", "nodes[a].cronTrigger.endTime"),
    ),
    "missing script": (
        a_job(a_node("a", "Shell", properties=properties(scriptName="s"))),
        ("error", "missing-script", "nodes[a].scriptName"),
    ),
    "missing resource": (
        a_job(a_node("a", properties=properties(resourceName="r"))),
        ("error", "missing-resource", "nodes[a].resourceName"),
    ),
    "missing CDM job": (
        a_job(a_node("a", "CDMJob", properties=properties(clusterName="k", jobName="m"))),
        ("error", "missing-cdm-job", "nodes[a].jobName"),
    ),
    "missing subjob": (
        a_job(a_node("a", "DLFSubJob", properties=properties(jobName="x"))),
        ("error", "missing-subjob", "nodes[a].jobName"),
    ),
    "missing connection": (
        a_job(a_node("a", properties=properties(connectionName="c"))),
        ("warning", "missing-connection", "nodes[a].connectionName"),
    ),
    "missing upstream job": (
        a_job(schedule={"cron": {"dependJobs": {"jobs": ["x"]}}}),
        ("warning", "missing-upstream-job", "schedule.cron"),
    ),
}


@pytest.mark.parametrize("mistake", JOBS)
def test_lint__finds_one_mistake_and_no_other(mistake: str) -> None:
    job, finding = JOBS[mistake]
    assert found(job) == [finding]


def test_lint__a_cdm_job_of_another_cluster_is_not_the_one() -> None:
    job = a_job(a_node("a", "CDMJob", properties=properties(clusterName="k", jobName="m")))
    assert found(job, an_object(Kind.CDM_JOB, "m", "other"))[0][1] == "missing-cdm-job"


def test_lint__links_that_are_not_there_are_a_warning() -> None:
    assert found(an_object(Kind.CDM_JOB, "m", "k", **{"to-link-name": "l"})) == [
        ("warning", "missing-cdm-link", "to-link-name")
    ]


def test_lint__subjobs_in_a_circle() -> None:
    jobs = [
        a_job(a_node("n", "DLFSubJob", properties=properties(jobName=other)), name=name) for name, other in ("ab", "ba")
    ]
    (finding,) = lint(jobs, RULES)
    assert (finding.level, finding.rule) == (Level.ERROR, "subjob-cycle")
    assert "run each other as subjobs: " in finding.message


def test_lint__jobs_that_wait_for_each_other() -> None:
    jobs = [a_job(name=name, schedule={"cron": {"dependJobs": {"jobs": [other]}}}) for name, other in ("ab", "ba")]
    (finding,) = lint(jobs, RULES)
    assert (finding.level, finding.rule) == (Level.WARNING, "upstream-cycle")


def test_findings__say_what_is_wrong_and_what_to_do() -> None:
    job = a_job(a_node("a", "Shell", properties=properties(scriptName="s")))
    assert lint([job], RULES) == [
        Finding(
            level=Level.ERROR,
            rule="missing-script",
            object="job 'j'",
            where="nodes[a].scriptName",
            message="the package has no script 's'",
            repair="add the script, or correct the name",
        )
    ]


@pytest.mark.parametrize(
    "odd", [None, 1, "x", [1, None], {"a": 1}, [[{}]], [{"name": [], "value": {}, "preNodeName": 7}]]
)
@pytest.mark.parametrize("member", ["nodes", "params", "schedule", "processType"])
def test_lint__of_odd_documents_raises_nothing(member: str, odd: Any) -> None:
    assert isinstance(found(a_job(**{member: copy.deepcopy(odd)})), list)
    for inner in ("properties", "conditions", "preNodeName", "type", "cronTrigger", "retryTimes", "failPolicy"):
        assert isinstance(found(a_job(a_node(**{inner: odd}) if inner != "type" else {"type": odd})), list)
