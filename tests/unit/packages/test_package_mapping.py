"""What imports change on the way in, and that they change nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.errors import InvalidParameter
from headrace.packages.mapping import ImportOptions, NameMapping, apply_options, parse_map, replacement
from headrace.packages.model import Kind, PackageObject


def an_object(kind: Kind, document: dict[str, Any] | bytes, *, cluster: str = "") -> PackageObject:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return PackageObject.made(kind, str(json.loads(text).get("name", "")), text, cluster=cluster)


def changed(item: PackageObject, *maps: str, **options: Any) -> Any:
    wanted = ImportOptions(mappings=tuple(parse_map(text) for text in maps), **options)
    return json.loads(apply_options(item, wanted).text)


def a_node(kind: str, **properties: str) -> dict[str, Any]:
    return {"name": "n", "type": kind, "properties": [{"name": k, "value": v} for k, v in properties.items()]}


def values(job: Any) -> dict[str, str]:
    return {prop["name"]: prop["value"] for node in job["nodes"] for prop in node["properties"]}


@pytest.mark.parametrize(
    "text", ["", "connection", "connection:", "connection:a", "connection:a=", "connection:=b", "colour:a=b"]
)
def test_parse_map__refuses_another_form_and_repeats_it(text: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_map(text)
    assert repr(text) in refused.value.detail


def test_parse_map__splits_at_the_first_equals_sign() -> None:
    assert parse_map("connection:a=b=c") == NameMapping("connection", "a", "b=c")


@pytest.mark.parametrize(
    ("kind", "prop"),
    [
        ("DWS_CONNECTION", "connectionName"),
        ("MRS_HIVE_CONNECTION", "connectionName"),
        ("MRS_SPARK_CONNECTION", "connectionName"),
        ("CDM_CLUSTER", "clusterName"),
        ("MRS_CLUSTER", "clusterName"),
        ("DIS_STREAM", "streamName"),
        ("GES_GRAPH", "graphName"),
        ("ROMA_INSTANCE", "instanceName"),
        ("TICS_INSTANCE", "instanceName"),
        ("DRS_TASK", "taskName"),
    ],
)
def test_resources__each_documented_type_replaces_its_property(kind: str, prop: str) -> None:
    job = an_object(Kind.JOB, {"name": "j", "nodes": [a_node("X", **{prop: "old", "other": "old"})]})
    changed_job = apply_options(job, ImportOptions(mappings=(replacement(kind, "old", "new"),)))
    assert values(json.loads(changed_job.text)) == {prop: "new", "other": "old"}


def test_resources__an_unknown_type_is_named() -> None:
    with pytest.raises(InvalidParameter) as refused:
        replacement("OBS_BUCKET", "a", "b")
    assert "'OBS_BUCKET'" in refused.value.detail


def test_mapping__names_can_be_swapped() -> None:
    job = an_object(
        Kind.JOB, {"name": "j", "nodes": [a_node("DWSSQL", connectionName="a"), a_node("DWSSQL", connectionName="b")]}
    )
    nodes = changed(job, "connection:a=b", "connection:b=a")["nodes"]
    assert [node["properties"][0]["value"] for node in nodes] == ["b", "a"]


def test_mapping__reaches_scripts_cdm_jobs_and_connections() -> None:
    script = an_object(Kind.SCRIPT, {"name": "s", "connectionName": "a", "queueName": "q", "content": "a q"})
    assert changed(script, "connection:a=b", "queue:q=r") == {
        "name": "s",
        "connectionName": "b",
        "queueName": "r",
        "content": "a q",
    }
    cdm = an_object(Kind.CDM_JOB, {"name": "c", "from-link-name": "l", "to-link-name": "m"}, cluster="k1")
    moved = apply_options(cdm, ImportOptions(mappings=(parse_map("link:l=x"), parse_map("cluster:k1=k2"))))
    assert (moved.cluster, json.loads(moved.text)) == ("k2", {"name": "c", "from-link-name": "x", "to-link-name": "m"})
    dws = an_object(Kind.CONNECTION, {"name": "d", "config": {"clusterName": "c", "ip": "c"}})
    assert changed(dws, "cluster:c=e")["config"] == {"clusterName": "e", "ip": "c"}


def test_mapping__a_renamed_job_is_renamed_wherever_it_is_named() -> None:
    depends = {
        "jobs": ["old", "x"],
        "sameWorkSpaceJobs": [{"jobName": "old"}],
        "otherWorkSpaceJobs": [{"jobName": "old", "workSpace": "w"}],
    }
    job = an_object(
        Kind.JOB,
        {
            "name": "old",
            "nodes": [a_node("ForEachJob", jobName="old"), a_node("CDMJob", jobName="old")],
            "schedule": {"cron": {"dependJobs": depends}},
        },
    )
    moved = apply_options(job, ImportOptions(mappings=(parse_map("job:old=new"), parse_map("workspace:w=v"))))
    document = json.loads(moved.text)
    assert (moved.name, document["name"]) == ("new", "new")
    assert [node["properties"][0]["value"] for node in document["nodes"]] == ["new", "old"]
    assert document["schedule"]["cron"]["dependJobs"] == {
        "jobs": ["new", "x"],
        "sameWorkSpaceJobs": [{"jobName": "new"}],
        "otherWorkSpaceJobs": [{"jobName": "old", "workSpace": "v"}],
    }


def test_mapping__a_single_upstream_job_may_be_bare_text() -> None:
    job = an_object(Kind.JOB, {"name": "j", "nodes": [{"cronTrigger": {"dependJobs": {"jobs": "old"}}}]})
    assert changed(job, "job:old=new")["nodes"][0]["cronTrigger"]["dependJobs"]["jobs"] == "new"


def test_parameters__those_of_one_job_win_and_new_ones_are_added() -> None:
    job = an_object(
        Kind.JOB,
        {"name": "j", "params": [{"name": "a", "value": "0", "type": "constants"}, {"name": "b", "value": "0"}]},
    )
    document = changed(job, params={"a": "1", "c": "2"}, job_params={"j": {"a": "3"}, "other": {"b": "4"}})
    assert document["params"] == [
        {"name": "a", "value": "3", "type": "constants"},
        {"name": "b", "value": "0"},
        {"name": "c", "value": "2", "type": "variable"},
    ]


def test_execute_user__keeps_the_rest_of_the_basic_configuration() -> None:
    job = an_object(Kind.JOB, {"name": "j", "basicConfig": {"priority": "2", "executeUser": "a"}})
    assert changed(job, execute_user="b")["basicConfig"] == {"priority": "2", "executeUser": "b"}
    assert changed(an_object(Kind.JOB, {"name": "j"}), execute_user="b")["basicConfig"] == {"executeUser": "b"}


def test_apply_options__keeps_every_number_and_text_as_it_was() -> None:
    numbers = b'"x":1.50,"y":1E5,"z":-0,"big":99999999999999999999999,"s":"\\ud800"'
    nodes = b'"nodes":[{"properties":[{"name":"connectionName","value":"a"}]}]'
    text = b'{"name":"j",' + numbers + b"," + nodes + b"}"
    before = an_object(Kind.JOB, text)
    after = apply_options(before, ImportOptions(mappings=(parse_map("connection:a=b"),)))
    assert after.text == before.text.replace(b'"value":"a"', b'"value":"b"')


def test_apply_options__without_effect_gives_the_same_object() -> None:
    job = an_object(Kind.JOB, {"name": "j"})
    assert apply_options(job, ImportOptions(mappings=(parse_map("connection:a=b"),))) is job
    assert apply_options(job, ImportOptions()) is job


@pytest.mark.parametrize(
    "odd",
    [
        {"nodes": "x"},
        {"nodes": [1, {"properties": {"name": "a"}}]},
        {"params": {"a": 1}},
        {"basicConfig": []},
        {"nodes": [{"properties": [{"name": ["connectionName"], "value": {}}]}]},
    ],
)
def test_apply_options__what_strangers_put_elsewhere_is_left_alone(odd: dict[str, Any]) -> None:
    document = changed(
        an_object(Kind.JOB, {"name": "j", **odd}), "connection:a=b", "job:a=b", params={"p": "1"}, execute_user="u"
    )
    assert document["params"][-1] == {"name": "p", "value": "1", "type": "variable"}
