"""Instances that listen for a file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add a table and a column."""
    op.add_column("backfill_jobs", Column("listening", _BY_CODE_POINT, nullable=False, server_default=""))
    op.create_table(
        "instance_listenings",
        Column("instance_id", BigInteger, primary_key=True, autoincrement=False),
        Column("expression", _BY_CODE_POINT, nullable=False),
        Column("path", _BY_CODE_POINT, nullable=False),
        Column("since", BigInteger, nullable=False),
        Column("interval", BigInteger, nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("next_time", BigInteger, nullable=True),
        Column("confirm", Integer, nullable=False),
        Column("found", _BY_CODE_POINT, nullable=False),
    )
    open_ones = sa.text("next_time IS NOT NULL")
    op.create_index(
        "instance_listenings_due",
        "instance_listenings",
        ["next_time"],
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )
