"""What objects name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.packages.mapping import ImportOptions, NameMapping, apply_options
from headrace.packages.model import Kind, PackageObject
from headrace.packages.references import SUBJOB_PROPERTIES, ReferenceKind, references, references_of


def a_job(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in properties.items()]
    return {"name": "j", "nodes": [{"name": "n", "type": kind, "properties": listed}]}


def found(kind: str, **properties: Any) -> list[tuple[str, str]]:
    return [(item.kind.value, item.name) for item in references(a_job(kind, properties))]


def test_references__a_script_with_its_pinned_version_and_its_connection() -> None:
    script, connection = references(a_job("HiveSQL", {"scriptName": "s", "scriptVersion": "7", "connectionName": "c"}))
    assert (script.kind, script.name, script.version, script.node, script.property) == (
        ReferenceKind.SCRIPT,
        "s",
        7,
        "n",
        "scriptName",
    )
    assert (connection.kind, connection.name) == (ReferenceKind.CONNECTION, "c")


@pytest.mark.parametrize("version", ["", "latest", "²", "-1", "1.0"])
def test_references__what_is_no_version_pins_nothing(version: str) -> None:
    assert references(a_job("HiveSQL", {"scriptName": "s", "scriptVersion": version}))[0].version is None


def test_references__a_statement_ignores_a_leftover_script_name() -> None:
    assert found("DLISQL", statementOrScript="STATEMENT", scriptName="s", queueName="q") == [("queue", "q")]


def test_references__names_that_are_expressions_are_decided_at_run_time() -> None:
    assert found("HiveSQL", scriptName="s", connectionName='#{Env.get("c")}') == [("script", "s")]


def test_references__a_cdm_job_with_its_cluster() -> None:
    job, cluster = references(a_job("CDMJob", {"clusterName": "k", "jobName": "m"}))
    assert (job.kind, job.name, job.cluster) == (ReferenceKind.CDM_JOB, "m", "k")
    assert (cluster.kind, cluster.name) == (ReferenceKind.CLUSTER, "k")


@pytest.mark.parametrize("kind", ["ForEachJob", "DLFSubJob", "For Each", "SubJob"])
@pytest.mark.parametrize("prop", SUBJOB_PROPERTIES)
def test_references__a_subjob_under_any_of_its_names(kind: str, prop: str) -> None:
    assert found(kind, **{prop: "child"}) == [("subjob", "child")]


def test_references__jobs_waited_for_in_every_spelling_once() -> None:
    cron = {
        "dependJobs": {
            "jobs": ["a"],
            "sameWorkSpaceJobs": [{"jobName": "a"}, {"jobName": "b"}],
            "otherWorkSpaceJobs": [{"jobName": "x"}],
        }
    }
    job = {"schedule": {"cron": cron}, "nodes": [{"name": "n", "cronTrigger": {"dependJobs": {"jobs": "c"}}}]}
    assert [(item.name, item.property) for item in references(job)] == [
        ("c", "nodes[n].cronTrigger"),
        ("a", "schedule.cron"),
        ("b", "schedule.cron"),
    ]


def test_references_of__scripts_and_cdm_jobs() -> None:
    script = PackageObject.made(Kind.SCRIPT, "s", b'{"name":"s","connectionName":"c","queueName":"q"}')
    assert [(item.kind, item.name) for item in references_of(script)] == [
        (ReferenceKind.CONNECTION, "c"),
        (ReferenceKind.QUEUE, "q"),
    ]
    cdm = PackageObject.made(Kind.CDM_JOB, "m", b'{"name":"m","from-link-name":"a","to-link-name":"b"}', cluster="k")
    assert [(item.name, item.cluster) for item in references_of(cdm)] == [("a", "k"), ("b", "k")]


@pytest.mark.parametrize(
    "job",
    [
        {"nodes": 1},
        {"nodes": [None, {"properties": 3}]},
        {"schedule": []},
        {"schedule": {"cron": {"dependJobs": {"jobs": [{}], "sameWorkSpaceJobs": 1}}}},
    ],
)
def test_references__of_odd_documents_raise_nothing(job: dict[str, Any]) -> None:
    assert all(item.name for item in references(job))


def test_references__of_the_loop_sample(samples_folder: Path) -> None:
    job = json.loads((samples_folder / "c04-foreach-tables__load_all_tables.job.json").read_bytes())
    assert [(item.kind.value, item.name) for item in references(job)] == [
        ("script", "list_stage_tables"),
        ("connection", "mrs_hive_prod"),
        ("subjob", "load_one_table"),
        ("subjob", "load_one_table"),
        ("subjob", "refresh_views"),
    ]


def test_references__a_quality_node_names_its_rule_jobs_and_they_name_connections() -> None:
    properties = [{"name": "qualityRuleName", "value": "a, b;${c}"}, {"name": "jobName", "value": "no"}]
    job = {"name": "j", "nodes": [{"name": "n", "type": "DataQualityMonitor", "properties": properties}]}
    named = references_of(PackageObject.made(Kind.JOB, "j", json.dumps(job)))
    assert [(one.kind, one.name, one.property) for one in named] == [
        (ReferenceKind.QUALITY_RULES, "a", "qualityRuleName"),
        (ReferenceKind.QUALITY_RULES, "b", "qualityRuleName"),
    ]
    rules = {"name": "a", "connection": "dws", "rules": [{"connection": "hive"}, {"connection": "${c}"}, 7]}
    named = references_of(PackageObject.made(Kind.QUALITY_RULES, "a", json.dumps(rules)))
    assert [(one.kind, one.name) for one in named] == [
        (ReferenceKind.CONNECTION, "dws"),
        (ReferenceKind.CONNECTION, "hive"),
    ]
    mapped = apply_options(
        PackageObject.made(Kind.QUALITY_RULES, "a", json.dumps(rules)),
        ImportOptions(mappings=(NameMapping("connection", "hive", "hive_prod"),)),
    )
    assert mapped.document()["rules"][0] == {"connection": "hive_prod"}
