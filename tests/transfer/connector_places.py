"""A place for every connector to be tried at: a real server where the tests have one, or the double of one.

To enrol a connector, give ``PLACES`` one entry: a name, and a function that opens the place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from document_places import elasticsearch, hbase, messages, mongodb, redis
from file_places import ftp, hdfs, http, local, own_store, s3, sftp
from places import Opener
from table_places import (
    clickhouse,
    embedded,
    hiveserver2,
    mariadb,
    mariadb_inserts,
    postgresql,
    sqlalchemy_postgresql,
    sqlalchemy_sqlite,
    sqlite,
)

from headrace.transfer.connector import Connector
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


@dataclass(frozen=True)
class Enrolled:
    """A place that is opened when a test needs it. ``paired``: whether it is one of those of the pairs."""

    connector: type[Connector]
    open: Opener
    marks: Sequence[pytest.MarkDecorator] = ()
    paired: bool = True


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
