"""One suite for both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy import inspect as inspect_schema

from headrace.domain.identity import User
from headrace.storage import baselines, identity, jobs, migrate, tasks
from headrace.storage.baselines import PromiseRecord
from headrace.storage.database import Database, Duplicate
from headrace.storage.identity import AccessKey, Project
from headrace.storage.jobs import JobRecord, Names
from headrace.storage.tables import metadata
from headrace.storage.tasks import Subtask, Task

WORKSPACE = "w" * 32


def job(number: int, **changes: Any) -> JobRecord:
    record = JobRecord(
        id=number,
        workspace_id=WORKSPACE,
        name=f"job_{number}",
        process_type="BATCH",
        directory="/",
        owner="me",
        priority=0,
        single_node=0,
        draft=None,
        version=1,
        status="STOPPED",
        create_user="me",
        create_time=number,
        update_user="me",
        update_time=number,
    )
    return record._replace(**changes)


def add(database: Database, *records: JobRecord, names: Names | None = None) -> None:
    with database.writing() as connection:
        for record in records:
            jobs.insert_job(connection, record, names or Names())
            jobs.add_version(connection, record.id, 1, f'{{"name":"{record.name}"}}', "me", record.create_time)


def test_upgrade__a_fresh_database_has_every_table_and_the_newest_revision(database: Database) -> None:
    assert migrate.revision(database) == migrate.HEAD
    engine = create_engine(database.url)
    found = set(inspect_schema(engine).get_table_names())
    engine.dispose()
    assert found == {*metadata.tables, "alembic_version"}


def test_upgrade__a_second_time_changes_nothing(database: Database) -> None:
    add(database, job(1))
    migrate.upgrade(database)
    with database.reading() as connection:
        assert jobs.names(connection, WORKSPACE) == ["job_1"]


def test_upgrade__promises_of_days_are_kept_and_end_when_they_are_due(empty_database: Database) -> None:
    command.upgrade(migrate.alembic_config(empty_database.url), "0015")
    engine = create_engine(empty_database.url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO baseline_instances VALUES (1, 2, 300, 200, 100, 'SAFE', 1, 250, '', 'ERROR', 150, NULL)")
        )
    engine.dispose()
    migrate.upgrade(empty_database)
    found = PromiseRecord(1, 2, 300, 200, 100, 300, "SAFE", 1, 250, "", "ERROR", 150, None)
    with empty_database.reading() as opened:
        assert baselines.promise(opened, 2, promised=300, begins=100) == found


def test_with_text__gives_the_newest_version_while_the_draft_does_not_differ(database: Database) -> None:
    add(database, job(1))
    with database.reading() as connection:
        assert jobs.with_text(connection, WORKSPACE, "job_1") == (job(1), '{"name":"job_1"}')
        assert jobs.with_text(connection, WORKSPACE, "job_2") is None


def test_with_text__gives_the_draft_where_it_differs(database: Database) -> None:
    add(database, job(1))
    with database.writing() as connection:
        jobs.replace_job(connection, job(1, draft='{"draft":1}'), Names())
    with database.reading() as connection:
        found = jobs.with_text(connection, WORKSPACE, "job_1")
    assert found is not None
    assert found[1] == '{"draft":1}'


def test_insert_job__a_taken_name_is_a_duplicate_and_nothing_is_written(database: Database) -> None:
    add(database, job(1))
    with pytest.raises(Duplicate), database.writing() as connection:
        jobs.insert_job(connection, job(2), Names(tags=["kept?"]))
        jobs.insert_job(connection, job(3, name="job_1"), Names())
    with database.reading() as connection:
        assert jobs.names(connection, WORKSPACE) == ["job_1"]


def test_page__is_newest_first_and_counts_all_matches(database: Database) -> None:
    add(database, *(job(number) for number in range(1, 8)))
    with database.reading() as connection:
        total, found = jobs.page(connection, WORKSPACE, process_type="BATCH", name="job", tags=[], skip=2, rows=3)
    assert (total, [record.id for record in found]) == (7, [5, 4, 3])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("b_", {"ab_c"}), ("%", {"a%b"}), ("B", set()), ("", {"ab_c", "abxc", "a%b"}), ("\\", set())],
)
def test_page__part_of_a_name_is_literal_and_case_counts(database: Database, name: str, expected: set[str]) -> None:
    add(database, job(1, name="ab_c"), job(2, name="abxc"), job(3, name="a%b"))
    with database.reading() as connection:
        _, found = jobs.page(connection, WORKSPACE, process_type="BATCH", name=name, tags=[], skip=0, rows=9)
    assert {record.name for record in found} == expected


def test_page__finds_jobs_that_carry_every_tag(database: Database) -> None:
    add(database, job(1), names=Names(tags=["day", "core"]))
    add(database, job(2), names=Names(tags=["day"]))
    add(database, job(3), names=Names(tags=["daycore"]))

    def tagged(*tags: str) -> list[int]:
        with database.reading() as connection:
            _, found = jobs.page(connection, WORKSPACE, process_type="BATCH", name="", tags=tags, skip=0, rows=9)
        return [record.id for record in found]

    assert tagged("day") == [2, 1]
    assert tagged("day", "core") == [1]
    assert tagged("core", "day", "core") == [1]
    assert tagged("other") == []


def test_users_of__finds_the_jobs_that_depend_on_a_job(database: Database) -> None:
    add(database, job(1))
    add(database, job(2), names=Names(upstream=["job_1"]))
    with database.reading() as connection:
        assert jobs.users_of(connection, WORKSPACE, jobs.UPSTREAM, "job_1") == [(2, "job_2")]


def test_delete_job__takes_versions_tags_and_references_along(database: Database) -> None:
    add(database, job(1), names=Names(tags=["x"], upstream=["y"]))
    with database.writing() as connection:
        jobs.delete_job(connection, 1)
    with database.reading() as connection:
        assert jobs.by_id(connection, 1) is None
        assert jobs.version_document(connection, 1, 1) is None
        assert jobs.users_of(connection, WORKSPACE, jobs.UPSTREAM, "y") == []


def test_all_texts__streams_by_name(database: Database) -> None:
    add(database, *(job(number) for number in range(1200, 0, -1)))
    with database.snapshot() as connection:
        found = [name for name, _, _ in jobs.all_texts(connection, WORKSPACE, submitted=True)]
    assert found == sorted(f"job_{number}" for number in range(1, 1201))


def test_snapshot__sees_one_state_while_others_write(database: Database) -> None:
    add(database, job(1))
    with database.snapshot() as connection:
        assert jobs.count(connection, WORKSPACE) == 1
        add(database, job(2))
        assert jobs.count(connection, WORKSPACE) == 1
    with database.reading() as connection:
        assert jobs.count(connection, WORKSPACE) == 2


def test_writing__two_writers_at_once_lose_nothing(database: Database) -> None:
    failures: list[BaseException] = []

    def write(first: int) -> None:
        try:
            for number in range(first, first + 40):
                add(database, job(number))
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(first,)) for first in (1000, 2000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    with database.reading() as connection:
        assert jobs.count(connection, WORKSPACE) == 80


def test_access_keys__are_found_with_their_user(database: Database) -> None:
    user = User(id="u", name="admin", project_id="p", domain_id="d")
    with database.writing() as connection:
        identity.add_project(connection, Project("p", "project", "d", "domain", 1))
        identity.add_user(connection, user, "hash", 1)
        identity.add_access_key(connection, AccessKey("AK", "u", "sealed", "", 1))
    with database.reading() as connection:
        assert identity.user_and_secret(connection, "AK") == (user, "sealed")
        assert identity.user_and_secret(connection, "ak") is None
        assert identity.user_and_password_hash(connection, "admin") == (user, "hash")


def test_task__ends_once(database: Database) -> None:
    task = Task("t", "p", WORKSPACE, "Import the job from x.", tasks.RUNNING, "", 1, None, 1, "{}")
    with database.writing() as connection:
        tasks.add(connection, task)
        tasks.add_subtasks(connection, [Subtask("t", 0, "s", "Import the a job.", "SUCCESSFUL", "Created.", 1)])
        tasks.end(connection, "t", tasks.SUCCESSFUL, "1 created.", 5)
        tasks.end(connection, "t", tasks.FAILED, "too late", 6)
    with database.reading() as connection:
        assert tasks.all_running(connection) == []
        found = tasks.by_id(connection, "p", "t")
        assert tasks.by_id(connection, "other", "t") is None
    assert found is not None
    assert found[0] == task._replace(status="SUCCESSFUL", message="1 created.", end_time=5, last_update=5)
    assert [part.name for part in found[1]] == ["Import the a job."]


def test_upgrade__gives_the_tables_this_release_works_with(database: Database) -> None:
    engine = create_engine(database.url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    engine.dispose()
