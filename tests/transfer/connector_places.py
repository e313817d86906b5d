"""A place for every connector to be tried at: a real server where the tests have one, or the double of one.

To enrol a connector, give ``PLACES`` one entry: a name, and a function that opens the place.
"""

from __future__ import annotations

import getpass
import importlib.util
import os
import socket
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest
from elastic_double import running as running_elastic
from web_doubles import serving, web_files, webhdfs

from headrace.errors_cdm import (
    CdmError,
    DatabaseUnreachable,
    ElasticsearchReadFailed,
    ElasticsearchUnreachable,
    FileServerUnreachable,
    FtpUnreachable,
    HBaseTableMissing,
    HBaseUnreachable,
    HdfsUnreachable,
    HiveUnreachable,
    KafkaUnreachable,
    MongoUnreachable,
    ObsUnreachable,
    RedisColumnsMissing,
    RedisUnreachable,
    SftpUnreachable,
    SourcePathMissing,
    TableMissing,
)
from headrace.objectstore.files import FileStore
from headrace.objectstore.s3 import S3Store
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Connector, by_url
from headrace.transfer.connectors.clickhouse import ClickHouseTables
from headrace.transfer.connectors.elasticsearch import Elasticsearch
from headrace.transfer.connectors.ftp import Ftp
from headrace.transfer.connectors.generic_sql import GenericSql
from headrace.transfer.connectors.hbase import HBase
from headrace.transfer.connectors.hdfs import Hdfs
from headrace.transfer.connectors.http import Http
from headrace.transfer.connectors.kafka import Dis, Kafka
from headrace.transfer.connectors.local_files import LocalFiles
from headrace.transfer.connectors.mongodb import MongoDb
from headrace.transfer.connectors.mysql import MySql
from headrace.transfer.connectors.obs import Obs
from headrace.transfer.connectors.postgresql import PostgreSql
from headrace.transfer.connectors.redis import Redis
from headrace.transfer.connectors.sftp import Sftp
from headrace.transfer.connectors.sqlite import Sqlite
from headrace.transfer.connectors.warehouse import Warehouse
from headrace.transfer.formats.json_format import JsonWriter
from headrace.transfer.options import Link
from headrace.transfer.relational.hive_database import HiveDatabase
from headrace.transfer.relational.hive_session import HiveAddress

SECRET = "very-secret"
NOWHERE = "nothing_of_this_name"
_NUMBERS = count(1)

Inputs = Mapping[str, str]
Opener = Callable[[Path, pytest.FixtureRequest], AbstractContextManager["Place"]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A system that is up, and the link to it.

    ``source``: the inputs that read what bears a name, of these columns; ``target``: those that write it; ``fill``:
    how rows get there that no job can write. ``down``: a link with ``SECRET`` to where nothing answers, and the error
    that says so. ``missing``: the error for a name that is not there.
    ``urls``: one for each scheme. ``keeps_nothing``: an empty table leaves no trace, as there is no such thing.
    ``typed``: what is written takes the types of the table that is there, not those of the source.
    """

    link: Link
    source: Callable[[str, pa.Schema], Inputs]
    target: Callable[[str], Inputs] | None = None
    fill: Callable[[str, pa.Table], None] | None = None
    urls: Sequence[str] = ()
    down: tuple[Link, type[CdmError]]
    missing: type[CdmError]
    keeps_nothing: bool = False
    typed: bool = False


@dataclass(frozen=True)
class Enrolled:
    """A place that is opened when a test needs it. ``paired``: whether it is one of those of the pairs."""

    connector: type[Connector]
    open: Opener
    marks: Sequence[pytest.MarkDecorator] = ()
    paired: bool = True


def closed_port() -> int:
    """A port of this machine at which nothing answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def new_name() -> str:
    """A name that no test before had, good for a table, a file, a topic or an index."""
    return f"t{next(_NUMBERS)}"


def listed(names: Sequence[str]) -> dict[str, str]:
    return {"columnList": "&".join(names)}


def url_link(url: str) -> Link:
    return by_url(url).link


# Tables


def table_inputs(name: str, schema: pa.Schema) -> Inputs:
    return {"tableName": name, **listed(schema.names)}


def new_table(name: str) -> Inputs:
    return {"tableName": name, "tablePreparation": "CREATE_WHEN_NOT_EXIST"}


def tables(link: Link, down: str, urls: Sequence[str]) -> Place:
    return Place(
        link=link,
        source=table_inputs,
        target=new_table,
        urls=urls,
        down=(url_link(down), DatabaseUnreachable),
        missing=TableMissing,
        typed=True,
    )


@contextmanager
def postgresql(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    url = request.getfixturevalue("new_module_postgres_url")()
    down = f"postgresql://me:{SECRET}@127.0.0.1:{closed_port()}/d/t"
    yield tables(url_link(f"{url}/t"), down, [down, down.replace("postgresql:", "postgres:")])


@contextmanager
def mariadb(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    driver = pytest.importorskip("pymysql")
    port, name = int(os.environ.get("HEADRACE_TEST_MARIADB_PORT", "55306")), f"headrace_{uuid.uuid4().hex[:12]}"
    entry = {"host": "127.0.0.1", "port": port, "user": "headrace", "password": "headrace-test"}
    try:
        connection = driver.connect(**entry, connect_timeout=2)
    except driver.OperationalError as error:
        pytest.skip(f"no MariaDB on 127.0.0.1:{port} (make services starts one): {error}")
    down = f"mysql://me:{SECRET}@127.0.0.1:{closed_port()}/d/t"
    with connection:
        connection.query(f"CREATE DATABASE {name}")
        try:
            link = url_link(f"mysql://headrace:headrace-test@127.0.0.1:{port}/{name}/t")
            yield tables(link, down, [down, down.replace("mysql:", "mariadb:")])
        finally:
            connection.query(f"DROP DATABASE {name}")


@contextmanager
def mariadb_inserts(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Loaded with statements, as the link says."""
    with mariadb(folder, request) as place:
        slow = Link(name="", connector=place.link.connector, values={**place.link.values, "usingNative": "false"})
        yield Place(**{**vars(place), "link": slow})


@contextmanager
def sqlite(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    link = url_link(f"sqlite:///{folder.name}/tables.db/t")
    sqlite3.connect(folder / "tables.db").close()
    down = Link(name="", connector=link.connector, values={**link.values, "database": "none.db", "password": SECRET})
    yield Place(
        link=link,
        source=table_inputs,
        target=new_table,
        urls=["sqlite:///tables.db/t"],
        down=(down, DatabaseUnreachable),
        missing=TableMissing,
        typed=True,
    )


@contextmanager
def clickhouse(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("the engine of ClickHouse is not installed (pip install chdb-core)")
    script = Path(__file__).with_name("clickhouse_double.py")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            down = f"clickhouse://me:{SECRET}@127.0.0.1:{closed_port()}/d/t"
            yield tables(url_link(f"clickhouse://127.0.0.1:{port}/default/t"), down, [down])
        finally:
            process.kill()


def _schemes_of_sqlalchemy(down: str) -> list[str]:
    return [f"{scheme}://me:{SECRET}@127.0.0.1/d/t" for scheme in ("oracle", "sqlserver", "mssql", "db2", "hana")] + [
        down
    ]


@contextmanager
def sqlalchemy_postgresql(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    url = request.getfixturevalue("new_module_postgres_url")().replace("postgresql:", "postgresql+psycopg:", 1)
    down = f"sqlalchemy:postgresql+psycopg://me:{SECRET}@127.0.0.1:{closed_port()}/d#t"
    yield tables(url_link(f"sqlalchemy:{url}#t"), down, _schemes_of_sqlalchemy(down))


@contextmanager
def sqlalchemy_sqlite(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    down = f"sqlalchemy:postgresql+psycopg://me:{SECRET}@127.0.0.1:{closed_port()}/d#t"
    yield tables(url_link(f"sqlalchemy:sqlite:///{folder}/generic.db#t"), down, _schemes_of_sqlalchemy(down))


def warehouse(link: Link, database: str) -> Place:
    lost = {"properties": f'{{"hiveserver2": "127.0.0.1:{closed_port()}"}}', "user": "me", "password": SECRET}
    return Place(
        link=link,
        source=lambda name, schema: {"database": database, "table": name, **listed(schema.names)},
        target=lambda name: {"database": database, "table": name, "tablePreparation": "CREATE_WHEN_NOT_EXIST"},
        down=(Link(name="", connector="hive-connector", values=lost), HiveUnreachable),
        missing=TableMissing,
        typed=True,
    )


@contextmanager
def embedded(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    yield warehouse(Link(name="", connector="dli-connector", values={}), "default")


@contextmanager
def hiveserver2(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    pytest.importorskip("impala.dbapi", reason="the extra headrace[hive] is not installed")
    port, name = int(os.environ.get("HEADRACE_TEST_HIVE_PORT", "55010")), f"headrace_{uuid.uuid4().hex[:12]}"
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError as error:
        pytest.skip(f"no HiveServer2 on 127.0.0.1:{port} (make services starts one): {error}")
    database = HiveDatabase(HiveAddress(host="127.0.0.1", port=port), Cancellation())
    values = {"properties": f'{{"hiveserver2": "127.0.0.1:{port}"}}'}
    database.run([database.with_schema(name)])
    try:
        yield warehouse(Link(name="", connector="hive-connector", values=values), name)
    finally:
        database.run([f"DROP DATABASE {name} CASCADE"])


# Files


def files(
    link: Link,
    down: tuple[Link, type[CdmError]],
    urls: Sequence[str],
    ending: str = "parquet",
    **more: str,
) -> Place:
    """Files whose names say what they are."""
    start = more.pop("folder", "")
    return Place(
        link=link,
        source=lambda name, schema: {"inputDirectory": f"{start}{name}.{ending}", **listed(schema.names), **more},
        target=lambda name: {"outputDirectory": f"{start}{name}.{ending}", **more},
        urls=urls,
        down=down,
        missing=SourcePathMissing,
    )


def local(ending: str) -> Opener:
    @contextmanager
    def opened(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
        down = Link(name="", connector="local-connector", values={"directory": "none", "password": SECRET})
        link = Link(name="", connector="local-connector", values={})
        yield files(link, (down, FileServerUnreachable), ["file:///x.csv"], ending)

    return opened


@contextmanager
def own_store(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    FileStore(folder / "obs").create_bucket("mine")
    values = {"server": "127.0.0.1", "port": str(closed_port()), "accessKey": "AK", "securityKey": SECRET}
    down = Link(name="", connector="obs-connector", values={**values, "protocol": "http"})
    urls = ["obs://mine/x.csv", f"s3://AK:{SECRET}@127.0.0.1:1/mine/x.csv"]
    link = Link(name="", connector="obs-connector", values={})
    yield files(link, (down, ObsUnreachable), urls, bucketName="mine")


@contextmanager
def s3(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    endpoint, bucket = request.getfixturevalue("s3_endpoint"), f"suite-{uuid.uuid4().hex[:12]}"
    S3Store(endpoint, "AK", SECRET).create_bucket(bucket)
    with own_store(folder, request) as place:
        host, _, port = endpoint.removeprefix("http://").rpartition(":")
        values = {**place.down[0].values, "server": host, "port": port}
        link = Link(name="", connector="obs-connector", values=values)
        yield files(link, place.down, place.urls, bucketName=bucket)


@contextmanager
def ftp(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    from test_ftp import Server

    server = Server()
    try:
        values = server.values(folder)
        down = Link(name="", connector="ftp-connector", values={**values, "port": str(closed_port())})
        urls = [f"{scheme}://me:{SECRET}@127.0.0.1:1/x.csv" for scheme in ("ftp", "ftps")]
        yield files(Link(name="", connector="ftp-connector", values=values), (down, FtpUnreachable), urls)
    finally:
        server.close()


@contextmanager
def sftp(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    pytest.importorskip("paramiko", reason="Paramiko is absent: pip install 'headrace[ssh]'")
    port = int(os.environ.get("HEADRACE_TEST_SSHD_PORT", "55422"))
    keys = Path(f"{os.environ.get('HEADRACE_SERVICES_DIR', '/tmp/headrace-services')}-sshd")
    try:
        key, host_key = (keys / "client").read_text("utf-8"), (keys / "host.pub").read_text("utf-8")
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError as error:
        pytest.skip(f"no sshd on 127.0.0.1:{port} (make services starts one): {error}")
    values = {"server": "127.0.0.1", "port": str(port), "username": getpass.getuser(), "hostKey": host_key}
    link = Link(name="", connector="sftp-connector", values={**values, "privateKey": key})
    down = Link(name="", connector="sftp-connector", values={**values, "password": SECRET, "port": str(closed_port())})
    yield files(link, (down, SftpUnreachable), [f"sftp://me:{SECRET}@127.0.0.1:1/x.csv"], folder=f"{folder}/")


@contextmanager
def hdfs(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    (folder / "hdfs").mkdir()
    with serving(webhdfs(folder / "hdfs", [])) as address:
        values = {"uri": address, "user": "me", "password": SECRET}
        down = Link(name="", connector="hdfs-connector", values={**values, "uri": f"http://127.0.0.1:{closed_port()}"})
        urls = [f"{scheme}://me@127.0.0.1:1/x.csv" for scheme in ("webhdfs", "swebhdfs", "hdfs")]
        yield files(Link(name="", connector="hdfs-connector", values=values), (down, HdfsUnreachable), urls)


@contextmanager
def http(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    import pyarrow.parquet as pq

    served: dict[str, bytes] = {"/": b"here"}
    with serving(web_files(served, ranges=True)) as url:

        def fill(name: str, table: pa.Table) -> None:
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink)
            served[f"/{name}.parquet"] = sink.getvalue().to_pybytes()

        down = {"testUrl": f"http://me:{SECRET}@127.0.0.1:{closed_port()}/"}
        yield Place(
            link=Link(name="", connector="http-connector", values={"testUrl": f"{url}/"}),
            source=lambda name, schema: {"inputDirectory": f"{url}/{name}.parquet", **listed(schema.names)},
            fill=fill,
            urls=[f"{scheme}://me:{SECRET}@127.0.0.1/x.csv" for scheme in ("http", "https")],
            down=(Link(name="", connector="http-connector", values=down), FileServerUnreachable),
            missing=SourcePathMissing,
        )


# Keys, documents and messages


@contextmanager
def redis(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    library = pytest.importorskip("redis")
    port = int(os.environ.get("HEADRACE_TEST_REDIS_PORT", "55379"))
    client = library.Redis(host="127.0.0.1", port=port, password="headrace-test", socket_timeout=30)
    try:
        client.ping()
    except library.ConnectionError as error:
        pytest.skip(f"no Redis on 127.0.0.1:{port} (make services starts one): {error}")
    start = f"suite{uuid.uuid4().hex[:12]}"
    link = url_link(f"redis://:headrace-test@127.0.0.1:{port}/0/t")
    down = f"redis://:{SECRET}@127.0.0.1:{closed_port()}/0/t"

    def inputs(name: str) -> dict[str, str]:
        return {"keyPrefix": f"{start}{name}", "keySeparator": ":", "valueStoreType": "HASH"}

    try:
        yield Place(
            link=link,
            source=lambda name, schema: inputs(name) | ({} if name == NOWHERE else listed(schema.names)),
            target=lambda name: {**inputs(name), "primaryKeyList": "n"},
            urls=[down],
            down=(url_link(down), RedisUnreachable),
            missing=RedisColumnsMissing,
            keeps_nothing=True,
        )
    finally:
        for key in client.scan_iter(match=f"{start}*", count=5000):
            client.delete(key)
        client.close()


@contextmanager
def mongodb(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    pytest.importorskip("bson", reason="the extra headrace[mongodb] is not installed")
    from mongo_double import running

    with running() as server:
        down = f"mongodb://me:{SECRET}@127.0.0.1:{closed_port()}/shop/t"
        yield Place(
            link=url_link(f"mongodb://{server.address}/shop/t"),
            source=lambda name, schema: {"collectionName": name} | ({} if name == NOWHERE else listed(schema.names)),
            target=lambda name: {"collectionName": name},
            urls=[down],
            down=(url_link(down), MongoUnreachable),
            missing=CdmError,
            keeps_nothing=True,
        )


@contextmanager
def elasticsearch(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with running_elastic() as server:
        down = f"elasticsearch+http://me:{SECRET}@127.0.0.1:{closed_port()}/t"
        yield Place(
            link=Link(name="", connector="elasticsearch-connector", values={"host": server.address}),
            source=lambda name, schema: {"index": name, **listed(schema.names)},
            target=lambda name: {"index": name, "primaryKey": "n"},
            urls=[down, down.replace("+http:", "+https:")],
            down=(url_link(down), ElasticsearchUnreachable),
            missing=ElasticsearchReadFailed,
        )


@contextmanager
def hbase(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    pytest.importorskip("happybase", reason="the extra headrace[hbase] is not installed")
    from hbase_double import running

    with running() as server:
        down = f"hbase://127.0.0.1:{closed_port()}/t"
        lost = url_link(down)
        yield Place(
            link=url_link(f"hbase://{server.address}/t"),
            source=lambda name, schema: {"table": name, "columnFamilies": "cf", "columns": "&".join(schema.names)},
            target=lambda name: {
                "table": name,
                "columnFamily": "cf",
                "rowKeyColumn": "n",
                "isRowkeyRedundancy": "true",
            },
            urls=[down],
            down=(
                Link(name="", connector=lost.connector, values={**lost.values, "password": SECRET}),
                HBaseUnreachable,
            ),
            missing=HBaseTableMissing,
        )


@contextmanager
def brokers() -> Iterator[tuple[str, Callable[[str, pa.Table], None]]]:
    """The mock cluster of the client, and what sends rows to it, each an object of JSON."""
    library = pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")
    owner = library.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
    address = ",".join(f"{broker.host}:{broker.port}" for broker in owner.list_topics(timeout=10).brokers.values())

    def fill(name: str, table: pa.Table) -> None:
        lines: list[bytes] = []
        writer = JsonWriter(lines.append, table.schema)
        for batch in table.to_batches():
            writer.write(batch)
        producer = library.Producer({"bootstrap.servers": address, "log_level": 0, "message.max.bytes": 10_000_000})
        producer.list_topics(name, timeout=10)
        for line in b"".join(lines).split(b"\n")[:-1]:
            producer.produce(name, line, partition=0)
        assert producer.flush(30) == 0

    yield address, fill
    del owner


def messages(connector: str, stream: str, strategy: str) -> Opener:
    @contextmanager
    def opened(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
        with brokers() as (address, fill):
            lost = {"brokerList": f"127.0.0.1:{closed_port()}", "user": "me"}
            down = Link(name="", connector=connector, values={**lost, "password": SECRET})
            yield Place(
                link=Link(name="", connector=connector, values={"brokerList": address}),
                source=lambda name, schema: {
                    stream: name,
                    strategy: "EARLIEST",
                    "dataFormat": "JSON",
                    **listed(schema.names),
                },
                fill=fill,
                down=(down, KafkaUnreachable),
                missing=CdmError,
            )

    return opened


PLACES: Mapping[str, Enrolled] = {
    "postgresql": Enrolled(PostgreSql, postgresql, [pytest.mark.postgres]),
    "mariadb": Enrolled(MySql, mariadb, [pytest.mark.mariadb]),
    "mariadb-inserts": Enrolled(MySql, mariadb_inserts, [pytest.mark.mariadb], paired=False),
    "sqlite": Enrolled(Sqlite, sqlite),
    "clickhouse": Enrolled(ClickHouseTables, clickhouse),
    "sqlalchemy-postgresql": Enrolled(GenericSql, sqlalchemy_postgresql, [pytest.mark.postgres], paired=False),
    "sqlalchemy-sqlite": Enrolled(GenericSql, sqlalchemy_sqlite, paired=False),
    "embedded": Enrolled(Warehouse, embedded),
    "hiveserver2": Enrolled(Warehouse, hiveserver2, [pytest.mark.spark]),
    "csv": Enrolled(LocalFiles, local("csv")),
    "json": Enrolled(LocalFiles, local("json")),
    "parquet": Enrolled(LocalFiles, local("parquet")),
    "orc": Enrolled(LocalFiles, local("orc")),
    "avro": Enrolled(LocalFiles, local("avro")),
    "obs": Enrolled(Obs, own_store, paired=False),
    "s3": Enrolled(Obs, s3, [pytest.mark.s3], paired=False),
    "ftp": Enrolled(Ftp, ftp, paired=False),
    "sftp": Enrolled(Sftp, sftp, paired=False),
    "hdfs": Enrolled(Hdfs, hdfs, paired=False),
    "http": Enrolled(Http, http, paired=False),
    "redis": Enrolled(Redis, redis, [pytest.mark.redis]),
    "mongodb": Enrolled(MongoDb, mongodb),
    "elasticsearch": Enrolled(Elasticsearch, elasticsearch),
    "hbase": Enrolled(HBase, hbase),
    "kafka": Enrolled(Kafka, messages("kafka-connector", "topicsList", "kafkaConsumerStrategy")),
    "dis": Enrolled(Dis, messages("dis-connector", "streamName", "disConsumerStrategy"), paired=False),
}
