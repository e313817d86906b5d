"""Baselines, and the promise of each day."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, UniqueConstraint

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "baselines",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("workspace_id", _BY_CODE_POINT, nullable=False),
        Column("project_id", _BY_CODE_POINT, nullable=False),
        Column("name", _BY_CODE_POINT, nullable=False),
        Column("version", Integer, nullable=False),
        Column("document", _BY_CODE_POINT, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("modify_time", BigInteger, nullable=False),
        Column("promised", BigInteger, nullable=False),
        Column("next_look", BigInteger, nullable=True),
        UniqueConstraint("workspace_id", "name"),
    )
    op.create_index("baselines_due", "baselines", ["next_look"])
    op.create_table(
        "baseline_instances",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("baseline_id", BigInteger, nullable=False),
        Column("promised", BigInteger, nullable=False),
        Column("warned", BigInteger, nullable=False),
        Column("begins", BigInteger, nullable=False),
        Column("standing", _BY_CODE_POINT, nullable=False),
        Column("finished", Integer, nullable=False),
        Column("finish", BigInteger, nullable=True),
        Column("reason", _BY_CODE_POINT, nullable=False),
        Column("alarmed", _BY_CODE_POINT, nullable=False),
        Column("first_alarm", BigInteger, nullable=True),
        Column("last_alarm", BigInteger, nullable=True),
        UniqueConstraint("baseline_id", "promised"),
    )
    op.create_index("baseline_instances_promised", "baseline_instances", ["promised"])
