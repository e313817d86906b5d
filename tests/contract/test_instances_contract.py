"""Instances on every kind of database."""

from __future__ import annotations

import pytest

from headrace.storage import instance_lists, instances, open_instances, script_instances
from headrace.storage.database import Database
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.storage.script_instances import ScriptInstanceRecord


def instance(number: int, **members: object) -> InstanceRecord:
    record = InstanceRecord(
        id=number,
        workspace_id="w",
        job_id=7,
        job_name="sales_day",
        instance_name="sales_day",
        instance_type=2,
        status="waiting",
        wish="START",
        version=1,
        parameters="{}",
        run_as="u",
        project_id="p",
        log_root="",
        plan_time=1_000 + number,
        submit_time=1_000,
    )
    return record._replace(**members)  # type: ignore[arg-type]


def node(number: int, position: int) -> NodeRecord:
    return NodeRecord(
        instance_id=number, position=position, name=f"n{position}", type="Dummy", status="waiting", plan_time=1_000
    )


@pytest.fixture
def filled(database: Database) -> Database:
    with database.writing() as connection:
        for number in (1, 2, 3):
            instances.insert_instance(connection, instance(number), [node(number, 1), node(number, 0)])
        instances.insert_instance(connection, instance(4, workspace_id="other"), [])
    return database


def test_an_instance_comes_back_as_it_was_stored(filled: Database) -> None:
    with filled.reading() as connection:
        assert instances.by_id(connection, 1) == instance(1)
        assert instances.nodes_of(connection, 1) == [node(1, 0), node(1, 1)]
        assert instances.by_id(connection, 99) is None


def test_changes_of_an_instance_and_its_nodes_are_kept(filled: Database) -> None:
    changed = instance(2, status="running", wish="", start_time=2_000, parameters='{"a":"1"}')
    moved = node(2, 1)._replace(status="success", end_time=5, output="[]", fence=3, closed=1, log_path="obs://b/k")
    with filled.writing() as connection:
        assert instances.lock(connection, 2) == instance(2)
        instances.update_instances(connection, [changed])
        instances.update_nodes(connection, [moved])
    with filled.reading() as connection:
        assert instances.by_id(connection, 2) == changed
        assert instances.nodes_of(connection, 2) == [node(2, 0), moved]
        assert instances.nodes_of(connection, 1) == [node(1, 0), node(1, 1)]


def test_the_engine_finds_what_wishes_and_what_is_open(filled: Database) -> None:
    with filled.writing() as connection:
        instances.update_instances(
            connection, [instance(1, wish=""), instance(2, status="success"), instance(3, status="running-exception")]
        )
    with filled.reading() as connection:
        assert list(open_instances.wishes(connection, "")) == [2, 3, 4]
        assert open_instances.open_ids(connection, "") == [1, 3, 4]
        assert open_instances.unended_of_job(connection, 7) == [1, 3, 4]


def test_nodes_can_be_replaced(filled: Database) -> None:
    with filled.writing() as connection:
        instances.replace_nodes(connection, 1, [node(1, 5)])
    with filled.reading() as connection:
        assert instances.nodes_of(connection, 1) == [node(1, 5)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [3, 2, 1]),
        ({"job_name": "ales_"}, [3, 2, 1]),
        ({"job_name": "ales%"}, []),
        ({"job_name": "sales", "precise": True}, []),
        ({"job_name": "sales_day", "precise": True, "status": "waiting", "instance_type": 2}, [3, 2, 1]),
        ({"instance_type": 0}, []),
        ({"after": 1_001, "until": 1_002}, [2]),
    ],
)
def test_pages_are_filtered_newest_first(filled: Database, filters: dict[str, object], expected: list[int]) -> None:
    asked = {"after": 0, "until": 9_999, "job_name": "", "precise": False, "status": "", "instance_type": None}
    with filled.reading() as connection:
        total, rows = instance_lists.page(connection, "w", **{**asked, **filters}, skip=0, rows=10)  # type: ignore[arg-type]
    assert (total, [row.id for row in rows]) == (len(expected), expected)


def test_script_instances_come_back_change_and_are_found(database: Database) -> None:
    record = ScriptInstanceRecord(
        id="a",
        workspace_id="w",
        script_id="s",
        script_name="n",
        status="LAUNCHING",
        wish="START",
        message="",
        parameters="{}",
        project_id="p",
        results="[]",
        create_time=5,
    )
    ended = record._replace(status="FINISHED", wish="", results='[{"rows":[]}]', start_time=6, end_time=7)
    with database.writing() as connection:
        script_instances.insert_instance(connection, record)
        script_instances.insert_instance(connection, record._replace(id="b"))
        assert (script_instances.wishing_ids(connection), script_instances.open_ids(connection)) == (["a", "b"],) * 2
        assert script_instances.lock(connection, "a") == record
        script_instances.update_instance(connection, ended)
    with database.reading() as connection:
        assert script_instances.by_id(connection, "a") == ended
        assert (script_instances.wishing_ids(connection), script_instances.open_ids(connection)) == (["b"],) * 2
