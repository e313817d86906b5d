"""Schemas renamed, columns added, views kept: what the embedded engine does by making relations anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.sql.dialects import HIVE, POSTGRES, SPARK, Dialect
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import SqlError, StatementNotTranslated


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    root = tmp_path / "obs"
    root.mkdir()
    opened = EmbeddedEngine(tmp_path / "w.duckdb", root)
    yield opened
    opened.close()


def rows(engine: EmbeddedEngine, script: str, dialect: Dialect = POSTGRES, database: str | None = None) -> list[Any]:
    return list(engine.execute(script, dialect, database)[-1].rows)


MART = """CREATE SCHEMA mart; CREATE SCHEMA mart_next;
    CREATE TABLE mart.sales (id INT PRIMARY KEY, city TEXT NOT NULL DEFAULT 'nowhere');
    COMMENT ON TABLE mart.sales IS 'all sales'; COMMENT ON COLUMN mart.sales.city IS 'where';
    INSERT INTO mart.sales VALUES (1, 'old');
    CREATE VIEW mart.cities AS SELECT city FROM mart.sales;
    CREATE VIEW report AS SELECT id FROM mart.sales;
    CREATE TABLE mart_next.sales (id INT, city TEXT); INSERT INTO mart_next.sales VALUES (1, 'new');"""


def test_alter_schema__swaps_two_schemas_in_one_transaction(engine: EmbeddedEngine) -> None:
    swap = "BEGIN; ALTER SCHEMA mart RENAME TO mart_old; ALTER SCHEMA mart_next RENAME TO mart; COMMIT;"
    engine.execute(MART + swap, POSTGRES, None)
    assert rows(engine, "SELECT city FROM mart.sales") == [("new",)]
    assert rows(engine, "SELECT city FROM mart_old.sales") == [("old",)]
    assert rows(engine, "SELECT city FROM mart_old.cities") == [("old",)]
    assert rows(engine, "SELECT id FROM report") == [(1,)]
    with pytest.raises(StatementNotTranslated, match="no schema mart_next"):
        engine.execute("ALTER SCHEMA mart_next RENAME TO x", POSTGRES, None)


def test_alter_schema__keeps_keys_defaults_and_comments(engine: EmbeddedEngine) -> None:
    engine.execute(MART + "ALTER SCHEMA mart RENAME TO mart_old", POSTGRES, None)
    assert rows(engine, "DESCRIBE mart_old.sales", HIVE) == [("id", "int", ""), ("city", "string", "where")]
    assert rows(engine, "INSERT INTO mart_old.sales(id) VALUES (2); SELECT city FROM mart_old.sales WHERE id = 2") == [
        ("nowhere",)
    ]
    with pytest.raises(SqlError, match="Duplicate key"):
        engine.execute("INSERT INTO mart_old.sales(id) VALUES (2)", POSTGRES, None)


def test_alter_schema__rolled_back_changes_nothing(engine: EmbeddedEngine) -> None:
    engine.execute(MART + "BEGIN; ALTER SCHEMA mart RENAME TO mart_old; ROLLBACK", POSTGRES, None)
    assert rows(engine, "SELECT city FROM mart.cities") == [("old",)]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("ALTER SCHEMA public RENAME TO x", "default database"),
        ("ALTER SCHEMA mart RENAME TO mart_next", "already"),
    ],
)
def test_alter_schema__what_cannot_be_is_refused(engine: EmbeddedEngine, statement: str, reason: str) -> None:
    with pytest.raises(StatementNotTranslated, match=reason):
        engine.execute(MART + statement, POSTGRES, None)


def test_add_columns__come_before_the_partition_columns(engine: EmbeddedEngine) -> None:
    script = """CREATE TABLE t (a INT COMMENT 'first') PARTITIONED BY (dt STRING COMMENT 'day', h INT);
        INSERT INTO t VALUES (1, 'x', 2);
        ALTER TABLE t ADD COLUMNS (b STRING COMMENT 'second', c DECIMAL(10,2));
        INSERT INTO t PARTITION (dt='y', h=3) VALUES (4, 'b', 5);
        SELECT * FROM t ORDER BY a"""
    assert rows(engine, script, HIVE) == [(1, None, None, "x", 2), (4, "b", "5.00", "y", 3)]
    assert rows(engine, "SHOW PARTITIONS t", HIVE) == [("dt=x/h=2",), ("dt=y/h=3",)]
    comments = [(name, comment) for name, _, comment in rows(engine, "DESCRIBE t", HIVE)]
    assert comments == [("a", "first"), ("b", "second"), ("c", ""), ("dt", "day"), ("h", "")]


SALES = """CREATE SCHEMA mart; CREATE TABLE mart.sales (day TEXT, n INT);
    INSERT INTO mart.sales VALUES ('a', 1), ('a', 2);
    CREATE MATERIALIZED VIEW mart.by_day (day, total) WITH (ORIENTATION = COLUMN) DISTRIBUTE BY HASH(day)
        AS SELECT day, sum(n) FROM mart.sales GROUP BY day;
    INSERT INTO mart.sales VALUES ('a', 4);"""


def test_materialized_view__keeps_its_rows_until_refreshed(engine: EmbeddedEngine) -> None:
    assert rows(engine, SALES + "SELECT day, total FROM mart.by_day") == [("a", 3)]
    refreshed = "REFRESH MATERIALIZED VIEW mart.by_day; ANALYZE mart.by_day; SELECT total FROM mart.by_day"
    assert rows(engine, refreshed) == [(7,)]
    renamed = "ALTER SCHEMA mart RENAME TO m; INSERT INTO m.sales VALUES ('a', 8); REFRESH MATERIALIZED VIEW m.by_day;"
    assert rows(engine, renamed + "SELECT total FROM m.by_day") == [(15,)]
    assert rows(engine, "DROP MATERIALIZED VIEW m.by_day; SHOW TABLES IN m", HIVE) == [("sales",)]


def test_materialized_view__is_no_table_to_write_to(engine: EmbeddedEngine) -> None:
    engine.execute(SALES, POSTGRES, None)
    for statement in ("INSERT INTO mart.by_day VALUES ('b', 1)", "TRUNCATE TABLE mart.by_day"):
        with pytest.raises(StatementNotTranslated, match="is a view"):
            engine.execute(statement, POSTGRES, None)
    with pytest.raises(StatementNotTranslated, match="no materialized view"):
        engine.execute("REFRESH MATERIALIZED VIEW mart.sales", POSTGRES, None)


def test_views_over_files__see_later_files(engine: EmbeddedEngine, tmp_path: Path) -> None:
    folder = tmp_path / "obs" / "b"
    folder.mkdir()
    (folder / "a.csv").write_text("1,x\n")
    script = """CREATE EXTERNAL TABLE raw (id INT, note STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
            STORED AS TEXTFILE LOCATION 'obs://b';
        CREATE VIEW shown AS SELECT id, upper(note) AS note FROM raw;
        CREATE VIEW counted (n) AS SELECT count(*) FROM shown s;
        CREATE MATERIALIZED VIEW kept AS SELECT n FROM counted;
        SELECT n FROM counted"""
    assert rows(engine, script, HIVE) == [(1,)]
    (folder / "b.csv").write_text("2,y\n")
    assert rows(engine, "SELECT id, note FROM shown ORDER BY id", HIVE) == [(1, "X"), (2, "Y")]
    assert rows(engine, "SELECT c.n, k.n FROM counted c CROSS JOIN kept k", HIVE) == [(2, 1)]
    assert rows(engine, "REFRESH MATERIALIZED VIEW kept; SELECT n FROM kept", POSTGRES) == [(2,)]
    assert rows(engine, "DROP VIEW counted; SHOW TABLES", HIVE) == [("kept",), ("raw",), ("shown",)]


def test_temporary_view__is_a_name_for_a_query_until_the_script_ends(engine: EmbeddedEngine, tmp_path: Path) -> None:
    folder = tmp_path / "obs" / "b"
    folder.mkdir()
    (folder / "a.csv").write_text("1,x\n2,y\n")
    script = """CREATE TABLE raw (id INT, note STRING) USING csv LOCATION 'obs://b';
        CREATE TEMPORARY VIEW seen AS SELECT id FROM raw WHERE id > 1;
        CREATE OR REPLACE TEMP VIEW twice (x) AS SELECT s.id * 2 FROM seen s;
        SELECT x FROM twice"""
    assert rows(engine, script, SPARK) == [(4,)]
    with pytest.raises(SqlError, match="does not exist"):
        engine.execute("SELECT x FROM twice", SPARK, None)
    again = "CREATE TEMP VIEW raw AS SELECT 7 AS id; SELECT id FROM raw; DROP VIEW raw; SELECT count(*) FROM raw"
    assert [list(each.rows) for each in engine.execute(again, SPARK, None)][1::2] == [[(7,)], [(2,)]]
