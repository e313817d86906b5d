"""The translation alone: what a statement becomes, without a database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.sql.catalog import Plan, Scope, TableFacts
from headrace.sql.dialects import HIVE, POSTGRES, SPARK
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.rewrite import translate
from headrace.sql.statements import Statement


class OneTable:
    """A catalog with the table ods.orders, partitioned by dt."""

    facts = TableFacts(columns={"id": "BIGINT", "dt": "VARCHAR"}, partition_columns=("dt",))

    def table(self, schema: str, name: str) -> TableFacts | None:
        return self.facts if (schema, name) == ("ods", "orders") else None


HIVE_SCOPE = Scope(dialect=HIVE, catalog=OneTable(), database="ods")


def plan(text: str, scope: Scope = HIVE_SCOPE) -> Plan:
    return translate(Statement(text, 0, 1, 1), scope)


def test_names__are_written_in_full_but_for_with_queries() -> None:
    (step,) = plan("WITH q AS (SELECT id FROM orders) SELECT q.id, s.id FROM q JOIN default.s ON q.id = s.id").steps
    assert step == (
        'WITH "q" AS (SELECT "id" FROM "headrace_workspace"."ods"."orders") SELECT "q"."id", "s"."id" FROM "q" '
        'JOIN "headrace_workspace"."main"."s" ON "q"."id" = "s"."id" LIMIT 1001'
    )


def test_query__asks_for_one_row_more_than_is_shown_unless_it_wants_fewer() -> None:
    assert plan("SELECT 1 LIMIT 5").steps == ("SELECT 1 LIMIT 5",)
    assert plan("SELECT 1 LIMIT 50000").steps == ("SELECT 1 LIMIT 1001",)
    assert plan("SELECT 1", replace(HIVE_SCOPE, row_limit=10)).steps == ("SELECT 1 LIMIT 11",)


def test_create_table__partition_columns_come_last_and_are_recorded() -> None:
    created, recorded = plan("CREATE TABLE t (a INT) PARTITIONED BY (dt STRING) STORED AS ORC").steps
    assert created == 'CREATE TABLE "headrace_workspace"."ods"."t" ("a" INT, "dt" TEXT)'
    assert '"partition_columns": ["dt"]' in recorded


def test_create_table__spark_moves_its_partition_columns_to_the_end() -> None:
    created = plan(
        "CREATE TABLE t (dt STRING, a INT) USING parquet PARTITIONED BY (dt)", replace(HIVE_SCOPE, dialect=SPARK)
    )
    assert created.steps[0] == 'CREATE TABLE "headrace_workspace"."ods"."t" ("a" INT, "dt" TEXT)'


def test_insert_overwrite__stages_deletes_and_inserts() -> None:
    found = plan("INSERT OVERWRITE TABLE orders PARTITION (dt='x') SELECT 1")
    stage, delete, insert, drop = found.steps
    assert stage.startswith('CREATE OR REPLACE TEMPORARY TABLE "headrace_overwrite_0" AS')
    assert (
        delete
        == 'DELETE FROM "headrace_workspace"."ods"."orders" WHERE "dt" IS NOT DISTINCT FROM CAST(\'x\' AS VARCHAR)'
    )
    assert insert.startswith('INSERT INTO "headrace_workspace"."ods"."orders" ("id", "dt")')
    assert drop.startswith("DROP TABLE")
    assert found.count_of == (2,)


def test_dws_storage_clauses__are_cut_out_but_never_out_of_texts() -> None:
    text = "CREATE TABLE t (a text DEFAULT 'DISTRIBUTE BY HASH(a)') WITH (ORIENTATION=COLUMN) DISTRIBUTE BY HASH(a)"
    (step,) = plan(text, Scope(dialect=POSTGRES, catalog=OneTable())).steps
    assert step == 'CREATE TABLE "headrace_workspace"."main"."t" ("a" TEXT DEFAULT \'DISTRIBUTE BY HASH(a)\')'


def test_session_statements__change_what_follows() -> None:
    assert plan("USE dws").use == "dws"
    assert plan("SET hivevar:day = 2024-01-01").variables == {"day": "2024-01-01"}
    assert plan("ANALYZE TABLE orders COMPUTE STATISTICS").message == "Has no effect on the embedded engine."


def test_deep_nesting__is_refused_not_crashed_on() -> None:
    with pytest.raises(StatementNotTranslated):
        plan("SELECT " + "(" * 20_000 + "1" + ")" * 20_000)


def test_error__names_position_statement_and_reason() -> None:
    with pytest.raises(StatementNotTranslated) as caught:
        translate(Statement("SELECT nothing_like_it(1)", 30, 4, 2), HIVE_SCOPE)
    assert caught.value.position == "line 4, column 2"
    assert caught.value.statement == "SELECT nothing_like_it(1)"
    assert "nothing_like_it" in caught.value.reason
