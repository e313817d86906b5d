"""Instances that run instances, engines that share a database, task groups, quality rules, outcomes of attempts."""

from __future__ import annotations

from typing import Any

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
    column,
    literal_column,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

metadata = MetaData()
_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, _BY_CODE_POINT, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


node_attempts = Table(
    "node_attempts",
    metadata,
    _number("instance_id"),
    Column("position", Integer, nullable=False),
    _number("fence"),
    _text("name"),
    _text("outcome"),
    _number("start_time"),
    _number("end_time"),
    _text("message"),
    _text("log_path"),
    PrimaryKeyConstraint("instance_id", "position", "fence"),
)
engines = Table(
    "engines",
    metadata,
    Column("id", Text, primary_key=True),
    _text("place"),
    _number("lease_until"),
)
task_groups = Table(
    "task_groups",
    metadata,
    _text("id"),
    _text("workspace_id"),
    _text("name"),
    Column("max_nodes", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "name"),
)
quality_rules = Table(
    "quality_rules",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("name"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _number("modify_time"),
    UniqueConstraint("workspace_id", "name"),
)
quality_results = Table(
    "quality_results",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("rule_name"),
    _number("instance_id", null=True),
    _text("node_name"),
    _text("status"),
    _number("time"),
    _text("document"),
    Index("quality_results_newest", "workspace_id", "time", "id"),
    Index("quality_results_of_rule", "workspace_id", "rule_name", "time", "id"),
)


def upgrade() -> None:
    """Add tables and columns; existing instances belong to no engine and no parent."""
    metadata.create_all(op.get_bind())
    for added in (
        Column("handed_down", _BY_CODE_POINT, nullable=False, server_default="{}"),
        Column("parent_id", BigInteger, nullable=True),
        Column("parent_position", Integer, nullable=True),
        Column("parent_fence", BigInteger, nullable=True),
        Column("child_number", Integer, nullable=True),
        Column("owner", _BY_CODE_POINT, nullable=False, server_default=""),
    ):
        op.add_column("job_instances", added)
    op.create_index("job_instances_of_parent", "job_instances", ["parent_id", "parent_position", "child_number"])
    for name in ("running_data", "variables", "children"):
        op.add_column("node_instances", Column(name, _BY_CODE_POINT, nullable=True))
    op.add_column("node_instances", Column("attempt_time", BigInteger, nullable=True))
    op.add_column("node_instances", Column("task_group", _BY_CODE_POINT, nullable=False, server_default=""))
    taken: Any = literal_column("task_group <> '' AND status = 'running'")
    op.create_index(
        "node_instances_in_groups", "node_instances", ["task_group"], sqlite_where=taken, postgresql_where=taken
    )
    op.add_column("script_instances", Column("owner", _BY_CODE_POINT, nullable=False, server_default=""))
    owned = column("owner") != literal_column("''")
    op.create_index("job_instances_owned", "job_instances", ["owner"], sqlite_where=owned, postgresql_where=owned)
