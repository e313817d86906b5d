"""Scheduling calendars, paused schedules, and instances that have waited too long or are passed over."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, literal_column

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add a table and columns; existing instances wait as long as they like."""
    op.create_table(
        "calendars",
        Column("workspace_id", _BY_CODE_POINT, primary_key=True, nullable=False),
        Column("name", _BY_CODE_POINT, primary_key=True, nullable=False),
        Column("document", _BY_CODE_POINT, nullable=False),
    )
    op.add_column("job_schedules", Column("held_time", BigInteger, nullable=True))
    op.add_column("job_schedules", Column("skips_waiting", Integer, nullable=False, server_default="0"))
    op.add_column("job_instances", Column("cancel_at", BigInteger, nullable=True))
    op.add_column("job_instances", Column("dry_run", Integer, nullable=False, server_default="0"))
    waiting: Any = literal_column("status IN ('waiting', 'waiting-confirm')")
    op.create_index(
        "job_instances_overdue", "job_instances", ["cancel_at"], sqlite_where=waiting, postgresql_where=waiting
    )
