"""Which jobs ``headrace run`` runs, and what it makes of its options."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer

from headrace.cli.node_outputs import rows_of
from headrace.cli.run import chosen_jobs
from headrace.cli.typed_values import parameter, read_plan_time
from headrace.packages.model import Kind, PackageObject

SHANGHAI = ZoneInfo("Asia/Shanghai")


def job(name: str, *, after: tuple[str, ...] = (), runs: str = "", **members: Any) -> PackageObject:
    nodes: list[dict[str, Any]] = [{"name": "n", "type": "Dummy"}]
    if runs:
        nodes.append({"name": "s", "type": "DLFSubJob", "properties": [{"name": "jobName", "value": runs}]})
    document: dict[str, Any] = {"name": name, "processType": "BATCH", "nodes": nodes, **members}
    if after:
        document["schedule"] = {"type": "CRON", "cron": {"dependJobs": {"jobs": list(after)}}}
    return PackageObject.made(Kind.JOB, name, json.dumps(document))


def test_chosen_jobs__every_batch_job_upstream_first_without_what_others_run() -> None:
    objects = [job("c", after=("b",)), job("b", after=("a",)), job("a", runs="inner"), job("inner")]
    stream = PackageObject.made(Kind.JOB, "stream", json.dumps({"name": "stream", "processType": "REAL_TIME"}))
    assert chosen_jobs([*objects, stream], []) == ["a", "b", "c"]
    assert chosen_jobs(objects, ["inner"]) == ["inner"]


def test_chosen_jobs__jobs_that_wait_for_each_other_are_run_all_the_same() -> None:
    assert chosen_jobs([job("a", after=("b",)), job("b", after=("a",))], []) == ["a", "b"]


def test_chosen_jobs__unknown_or_none_is_wrong_usage() -> None:
    for objects, wanted in (([job("a")], ["b"]), ([], [])):
        with pytest.raises(typer.Exit) as refusal:
            chosen_jobs(objects, wanted)
        assert refusal.value.exit_code == 2


def test_read_plan_time__with_an_offset_or_in_the_zone() -> None:
    assert read_plan_time("2026-03-02T02:00:00+08", ZoneInfo("UTC")) == 1_772_388_000_000
    assert read_plan_time("2026-03-02 02:00:00", SHANGHAI) == 1_772_388_000_000
    with pytest.raises(typer.Exit):
        read_plan_time("tomorrow", SHANGHAI)


def test_parameter__the_first_equals_sign_divides() -> None:
    found = parameter("a=b=c")
    assert (found.name, found.value) == ("a", "b=c")
    with pytest.raises(typer.Exit):
        parameter("=x")


@pytest.mark.parametrize("text", ["hello", "[1, 2]", '[["a"], {}]', "[[", '{"a": 1}'])
def test_rows_of__other_texts_are_no_rows(text: str) -> None:
    assert rows_of(text) is None


def test_rows_of__what_sql_nodes_give() -> None:
    assert rows_of('[["a",null],["b","1"]]') == [["a", None], ["b", "1"]]
