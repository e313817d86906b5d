"""Spark through Spark Connect: SparkSQL, DLI and, where a connection says so, Hive."""

from __future__ import annotations

import json
import logging
import re
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import grpc
from pyspark.errors import PySparkException
from pyspark.sql.connect import functions
from pyspark.sql.connect.client.retries import DefaultPolicy
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.types import (
    ArrayType,
    AtomicType,
    BinaryType,
    BooleanType,
    DataType,
    DecimalType,
    FractionalType,
    IntegralType,
    MapType,
    NullType,
    StringType,
    StructField,
    StructType,
)

from headrace.sql.engine import StatementResult
from headrace.sql.real.target import CONNECT_SECONDS, EngineUnavailable, Target
from headrace.sql.real.values import seconds_in_full
from headrace.sql.results import scalar

_PORT = 15002
_AS_SENT = (IntegralType, FractionalType, DecimalType, BooleanType, StringType, BinaryType, NullType)
_RETRIES = DefaultPolicy(max_retries=5, max_backoff=5_000)  # 17 s in all
_DLI_NAMES = {  # Source: user guide, "DLI SQL", environment variables: DLI's names for settings of Spark
    "dli.sql.shuffle.partitions": "spark.sql.shuffle.partitions",
    "dli.sql.autoBroadcastJoinThreshold": "spark.sql.autoBroadcastJoinThreshold",
    "dli.sql.dynamicPartitionOverwrite.enabled": "spark.sql.sources.partitionOverwriteMode",
}


class SparkDriver:
    """Opens sessions of Spark Connect."""

    errors: tuple[type[Exception], ...] = (PySparkException, grpc.RpcError, OSError, ValueError)  # the last: closed

    def open(self, target: Target, database: str | None, settings: Mapping[str, str]) -> SparkConnectSession:
        """A session whose current database is that of the script. ``settings`` are of Spark's configuration.

        A password or token is sent as a bearer token, which Spark Connect does over TLS only.
        """
        logging.getLogger("SQLQueryContextLogger").disabled = True  # it would print statements
        place = (target.host, target.port or _PORT)
        socket.create_connection(place, CONNECT_SECONDS).close()  # the client would try for ten minutes
        token = "" if target.authentication == "NONE" else target.token or target.password
        if token and not target.encrypted:
            raise EngineUnavailable(
                f"sslEnable: connection {target.name!r} has a password, which Spark Connect takes over TLS only. Set "
                'sslEnable to true, or authentication to "NONE" and leave the password out.'
            )
        members = {"user_id": target.user, "token": token, "use_ssl": "true" if target.encrypted else ""}
        options = "".join(f";{name}={quote(value, safe='')}" for name, value in members.items() if value)
        host = f"[{place[0]}]" if ":" in place[0] else place[0]
        spark = SparkSession.Builder().remote(f"sc://{host}:{place[1]}/{options}").create()
        session = SparkConnectSession(spark)
        try:
            session.prepare(database or target.database or None, settings)
        except BaseException:
            session.close()
            raise
        return session

    def reason(self, error: Exception) -> str:
        """Spark's message without its plans and stack traces."""
        if isinstance(error, grpc.RpcError):
            return str(getattr(error, "details", error.__str__)())
        wrapped = re.search(r'details = "(.*?)"', str(error))
        if str(error).startswith("<") and wrapped is not None:  # an error of the connection, as gRPC prints it
            return wrapped[1]
        text = re.split(r"\n\n(?:JVM stacktrace|== SQL ==)", str(error), maxsplit=1)[0]
        return re.split(r";?\n['+:]", text, maxsplit=1)[0].rstrip(";\n ")


class SparkConnectSession:
    """One session of the server, which is told to forget it in the end."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        spark.client.set_retry_policies([_RETRIES])

    def prepare(self, database: str | None, settings: Mapping[str, str]) -> None:
        """Set what the script starts with."""
        for name, value in settings.items():
            if name == "dli.sql.dynamicPartitionOverwrite.enabled":
                value = "dynamic" if value.strip().lower() == "true" else "static"
            self._spark.conf.set(_DLI_NAMES.get(name, name), value)
        if database:
            self._spark.catalog.setCurrentDatabase(database)

    def run(self, statement: str, row_limit: int) -> StatementResult:
        """One statement; of a query no more than the limit is computed. Spark does not tell how many rows it wrote."""
        frame = self._spark.sql(statement)
        fields = frame.schema.fields
        rows: list[tuple[Any, ...]] = []
        if fields:
            named = frame.toDF(*(f"c{number}" for number in range(len(fields))))
            columns = [_as_text(functions.col(f"c{number}"), field) for number, field in enumerate(fields)]
            table = named.select(*columns).limit(row_limit + 1).toArrow()
            values = [
                [_value(each, field.dataType) for each in column.to_pylist()]
                for column, field in zip(table.columns, fields, strict=True)
            ]
            rows = list(zip(*values, strict=True))
        return StatementResult(
            statement="",
            message="",
            duration_seconds=0.0,
            row_count=min(len(rows), row_limit),
            rows=tuple(rows[:row_limit]),
            schema=tuple((field.name, field.dataType.simpleString()) for field in fields),
            truncated=len(rows) > row_limit,
        )

    def interrupt(self) -> None:
        """Interrupt what runs in this session."""
        self._spark.client.interrupt_all()

    def abandon(self) -> None:
        """Close the channel, which ends the wait for the server."""
        self._spark.client.close()

    def close(self) -> None:
        """Release the session on the server."""
        self._spark.stop()


def _as_text(column: Any, field: StructField) -> Any:
    """Dates, times and intervals as Spark writes them; everything else as it is sent."""
    kind = field.dataType
    plain = isinstance(kind, (*_AS_SENT, ArrayType, MapType, StructType)) or not isinstance(kind, AtomicType)
    return column if plain else column.cast("string")


def _value(value: Any, kind: DataType) -> Any:
    if value is None or isinstance(kind, StringType):
        return value
    if isinstance(kind, _AS_SENT):
        return scalar(value)
    if isinstance(kind, (ArrayType, MapType, StructType)):
        return json.dumps(_nested(value, kind), ensure_ascii=False, separators=(",", ":"))
    return seconds_in_full(str(value))


def _nested(value: Any, kind: DataType) -> Any:
    if value is None:
        return None
    if isinstance(kind, ArrayType):
        return [_nested(each, kind.elementType) for each in value]
    if isinstance(kind, MapType):
        return {str(scalar(key)): _nested(each, kind.valueType) for key, each in value}
    if isinstance(kind, StructType):
        return {field.name: _nested(value[field.name], field.dataType) for field in kind.fields}
    return scalar(value.replace(tzinfo=None) if getattr(value, "tzinfo", None) is not None else value)
