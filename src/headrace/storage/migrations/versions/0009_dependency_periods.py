"""How a workspace matches the periods of jobs that depend on each other."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; all workspaces have natural periods."""
    op.add_column("default_items", Column("traditional_periods", Integer, nullable=False, server_default="0"))
