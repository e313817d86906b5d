"""The SQL of the retail example on the embedded engine, against figures worked out in Python from its files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from headrace.sql.dialects import dialect_of
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import StatementResult, output_text

EXAMPLE = Path(__file__).parents[2] / "examples" / "retail_warehouse"
PACKAGE = EXAMPLE / "package"
DAY, NEXT_DAY = "2026-03-01", "2026-03-02"


@pytest.fixture
def obs(tmp_path: Path) -> Path:
    root = tmp_path / "obs"
    for day in (DAY, NEXT_DAY):
        subprocess.run([sys.executable, EXAMPLE / "generate_data.py", day, root / "retail"], check=True)
    return root


@pytest.fixture
def engine(tmp_path: Path, obs: Path) -> Iterator[EmbeddedEngine]:
    opened = EmbeddedEngine(tmp_path / "retail.duckdb", obs)
    yield opened
    opened.close()


def document(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PACKAGE / path).read_text("utf-8"))
    return loaded


def run_job(engine: EmbeddedEngine, job: str, day: str) -> dict[str, list[StatementResult]]:
    """The SQL nodes of a job in the order of its graph; what each gave."""
    nodes = {node["name"]: node for node in document(f"jobs/{job}.job")["nodes"]}
    order = TopologicalSorter({name: node["preNodeName"] for name, node in nodes.items()}).static_order()
    results = {}
    for name in order:
        dialect = dialect_of(nodes[name]["type"])
        if dialect is None:
            continue
        properties = {each["name"]: each["value"] for each in nodes[name]["properties"]}
        content = document(f"scripts/{properties['scriptName']}.script")["content"].replace("${dt}", day)
        results[name] = engine.execute(content, dialect, properties["database"])
    return results


def read(obs: Path, name: str) -> list[dict[str, str]]:
    with (obs / "retail" / "landing" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def lines(obs: Path, day: str) -> list[dict[str, Any]]:
    """The order lines of a day without doubles, with city, category and amount."""
    customers = {row["id"]: row for row in read(obs, "customers/customers.csv")}
    products = {row["id"]: row for row in read(obs, "products/products.csv")}
    unique = {row["id"]: row for row in read(obs, f"orders/dt={day}/orders.csv")}
    return [
        {
            "city": customers[row["customer_id"]]["city"],
            "category": products[row["product_id"]]["category"],
            "customer": int(row["customer_id"]),
            "channel": row["channel"],
            "amount": int(row["quantity"] or 0) * Decimal(products[row["product_id"]]["price"]),
        }
        for row in unique.values()
    ]


def grouped(rows: list[dict[str, Any]], *keys: str) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    return groups


def total(rows: list[dict[str, Any]]) -> Decimal:
    return sum((row["amount"] for row in rows), Decimal(0))


def test_retail_day__ods_keeps_every_line_that_came(engine: EmbeddedEngine, obs: Path) -> None:
    results = run_job(engine, "retail_day", DAY)
    came = read(obs, f"orders/dt={DAY}/orders.csv")
    assert len(came) > len({row["id"] for row in came})  # there are doubles to drop
    assert results["load_ods"][-1].row_count == len(came)
    assert results["build_dwd"][-1].row_count == len({row["id"] for row in came})


def test_retail_day__sales_by_city_and_category(engine: EmbeddedEngine, obs: Path) -> None:
    run_job(engine, "retail_day", DAY)
    hive = dialect_of("HiveSQL")
    assert hive is not None
    found = engine.execute("SELECT * FROM dws.sales_day ORDER BY city, category", hive, None)[-1].rows
    expected = [
        (
            *key,
            len(rows),
            len({row["customer"] for row in rows}),
            str(total(rows)),
            "/".join(sorted({row["channel"] for row in rows})),
            DAY,
        )
        for key, rows in sorted(grouped(lines(obs, DAY), "city", "category").items())
    ]
    assert list(found) == expected


def test_retail_day__report_and_quality(engine: EmbeddedEngine, obs: Path) -> None:
    results = run_job(engine, "retail_day", DAY)
    assert output_text(results["check_quality"]) == '[["0"]]'
    cities = grouped(lines(obs, DAY), "city")
    whole = total(lines(obs, DAY))
    tenth = Decimal("0.1")
    expected = [
        (city, len(rows), str(total(rows)), float((100 * total(rows) / whole).quantize(tenth, ROUND_HALF_UP)))
        for (city,), rows in sorted(cities.items(), key=lambda item: -total(item[1]))
    ]
    assert [(*row[:3], float(row[3] or 0)) for row in results["report_day"][-1].rows] == expected


def test_retail_day__customer_totals_by_merge(engine: EmbeddedEngine, obs: Path) -> None:
    run_job(engine, "retail_day", DAY)
    dws = dialect_of("DWSSQL")
    assert dws is not None
    query = "SELECT customer_id, order_lines, amount FROM dws.customer_day ORDER BY customer_id"
    customers = sorted(grouped(lines(obs, DAY), "customer").items())
    expected = [(customer, len(rows), str(total(rows))) for (customer,), rows in customers]
    assert list(engine.execute(query, dws, None, row_limit=10_000)[-1].rows) == expected


def test_retail_day__run_again_and_for_the_next_day_doubles_nothing(engine: EmbeddedEngine, obs: Path) -> None:
    first = run_job(engine, "retail_day", DAY)
    run_job(engine, "retail_day", NEXT_DAY)
    again = run_job(engine, "retail_day", DAY)
    assert again["report_day"][-1].rows == first["report_day"][-1].rows
    hive = dialect_of("HiveSQL")
    assert hive is not None
    partitions = engine.execute("SHOW PARTITIONS dwd.order_detail", hive, None)[-1].rows
    assert partitions == ((f"dt={DAY}",), (f"dt={NEXT_DAY}",))


def test_retail_stock_alert__products_below_their_level_in_both_warehouses(engine: EmbeddedEngine, obs: Path) -> None:
    results = run_job(engine, "retail_stock_alert", DAY)
    low = defaultdict(list)
    for row in read(obs, f"stock/dt={DAY}/stock.csv"):
        low[int(row["product_id"])].append((int(row["on_hand"]), int(row["reorder_level"])))
    expected = [
        (product, sum(hand for hand, _ in counts), sum(level for _, level in counts))
        for product, counts in sorted(low.items())
        if all(hand < level for hand, level in counts)
    ]
    assert list(results["low_stock"][-1].rows) == expected
    assert expected  # the day has something to order


def test_package__stages_with_the_generator_beside_it() -> None:
    generator = (EXAMPLE / "generate_data.py").read_text("utf-8")
    assert document("scripts/stage_landing.script")["content"] == generator


def test_package__every_script_and_connection_that_nodes_name_is_in_it() -> None:
    for path in (PACKAGE / "jobs").glob("*.job"):
        for node in json.loads(path.read_text("utf-8"))["nodes"]:
            properties = {each["name"]: each["value"] for each in node["properties"]}
            if "scriptName" in properties:
                script = document(f"scripts/{properties['scriptName']}.script")
                assert script["connectionName"] == properties["connectionName"]
                assert (PACKAGE / "connections" / f"{properties['connectionName']}.conn").is_file()
