"""The default items of workspaces."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; a workspace without a row has the service's defaults."""
    op.create_table(
        "default_items",
        Column("workspace_id", Text, primary_key=True),
        Column("prefix_only_dlf", Integer, nullable=False),
        Column("simple_variables", Integer, nullable=False),
        Column("all_conditions", Integer, nullable=False),
        Column("retry_after_timeout", Integer, nullable=False),
    )
