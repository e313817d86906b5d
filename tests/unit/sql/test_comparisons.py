"""Texts compared with dates and numbers, as the dialects do it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.sql.dialects import HIVE, MYSQL, POSTGRES, SPARK, Dialect
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import SqlError

ROWS = """CREATE TABLE t (s STRING, n STRING, i INT, d DATE, at TIMESTAMP);
    INSERT INTO t VALUES ('2024-01-31', '9', 9, '2024-01-31', '2024-01-31 10:00:00'), ('no day', 'x', 0, null, null);"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    opened = EmbeddedEngine(tmp_path / "w.duckdb", tmp_path / "obs")
    opened.execute(ROWS, HIVE, None)
    yield opened
    opened.close()


CONDITIONS = [
    (HIVE, "s BETWEEN date_sub('2024-02-01', 30) AND '2024-02-01'"),
    (HIVE, "s = date_sub('2024-02-01', 1)"),
    (HIVE, "s >= add_months('2024-02-29', -1)"),
    (SPARK, "s < current_date()"),
    (SPARK, "s IN (date_add('2024-01-30', 1), date_add('2024-01-30', 2))"),
    (SPARK, "s = d AND at > s AND d < at"),
    (HIVE, "n = 9 AND n > 8.5 AND n BETWEEN 1 AND 10 AND n IN (7, 9) AND n = i AND n > -1"),
    (MYSQL, "n > 8 AND s >= CURDATE() - INTERVAL 100 YEAR"),
    (HIVE, "q.s > date_sub('2024-01-31', 1)"),
]


@pytest.mark.parametrize(("dialect", "condition"), CONDITIONS, ids=[condition for _, condition in CONDITIONS])
def test_comparison__holds_for_the_row_that_fits_alone(
    engine: EmbeddedEngine, dialect: Dialect, condition: str
) -> None:
    query = f"SELECT q.i FROM (SELECT * FROM t) q WHERE {condition}"
    assert list(engine.execute(query, dialect, None)[-1].rows) == [(9,)]


def test_comparison__dws_refuses_what_it_refuses_there(engine: EmbeddedEngine) -> None:
    with pytest.raises(SqlError):
        engine.execute("SELECT 1 FROM t WHERE n > 8", POSTGRES, None)
