"""Scripts, resources, connections, workspaces and environment variables on every kind of database."""

from __future__ import annotations

import pytest

from headrace.storage import connections, directory_elements, environment, jobs, resources, scripts, workspaces
from headrace.storage.connections import ConnectionRecord
from headrace.storage.database import Database, Duplicate
from headrace.storage.directory_elements import Element
from headrace.storage.jobs import JobRecord, Names
from headrace.storage.resources import ResourceRecord, UsingJob
from headrace.storage.scripts import ScriptRecord
from headrace.storage.workspaces import WorkspaceRecord


def script(name: str, *, document: str = "{}", version: int = 0, number: int = 1) -> ScriptRecord:
    return ScriptRecord(
        f"s{number}", "w", name, "HiveSQL", "/a", document, version, version, "ann", number, "ann", number
    )


def resource(name: str, *, directory: str = "/lib", number: int = 1) -> ResourceRecord:
    document = f'{{"n":{number}}}'
    return ResourceRecord(f"r{number}", "w", name, "jar", directory, document, "ann", number, "ann", number)


def connection_record(name: str, *, document: str = "{}", number: int = 1, kind: str = "DLI") -> ConnectionRecord:
    return ConnectionRecord(f"c{number}", "w", name, kind, document, "ann", number, "ann", number)


def test_script__without_a_version_its_text_is_the_draft(database: Database) -> None:
    record = script("one", document='{"a":1}')
    with database.writing() as connection:
        scripts.insert_script(connection, record)
    with database.reading() as connection:
        assert scripts.by_name(connection, "w", "one") == record
        assert scripts.version_document(connection, "s1", 1) is None
        assert scripts.by_name(connection, "other", "one") is None


def test_script__a_submitted_text_is_kept_once_and_read_as_the_saved_one(database: Database) -> None:
    record = script("one", document='{"a":1}', version=1)
    edited = record._replace(document='{"a":2}')
    again = edited._replace(document='{"a":3}', version=2, production_version=2)
    with database.writing() as connection:
        scripts.insert_script(connection, record)
    with database.reading() as connection:
        assert scripts.by_name(connection, "w", "one") == record
    with database.writing() as connection:
        scripts.replace_script(connection, edited, submitted=False)
    with database.reading() as connection:
        assert scripts.by_name(connection, "w", "one") == edited
        assert list(scripts.all_documents(connection, "w")) == [("one", '{"a":2}')]
        assert list(scripts.all_documents(connection, "w", submitted=True)) == [("one", '{"a":1}')]
    with database.writing() as connection:
        scripts.replace_script(connection, again, submitted=True)
    with database.reading() as connection:
        assert scripts.by_name(connection, "w", "one") == again
        assert scripts.version_document(connection, "s1", 1) == '{"a":1}'
        assert scripts.version_document(connection, "s1", 2) == '{"a":3}'
    with database.writing() as connection:
        scripts.delete_script(connection, "s1")
    with database.reading() as connection:
        assert scripts.by_name(connection, "w", "one") is None
        assert scripts.version_document(connection, "s1", 1) is None


def test_scripts__are_paged_newest_first_and_filtered_by_a_part_of_the_name(database: Database) -> None:
    rows = [script(name, number=number) for number, name in enumerate(["a_1", "a%2", "A_3", "b_4"], 1)]
    with database.writing() as connection:
        scripts.insert_many(connection, [*rows[:3], rows[3]._replace(version=1)])
    with database.reading() as connection:
        total, first = scripts.page(connection, "w", name="", skip=0, rows=2)
        assert (total, [row.name for row in first]) == (4, ["b_4", "A_3"])
        assert [row.name for row in scripts.page(connection, "w", name="a", skip=0, rows=9)[1]] == ["a%2", "a_1"]
        assert [row.name for row in scripts.page(connection, "w", name="_", skip=1, rows=9)[1]] == ["A_3", "a_1"]
        assert scripts.page(connection, "w", name="%", skip=5, rows=9) == (1, [])
        assert sorted(scripts.names(connection, "w")) == sorted(row.name for row in rows)
        assert scripts.count(connection, "w") == 4


def test_script__a_name_is_taken_once_per_workspace(database: Database) -> None:
    with database.writing() as connection:
        scripts.insert_script(connection, script("one"))
    with pytest.raises(Duplicate), database.writing() as connection:
        scripts.insert_script(connection, script("one", number=2))
    with database.writing() as connection:
        scripts.insert_script(connection, script("one", number=2)._replace(workspace_id="other"))


def test_resource__a_name_is_taken_once_per_directory(database: Database) -> None:
    one, elsewhere = resource("one"), resource("one", directory="/a", number=2)
    with database.writing() as connection:
        resources.insert_many(connection, [one, elsewhere])
    with pytest.raises(Duplicate), database.writing() as connection:
        resources.insert_resource(connection, resource("one", number=3))
    with database.reading() as connection:
        assert resources.by_name(connection, "w", "one") == [elsewhere, one]
        assert resources.by_name_and_directory(connection, "w", "one", "lib/") == one
        assert resources.by_id(connection, "w", "r2") == elsewhere
        assert resources.by_id(connection, "other", "r2") is None
        assert list(resources.all_documents(connection, "w")) == [("one", '{"n":2}'), ("one", '{"n":1}')]
    with database.writing() as connection:
        resources.replace_resource(connection, one._replace(name="two", document="{}"))
        assert resources.delete_resource(connection, "w", "r2")
        assert not resources.delete_resource(connection, "other", "r1")
    with database.reading() as connection:
        assert resources.page(connection, "w", name="", skip=0, rows=9)[:2] == (
            1,
            [one._replace(name="two", document="{}")],
        )


def test_resources__a_page_tells_the_jobs_that_use_them(database: Database) -> None:
    job = JobRecord(7, "w", "load", "BATCH", "/", "ann", 0, 0, "{}", 3, "STOPPED", "ann", 1, "ann", 1)
    with database.writing() as connection:
        resources.insert_many(connection, [resource("one"), resource("two", number=2)])
        jobs.insert_job(connection, job, Names(resources=["two"]))
    using = UsingJob("two", 7, "load", 3, "ann")
    with database.reading() as connection:
        assert resources.users(connection, "w", "two") == [using]
        assert resources.users(connection, "w", "one") == []
        assert resources.page(connection, "w", name="", skip=0, rows=9)[2] == [using]
        assert resources.page(connection, "w", name="", skip=0, rows=1)[2] == []


def test_connection__is_put_renamed_and_deleted(database: Database) -> None:
    first = connection_record("one", document='{"a":1}')
    with database.writing() as connection:
        connections.put(connection, first)
        connections.put(connection, connection_record("one", document='{"a":2}', number=2))
    with database.reading() as connection:
        found = connections.by_name(connection, "w", "one")
        assert found == first._replace(document='{"a":2}', modify_time=2)
        assert connections.count_of_user(connection, "w", "dli", "ann") == 1
        assert connections.count_of_user(connection, "w", "dli", "bob") == 0
    with database.writing() as connection:
        connections.insert_connection(connection, connection_record("two", number=3))
    with pytest.raises(Duplicate), database.writing() as connection:
        connections.replace_connection(connection, first._replace(name="two"))
    with database.writing() as connection:
        connections.replace_connection(connection, first._replace(name="three"))
    with database.reading() as connection:
        total, page = connections.page(connection, "w", name="t", skip=0, rows=9)
        assert (total, [row.name for row in page]) == (2, ["three", "two"])
        assert list(connections.all_documents(connection, "w")) == [("three", '{"a":1}'), ("two", "{}")]
    with database.writing() as connection:
        assert connections.delete_connection(connection, "w", "two")
        assert not connections.delete_connection(connection, "w", "two")


def test_environment__a_variable_is_read_as_text(database: Database) -> None:
    with database.writing() as connection:
        environment.put(connection, "w", "b", '{"name":"b","value":1}')
        environment.put(connection, "w", "b", '{"name":"b","value":1.50}')
        environment.put(connection, "w", "a", '{"name":"a","value":true}')
        environment.put(connection, "w", "c", '{"name":"c"}')
        environment.put(connection, "other", "d", '{"name":"d","value":"x"}')
    with database.reading() as connection:
        assert environment.values(connection, "w") == {"a": "true", "b": "1.50", "c": ""}
        assert environment.all_documents(connection, "w")[1] == ("b", '{"name":"b","value":1.50}')
    with database.writing() as connection:
        assert environment.delete_variable(connection, "w", "a")
        assert not environment.delete_variable(connection, "w", "a")


def test_workspaces__are_found_in_their_project_only(database: Database) -> None:
    first = WorkspaceRecord("w1", "p", "default", 1, "", "0", "", "", "ann", 1, "ann", 1)
    second = first._replace(id="w2", name="two", is_default=0, create_time=2)
    with database.writing() as connection:
        workspaces.insert_workspace(connection, second)
        workspaces.insert_workspace(connection, first)
        workspaces.insert_workspace(connection, first._replace(id="w3", project_id="q"))
    with pytest.raises(Duplicate), database.writing() as connection:
        workspaces.insert_workspace(connection, second._replace(id="w4"))
    with database.reading() as connection:
        assert workspaces.by_id(connection, "p", "w2") == second
        assert workspaces.by_id(connection, "p", "w3") is None
        assert workspaces.by_name(connection, "p", "two") == second
        assert workspaces.default_of(connection, "p") == first
        assert workspaces.default_of(connection, "r") is None
        assert workspaces.all_of_project(connection, "p") == [first, second]
        assert workspaces.page(connection, "p", skip=1, rows=5) == (2, [second])


def test_elements__are_what_lies_in_the_directories(database: Database) -> None:
    job = JobRecord(7, "w", "load", "BATCH", "/x", "ann", 0, 1, "{}", 3, "STOPPED", "bob", 1, "bob", 1)
    with database.writing() as connection:
        jobs.insert_job(connection, job, Names())
        scripts.insert_script(connection, script("one"))
        resources.insert_resource(connection, resource("lib"))
    with database.reading() as connection:
        assert directory_elements.elements(connection, "w", "job", "") == [Element(7, "load", "/x", "ann", "BATCH", 1)]
        assert directory_elements.elements(connection, "w", "script", "n") == [Element("s1", "one", "/a", "ann", "", 0)]
        assert directory_elements.elements(connection, "w", "resource", "x") == []
