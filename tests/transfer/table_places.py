"""Places with tables: real servers where the tests have them, ClickHouse's engine behind a double of its server."""

from __future__ import annotations

import importlib.util
import os
import socket
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from places import SECRET, Inputs, Place, closed_port, listed, url_link

from headrace.errors_cdm import (
    DatabaseUnreachable,
    HiveUnreachable,
    TableMissing,
)
from headrace.sql.engine import Cancellation
from headrace.transfer.options import Link
from headrace.transfer.relational.hive_database import HiveDatabase
from headrace.transfer.relational.hive_session import HiveAddress


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
