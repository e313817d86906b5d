"""Migration jobs that start by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add columns; every job is looked at once, as it may have times."""
    op.add_column("cdm_jobs", Column("workspace_id", _BY_CODE_POINT, nullable=False, server_default=""))
    op.add_column("cdm_jobs", Column("next_time", BigInteger, nullable=True, server_default="0"))
    timed = sa.text("next_time IS NOT NULL")
    op.create_index("cdm_jobs_next", "cdm_jobs", ["next_time"], sqlite_where=timed, postgresql_where=timed)
