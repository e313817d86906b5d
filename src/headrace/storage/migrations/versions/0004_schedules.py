"""Schedules, and what their instances wait for."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, literal_column

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, _BY_CODE_POINT, nullable=False)


def upgrade() -> None:
    """Add tables, and the index by which a schedule has one instance for a plan time."""
    op.create_table(
        "job_schedules",
        Column("job_id", BigInteger, primary_key=True, autoincrement=False),
        _text("workspace_id"),
        _text("project_id"),
        _text("run_as"),
        _text("parameters"),
        Column("next_time", BigInteger, nullable=True),
        Column("alone_at", BigInteger, nullable=True),
    )
    op.create_index("job_schedules_due", "job_schedules", ["next_time", "job_id"])
    op.create_table(
        "instance_waits",
        Column("instance_id", BigInteger, primary_key=True, autoincrement=False),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("upstream_job_id", BigInteger, nullable=False),
        _text("upstream_job_name"),
        Column("any_suffices", Integer, nullable=False),
        _text("fail_policy"),
        _text("rule"),
        Column("confirm", Integer, nullable=False),
    )
    op.create_table(
        "instance_wait_times",
        Column("instance_id", BigInteger, primary_key=True, autoincrement=False),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("upstream_job_id", BigInteger, nullable=False),
        Column("plan_time", BigInteger, primary_key=True, autoincrement=False),
    )
    op.create_index("instance_wait_times_of_job", "instance_wait_times", ["upstream_job_id", "plan_time"])
    scheduled: Any = literal_column("instance_type = 0")
    op.create_index(
        "job_instances_planned",
        "job_instances",
        ["job_id", "plan_time"],
        unique=True,
        sqlite_where=scheduled,
        postgresql_where=scheduled,
    )
