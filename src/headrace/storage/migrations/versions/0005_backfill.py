"""Backfills: their jobs, their dates, and which dates wait for which."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, UniqueConstraint

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, _BY_CODE_POINT, nullable=False)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _key(*names: str) -> list[Column[int]]:
    return [
        Column(name, BigInteger if name == "backfill_id" else Integer, primary_key=True, autoincrement=False)
        for name in names
    ]


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "backfills",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        *(_text(name) for name in ("workspace_id", "project_id", "name", "job_name", "status", "document")),
        *(Column(name, Integer, nullable=False) for name in ("parallel", "by_day", "stops_on_failure")),
        _text("run_time"),
        _text("user_name"),
        *(_number(name) for name in ("start_time", "end_time", "create_time")),
        _number("finish_time", null=True),
        _number("next_time", null=True),
        UniqueConstraint("workspace_id", "name"),
    )
    op.create_index("backfills_created", "backfills", ["workspace_id", "create_time"])
    op.create_index("backfills_due", "backfills", ["next_time"])
    op.create_table(
        "backfill_jobs",
        *_key("backfill_id", "number"),
        _number("job_id"),
        _text("job_name"),
        _text("workspace_id"),
        Column("version", Integer, nullable=False),
        _text("run_as"),
        _text("log_root"),
        Column("confirm", Integer, nullable=False),
        _text("nodes"),
    )
    op.create_index("backfill_jobs_of_job", "backfill_jobs", ["job_id"])
    op.create_table(
        "backfill_dates",
        *_key("backfill_id", "position"),
        Column("job_number", Integer, nullable=False),
        _number("plan_time"),
        Column("day", Integer, nullable=False),
        _text("state"),
        _number("instance_id", null=True),
        UniqueConstraint("backfill_id", "job_number", "plan_time"),
    )
    op.create_index("backfill_dates_by_state", "backfill_dates", ["backfill_id", "state", "position"])
    op.create_index("backfill_dates_of_instance", "backfill_dates", ["instance_id"])
    op.create_table(
        "backfill_waits",
        *_key("backfill_id", "position", "number", "upstream"),
        Column("any_suffices", Integer, nullable=False),
        _text("fail_policy"),
    )
    op.create_index("backfill_waits_of_date", "backfill_waits", ["backfill_id", "upstream"])
