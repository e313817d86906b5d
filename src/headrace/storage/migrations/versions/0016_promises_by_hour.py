"""Promises for hours of a day, several of which may be due at one moment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, UniqueConstraint

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")
_PUT_BACK = """
INSERT INTO baseline_instances
SELECT id, baseline_id, promised, warned, begins, promised, standing, finished, finish, reason, alarmed, first_alarm,
       last_alarm
FROM kept_promises
"""


def upgrade() -> None:
    """Make the table anew with one more column and another key; promises until now end when they are due."""
    op.execute(sa.text("CREATE TABLE kept_promises AS SELECT * FROM baseline_instances"))
    op.drop_table("baseline_instances")
    op.create_table(
        "baseline_instances",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("baseline_id", BigInteger, nullable=False),
        Column("promised", BigInteger, nullable=False),
        Column("warned", BigInteger, nullable=False),
        Column("begins", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=False),
        Column("standing", _BY_CODE_POINT, nullable=False),
        Column("finished", Integer, nullable=False),
        Column("finish", BigInteger, nullable=True),
        Column("reason", _BY_CODE_POINT, nullable=False),
        Column("alarmed", _BY_CODE_POINT, nullable=False),
        Column("first_alarm", BigInteger, nullable=True),
        Column("last_alarm", BigInteger, nullable=True),
        UniqueConstraint("baseline_id", "promised", "begins"),
    )
    op.create_index("baseline_instances_promised", "baseline_instances", ["promised"])
    op.execute(sa.text(_PUT_BACK))
    op.drop_table("kept_promises")
