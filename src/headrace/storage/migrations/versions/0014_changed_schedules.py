"""Jobs whose schedule has changed while others wait for them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table."""
    op.create_table("changed_schedules", Column("job_id", BigInteger, primary_key=True, autoincrement=False))
