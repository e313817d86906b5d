"""Runs of migration jobs."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")
_OPEN = text("status IN ('BOOTING', 'RUNNING')")


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "cdm_submissions",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("cluster_id", _BY_CODE_POINT, nullable=False),
        Column("workspace_id", _BY_CODE_POINT, nullable=False),
        Column("job_id", BigInteger, nullable=False),
        Column("job_name", _BY_CODE_POINT, nullable=False),
        Column("source_key", _BY_CODE_POINT, nullable=False),
        Column("status", _BY_CODE_POINT, nullable=False),
        Column("phase", _BY_CODE_POINT, nullable=False),
        Column("owner", _BY_CODE_POINT, nullable=False),
        Column("stop", Integer, nullable=False),
        Column("variables", _BY_CODE_POINT, nullable=False),
        Column("reference_time", BigInteger, nullable=False),
        Column("destination", _BY_CODE_POINT, nullable=False),
        Column("counts", _BY_CODE_POINT, nullable=False),
        Column("progress", Integer, nullable=False),
        Column("error_summary", _BY_CODE_POINT, nullable=False),
        Column("error_details", _BY_CODE_POINT, nullable=False),
        Column("create_user", _BY_CODE_POINT, nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("start_time", BigInteger, nullable=True),
        Column("update_time", BigInteger, nullable=False),
        Column("end_time", BigInteger, nullable=True),
    )
    op.create_index("cdm_submissions_newest", "cdm_submissions", ["job_id", "id"])
    op.create_index("cdm_submissions_of_key", "cdm_submissions", ["source_key", "id"])
    op.create_index("cdm_submissions_open", "cdm_submissions", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
