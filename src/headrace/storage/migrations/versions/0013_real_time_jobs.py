"""Nodes of real-time jobs that are jobs of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; no job has a parent."""
    op.add_column("jobs", Column("parent_id", BigInteger, nullable=True))
    nodes = sa.text("parent_id IS NOT NULL")
    op.create_index("jobs_of_parent", "jobs", ["parent_id"], sqlite_where=nodes, postgresql_where=nodes)
