"""Dependencies reach other workspaces of the project, and no other project."""

from __future__ import annotations

from scheduled_jobs import START, Factory
from sqlalchemy import bindparam, update

from headrace.factory import workspaces
from headrace.storage import jobs
from headrace.storage.statement import Statement
from headrace.storage.tables import workspaces as workspace_table

_MOVE = Statement(
    update(workspace_table).where(workspace_table.c.id == bindparam("key")).values(project_id=bindparam("project_id"))
)


def test_an_upstream_job_is_of_the_same_project(factory: Factory) -> None:
    name = factory.create("0 0 2 * * ?", at=START)
    caller = factory.caller(START)
    elsewhere = workspaces.create(factory.services, caller, name="elsewhere")
    with factory.services.db.writing() as connection:
        assert jobs.upstream(connection, caller.workspace.id, "", name) is not None
        assert jobs.upstream(connection, elsewhere, caller.workspace.id, name) is not None
        assert jobs.upstream(connection, elsewhere, "", name) is None
        connection.run(_MOVE, key=elsewhere, project_id="another")
        assert jobs.upstream(connection, elsewhere, caller.workspace.id, name) is None
