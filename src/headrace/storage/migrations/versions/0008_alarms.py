"""Alarms: rules, and what is to be sent and was."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Text, UniqueConstraint

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "alarm_rules",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("workspace_id", _BY_CODE_POINT, nullable=False),
        Column("name", _BY_CODE_POINT, nullable=False),
        Column("job_id", BigInteger, nullable=True),
        Column("kind", Integer, nullable=False),
        Column("topics", _BY_CODE_POINT, nullable=False),
        Column("finished_by", _BY_CODE_POINT, nullable=False),
        Column("minutes", Integer, nullable=False),
        Column("most_times", Integer, nullable=False),
        Column("repeat_minutes", Integer, nullable=False),
        Column("enabled", Integer, nullable=False),
        Column("create_user", _BY_CODE_POINT, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "alarms",
        Column("rule_id", BigInteger, nullable=False),
        Column("instance_id", BigInteger, nullable=False),
        Column("occasion", BigInteger, nullable=False),
        Column("number", Integer, nullable=False),
        Column("workspace_id", _BY_CODE_POINT, nullable=False),
        Column("rule_name", _BY_CODE_POINT, nullable=False),
        Column("kind", Integer, nullable=False),
        Column("job_id", BigInteger, nullable=False),
        Column("job_name", _BY_CODE_POINT, nullable=False),
        Column("instance_type", Integer, nullable=False),
        Column("plan_time", BigInteger, nullable=False),
        Column("submit_time", BigInteger, nullable=False),
        Column("error_message", _BY_CODE_POINT, nullable=False),
        Column("topics", _BY_CODE_POINT, nullable=False),
        Column("most_times", Integer, nullable=False),
        Column("repeat_minutes", Integer, nullable=False),
        Column("state", _BY_CODE_POINT, nullable=False),
        Column("alarm_time", BigInteger, nullable=False),
        Column("due_time", BigInteger, nullable=True),
        Column("tries", Integer, nullable=False),
        Column("message", _BY_CODE_POINT, nullable=False),
        Column("outcome", _BY_CODE_POINT, nullable=False),
        PrimaryKeyConstraint("rule_id", "instance_id", "occasion", "number"),
    )
    op.create_index("alarms_due", "alarms", ["due_time"])
    op.create_index("alarms_newest", "alarms", ["workspace_id", "alarm_time"])
    op.create_index("alarms_by_time", "alarms", ["alarm_time"])
    op.create_index("alarms_of_instance", "alarms", ["instance_id"])
