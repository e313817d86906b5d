"""Jobs that events trigger, how far they have come, and the events of their instances."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, Text, UniqueConstraint

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, _BY_CODE_POINT, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def upgrade() -> None:
    """Add three tables."""
    op.create_table(
        "event_triggers",
        Column("job_id", BigInteger, primary_key=True, autoincrement=False),
        _text("workspace_id"),
        _text("project_id"),
        _text("run_as"),
        _text("parameters"),
        _number("started"),
        _number("last_time"),
        Column("held", Integer, nullable=False, server_default="0"),
    )
    op.create_table(
        "event_positions",
        _number("job_id"),
        _text("source"),
        _text("place"),
        _number("position"),
        PrimaryKeyConstraint("job_id", "source", "place"),
    )
    op.create_table(
        "instance_events",
        Column("instance_id", BigInteger, primary_key=True, autoincrement=False),
        _number("job_id"),
        _text("key"),
        _text("data"),
        _text("files"),
        UniqueConstraint("job_id", "key"),
    )
