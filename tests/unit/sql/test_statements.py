r"""Scripts fall apart into statements at ``;``."""

from __future__ import annotations

import pytest

from headrace.sql.dialects import HIVE, MYSQL, POSTGRES, Dialect
from headrace.sql.statements import split


def texts(script: str, dialect: Dialect = HIVE) -> list[str]:
    return [statement.text for statement in split(script, dialect)]


def test_split__documented_example_keeps_escaped_semicolons() -> None:
    script = 'select * from a where b="dsfa\\;";  --example 1\\;example 2.'
    assert texts(script) == ['select * from a where b="dsfa;"']


@pytest.mark.parametrize("quoted", ["'a;b'", '"a;b"', "`a;b`", "'it''s;'", "'a\\';b'"])
def test_split__semicolons_in_quotes_end_nothing(quoted: str) -> None:
    assert texts(f"select {quoted}; select 2") == [f"select {quoted}", "select 2"]


def test_split__a_backslash_is_no_escape_in_postgres() -> None:
    assert texts("select 'a\\'; select 2", POSTGRES) == ["select 'a\\'", "select 2"]


def test_split__dollar_quotes_belong_to_postgres() -> None:
    assert texts("select $f$a;b$f$; select 2", POSTGRES) == ["select $f$a;b$f$", "select 2"]
    assert texts("select '${a}'; select 2", POSTGRES) == ["select '${a}'", "select 2"]


def test_split__comments_around_statements_are_left_out_and_hints_kept() -> None:
    script = "-- head; er\n/* x; */ select /*+ MAPJOIN(a) */ 1 -- tail\n;\n-- only a comment\n; /* open"
    assert texts(script) == ["select /*+ MAPJOIN(a) */ 1"]


def test_split__hash_comments_belong_to_mysql() -> None:
    assert texts("select 1; # x; y\nselect 2", MYSQL) == ["select 1", "select 2"]


def test_split__tells_where_each_statement_began() -> None:
    first, second = split("-- c\nselect 1;\n\n   select 2", HIVE)
    assert (first.offset, first.line, first.column) == (5, 2, 1)
    assert (second.line, second.column, second.position) == (4, 4, "line 4, column 4")


def test_split__nothing_gives_nothing() -> None:
    assert texts(" ;; \n -- c") == []


def test_split__a_long_script_is_linear() -> None:
    assert len(texts("select 'x' from t where a = 1;\n" * 20_000)) == 20_000
