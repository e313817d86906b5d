"""The embedded engine on a real DuckDB file: warehouse statements and what they give."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.sql.dialects import CLICKHOUSE, DORIS, HIVE, MYSQL, POSTGRES, PRESTO, SPARK, TRINO, Dialect
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import (
    Cancellation,
    ExecutionCancelled,
    StatementFailed,
    StatementNotTranslated,
    StatementResult,
    output_text,
)
from headrace.sql.engines import open_embedded

CASES = Path(__file__).parents[2] / "cases" / "sql"
DIALECTS = {each.name: each for each in (HIVE, SPARK, POSTGRES, MYSQL, DORIS, PRESTO, TRINO)}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    root = tmp_path / "obs"
    root.mkdir()
    opened = EmbeddedEngine(tmp_path / "sql" / "workspace.duckdb", root)
    yield opened
    opened.close()


def rows(
    engine: EmbeddedEngine, dialect: Dialect, script: str, database: str | None = None
) -> list[tuple[object, ...]]:
    return list(engine.execute(script, dialect, database)[-1].rows)


def _expressions() -> Iterator[tuple[Dialect, str, object]]:
    """The lines ``expression => value`` of the case file, each under its [dialect]."""
    dialect = HIVE
    for line in (CASES / "expressions.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            dialect = DIALECTS[line.strip("[]")]
        elif line and not line.startswith("#"):
            expression, _, value = line.rpartition(" => ")
            yield dialect, expression, json.loads(value)


def _cases(name: str) -> dict[str, tuple[str, list[tuple[object, ...]]]]:
    """The cases of a file: name -> (statements, rows of the last one); "setup" goes before each."""
    parts = (CASES / name).read_text("utf-8").split("\n## ")[1:]
    cases = {}
    for part in parts:
        title, _, body = part.partition("\n")
        script, _, answer = body.partition("\n=> ")
        cases[title] = (script, [tuple(row) for row in json.loads(answer)] if answer else [])
    return cases


@pytest.mark.parametrize(
    ("dialect", "expression", "value"), list(_expressions()), ids=lambda part: str(getattr(part, "name", part))
)
def test_expression__means_what_its_dialect_says(
    engine: EmbeddedEngine, dialect: Dialect, expression: str, value: object
) -> None:
    assert rows(engine, dialect, f"SELECT {expression} AS c") == [(value,)]


HIVE_CASES, DWS_CASES = _cases("hive.txt"), _cases("dws.txt")
ORDERS = HIVE_CASES.pop("setup")[0]
DWD = DWS_CASES.pop("setup")[0]


@pytest.mark.parametrize(("script", "expected"), list(HIVE_CASES.values()), ids=HIVE_CASES)
def test_hive_statement__gives(engine: EmbeddedEngine, script: str, expected: list[tuple[object, ...]]) -> None:
    assert rows(engine, HIVE, ORDERS + script) == expected


@pytest.mark.parametrize(("script", "expected"), list(DWS_CASES.values()), ids=DWS_CASES)
def test_dws_statement__gives(engine: EmbeddedEngine, script: str, expected: list[tuple[object, ...]]) -> None:
    assert rows(engine, POSTGRES, DWD + script, "postgres") == expected


def test_spark_table__static_overwrite_is_the_default_and_dynamic_on_demand(engine: EmbeddedEngine) -> None:
    made = """CREATE TABLE t (dt STRING, a INT) USING parquet PARTITIONED BY (dt);
        INSERT INTO t VALUES (1, 'x'), (2, 'y');"""
    dynamic = "SET spark.sql.sources.partitionOverwriteMode=dynamic;"
    overwrite = "INSERT OVERWRITE t PARTITION (dt) SELECT 3, 'x';"
    assert rows(engine, SPARK, f"{made} {dynamic} {overwrite} SELECT a, dt FROM t ORDER BY a") == [(2, "y"), (3, "x")]
    assert rows(engine, SPARK, f"{overwrite} SELECT a, dt FROM t") == [(3, "x")]


def test_mysql__on_duplicate_key(engine: EmbeddedEngine) -> None:
    script = """CREATE TABLE log (job VARCHAR(64) PRIMARY KEY COMMENT 'name', n INT) ENGINE=InnoDB DEFAULT CHARSET=utf8;
        INSERT INTO log(job, n) VALUES ('a', 1) ON DUPLICATE KEY UPDATE n = VALUES(n);
        INSERT INTO log(job, n) VALUES ('a', 2) ON DUPLICATE KEY UPDATE n = VALUES(n); # again
        SELECT * FROM log"""
    assert rows(engine, MYSQL, script, "ops") == [("a", 2)]


def test_on_duplicate_key__sets_the_time(engine: EmbeddedEngine) -> None:
    script = """CREATE TABLE log (job VARCHAR(64) PRIMARY KEY, at DATETIME, d DATE);
        INSERT INTO log VALUES ('a', '2024-01-01', '2024-01-01');
        INSERT INTO log VALUES ('a', NULL, NULL) ON DUPLICATE KEY UPDATE at = now(), d = curdate();
        SELECT at > '2024-01-02', d > '2024-01-02' FROM log"""
    assert rows(engine, MYSQL, script) == [(True, True)]


def test_clickhouse__cluster_and_engine_clauses(engine: EmbeddedEngine) -> None:
    script = """CREATE TABLE t ON CLUSTER c (a Int32, b String) ENGINE = MergeTree ORDER BY a;
        INSERT INTO t VALUES (1, 'x'); SELECT a, b FROM t"""
    assert rows(engine, CLICKHOUSE, script) == [(1, "x")]


ESCAPED = (
    "CREATE EXTERNAL TABLE t (a INT) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' ESCAPED BY '!' LOCATION 'obs://b'"
)
REFUSED = [
    (HIVE, "SELECT no_such_function(1)", "function no_such_function is not known"),
    (HIVE, "SELECT date_format('2024-01-01', 'u')", "letters the embedded engine does not know"),
    (HIVE, "SELECT ${day}", "has no value"),
    (HIVE, "SELECT add_months('2024-01-31', 1, 'yyyyMMdd')", "no equal"),
    (SPARK, "SELECT current_user()", "no equal"),
    (HIVE, "EXPLAIN SELECT 1", "EXPLAIN"),
    (HIVE, "ADD JAR x", "ADD"),
    (HIVE, "LOAD DATA INPATH 'x' INTO TABLE t", "LOAD"),
    (HIVE, "SELECT TRANSFORM(a) USING 'cat' AS (b) FROM t", "no equal"),
    (HIVE, "INSERT OVERWRITE LOCAL DIRECTORY '/tmp/x' SELECT 1", "LOCAL DIRECTORY"),
    (HIVE, "INSERT OVERWRITE DIRECTORY '/tmp/x' SELECT 1", "obs://bucket/folder"),
    (HIVE, "INSERT OVERWRITE DIRECTORY 'obs://b/x' STORED AS ORC SELECT 1", "orc"),
    (MYSQL, "ALTER TABLE nowhere ADD UNIQUE KEY i (id)", "no table of the workspace"),
    (HIVE, "INSERT OVERWRITE TABLE nowhere SELECT 1", "no table of the workspace"),
    (HIVE, "CREATE TEMPORARY FUNCTION f AS 'a.b'", "CREATE FUNCTION"),
    (HIVE, "SELECT soundex('a')", "SOUNDEX"),
    (HIVE, "SELECT (", "Not understood"),
    (HIVE, "CREATE EXTERNAL TABLE t (a INT) STORED AS ORC LOCATION 'obs://b/x'", "orc cannot be read"),
    (HIVE, ESCAPED, "ESCAPED BY"),
    (POSTGRES, "COPY t FROM '/etc/passwd'", "COPY"),
    (POSTGRES, "SELECT * FROM read_csv('/etc/passwd')", "read_csv"),
    (POSTGRES, "SELECT * FROM read_text('/etc/passwd')", "not known"),
    (POSTGRES, "SELECT * FROM glob('/*')", "Not understood"),
    (POSTGRES, "SELECT getenv('HOME')", "not known"),
    (POSTGRES, "ATTACH '/tmp/x.db'", "Not understood"),
    (POSTGRES, "PRAGMA version", "PRAGMA"),
    (POSTGRES, "INSTALL httpfs", "INSTALL"),
    (POSTGRES, "EXPORT DATABASE '/tmp/x'", "Not understood"),
    (POSTGRES, "SELECT 1 AS a INTO t", "SELECT INTO"),
    (POSTGRES, "CALL f()", "CALL"),
    (POSTGRES, "ALTER SCHEMA a RENAME TO b", "no schema a"),
    (POSTGRES, "SELECT 'a' SIMILAR TO 'a%'", "no equal"),
    (MYSQL, "SELECT week('2024-01-07')", "no equal"),
    (MYSQL, "CREATE TABLE t (at TIMESTAMP DEFAULT now() ON UPDATE now())", "OnUpdate"),
]


@pytest.mark.parametrize(("dialect", "statement", "reason"), REFUSED, ids=[case[1] for case in REFUSED])
def test_statement_without_equal__is_refused_with_position_and_reason(
    engine: EmbeddedEngine, dialect: Dialect, statement: str, reason: str
) -> None:
    with pytest.raises(StatementNotTranslated) as caught:
        engine.execute(f"SELECT 1;\n  {statement}", dialect, None)
    assert reason.lower() in caught.value.reason.lower()
    assert (caught.value.position, caught.value.statement) == ("line 2, column 3", statement)


def test_file_named_as_table__is_no_table(engine: EmbeddedEngine, tmp_path: Path) -> None:
    (tmp_path / "obs" / "x.csv").write_text("a\n1\n")
    with pytest.raises(StatementNotTranslated, match="no name of a table"):
        engine.execute(f'SELECT * FROM "{tmp_path / "obs" / "x.csv"}"', POSTGRES, None)


def test_division_by_zero__is_an_error_in_dws(engine: EmbeddedEngine) -> None:
    with pytest.raises(StatementFailed, match="division by zero"):
        engine.execute("SELECT 1 / a FROM (VALUES (0)) AS v(a)", POSTGRES, None)


def test_failure_in_the_middle__keeps_what_came_before_and_nothing_of_itself(engine: EmbeddedEngine) -> None:
    heard: list[StatementResult] = []
    script = """CREATE TABLE t (a INT) PARTITIONED BY (dt STRING); INSERT INTO t VALUES (1, 'x');
        INSERT OVERWRITE TABLE t PARTITION (dt='x') SELECT 1, 2, 3"""
    with pytest.raises(StatementFailed):
        engine.execute(script, HIVE, None, heard.append)
    assert [result.row_count for result in heard] == [0, 1]
    assert rows(engine, HIVE, "SELECT * FROM t") == [(1, "x")]


def test_external_csv__is_read_by_position_with_hive_types_and_partition_folders(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "obs" / "retail" / "orders" / "dt=2024-01-01"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,amount,note\n1,2.50,x\n2,oops,\\N\n3\n")
    (folder / "_SUCCESS").write_text("")
    script = """CREATE EXTERNAL TABLE o (id INT, amount DECIMAL(10,2), note STRING) PARTITIONED BY (dt STRING)
        ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' STORED AS TEXTFILE LOCATION 'obs://retail/orders'
        TBLPROPERTIES ('skip.header.line.count'='1'); SELECT * FROM o ORDER BY id"""
    day = "2024-01-01"
    assert rows(engine, HIVE, script) == [(1, "2.50", "x", day), (2, None, None, day), (3, None, None, day)]
    (folder / "b.csv").write_text("id,amount,note\n4,1,y\n")
    assert rows(engine, HIVE, "SELECT count(*) FROM o WHERE dt = '2024-01-01'") == [(4,)]


def test_external_table__of_an_empty_or_absent_folder_has_no_rows(engine: EmbeddedEngine) -> None:
    script = "CREATE EXTERNAL TABLE o (id INT) STORED AS PARQUET LOCATION 'obs://b/none'; SELECT count(*) FROM o"
    assert rows(engine, HIVE, script) == [(0,)]


def test_external_table__spark_csv_quotes_and_json(engine: EmbeddedEngine, tmp_path: Path) -> None:
    folder = tmp_path / "obs" / "b"
    folder.mkdir()
    (folder / "c.csv").write_text('id,note\n1,"a, b"\n')
    (folder / "c.json").write_text('{"id": 7, "note": "j"}\n')
    script = """CREATE TABLE c (id INT, note STRING) USING csv OPTIONS (path 'obs://b/c.csv', header 'true');
        CREATE TABLE j (id INT, note STRING) USING json OPTIONS (path 'obs://b/c.json');
        SELECT * FROM c UNION ALL SELECT * FROM j ORDER BY id"""
    assert rows(engine, SPARK, script) == [(1, "a, b"), (7, "j")]


def test_external_table__outside_the_object_store_is_refused(engine: EmbeddedEngine, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("1\n")
    (tmp_path / "obs" / "link").symlink_to(tmp_path)
    made = "CREATE EXTERNAL TABLE {0} (a STRING) STORED AS TEXTFILE LOCATION '{1}'; SELECT * FROM {0}"
    for name, location in (("up", "obs://../secret.csv"), ("link", "obs://link/secret.csv")):
        with pytest.raises(StatementNotTranslated, match=r"(outside|out of) the object store"):
            engine.execute(made.format(name, location), HIVE, None)


def test_results__tell_schema_counts_and_what_was_left_out(engine: EmbeddedEngine) -> None:
    script = """CREATE TABLE t (a INT, b STRING); INSERT INTO t SELECT 1, 'x' UNION ALL SELECT 2, 'y';
        SELECT * FROM t ORDER BY a"""
    made, inserted, shown = engine.execute(script, HIVE, None, row_limit=1)
    assert (made.schema, inserted.row_count, inserted.input_row_count) == ((), 2, 2)
    assert shown.schema == (("a", "int"), ("b", "string"))
    assert (shown.rows, shown.row_count, shown.truncated) == (((1, "x"),), 1, True)
    assert output_text([made, inserted]) is None
    assert output_text([made, shown]) == '[["1","x"]]'


def test_output_text__is_the_marker_when_too_long(engine: EmbeddedEngine) -> None:
    results = engine.execute("SELECT repeat('x', 40000)", HIVE, None)
    assert output_text(results) == "DLF.ERROR:upstream output is larger than limit"


def test_database_field__makes_its_schema_and_use_of_an_unknown_one_fails(engine: EmbeddedEngine) -> None:
    engine.execute("CREATE TABLE t (a INT)", HIVE, "ods")
    assert rows(engine, HIVE, "SELECT count(*) FROM ods.t", "default") == [(0,)]
    with pytest.raises(StatementFailed, match="Database 'nowhere' does not exist"):
        engine.execute("USE nowhere", HIVE, None)


def test_hostile_names__stay_names(engine: EmbeddedEngine) -> None:
    name = 'x"; DROP SCHEMA main; --'
    engine.execute("CREATE TABLE t (a INT)", HIVE, name)
    assert ("t",) in rows(engine, HIVE, "SHOW TABLES", name)


def test_cancel__ends_the_statement_in_progress(engine: EmbeddedEngine) -> None:
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    endless = "SELECT count(*) FROM generate_series(1, 100000000000) AS a(x) WHERE sqrt(x) = 0.5"
    with pytest.raises(ExecutionCancelled):
        engine.execute(f"CREATE TABLE t (a INT); {endless}", POSTGRES, None, cancellation=cancellation)
    assert rows(engine, POSTGRES, "SELECT count(*) FROM t") == [(0,)]


def test_cancelled_before__runs_nothing(engine: EmbeddedEngine) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(ExecutionCancelled):
        engine.execute("CREATE TABLE t (a INT)", HIVE, None, cancellation=cancellation)
    assert rows(engine, HIVE, "SHOW TABLES") == []


def test_executions_side_by_side__do_not_mix(engine: EmbeddedEngine) -> None:
    engine.execute("CREATE TABLE t (a INT) PARTITIONED BY (dt STRING)", HIVE, None)
    failures: list[BaseException] = []

    def load(number: int) -> None:
        try:
            for _ in range(5):
                script = f"INSERT OVERWRITE TABLE t PARTITION (dt='{number}') SELECT {number}"
                engine.execute(script, HIVE, None)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert rows(engine, HIVE, "SELECT a, dt FROM t ORDER BY a") == [(n, str(n)) for n in range(4)]


def test_opened_again__the_tables_and_their_partitions_are_there(tmp_path: Path) -> None:
    path, root = tmp_path / "w.duckdb", tmp_path / "obs"
    root.mkdir()
    first = open_embedded(path, root, None)
    first.execute(ORDERS, HIVE, None)
    first.close()
    second = open_embedded(path, root, None)
    results = second.execute("SHOW PARTITIONS orders", HIVE, None)
    second.close()
    assert len(results[-1].rows) == 3
