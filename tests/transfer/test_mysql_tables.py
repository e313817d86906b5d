"""Tables of a real MariaDB as source and destination of migrations."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.errors_cdm import CdmError, DatabaseUnreachable, RunStopped, SqlFailed, TableMissing
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Surroundings, by_url, open_connector
from headrace.transfer.connectors.mysql import MySql
from headrace.transfer.counters import Counters
from headrace.transfer.job import run_job
from headrace.transfer.options import Options
from headrace.transfer.relational.database import Column, Table

pymysql = pytest.importorskip("pymysql")
pytestmark = pytest.mark.mariadb

PORT = int(os.environ.get("HEADRACE_TEST_MARIADB_PORT", "55306"))
AWKWARD = """
    CREATE TABLE awkward (
        id BIGINT PRIMARY KEY, flag TINYINT(1), truth BIT(1), bits BIT(64), tiny TINYINT UNSIGNED, small SMALLINT,
        medium MEDIUMINT UNSIGNED, whole INT UNSIGNED, big BIGINT UNSIGNED, single FLOAT, `double` DOUBLE,
        exact DECIMAL(38,20), huge DECIMAL(65,30), name VARCHAR(40), fixed CHAR(10), long_text LONGTEXT,
        data VARBINARY(20), `blob` LONGBLOB, day DATE, moment DATETIME(6), zoned TIMESTAMP(6) NULL, clock TIME(6),
        born YEAR, choice ENUM('a', '水'), several SET('x', 'y'), doc JSON
    ) DEFAULT CHARACTER SET utf8mb4
"""
ROWS = (
    "(1, 127, b'1', 18446744073709551615, 255, -32768, 16777215, 4294967295, 18446744073709551615, 0.1, 0.1,"
    " 123456789012345678.12345678901234567890, 12345678901234567890123456789012345.123456789012345678901234567891, '',"
    " 'ab', 'line\\nbreak\\ttab\\rquote\\'\\\"back\\\\slash\\0nul', X'00FF0A5C27', X'', '1000-01-01',"
    " '9999-12-31 23:59:59.999999', '2024-01-31 10:00:00.123456', '23:59:59.999999', 2024, '水', 'x,y',"
    " '{\"a\": [1, null]}')",
    "(2, 0, b'0', 0, 0, 32767, 0, 0, 0, -3.4e38, 1.7976931348623157e308, -0.00000000000000000001, 0, '\\\\N',"
    " '水 x', '😀 NULL', X'', X'5C4E', '2024-02-29', '1000-01-01 00:00:00', '1970-01-01 00:00:01', '00:00:00', 1901,"
    " 'a', '', 'null')",
    "(3" + ", NULL" * 25 + ")",
)


@pytest.fixture(scope="module")
def schema() -> Iterator[str]:
    """An empty database of its own."""
    name = f"headrace_{uuid.uuid4().hex[:12]}"
    try:
        connection = connected()
    except pymysql.OperationalError as error:
        pytest.skip(f"no MariaDB on 127.0.0.1:{PORT} (make services starts one): {error}")
    with connection:
        connection.query(f"CREATE DATABASE {name}")
        connection.select_db(name)
        connection.query(AWKWARD)
        connection.query(f"INSERT INTO awkward VALUES {', '.join(ROWS)}")
        yield name
        connection.query(f"DROP DATABASE {name}")


def connected(database: str | None = None) -> Any:
    return pymysql.connect(
        host="127.0.0.1",
        port=PORT,
        user="headrace",
        password="headrace-test",
        database=database,
        connect_timeout=2,
        charset="utf8mb4",
        autocommit=True,
        init_command="SET time_zone = '+00:00'",
    )


def sql(schema: str, statement: str) -> Sequence[tuple[Any, ...]]:
    with connected(schema) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def url(schema: str, table: str = "", query: str = "") -> str:
    return f"mysql://headrace:headrace-test@127.0.0.1:{PORT}/{schema}/{table}{query}"


def surroundings(folder: Path, cancellation: Cancellation | None = None) -> Surroundings:
    def none() -> Any:
        raise AssertionError

    return Surroundings(
        store=FileStore(folder / "obs"),
        files=folder,
        open_sql=none,
        zone=UTC,
        now=lambda: 0,
        cancellation=cancellation or Cancellation(),
        counters=Counters(),
    )


def opened(address: str, place: Surroundings) -> MySql:
    connector = open_connector(by_url(address).link, place)
    assert isinstance(connector, MySql)
    return connector


def read(address: str, place: Surroundings, **inputs: str) -> pa.Table:
    source = opened(address, place).source(
        Options(section="fromJobConfig", values={**by_url(address).source, **inputs})
    )
    found = [batch for split in source.splits(1) for batch in source.read(split, lambda row, reason: None)]
    return pa.Table.from_batches(found) if found else pa.table({name: [] for name in source.schema().names})


@pytest.fixture
def place(tmp_path: Path) -> Surroundings:
    return surroundings(tmp_path)


@pytest.fixture
def name() -> str:
    return f"t_{uuid.uuid4().hex[:12]}"


def test_read__every_type_arrives_as_it_left(schema: str, place: Surroundings) -> None:
    found = read(url(schema, "awkward"), place)
    assert [str(kind) for kind in found.schema.types] == [
        "int64", "int8", "bool", "uint64", "uint8", "int16", "uint32", "uint32", "uint64", "float", "double",
        "decimal128(38, 20)", "decimal256(65, 30)", "string", "string", "string", "binary", "binary", "date32[day]",
        "timestamp[us]", "timestamp[us, tz=UTC]", "time64[us]", "int16", "string", "string", "string",
    ]  # fmt: skip
    first, second, third = found.to_pylist()
    assert third == {"id": 3, **dict.fromkeys(found.column_names[1:])}
    assert (first["flag"], first["truth"], first["bits"], first["big"]) == (127, True, 2**64 - 1, 2**64 - 1)
    assert found["single"][0] == pa.scalar(0.1, pa.float32())
    assert second["double"] == 1.7976931348623157e308
    assert first["exact"] == Decimal("123456789012345678.12345678901234567890")
    assert first["huge"] == Decimal("12345678901234567890123456789012345.123456789012345678901234567891")
    assert (first["name"], second["name"], third["name"]) == ("", "\\N", None)
    assert first["long_text"] == "line\nbreak\ttab\rquote'\"back\\slash\0nul"
    assert (second["fixed"], second["long_text"]) == ("水 x", "😀 NULL")
    assert (first["data"], first["blob"], second["data"], second["blob"]) == (b"\x00\xff\n\\'", b"", b"", b"\\N")
    assert (first["day"], first["moment"]) == (date(1000, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999))  # noqa: DTZ001
    assert second["zoned"] == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert (str(first["clock"]), first["born"], first["choice"], first["several"]) == (
        "23:59:59.999999",
        2024,
        "水",
        "x,y",
    )


def test_copy__to_a_new_table_and_into_one_like_it_changes_nothing(schema: str, place: Surroundings, name: str) -> None:
    before = read(url(schema, "awkward"), place)
    run_job(copy_job(url(schema, "awkward"), url(schema, name), Wishes()), place, "run1")
    assert read(url(schema, name), place, columnList="").cast(before.schema).sort_by("id") == before.sort_by("id")
    sql(schema, f"CREATE TABLE {name}_like LIKE awkward")
    run_job(copy_job(url(schema, "awkward"), url(schema, f"{name}_like"), Wishes()), place, "run2")
    checked = "CHECKSUM TABLE awkward"
    assert sql(schema, f"CHECKSUM TABLE {name}_like")[0][1] == sql(schema, checked)[0][1]


def test_copy__by_inserts_where_the_link_says_so_changes_nothing(schema: str, place: Surroundings, name: str) -> None:
    sql(schema, f"CREATE TABLE {name} LIKE awkward")
    connector = opened(url(schema, name), place)
    values = {**connector.link.values, "usingNative": "false"}
    plain = MySql(type(connector.link)(name="", connector=connector.link.connector, values=values), place)
    database = plain.database(writes=True)
    table = Table("", name)
    loader = database.loader(table, database.columns(table))
    assert type(loader).__name__ == "InsertLoader"
    source = read(url(schema, "awkward"), place)
    schema_taken = pa.schema([column.taken() for column in database.columns(table)])
    assert not loader.load(as_taken(source, schema_taken))
    loader.commit()
    assert sql(schema, f"CHECKSUM TABLE {name}")[0][1] == sql(schema, "CHECKSUM TABLE awkward")[0][1]


def as_taken(table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    return table.cast(schema).combine_chunks().to_batches()[0]


def batch(**columns: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


@pytest.mark.parametrize("native", [True, False])
def test_load__rows_that_do_not_fit_are_refused_and_no_others(
    schema: str, place: Surroundings, name: str, native: bool
) -> None:
    sql(schema, f"CREATE TABLE {name} (id INT PRIMARY KEY, word VARCHAR(3) NOT NULL, CHECK (word <> 'no'))")
    sql(schema, f"INSERT INTO {name} VALUES (50, 'old')")
    numbers = pa.array([*range(200), 7], pa.int32())
    words = ["ok"] * 201
    words[10], words[20], words[21], words[100] = "long", None, "no", "toolong"  # type: ignore[call-overload]
    connector = opened(url(schema, name), place)
    connector.link.values["usingNative"] = str(native).lower()  # type: ignore[index]
    database = connector.database(writes=True)
    loader = database.loader(Table("", name), database.columns(Table("", name)))
    assert type(loader).__name__ == ("FileLoader" if native else "InsertLoader")
    rejected = loader.load(batch(id=numbers, word=pa.array(words)))
    loader.commit()
    assert [row for row, _ in rejected] == [10, 20, 21, 50, 100, 200]
    reasons = dict(rejected)
    assert "'word'" in reasons[10]
    assert "word" in reasons[20]
    assert "CONSTRAINT" in reasons[21]
    assert "Duplicate entry '50'" in reasons[50]
    assert sql(schema, f"SELECT COUNT(*), MIN(word), MAX(word) FROM {name}") == [(196, "ok", "old")]


@pytest.mark.parametrize("native", [True, False])
def test_load__values_are_not_bent_to_fit(schema: str, place: Surroundings, name: str, native: bool) -> None:
    sql(
        schema,
        f"CREATE TABLE {name} (id INT AUTO_INCREMENT PRIMARY KEY, f FLOAT, e ENUM('a'), t TIME, b BIT(2), z TIMESTAMP"
        " NULL)",
    )
    connector = opened(url(schema, name), place)
    connector.link.values["usingNative"] = str(native).lower()  # type: ignore[index]
    database = connector.database(writes=True)
    loader = database.loader(Table("", name), database.columns(Table("", name)))
    moment = datetime(2024, 1, 1, 12, tzinfo=UTC)
    rejected = loader.load(
        batch(
            id=pa.array([0, 1, 2, 3, 4, 5, 6], pa.int32()),
            f=pa.array([1, float("nan"), 3, 4, 5, 6, 7], pa.float32()),
            e=["a", "a", "b", "a", "a", "a", "a"],
            t=["838:59:59", "00:00:00", "00:00:00", "839:00:00", "-10:00:00", "00:00:00", "00:00:00"],
            b=pa.array([3, 0, 0, 0, 0, 4, 0], pa.uint64()),
            z=pa.array([moment] * 6 + [datetime(2500, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        )
    )
    loader.commit()
    assert [row for row, _ in rejected] == [1, 2, 3, 5, 6]
    found = sql(schema, f"SELECT id, f, e, CAST(t AS CHAR), b + 0, UNIX_TIMESTAMP(z) FROM {name} ORDER BY id")
    seconds = int(moment.timestamp())
    assert found == [(0, 1.0, "a", "838:59:59", 3, seconds), (4, 5.0, "a", "-10:00:00", 0, seconds)]


def test_load__a_table_without_transactions_keeps_no_row_that_was_refused(
    schema: str, place: Surroundings, name: str
) -> None:
    sql(schema, f"CREATE TABLE {name} (id INT PRIMARY KEY, word VARCHAR(3)) ENGINE=MyISAM")
    database = opened(url(schema, name), place).database(writes=True)
    loader = database.loader(Table("", name), database.columns(Table("", name)))
    rejected = loader.load(batch(id=pa.array([1, 2, 3, 1], pa.int32()), word=["a", "long", "c", "d"]))
    loader.commit()
    assert [row for row, _ in rejected] == [1, 3]
    assert sql(schema, f"SELECT id, word FROM {name} ORDER BY id") == [(1, "a"), (3, "c")]


def test_read__zeros_and_times_beyond_a_day_come_as_text(schema: str, place: Surroundings, name: str) -> None:
    with connected(schema) as connection:
        connection.query("SET sql_mode = ''")
        connection.query(f"CREATE TABLE {name} (id INT, day DATE, at DATETIME(3), ts TIMESTAMP(3) NULL, t TIME(3))")
        connection.query(
            f"INSERT INTO {name} VALUES (1, '0000-00-00', '0000-00-00', '0000-00-00', '-838:59:59.5'),"
            " (2, '2024-01-02', '2024-01-02 03:04:05.6', '2024-01-02 03:04:05.6', '10:00')"
        )
    found = read(url(schema, name), place).to_pylist()
    assert found == [
        {"id": 1, "day": "0000-00-00", "at": "0000-00-00 00:00:00", "ts": "0000-00-00 00:00:00", "t": "-838:59:59.5"},
        {
            "id": 2,
            "day": "2024-01-02",
            "at": "2024-01-02 03:04:05.6",
            "ts": "2024-01-02 03:04:05.6+00:00",
            "t": "10:00:00",
        },
    ]
    nulls = read(url(schema, name, "?zeroDateTimeBehavior=convertToNull"), place).to_pylist()
    assert (nulls[0]["day"], nulls[0]["at"], nulls[0]["ts"]) == (None, None, None)
    assert nulls[1]["ts"] == datetime(2024, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)


def test_copy__times_beyond_a_day_reach_another_table(schema: str, place: Surroundings, name: str) -> None:
    sql(schema, f"CREATE TABLE {name} (t TIME(3))")
    sql(schema, f"INSERT INTO {name} VALUES ('-838:59:59.5'), ('10:00'), (NULL)")
    run_job(copy_job(url(schema, name), url(schema, f"{name}_2"), Wishes()), place, "run1")
    found = sql(schema, f"SELECT CAST(t AS CHAR) FROM {name}_2 ORDER BY t IS NULL, t")
    assert found == [("-838:59:59.500000",), ("10:00:00.000000",), (None,)]


def test_described__columns_of_a_select(schema: str, place: Surroundings) -> None:
    found = read(
        url(schema),
        place,
        useSql="true",
        sql="SELECT id, exact, single, zoned, bits, tiny, data, doc, exact * 2 AS twice, 'x' AS word FROM awkward",
    )
    kinds = dict(zip(found.schema.names, map(str, found.schema.types), strict=True))
    assert kinds["exact"] == "decimal128(38, 20)"
    assert (kinds["single"], kinds["zoned"], kinds["bits"]) == ("float", "timestamp[us, tz=UTC]", "uint64")
    assert (kinds["tiny"], kinds["data"], kinds["doc"], kinds["word"]) == ("uint8", "binary", "string", "string")
    assert found["zoned"][0].as_py() == datetime(2024, 1, 31, 10, 0, 0, 123456, tzinfo=UTC)
    assert found["twice"][0].as_py() == Decimal("246913578024691356.2469135780246913578")


def test_columns__what_the_catalogue_says(schema: str, place: Surroundings, name: str) -> None:
    sql(
        schema,
        f"CREATE TABLE {name} (id INT PRIMARY KEY, `a``b` VARCHAR(9) NOT NULL COMMENT 'said', twice INT AS (id * 2))",
    )
    assert opened(url(schema), place).database().columns(Table("", name)) == [
        Column(name="id", declared="int(11)", type=pa.int32(), nullable=False, key=True),
        Column(name="a`b", declared="varchar(9)", type=pa.string(), nullable=False, comment="said"),
        Column(name="twice", declared="int(11)", type=pa.int32()),
    ]
    written = opened(url(schema), place).database(writes=True).columns(Table(schema, name))
    assert [column.name for column in written] == ["id", "a`b"]
    assert opened(url(schema), place).database().columns(Table("", "absent")) == []


@pytest.mark.parametrize(
    ("conflict", "expected"),
    [
        ("IGNORE", [(1, "old", "old"), (2, "new", None)]),
        ("UPDATE", [(1, "new", "old"), (2, "new", None)]),
        ("REPLACE", [(1, "new", None), (2, "new", None)]),
    ],
)
def test_conflict__what_becomes_of_rows_whose_key_is_there(
    schema: str, place: Surroundings, name: str, conflict: str, expected: list[Any]
) -> None:
    sql(schema, f"CREATE TABLE {name} (id INT PRIMARY KEY, a VARCHAR(3), b VARCHAR(3))")
    sql(schema, f"INSERT INTO {name} VALUES (1, 'old', 'old')")
    sql(schema, f"CREATE TABLE {name}_new (id INT, a VARCHAR(3))")
    sql(schema, f"INSERT INTO {name}_new VALUES (1, 'new'), (2, 'new')")
    wishes = Wishes(target={"onConflict": conflict, "columnList": "id&a"})
    run_job(copy_job(url(schema, f"{name}_new"), url(schema, name), wishes), place, "run1")
    assert sql(schema, f"SELECT * FROM {name} ORDER BY id") == expected
    assert sql(schema, "SHOW TABLES LIKE '%cdm_stage%'") == []


def test_copy__in_ranges_of_a_column_reads_each_row_once(schema: str, place: Surroundings, name: str) -> None:
    sql(
        schema,
        f"CREATE TABLE {name} (id INT PRIMARY KEY, at DATETIME(6), ts TIMESTAMP NULL, d DECIMAL(10,2), ok BIT(1))",
    )
    sql(
        schema,
        f"INSERT INTO {name} SELECT seq, IF(seq % 7, TIMESTAMPADD(MICROSECOND, seq * 777, '2024-01-01'), NULL),"
        " FROM_UNIXTIME(1e9 + seq * 1e4), seq / 3, seq % 2 FROM seq_1_to_5000",
    )
    for partition in ("id", "at", "ts", "d", "ok"):
        target = f"{name}_{partition}"
        wishes = Wishes(partition=partition, parallel=4)
        run_job(copy_job(url(schema, name), url(schema, target), wishes), place, "run1")
        assert sql(schema, f"SELECT COUNT(*), SUM(id) FROM {target}") == [(5000, 12502500)]


def test_read__stops_at_once_when_the_run_is_cancelled(schema: str, tmp_path: Path) -> None:
    cancellation = Cancellation()
    place = surroundings(tmp_path, cancellation)
    source = opened(url(schema), place).source(
        Options(section="fromJobConfig", values={"useSql": "true", "sql": "SELECT SLEEP(60) AS x FROM seq_1_to_100"})
    )
    split = source.splits(1)[0]
    raised: list[BaseException] = []

    def run() -> None:
        try:
            list(source.read(split, lambda row, reason: None))
        except CdmError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: bool(sleeping(schema)))
    cancellation.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert isinstance(raised[0], RunStopped)
    until(lambda: not sleeping(schema))


def test_read__that_ends_early_ends_at_the_server_too(schema: str, place: Surroundings) -> None:
    source = opened(url(schema), place).source(
        Options(
            section="fromJobConfig",
            values={"useSql": "true", "sql": "SELECT REPEAT('x', 9000) x FROM seq_1_to_9999999"},
        )
    )
    batches = source.read(source.splits(1)[0], lambda row, reason: None)
    assert next(iter(batches)).num_rows > 100
    batches.close()  # type: ignore[attr-defined]
    until(
        lambda: (
            not sql("information_schema", "SELECT 1 FROM PROCESSLIST WHERE INFO LIKE 'SELECT `x` FROM (SELECT REP%'")
        )
    )


def sleeping(schema: str) -> Sequence[Any]:
    return sql("information_schema", f"SELECT 1 FROM PROCESSLIST WHERE DB = '{schema}' AND INFO LIKE '%SLEEP%'")


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_errors__say_what_happened_and_no_password(schema: str, place: Surroundings) -> None:
    with pytest.raises(DatabaseUnreachable) as refused:
        opened(url(schema).replace("headrace-test", "wrong-secret"), place).test()
    assert "wrong-secret" not in refused.value.message
    with pytest.raises(DatabaseUnreachable):
        opened("mysql://u:p@127.0.0.1:1/x", place).test()
    with pytest.raises(SqlFailed):
        opened(url(schema), place).database().rows("SELEC 1")
    with pytest.raises(TableMissing):
        opened(url(schema), place).database().rows("SELECT * FROM absent")
    assert "MariaDB" in opened(url(schema), place).test()


def test_load__sends_no_file_of_this_machine(schema: str, place: Surroundings, name: str) -> None:
    sql(schema, f"CREATE TABLE {name} (line TEXT)")
    database = opened(url(schema), place).database(writes=True)
    loader = database.loader(Table("", name), database.columns(Table("", name)))
    loader._connection.query(f"LOAD DATA LOCAL INFILE '{__file__}' INTO TABLE {name}")  # type: ignore[attr-defined]
    loader._connection.commit()  # type: ignore[attr-defined]
    loader.rollback()
    assert sql(schema, f"SELECT COUNT(*) FROM {name}") == [(0,)]
