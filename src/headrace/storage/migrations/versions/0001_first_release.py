"""The schema of the first release.

A copy of the tables as they were then; it never changes, whatever ``storage/tables.py`` becomes.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

metadata = MetaData()


_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, _BY_CODE_POINT, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("domain_id"),
    _text("domain_name"),
    _number("create_time"),
    UniqueConstraint("name"),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("password_hash"),
    _text("project_id"),
    _number("create_time"),
    UniqueConstraint("name"),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key", Text, primary_key=True),
    _text("user_id"),
    _text("secret"),
    _text("description"),
    _number("create_time"),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Text, primary_key=True),
    _text("project_id"),
    _text("name"),
    Column("is_default", Integer, nullable=False),
    _text("description"),
    _text("eps_id"),
    _text("job_log_location"),
    _text("bad_record_location"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("update_time"),
    UniqueConstraint("project_id", "name"),
)

directories = Table(
    "directories",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("kind"),
    _text("path"),
    UniqueConstraint("workspace_id", "kind", "path"),
)

scripts = Table(
    "scripts",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("name"),
    _text("type"),
    _text("directory"),
    _text("draft", null=True),
    Column("version", Integer, nullable=False),
    Column("production_version", Integer, nullable=False),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("modify_time"),
    UniqueConstraint("workspace_id", "name"),
    Index("scripts_newest", "workspace_id", "create_time", "id"),
)

script_versions = Table(
    "script_versions",
    metadata,
    Column("script_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    _text("document"),
    _text("submit_user"),
    _number("submit_time"),
    PrimaryKeyConstraint("script_id", "version"),
)

resources = Table(
    "resources",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("name"),
    _text("type"),
    _text("directory"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("modify_time"),
    UniqueConstraint("workspace_id", "directory", "name"),
    Index("resources_oldest", "workspace_id", "create_time", "id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _text("name"),
    _text("process_type"),
    _text("directory"),
    _text("owner"),
    Column("priority", Integer, nullable=False),
    Column("single_node", Integer, nullable=False),
    _text("draft", null=True),
    Column("version", Integer, nullable=False),
    _text("status"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("update_time"),
    _number("start_time", null=True),
    _number("end_time", null=True),
    _text("last_instance_status", null=True),
    _number("last_instance_end_time", null=True),
    UniqueConstraint("workspace_id", "name"),
    Index("jobs_newest", "workspace_id", "process_type", "create_time", "id"),
)

job_versions = Table(
    "job_versions",
    metadata,
    _number("job_id"),
    Column("version", Integer, nullable=False),
    _text("document"),
    Column("package_form", Integer, nullable=False),
    _text("submit_user"),
    _number("submit_time"),
    PrimaryKeyConstraint("job_id", "version"),
)

job_tags = Table(
    "job_tags",
    metadata,
    _number("job_id"),
    _text("workspace_id"),
    _text("tag"),
    PrimaryKeyConstraint("job_id", "tag"),
    Index("job_tags_by_tag", "workspace_id", "tag", "job_id"),
)

job_references = Table(
    "job_references",
    metadata,
    _number("job_id"),
    _text("workspace_id"),
    _text("kind"),
    _text("name"),
    PrimaryKeyConstraint("job_id", "kind", "name"),
    Index("job_references_by_name", "workspace_id", "kind", "name"),
)

connections = Table(
    "connections",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("name"),
    _text("type"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("modify_time"),
    UniqueConstraint("workspace_id", "name"),
    Index("connections_oldest", "workspace_id", "create_time", "id"),
)

environment_variables = Table(
    "environment_variables",
    metadata,
    _text("workspace_id"),
    _text("name"),
    _text("document"),
    PrimaryKeyConstraint("workspace_id", "name"),
)

cdm_clusters = Table(
    "cdm_clusters",
    metadata,
    Column("id", Text, primary_key=True),
    _text("project_id"),
    _text("name"),
    _text("document"),
    _number("create_time"),
    _number("update_time"),
    UniqueConstraint("project_id", "name"),
)

cdm_links = Table(
    "cdm_links",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("cluster_id"),
    _text("name"),
    _text("connector"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("update_time"),
    UniqueConstraint("cluster_id", "name"),
)

cdm_jobs = Table(
    "cdm_jobs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("cluster_id"),
    _text("name"),
    _text("job_type"),
    _text("from_link"),
    _text("to_link"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("update_time"),
    UniqueConstraint("cluster_id", "name"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    _text("project_id"),
    _text("workspace_id"),
    _text("name"),
    _text("status"),
    _text("message"),
    _number("start_time"),
    _number("end_time", null=True),
    _number("last_update"),
    _text("request"),
)

subtasks = Table(
    "subtasks",
    metadata,
    _text("task_id"),
    Column("position", Integer, nullable=False),
    _text("id"),
    _text("name"),
    _text("status"),
    _text("message"),
    _number("last_update"),
    PrimaryKeyConstraint("task_id", "position"),
)

job_instances = Table(
    "job_instances",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _number("job_id"),
    _text("job_name"),
    _text("instance_name"),
    Column("instance_type", Integer, nullable=False),
    _text("status"),
    _text("wish"),
    Column("version", Integer, nullable=False),
    _text("parameters"),
    _text("run_as"),
    _text("project_id"),
    _text("log_root"),
    _number("plan_time"),
    _number("submit_time"),
    _number("start_time", null=True),
    _number("end_time", null=True),
    Column("force_success", Integer, nullable=False),
    Column("ignore_success", Integer, nullable=False),
    _text("error_message"),
    Index("job_instances_newest", "workspace_id", "plan_time", "id"),
    Index("job_instances_of_job", "workspace_id", "job_name", "plan_time", "id"),
    Index("job_instances_by_job", "job_id", "status"),
)
Index(
    "job_instances_open",
    job_instances.c.id,
    sqlite_where=job_instances.c.status.in_(("waiting", "running", "running-exception")),
    postgresql_where=job_instances.c.status.in_(("waiting", "running", "running-exception")),
)
Index(
    "job_instances_wishing",
    job_instances.c.id,
    sqlite_where=job_instances.c.wish != "",
    postgresql_where=job_instances.c.wish != "",
)

node_instances = Table(
    "node_instances",
    metadata,
    _number("instance_id"),
    Column("position", Integer, nullable=False),
    _text("name"),
    _text("type"),
    _text("status"),
    _number("plan_time"),
    _number("start_time", null=True),
    _number("end_time", null=True),
    Column("retry_times", Integer, nullable=False),
    _number("fence"),
    _number("lease_until", null=True),
    _number("retry_at", null=True),
    _text("output", null=True),
    _text("error_message"),
    _text("log_path"),
    _number("input_row_count", null=True),
    Column("closed", Integer, nullable=False),
    PrimaryKeyConstraint("instance_id", "position"),
)

script_instances = Table(
    "script_instances",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("script_id"),
    _text("script_name"),
    _text("status"),
    _text("wish"),
    _text("message"),
    _text("parameters"),
    _text("project_id"),
    _text("results"),
    _number("create_time"),
    _number("start_time", null=True),
    _number("end_time", null=True),
    Index("script_instances_newest", "workspace_id", "create_time", "id"),
)
Index(
    "script_instances_wishing",
    script_instances.c.id,
    sqlite_where=script_instances.c.wish != "",
    postgresql_where=script_instances.c.wish != "",
)
Index(
    "script_instances_open",
    script_instances.c.id,
    sqlite_where=script_instances.c.status.in_(("LAUNCHING", "RUNNING")),
    postgresql_where=script_instances.c.status.in_(("LAUNCHING", "RUNNING")),
)


def upgrade() -> None:
    """Create every table."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop every table."""
    metadata.drop_all(op.get_bind())
