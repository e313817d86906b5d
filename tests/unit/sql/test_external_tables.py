"""External tables: written in every format, with partition folders, and on a store that is no folder."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from headrace import errors
from headrace.objectstore.base import ObjectInfo, ObjectNotFound
from headrace.objectstore.files import FileStore
from headrace.objectstore.path import ObsPath
from headrace.sql.dialects import HIVE, POSTGRES, SPARK, Dialect
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import StatementFailed, StatementNotTranslated


class RemoteStore:
    """A store that is no folder: objects in memory, as far as tables need it."""

    def __init__(self) -> None:
        self.objects: dict[ObsPath, bytes] = {}
        self.reads = 0

    def bucket_exists(self, bucket: str) -> bool:
        return bucket == "lake"

    def exists(self, path: ObsPath) -> bool:
        return path in self.objects

    def open(self, path: ObsPath) -> BinaryIO:
        self.reads += 1
        if path not in self.objects:
            raise ObjectNotFound(f"{path} does not exist")
        return io.BytesIO(self.objects[path])

    @contextmanager
    def writer(self, path: ObsPath) -> Iterator[BinaryIO]:
        if path.bucket != "lake":
            raise errors.BucketNotFound(f"obs://{path.bucket}/")
        buffer = io.BytesIO()
        yield buffer
        self.objects[path] = buffer.getvalue()

    def list(self, prefix: ObsPath) -> Iterator[ObjectInfo]:
        for path in sorted(self.objects, key=str):
            if path.key.startswith(prefix.folder_key()):
                yield ObjectInfo(path, len(self.objects[path]), 0)

    def delete(self, path: ObsPath) -> None:
        del self.objects[path]


@pytest.fixture(params=["folder", "remote"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    (tmp_path / "obs" / "lake").mkdir(parents=True)
    return RemoteStore() if request.param == "remote" else FileStore(tmp_path / "obs")


@pytest.fixture
def engine(store: Any, tmp_path: Path) -> Iterator[EmbeddedEngine]:
    remote = store if isinstance(store, RemoteStore) else None
    opened = EmbeddedEngine(tmp_path / "w.duckdb", tmp_path / "obs", remote)
    yield opened
    opened.close()


def rows(engine: EmbeddedEngine, script: str, dialect: Dialect = HIVE) -> list[Any]:
    return list(engine.execute(script, dialect, None)[-1].rows)


def folders(store: Any, below: str = "obs://lake/t") -> list[str]:
    """The folders with objects below a path."""
    return sorted({str(found.path.parent) for found in store.list(ObsPath.parse(below))})


def texts(store: Any, below: str = "obs://lake/t") -> list[str]:
    contents = []
    for found in store.list(ObsPath.parse(below)):
        with store.open(found.path) as file:
            contents.append(file.read().decode())
    return contents


FORMATS = {
    "hive text": "STORED AS TEXTFILE",
    "hive csv": "ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' STORED AS TEXTFILE "
    "LOCATION 'obs://lake/t' TBLPROPERTIES ('skip.header.line.count'='1')",
    "opencsv": "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' STORED AS TEXTFILE",
    "parquet": "STORED AS PARQUET",
    "json": "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe' STORED AS TEXTFILE",
}


@pytest.mark.parametrize("clauses", FORMATS.values(), ids=FORMATS)
def test_insert__what_is_written_is_read_back(engine: EmbeddedEngine, clauses: str) -> None:
    clauses = clauses if "LOCATION" in clauses else f"{clauses} LOCATION 'obs://lake/t'"
    made = f"CREATE EXTERNAL TABLE t (id INT, amount DECIMAL(10,2), note STRING, at TIMESTAMP) {clauses};"
    written = """INSERT INTO t SELECT 1, 2.5, 'a, "b"', '2024-01-31 10:00:00';
        INSERT INTO t (id, note) VALUES (2, 'é表');"""
    assert rows(engine, made + written + "SELECT id, amount, note, at FROM t ORDER BY id") == [
        (1, "2.50", 'a, "b"', "2024-01-31 10:00:00"),
        (2, None, "é表", None),
    ]


def test_insert__text_is_as_hive_writes_it(engine: EmbeddedEngine, store: Any) -> None:
    made = """CREATE EXTERNAL TABLE t (id INT, note STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
        STORED AS TEXTFILE LOCATION 'obs://lake/t'; INSERT INTO t VALUES (1, null), (2, 'x')"""
    assert engine.execute(made, HIVE, None)[-1].input_row_count == 2
    assert texts(store) == ["1,\\N\n2,x\n"]


PARTITIONED = """CREATE EXTERNAL TABLE t (id INT) PARTITIONED BY (dt STRING, h INT) STORED AS PARQUET
    LOCATION 'obs://lake/t';
    INSERT INTO t PARTITION (dt, h) SELECT 1, '2024-01-01', 7 UNION ALL SELECT 2, '2024-01-02', 7
        UNION ALL SELECT 3, 'a/b =c', 8 UNION ALL SELECT 4, null, 9;"""


def test_partitions__are_folders(engine: EmbeddedEngine, store: Any) -> None:
    assert rows(engine, PARTITIONED + "SELECT * FROM t ORDER BY id") == [
        (1, "2024-01-01", 7),
        (2, "2024-01-02", 7),
        (3, "a/b =c", 8),
        (4, None, 9),
    ]
    assert "obs://lake/t/dt=2024-01-01/h=7/" in folders(store)
    assert rows(engine, "SHOW PARTITIONS t") == [
        ("dt=2024-01-01/h=7",),
        ("dt=2024-01-02/h=7",),
        ("dt=__HIVE_DEFAULT_PARTITION__/h=9",),
        ("dt=a/b =c/h=8",),
    ]


def test_insert_overwrite__replaces_the_partitions_it_has_rows_for(engine: EmbeddedEngine) -> None:
    script = PARTITIONED + "INSERT OVERWRITE TABLE t PARTITION (dt='2024-01-01', h) SELECT 10, 7 UNION SELECT 11, 8;"
    assert rows(engine, script + "SELECT id, h FROM t WHERE dt LIKE '2024%' ORDER BY id") == [(2, 7), (10, 7), (11, 8)]
    again = "INSERT OVERWRITE TABLE t PARTITION (dt='2024-01-01', h=7) SELECT id FROM t WHERE id = 2;"
    assert rows(engine, again + "SELECT id, h FROM t WHERE dt = '2024-01-01' ORDER BY id") == [(2, 7), (11, 8)]
    nothing = "INSERT OVERWRITE TABLE t PARTITION (dt='2024-01-01', h=8) SELECT 1 WHERE false;"
    assert rows(engine, nothing + "SELECT id FROM t ORDER BY id") == [(2,), (2,), (3,), (4,)]


def test_insert_overwrite__of_what_it_reads(engine: EmbeddedEngine, store: Any) -> None:
    script = """CREATE EXTERNAL TABLE t (id INT) STORED AS PARQUET LOCATION 'obs://lake/t/';
        INSERT INTO t VALUES (1), (2); INSERT INTO t VALUES (3);
        INSERT OVERWRITE TABLE t SELECT id * 10 FROM t WHERE id > 1; SELECT id FROM t ORDER BY id"""
    assert rows(engine, script) == [(20,), (30,)]
    assert len(list(store.list(ObsPath.parse("obs://lake/t")))) == 1


def test_insert_overwrite__static_values_of_any_type(engine: EmbeddedEngine) -> None:
    made = """CREATE EXTERNAL TABLE t (id INT) PARTITIONED BY (dt DATE, _h INT) STORED AS PARQUET
        LOCATION 'obs://lake/dt=x/t';"""
    first = "INSERT INTO t PARTITION (dt=DATE '2024-01-31', _h='07') VALUES (1);"
    second = "INSERT OVERWRITE TABLE t PARTITION (dt='2024-01-31', _h=7) VALUES (2);"
    assert rows(engine, made + first + second + "SELECT * FROM t") == [(2, "2024-01-31", 7)]
    emptied = "INSERT OVERWRITE TABLE t PARTITION (dt=DATE '2024-01-31', _h=7) SELECT 1 WHERE false;"
    assert rows(engine, emptied + "SELECT count(*) FROM t") == [(0,)]
    with pytest.raises(StatementFailed, match="no value of the type DATE"):
        engine.execute("INSERT INTO t PARTITION (dt='no day', _h=7) VALUES (2)", HIVE, None)


def test_insert__by_name_and_if_not_exists_are_refused(engine: EmbeddedEngine) -> None:
    engine.execute(PARTITIONED, HIVE, None)
    for statement, dialect in (
        ("INSERT INTO t BY NAME SELECT 1 AS h, 'x' AS dt, 2 AS id", SPARK),
        ("INSERT OVERWRITE TABLE t PARTITION (dt='2024-01-01', h=7) IF NOT EXISTS SELECT 9", HIVE),
    ):
        with pytest.raises(StatementNotTranslated, match=r"BY NAME|near 'IF'"):
            engine.execute(statement, dialect, None)


def test_view__replaced_by_one_of_a_table_reads_no_files(engine: EmbeddedEngine) -> None:
    script = """CREATE EXTERNAL TABLE t (id INT) STORED AS PARQUET LOCATION 'obs://lake/t'; INSERT INTO t VALUES (1);
        CREATE TABLE own (id INT); INSERT INTO own VALUES (2); CREATE VIEW v AS SELECT id FROM t;
        CREATE OR REPLACE VIEW v AS SELECT id FROM own; ALTER TABLE t RENAME TO renamed;
        SELECT v.id, renamed.id FROM v CROSS JOIN renamed"""
    assert rows(engine, script) == [(2, 1)]


def test_insert_overwrite_directory__puts_files_in_place_of_others(engine: EmbeddedEngine, store: Any) -> None:
    for text in ("old", "new"):
        script = f"""INSERT OVERWRITE DIRECTORY 'obs://lake/t' ROW FORMAT DELIMITED FIELDS TERMINATED BY '|'
            SELECT id, note FROM (SELECT 1 AS id, '{text}' AS note) q"""
        assert engine.execute(script, HIVE, None)[-1].input_row_count == 1
    assert texts(store) == ["1|new\n"]
    script = "INSERT OVERWRITE DIRECTORY 'obs://lake/t' STORED AS PARQUET SELECT 2 AS id;"
    made = "CREATE EXTERNAL TABLE t (id INT) STORED AS PARQUET LOCATION 'obs://lake/t'; SELECT id FROM t"
    assert rows(engine, script + made) == [(2,)]


def test_multi_insert__writes_tables_and_files(engine: EmbeddedEngine) -> None:
    script = """CREATE TABLE s (a INT); INSERT INTO s VALUES (1), (2); CREATE TABLE own (a INT);
        CREATE EXTERNAL TABLE t (a INT) STORED AS PARQUET LOCATION 'obs://lake/t';
        FROM s INSERT INTO TABLE own SELECT a WHERE a = 1 INSERT OVERWRITE TABLE t SELECT a WHERE a = 2;
        SELECT own.a, t.a FROM own CROSS JOIN t"""
    assert rows(engine, script) == [(1, 2)]


def test_spark__tables_of_files_are_filled_and_overwritten_whole(engine: EmbeddedEngine, store: Any) -> None:
    script = """CREATE TABLE t USING csv OPTIONS (path 'obs://lake/t', header 'true') PARTITIONED BY (dt)
            AS SELECT 'x' AS dt, 1 AS a, 'say "hi", you' AS b;
        INSERT INTO t VALUES (2, null, 'y'); SELECT a, b, dt FROM t ORDER BY a"""
    assert rows(engine, script, SPARK) == [(1, 'say "hi", you', "x"), (2, None, "y")]
    assert texts(store) == ['a,b\n1,"say \\"hi\\", you"\n', "a,b\n2,\n"]
    overwritten = "INSERT OVERWRITE t SELECT 3, 'c', 'z'; SELECT a, dt FROM t"
    assert rows(engine, overwritten, SPARK) == [(3, "z")]


def test_failure__leaves_the_files_as_they_were(engine: EmbeddedEngine, store: Any) -> None:
    engine.execute(PARTITIONED, HIVE, None)
    before = folders(store)
    with pytest.raises(StatementFailed):
        engine.execute("INSERT OVERWRITE TABLE t PARTITION (dt='x', h=1) SELECT CAST('a' AS STRING) + 1", HIVE, None)
    assert folders(store) == before


def test_writing__what_cannot_be_is_refused(engine: EmbeddedEngine, store: Any) -> None:
    made = "CREATE EXTERNAL TABLE {0} (id INT) STORED AS PARQUET LOCATION 'obs://{1}';"
    engine.execute(made.format("t", "lake/t") + made.format("one", "lake/t/x.parquet"), HIVE, None)
    with store.writer(ObsPath.parse("obs://lake/t/x.parquet")) as file:
        file.write(b"")
    for script, dialect, reason in (
        ("INSERT INTO one VALUES (1)", HIVE, "is one object"),
        ("BEGIN; INSERT INTO t VALUES (1)", POSTGRES, "cannot be rolled back"),
        ("UPDATE t SET id = 2", POSTGRES, "made of files"),
        ("TRUNCATE TABLE t", HIVE, "external table"),
    ):
        with pytest.raises((StatementNotTranslated, StatementFailed), match=reason):
            engine.execute(script, dialect, None)


def test_input_file_name__is_the_path_of_the_object(engine: EmbeddedEngine, store: Any) -> None:
    for name in ("a.csv", "b.csv"):
        with store.writer(ObsPath.parse(f"obs://lake/in/{name}")) as file:
            file.write(f"{name[0]},1\n".encode())
    script = """CREATE TABLE drop_zone (k STRING, v INT) USING csv LOCATION 'obs://lake/in';
        CREATE TABLE stage (file STRING, k STRING, v INT);
        INSERT INTO stage SELECT input_file_name(), * FROM drop_zone
            WHERE instr('obs://lake/in/b.csv,obs://lake/in/c.csv', input_file_name()) > 0;
        SELECT * FROM stage"""
    assert rows(engine, script, SPARK) == [("obs://lake/in/b.csv", "b", 1)]
    hive = "SELECT d.INPUT__FILE__NAME, d.* FROM drop_zone d ORDER BY k LIMIT 1"
    assert rows(engine, hive) == [("obs://lake/in/a.csv", "a", 1)]
    with pytest.raises(StatementNotTranslated, match="one external table"):
        engine.execute("SELECT input_file_name() FROM stage", SPARK, None)


def test_remote_store__objects_are_read_once_a_statement_and_leave_nothing_behind(tmp_path: Path) -> None:
    store = RemoteStore()
    store.objects[ObsPath.parse("obs://lake/t/a.csv")] = b"1\n"
    (tmp_path / "obs").mkdir()
    engine = EmbeddedEngine(tmp_path / "w.duckdb", tmp_path / "obs", store)
    made = "CREATE EXTERNAL TABLE t (id INT) STORED AS TEXTFILE LOCATION 'obs://lake/t';"
    assert rows(engine, made + "SELECT a.id FROM t a JOIN t b ON a.id = b.id") == [(1,)]
    assert store.reads == 1
    assert not list((tmp_path / "w.files").glob("*"))
    engine.close()
