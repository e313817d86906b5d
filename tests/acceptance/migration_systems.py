"""The systems of the nightly migration: PostgreSQL for the lake, MariaDB for five sources, S3 for the clicks."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy import make_url

ROWS = 2_000  # of each table; every other one of yesterday or later
MOVES = 250_000  # of wms.moves where there are more
MARIADB = {
    "host": "127.0.0.1",
    "port": int(os.environ.get("HEADRACE_TEST_MARIADB_PORT", "55306")),
    "user": "headrace",
    "password": "headrace-test",
}

# source table, its columns; the columns that are moved are those of the example's jobs
TABLES = {
    ("crm", "accounts"): "id BIGINT PRIMARY KEY, name VARCHAR(100), segment VARCHAR(20), updated_at DATETIME(6)",
    ("crm", "contacts"): "id BIGINT PRIMARY KEY, account_id BIGINT, email VARCHAR(100), born DATE, updated_at DATETIME",
    ("erp", "invoices"): "id BIGINT PRIMARY KEY, customer_id BIGINT, amount DECIMAL(12,2), currency CHAR(3),"
    " issued_on DATE, updated_at DATETIME",
    ("erp", "payments"): "id BIGINT, line INT, invoice_id BIGINT, amount DECIMAL(20,6), paid_at DATETIME,"
    " PRIMARY KEY (id, line)",
    ("hr", "people"): "id BIGINT PRIMARY KEY, full_name VARCHAR(100), active BOOLEAN, photo BLOB, hired_on DATE",
    ("pos", "receipts"): "id BIGINT, line INT, shop VARCHAR(40), article VARCHAR(40), quantity INT,"
    " price DECIMAL(12,2), sold_at DATETIME, PRIMARY KEY (id, line)",
    ("wms", "moves"): "id BIGINT PRIMARY KEY, article VARCHAR(40), from_place VARCHAR(40), to_place VARCHAR(40),"
    " moved_at DATETIME",
}
STAGED = {
    ("crm", "accounts"): "id BIGINT, name VARCHAR(100), segment VARCHAR(20), updated_at TIMESTAMP",
    ("crm", "contacts"): "id BIGINT, account_id BIGINT, email VARCHAR(100), born DATE, updated_at TIMESTAMP",
    ("erp", "invoices"): "id BIGINT, customer_id BIGINT, amount NUMERIC(12,2), currency CHAR(3), issued_on DATE,"
    " updated_at TIMESTAMP",
}  # the others are made by their jobs (CREATE_WHEN_NOT_EXIST)
MERGED = ("crm_accounts", "crm_contacts", "erp_invoices", "erp_payments", "hr_people", "pos_receipts", "wms_moves")


@dataclass(frozen=True)
class Systems:
    """Where they are, and what they hold. Databases of MariaDB have a prefix of the test's own."""

    postgres: str
    prefix: str
    s3: str
    yesterday: date

    def mysql(self, schema: str) -> Any:
        return pymysql.connect(**MARIADB, database=f"{self.prefix}{schema}", autocommit=True)

    def source_rows(self, schema: str, table: str, columns: str, where: str = "1=1") -> list[tuple[Any, ...]]:
        with self.mysql(schema) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {table} WHERE {where}")
            return sorted(cursor.fetchall())

    def lake_rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres) as connection:
            return sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall())

    def close(self) -> None:
        with pymysql.connect(**MARIADB, autocommit=True) as connection, connection.cursor() as cursor:
            for schema in {schema for schema, _ in TABLES}:
                cursor.execute(f"DROP DATABASE IF EXISTS {self.prefix}{schema}")


def prepared(postgres: str, s3: str) -> Systems:
    """Fill the sources; the lake has the tables that the example's jobs and scripts expect. Skips without MariaDB."""
    now = datetime.now(UTC)
    systems = Systems(postgres, f"mig_{uuid.uuid4().hex[:8]}_", s3, (now - timedelta(days=1)).date())
    try:
        pymysql.connect(**MARIADB, connect_timeout=2).close()
    except pymysql.OperationalError as error:
        pytest.skip(f"no MariaDB on 127.0.0.1:{MARIADB['port']} (make services starts one): {error}")
    with pymysql.connect(**MARIADB, autocommit=True, charset="utf8mb4") as connection, connection.cursor() as cursor:
        for schema in {schema for schema, _ in TABLES}:
            cursor.execute(f"CREATE DATABASE {systems.prefix}{schema} CHARACTER SET utf8mb4")
        for (schema, table), columns in TABLES.items():
            cursor.execute(f"CREATE TABLE {systems.prefix}{schema}.{table} ({columns})")
        _fill(cursor, systems)
    with psycopg.connect(postgres, autocommit=True) as lake:
        lake.execute("CREATE SCHEMA stage")
        lake.execute("CREATE SCHEMA lake")
        for (schema, table), columns in STAGED.items():
            lake.execute(f"CREATE TABLE stage.{schema}_{table} ({columns})")
            lake.execute(f"INSERT INTO stage.{schema}_{table} (id) VALUES (-1)")  # of an earlier night
        lake.execute("CREATE TABLE stage.web_clicks (id BIGINT)")
        for name in (*MERGED, "web_clicks"):
            lake.execute(f"CREATE TABLE lake.{name} (id BIGINT, load_day DATE)")
            lake.execute(f"INSERT INTO lake.{name} VALUES (1, NULL), (-5, NULL)")
        lake.execute("CREATE TABLE lake.reconcile (table_name TEXT, src_rows BIGINT, dst_rows BIGINT, day DATE)")
    return systems


def _fill(cursor: Any, systems: Systems) -> None:
    old = datetime(2001, 2, 3, 4, 5, 6, 789012)  # noqa: DTZ001 - as the column has it
    new = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    day, place = date(1999, 12, 31), systems.prefix
    rows = range(1, ROWS + 1)

    def when(number: int) -> datetime:
        return new if number % 2 else old

    _insert(cursor, f"{place}crm.accounts", [(n, f'客户 "{n}", s\'', "" if n % 3 else None, when(n)) for n in rows])
    _insert(cursor, f"{place}crm.contacts", [(n, n % 97, f"a{n}@example.com", day, when(n)) for n in rows])
    _insert(cursor, f"{place}erp.invoices", [(n, n % 31, f"{n}.{n % 100:02}", "EUR", day, when(n)) for n in rows])
    _insert(cursor, f"{place}erp.payments", [(n, n % 3, n, f"-{n}.000001", when(n)) for n in rows])
    _insert(
        cursor, f"{place}hr.people", [(n, f"name {n}\nsecond line", n % 2, bytes([n % 256, 0, 92]), day) for n in rows]
    )
    _insert(cursor, f"{place}pos.receipts", [(n, 1, "s\\1", "a\tb", n, "1.10", when(n)) for n in rows])
    _insert(cursor, f"{place}wms.moves", [(n, "x", "N" if n % 2 else None, "\\N", when(n)) for n in rows])


def _insert(cursor: Any, table: str, rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join(["%s"] * len(rows[0]))
    cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def more_moves(systems: Systems) -> None:
    """Many more rows of wms.moves, several batches of them."""
    with systems.mysql("wms") as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO moves SELECT seq, CONCAT('article ', seq), NULL, 'X', '2024-05-01 10:00:00' "
            f"FROM seq_{ROWS + 1}_to_{MOVES}"
        )


def clicks(rows: int) -> bytes:
    """A file of clicks: a header, then rows."""
    lines = ["ts,user_id,url,ref", *(f"2024-05-01 10:00:00,{n},https://example.com/{n},r{n % 9}" for n in range(rows))]
    return ("\r\n".join(lines) + "\r\n").encode()


def postgres_inputs(url: str) -> dict[str, str]:
    """The inputs of a link to a PostgreSQL database."""
    parts = make_url(url)
    return {
        "databaseType": "DWS",
        "host": str(parts.host),
        "port": str(parts.port or 5432),
        "database": str(parts.database),
        "username": str(parts.username),
        "password": parts.password or "not asked for",
    }
