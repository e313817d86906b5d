"""Jobs over every table of a database. Source: CDM user guide, "Migrating the Entire DB"."""

from __future__ import annotations

import pytest
from moving import Moving, moved
from tests.conftest import Server


@pytest.fixture(scope="module")
def moving(server: Server) -> Moving:
    made = Moving(server)
    for name in ("shop", "copy", "other"):
        made.sqlite(name)
    made.link("store", "obs-connector")
    made.run_sql(
        "shop.db",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, price TEXT)",
        "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER)",
        "CREATE TABLE empty_one (id INTEGER)",
    )
    made.run_sql("shop.db", "INSERT INTO orders VALUES (?, ?)", rows=[(n, f"{n}.50") for n in range(1, 11)])
    made.run_sql("shop.db", "INSERT INTO items VALUES (?, ?)", rows=[(n, n) for n in range(1, 21)])
    for name in ("copy.db", "other.db"):
        made.run_sql(name, "CREATE TABLE unrelated (x)")
    return made


def test_batch_job__moves_every_table_to_one_of_its_name(moving: Moving) -> None:
    target = {"tablePreparation": "CREATE_WHEN_NOT_EXIST", "beforeImportType": "shouldClearTable"}
    moving.job("all_tables", ("shop", "copy"), {}, target, "BATCH_JOB", throttlingConfig_concurrentSubJobs="2")
    ended = moving.run("all_tables")
    assert moved(ended) == ("SUCCEEDED", 30, 30, 0), ended
    assert ended["progress"] == 100
    assert moving.run_sql("copy.db", "SELECT COUNT(*), MIN(price) FROM orders") == [(10, "1.50")]
    assert moving.run_sql("copy.db", "SELECT COUNT(*) FROM items") == [(20,)]
    assert moving.run_sql("copy.db", "SELECT COUNT(*) FROM empty_one") == [(0,)]
    assert moved(moving.run("all_tables")) == ("SUCCEEDED", 30, 30, 0)
    assert moving.run_sql("copy.db", "SELECT COUNT(*) FROM orders") == [(10,)]


def test_batch_job__tables_of_a_wildcard_and_one_where_clause_for_all(moving: Moving) -> None:
    moving.job(
        "some_tables",
        ("shop", "other"),
        {"tableName": "*s", "whereClause": "id <= ${most}"},
        {"tablePreparation": "CREATE_WHEN_NOT_EXIST"},
        "BATCH_JOB",
    )
    assert moved(moving.run("some_tables", {"most": "3"})) == ("SUCCEEDED", 6, 6, 0)
    tables = moving.run_sql("other.db", "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    assert tables == [("items",), ("orders",), ("unrelated",)]


def test_batch_job__a_table_that_fails_is_named_and_the_others_are_moved(moving: Moving) -> None:
    moving.sqlite("broken")
    moving.run_sql("broken.db", "CREATE TABLE items (one_column_too_few INTEGER)")
    target = {"tablePreparation": "CREATE_WHEN_NOT_EXIST"}
    moving.job("with_trouble", ("shop", "broken"), {}, target, "BATCH_JOB", throttlingConfig_concurrentSubJobs="1")
    ended = moving.run("with_trouble")
    assert (ended["status"], ended["progress"]) == ("FAILED", -1)
    assert ended["error-summary"].startswith(
        "An exception occurred during loading. 1 of 3 tables failed. Table [items]: The number of columns"
    ), ended
    assert "(Cdm.0931)" in ended["error-summary"]
    assert moving.run_sql("broken.db", "SELECT COUNT(*) FROM orders") == [(10,)]


def test_batch_job__to_files_gives_a_folder_of_each_table(moving: Moving) -> None:
    target = {"bucketName": "lake", "outputDirectory": "raw", "outputFormat": "CSV_FILE", "firstRowAsHeader": "true"}
    moving.job("to_files", ("shop", "store:obs-connector"), {"tableName": "*s"}, target, "BATCH_JOB")
    assert moved(moving.run("to_files"))[:3] == ("SUCCEEDED", 30, 30)
    files = moving.objects("lake/raw")
    assert sorted(files) == ["items/items.csv", "orders/orders.csv"]
    assert files["orders/orders.csv"].splitlines()[:2] == ["id,price", "1,1.50"]


@pytest.mark.parametrize(
    ("source", "sides", "message"),
    [
        ({"useSql": "true", "sql": "SELECT 1"}, ("shop", "copy"), "fromJobConfig.useSql: a whole database"),
        ({"tableName": "none_*"}, ("shop", "copy"), "The table [.none_*] does not exist."),
        ({"bucketName": "lake", "inputFormat": "CSV_FILE"}, ("store:obs-connector", "copy"), "has no tables"),
    ],
)
def test_batch_job__of_what_has_no_tables_fails_with_the_reason(
    moving: Moving, source: dict[str, str], sides: tuple[str, str], message: str
) -> None:
    name = f"refused_{len(message)}"
    moving.job(name, sides, source, {}, "BATCH_JOB")
    ended = moving.run(name)
    assert ended["status"] == "FAILED"
    assert message in ended["error-summary"]
