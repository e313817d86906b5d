"""A migration job into HBase and one out of it, made and started by the official client; on a double of the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moving import Moving, moved
from tests.conftest import Server

pytest.importorskip("happybase", reason="the extra headrace[hbase] is not installed")
double = pytest.importorskip("tests.transfer.hbase_double")


@pytest.fixture
def gateway() -> Iterator[Any]:
    with double.running() as made:
        yield made


@pytest.fixture
def moving(server: Server, gateway: Any) -> Moving:
    made = Moving(server)
    made.sqlite("shop")
    made.link("hbase", "hbase-connector", hbaseType="Apache Hadoop", thriftServer=gateway.address, password="s3cr3t")
    made.run_sql("shop.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY, day TEXT, price TEXT)")
    rows = [(n, f"2026-03-{n % 28 + 1:02}", f"{n}.50" if n % 3 else None) for n in range(1, 3_001)]
    made.run_sql("shop.db", "INSERT INTO orders VALUES (?, ?, ?)", rows=rows)
    return made


def test_job__moves_a_table_into_hbase_and_back_by_regions(moving: Moving, gateway: Any) -> None:
    link, hbase = "hbase:hbase-connector", {"table": "orders", "storageType": "PUTLIST"}
    listed = {"tableName": "orders", "columnList": "id&day&price"}
    target = {**hbase, "columns": "cf:id&cf:day&cf:price", "rowKeyColumn": "cf:day&cf:id", "delimiter": "|"}
    moving.job("in", ("shop", link), listed, {**target, "isOverride": "true"}, throttlingConfig_numExtractors="3")
    failed = moving.run("in")
    assert failed["status"] == "FAILED"
    assert "keeps no row without a cell" in failed["error-summary"]

    moving.job("again", ("shop", link), listed, {**target, "isRowkeyRedundancy": "true"})
    assert moved(moving.run("again")) == ("SUCCEEDED", 3_000, 3_000, 0)
    gateway.tables[b"orders"].splits = [b"", b"2026-03-10", b"2026-03-20"]

    moving.run_sql("shop.db", "CREATE TABLE copies (day TEXT, id INTEGER PRIMARY KEY, price TEXT)")
    source = {"table": "orders", "columns": "rowkey:1&rowkey:2&cf:price", "isSplit": "true", "delimiter": "|"}
    out = {"tableName": "copies", "columnList": "day&id&price"}
    moving.job("out", (link, "shop"), source, out, throttlingConfig_numExtractors="2")
    assert moved(moving.run("out")) == ("SUCCEEDED", 3_000, 3_000, 0)
    ordered = "SELECT id, day, price FROM {} ORDER BY id"
    assert moving.run_sql("shop.db", ordered.format("copies")) == moving.run_sql("shop.db", ordered.format("orders"))
