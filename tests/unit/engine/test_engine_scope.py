"""What expressions of a running instance can read: parameters, earlier nodes, and times that are handed in."""

from __future__ import annotations

import json
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.domain.job import JobDefinition, NodeDefinition
from headrace.el.errors import ExpressionError
from headrace.el.language import condition_holds, evaluate_text
from headrace.engine.scope import node_scope, script_scope
from headrace.errors import ObsFileUnreadable
from headrace.objectstore.path import ObsPath
from headrace.storage.default_items import DefaultItems
from headrace.storage.instances import InstanceRecord, NodeRecord

PLAN, START, NOW = 1_537_894_800_000, 1_537_894_807_000, 1_893_553_445_000  # 2018-09-26 01:00:00 and :07, 2030-01-02
NODES = (
    NodeDefinition(name="load", type="Shell"),
    NodeDefinition(name="beside", type="Shell"),
    NodeDefinition(name="check", type="Shell", predecessors=("load",)),
    NodeDefinition(name="tell", type="Shell", predecessors=("check",)),
)
TELL = 3


class Store:
    """Objects by path; the bucket ``broken`` cannot be asked."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths

    def bucket_exists(self, bucket: str) -> bool:
        return any(path.startswith(f"obs://{bucket}/") for path in self.paths)

    def exists(self, path: ObsPath) -> bool:
        if path.bucket == "broken":
            raise ObsFileUnreadable(f"{path}: it burns")
        return str(path) in self.paths

    def folder_exists(self, path: ObsPath) -> bool:
        return any(each.startswith(str(path)) for each in self.paths)


class Items:
    """A database that holds the default items of the workspace, or none."""

    def __init__(self, row: tuple[int, int] | None) -> None:
        self.row = row

    def reading(self) -> Any:
        return nullcontext(SimpleNamespace(one=lambda statement, workspace_id: self.row))


def services(*paths: str, items: tuple[int, int] | None = None) -> Any:
    settings = SimpleNamespace(time_zone="Asia/Shanghai")
    return SimpleNamespace(settings=settings, now=lambda: NOW, store=Store(*paths), db=Items(items))


def evaluated(text: str, **given: Any) -> str:
    """The text as a property of the node ``tell``. ``given``: members of the instance, ``nodes``: of its nodes."""
    nodes = [
        NodeRecord(7, position, node.name, node.type, "waiting", PLAN)._replace(**given.get(node.name, {}))
        for position, node in enumerate(NODES)
    ]
    record = InstanceRecord(
        id=7,
        workspace_id="w",
        job_id=5,
        job_name="daily",
        instance_name="daily",
        instance_type=2,
        status="running",
        wish="",
        version=1,
        parameters=json.dumps(given.get("parameters", {})),
        run_as="me",
        project_id="p",
        log_root="",
        plan_time=PLAN,
        submit_time=NOW,
        start_time=given.get("start_time", START),
        handed_down=json.dumps(given.get("handed_down", {})),
    )
    job = JobDefinition(name="daily", nodes=NODES, parameters=given.get("job", {}))
    scope = node_scope(given.get("services", services()), record, job, nodes, TELL, given.get("environment", {}))
    return evaluate_text(text, scope)


# ---- parameters


def test_parameters__handed_down_beats_the_job_which_beats_the_workspace() -> None:
    values: dict[str, Any] = {
        "handed_down": {"a": "parent"},
        "job": {"a": "job", "b": "job", "c": "job"},
        "parameters": {"b": "run"},
        "environment": {"a": "env", "b": "env", "c": "env", "d": "env"},
    }
    assert evaluated("${a} ${b} ${c} ${d} ${e}", **values) == "parent run job env ${e}"


def test_parameters__get_param_sees_what_is_configured_and_what_the_run_was_given() -> None:
    text = '#{Job.getParam("a")} #{Job.getParam("b")} #{Job.getParam("d")}'
    found = evaluated(text, handed_down={"a": "x"}, job={"a": "job", "b": "job"}, parameters={"b": "run"})
    assert found == "job run null"


def test_parameters__a_value_that_is_an_expression_is_evaluated_where_it_is_read() -> None:
    job = {"day": '#{Job.getPlanTime("yyyyMMdd")}', "rows": '#{StringUtil.getDigits(Job.getNodeOutput("check"))}'}
    assert evaluated("${day} ${rows}", job=job) == "20180926 "
    assert evaluated("${rows}", job=job, check={"status": "success", "output": '[["11"]]'}) == "11"


def test_parameters__a_value_that_is_handed_down_is_final() -> None:
    assert evaluated("${a}", handed_down={"a": "#{1 + 1}"}) == "#{1 + 1}"


def test_parameters__what_a_node_extracted_is_read_by_the_nodes_after_it() -> None:
    taken = {"load": {"status": "success", "end_time": 2, "variables": '{"id":"from load","only":"load"}'}}
    later = {"check": {"status": "success", "end_time": 3, "variables": '{"id":"from check"}'}}
    aside = {"beside": {"status": "success", "end_time": 4, "variables": '{"id":"from beside"}'}}
    assert evaluated("${id} ${only}", job={"id": "job"}, **taken, **later, **aside) == "from check load"


def test_parameters__a_cycle_is_told_with_its_names() -> None:
    with pytest.raises(ExpressionError, match=r"job parameter `a` → job parameter `b` → job parameter `a`"):
        evaluated("${a}", job={"a": "${b}", "b": "${a}"})


def test_default_items__decide_what_a_variable_is() -> None:
    job, text = {"a": "1", "dlf.a": "2"}, "${a} ${dlf.a} ${yyyymmdd} $[hh24] $job_id"
    assert evaluated(text, job=job) == "1 2 ${yyyymmdd} $[hh24] $job_id"
    assert evaluated(text, job=job, services=services(items=(1, 0))) == "${a} 2 ${yyyymmdd} $[hh24] $job_id"
    assert evaluated(text, job=job, services=services(items=(0, 1))) == "1 2 20180925 01 5"
    scope = script_scope(services(), "p", PLAN, job, {}, DefaultItems(prefix_only_dlf=1, simple_variables=1))
    assert evaluate_text("${a} ${dlf.a} $[hh24]", scope) == "${a} 2 01"


# ---- times


def test_times__come_from_the_instance_and_the_services() -> None:
    pattern = '"yyyy-MM-dd HH:mm:ss"'
    text = f"#{{DateUtil.format(Job.planTime,{pattern})}} #{{DateUtil.format(Job.startTime,{pattern})}}"
    assert evaluated(text) == "2018-09-26 01:00:00 2018-09-26 01:00:07"
    assert evaluated(text, start_time=None) == "2018-09-26 01:00:00 2018-09-26 01:00:00"
    assert evaluated(f"#{{DateUtil.format(DateUtil.now(),{pattern})}}") == "2030-01-02 11:04:05"


def test_script_scope__a_script_by_itself_is_planned_for_the_moment_it_was_started() -> None:
    scope = script_scope(services(), "p", PLAN, {"a": "${b}"}, {"b": "env"})
    assert evaluate_text('${a} #{Job.getPlanTime("yyyyMMddHH")} #{Job.name}.', scope) == "env 2018092601 ."


# ---- nodes before


def test_nodes__only_those_before_that_have_ended_have_an_output() -> None:
    ended = {"status": "success", "output": "out", "running_data": '{"jobIds":["1"]}'}
    text = '#{Job.getNodeOutput("%s")} #{Job.getNodeStatus("%s")} #{Job.getRunningData("%s")}'
    assert evaluated(text.replace("%s", "load"), load=ended) == 'out success {"jobIds":["1"]}'
    assert evaluated(text.replace("%s", "beside"), beside=ended) == "null null null"
    assert evaluated(text.replace("%s", "tell"), tell=ended) == "null null null"
    assert evaluated(text.replace("%s", "load"), load={"status": "running", "output": "old"}) == "null running null"


# ---- the object store

OBJECTS = ("obs://b/in/x.csv",)


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("obs://b/in/x.csv", "true"),
        ("obs://b/in/", "true"),
        ("obs://b/in/x", "false"),
        ("obs://b/out/", "false"),
        ("obs://b/", "true"),
        ("obs://c/", "false"),
        ("obs://c/in/", "false"),
        ("obs://c/in/x.csv", "false"),
    ],
)
def test_obs__an_object_or_anything_below_a_folder_is_there(path: str, there: str) -> None:
    assert evaluated(f'#{{OBSUtil.isExistOBSPath("{path}")}}', services=services(*OBJECTS)) == there


@pytest.mark.parametrize(
    ("path", "reason"), [("in/x.csv", "is not of the form obs://bucket/key"), ("obs://broken/x", "it burns")]
)
def test_obs__what_cannot_be_looked_up_is_an_error_and_not_absent(path: str, reason: str) -> None:
    with pytest.raises(
        ExpressionError, match=rf"Expected a path that can be looked up, found the text '{path}' \(.*{reason}"
    ):
        evaluated(f'#{{OBSUtil.isExistOBSPath("{path}")}}', services=services(*OBJECTS))


def test_condition__reads_the_same_scope() -> None:
    scope = script_scope(services(*OBJECTS), "p", PLAN, {"n": "4"}, {})
    assert condition_holds('#{${n} < 5 && OBSUtil.isExistOBSPath("obs://b/in/") ? "true" : "false"}', scope)
