"""Real engines that ``make services`` starts, as connections of a workspace would name them."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import make_url

from headrace.sql.dialects import SPARK
from headrace.sql.engines import open_real

Config = dict[str, Any]


@pytest.fixture(scope="module")
def postgres_config(new_module_postgres_url: Callable[[], str]) -> Config:
    """The config of a DWS connection that leads to an empty database of its own."""
    url = make_url(new_module_postgres_url())
    return {
        "ip": url.host,
        "port": str(url.port or 5432),
        "userName": url.username,
        "password": url.password or "not asked for",
        "databaseName": url.database,
        "sslEnable": False,
    }


@pytest.fixture(scope="module")
def mariadb_config() -> Iterator[Config]:
    """The config of an RDS connection that leads to an empty database of its own in MariaDB."""
    pymysql = pytest.importorskip("pymysql")
    port = int(os.environ.get("HEADRACE_TEST_MARIADB_PORT", "55306"))
    entry = {"host": "127.0.0.1", "port": port, "user": "headrace", "password": "headrace-test"}
    name = f"headrace_{uuid.uuid4().hex[:12]}"
    try:
        connection = pymysql.connect(**entry, connect_timeout=2)
    except pymysql.OperationalError as error:
        pytest.skip(f"no MariaDB on 127.0.0.1:{port} (make services starts one): {error}")
    with connection:
        connection.query(f"CREATE DATABASE {name}")
        yield {
            "ip": "127.0.0.1",
            "port": str(port),
            "userName": "headrace",
            "password": "headrace-test",
            "databaseName": name,
            "driverName": "com.mysql.jdbc.Driver",
        }
        connection.query(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def spark_config() -> Config:
    """The config of a SparkSQL connection without authentication."""
    pytest.importorskip("pyspark.sql.connect", reason="pyspark-client is not installed")
    port = int(os.environ.get("HEADRACE_TEST_SPARK_PORT", "55002"))
    return {"ip": "127.0.0.1", "port": str(listening("Spark Connect", port)), "authentication": "NONE"}


@pytest.fixture
def spark_database(spark_config: Config) -> Iterator[str]:
    """A database of the test's own."""
    engine, _ = open_real("spark", "SparkSQL", spark_config)
    name = f"headrace_{uuid.uuid4().hex[:12]}"
    engine.execute(f"CREATE DATABASE {name}", SPARK, None)
    yield name
    engine.execute(f"DROP DATABASE {name} CASCADE", SPARK, None)


def listening(name: str, port: int) -> int:
    """The port, if something listens there; skips otherwise."""
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError as error:
        pytest.skip(f"no {name} on 127.0.0.1:{port} (make services starts one): {error}")
    return port


@pytest.fixture(scope="session")
def hive_config(spark_config: Config) -> Config:
    """The config of a HIVE connection that leads to the HiveServer2 of the same Spark."""
    pytest.importorskip("impala.dbapi", reason="impyla is not installed")
    port = int(os.environ.get("HEADRACE_TEST_HIVE_PORT", "55010"))
    return {**spark_config, "port": str(listening("HiveServer2", port)), "userName": "headrace"}
