"""Quality rule jobs and results on every kind of database."""

from __future__ import annotations

import pytest

from headrace.storage import quality
from headrace.storage.database import Database
from headrace.storage.quality import ResultFilter, ResultRecord, RuleJobRecord


def rule_job(name: str, workspace: str = "w", document: str = "{}", time: int = 1) -> RuleJobRecord:
    return RuleJobRecord(f"{workspace}-{name}", workspace, name, document, "u", time, time)


def result(number: int, rule: str = "orders/ids", workspace: str = "w", **members: object) -> ResultRecord:
    record = ResultRecord(f"{number:032x}", workspace, rule, 7, "check", "passed", 1_000 + number, "{}")
    return record._replace(**members)  # type: ignore[arg-type]


def test_a_rule_job_is_added_replaced_and_deleted(database: Database) -> None:
    with database.writing() as connection:
        assert quality.put(connection, rule_job("a", document='{"a":1.50}'))
        assert quality.put(connection, rule_job("a", workspace="other"))
        assert not quality.put(connection, rule_job("a", document='{"b":2}', time=9)._replace(id="x", create_user="v"))
    with database.reading() as connection:
        kept = rule_job("a", document='{"b":2}')._replace(modify_time=9)
        assert quality.by_name(connection, "w", "a") == kept
        assert list(quality.all_documents(connection, "w")) == [("a", '{"b":2}')]
    with database.writing() as connection:
        assert quality.delete_rule_job(connection, "w", "a")
        assert not quality.delete_rule_job(connection, "w", "a")
        assert quality.by_name(connection, "w", "a") is None
        assert quality.by_name(connection, "other", "a") is not None


def test_rule_jobs_are_listed_oldest_first_by_part_of_their_name(database: Database) -> None:
    with database.writing() as connection:
        for time, name in enumerate(("orders_b", "orders%a", "customers")):
            quality.put(connection, rule_job(name, time=time))
    with database.reading() as connection:
        total, found = quality.page(connection, "w", name="orders", skip=1, rows=5)
        assert (total, [record.name for record in found]) == (2, ["orders%a"])
        assert quality.page(connection, "w", name="%", skip=0, rows=5)[0] == 1


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (ResultFilter(), [6, 5, 4, 3, 2, 1]),
        (ResultFilter(rule_job="orders"), [4, 2, 1]),
        (ResultFilter(rule_job="orders", rule="ids"), [4, 1]),
        (ResultFilter(rule_job="order_"), [6]),
        (ResultFilter(rule_job="o%"), []),
        (ResultFilter(status="failed"), [3]),
        (ResultFilter(node_name="other"), [5]),
        (ResultFilter(instance_id=8), [4]),
        (ResultFilter(after=1_002, until=1_004), [4, 3]),
        (ResultFilter(rule_job="orders", instance_id=8, status="failed"), []),
    ],
)
def test_results_are_listed_newest_first(database: Database, wanted: ResultFilter, numbers: list[int]) -> None:
    results = [
        result(1),
        result(2, "orders/a/b"),
        result(3, "orders2/ids", status="failed"),
        result(4, instance_id=8),
        result(5, "ordersx/ids", node_name="other"),
        result(6, "order_/ids"),
        result(7, workspace="other"),
    ]
    with database.writing() as connection:
        quality.add_results(connection, results)
    with database.reading() as connection:
        total, found = quality.results_page(connection, "w", wanted, skip=0, rows=10)
        assert found == [results[number - 1] for number in numbers]
        assert total == len(numbers)
        assert quality.results_page(connection, "w", wanted, skip=1, rows=1)[1] == found[1:2]
