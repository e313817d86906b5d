"""The same warehouse statements on the embedded engine and on the real one of their dialect give the same results.

Known differences are listed in ``tests/cases/warehouse/differences.toml``. One that is not listed fails here, and so
does a listed one that has changed or gone. ``HEADRACE_DIFFERENCES=print`` prints entries for those that are not.
"""

from __future__ import annotations

import json
import os
import runpy
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace.sql.dialects import MYSQL, POSTGRES, SPARK, Dialect
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import SqlEngine, SqlError, StatementResult
from headrace.sql.engines import open_real
from headrace.sql.real.target import EngineUnavailable

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases" / "warehouse"
DIFFERENCES: list[dict[str, str]] = tomllib.loads((CASES / "differences.toml").read_text("utf-8"))["difference"]
LISTED = {(each["dialect"], each["case"]): each for each in DIFFERENCES}
SETTINGS = {SPARK: {"spark.sql.ansi.enabled": "false"}}  # as the original's Spark is set


@dataclass(frozen=True)
class Case:
    """A script with its name, ``tables: a view sees later rows``."""

    name: str
    script: str


def read_cases(dialect: str, topic: str) -> tuple[str, list[Case]]:
    """The script that sets a topic up, and its cases."""
    sections = [part.partition("\n") for part in (CASES / dialect / f"{topic}.txt").read_text("utf-8").split("\n## ")]
    setup = next((body for title, _, body in sections if title == "setup"), "")
    return setup, [Case(f"{topic}: {title}", body) for title, _, body in sections[1:] if title != "setup"]


def topics(dialect: str) -> list[str]:
    return sorted(file.stem for file in (CASES / dialect).glob("*.txt"))


def names(dialect: str) -> list[str]:
    return [case.name for topic in topics(dialect) for case in read_cases(dialect, topic)[1]]


class Pair:
    """The two engines, and their answers to the cases of every topic they were asked for."""

    def __init__(self, word: str, dialect: Dialect, embedded: SqlEngine, real: SqlEngine) -> None:
        self.word = word
        self._dialect = dialect
        self._engines = {"embedded": embedded, "real": real}
        self._ready: set[str] = set()
        self._mark = uuid.uuid4().hex[:12]  # others may be at it on the same servers

    def answers(self, name: str) -> tuple[str, str]:
        """What each engine says to a case: its results, or that it failed."""
        topic = name.partition(":")[0]
        setup, cases = read_cases(self.word, topic)
        case = next(each for each in cases if each.name == name)
        told = [self._answer(engine, topic, setup, case.script) for engine in self._engines]
        return told[0], told[1]

    def _answer(self, engine: str, topic: str, setup: str, script: str) -> str:
        database = self._database(topic)
        if (key := f"{engine} {topic}") not in self._ready:
            self._run(engine, self._made(engine, database), None)
            self._run(engine, setup, database)
            self._ready.add(key)
        heard: list[StatementResult] = []
        try:
            self._run(engine, script, database, heard)
        except EngineUnavailable:
            raise
        except SqlError as error:
            print(f"{engine}: {error}")  # shown when the test fails
            return json.dumps([*map(_told, heard), "fails"], ensure_ascii=False)
        return json.dumps([*map(_told, heard)], ensure_ascii=False)

    def _made(self, engine: str, database: str) -> str:
        if engine == "embedded":
            return f"CREATE SCHEMA {database}"
        return f"CREATE DATABASE {database}"

    def _run(self, engine: str, script: str, database: str | None, heard: list[StatementResult] | None = None) -> None:
        hear = None if heard is None else heard.append
        settings = SETTINGS.get(self._dialect)
        self._engines[engine].execute(script, self._dialect, database, hear, settings=settings)

    def close(self) -> None:
        """Leave no database behind."""
        for topic in topics(self.word):
            cascade = " CASCADE" if self.word == "spark" else ""
            self._run("real", f"DROP DATABASE IF EXISTS {self._database(topic)}{cascade}", None)

    def _database(self, topic: str) -> str:
        return f"{topic}_{self._mark}"


def _told(result: StatementResult) -> Any:
    """Rows of a query without the names of its columns; nothing of what has no rows, and of SET, which tells itself."""
    if result.schema and not result.statement.upper().startswith("SET "):
        return [[_cell(value) for value in row] for row in result.rows]
    return None


def _cell(value: Any) -> Any:
    return float(f"{value:.12g}") if isinstance(value, float) else value


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    folder = tmp_path_factory.mktemp("warehouse")
    (folder / "obs").mkdir()
    opened = EmbeddedEngine(folder / "w.duckdb", folder / "obs")
    yield opened
    opened.close()


def compared(request: pytest.FixtureRequest, embedded: SqlEngine, word: str, kind: str, config: str) -> Iterator[Pair]:
    dialect = {"spark": SPARK, "dws": POSTGRES, "mysql": MYSQL}[word]
    pair = Pair(word, dialect, embedded, open_real(word, kind, request.getfixturevalue(config))[0])
    yield pair
    pair.close()


@pytest.fixture(scope="module")
def spark(request: pytest.FixtureRequest, embedded: SqlEngine) -> Iterator[Pair]:
    yield from compared(request, embedded, "spark", "SparkSQL", "spark_config")


@pytest.fixture(scope="module")
def dws(request: pytest.FixtureRequest, embedded: SqlEngine) -> Iterator[Pair]:
    yield from compared(request, embedded, "dws", "DWS", "postgres_config")


@pytest.fixture(scope="module")
def mysql(request: pytest.FixtureRequest, embedded: SqlEngine) -> Iterator[Pair]:
    yield from compared(request, embedded, "mysql", "RDS", "mariadb_config")


def compare(pair: Pair, name: str) -> None:
    here, there = pair.answers(name)
    listed = LISTED.get((pair.word, name))
    if os.environ.get("HEADRACE_DIFFERENCES") == "print" and here != there:
        print(f"[[difference]]\ndialect = '{pair.word}'\ncase = '{name}'\nhere = '''{here}'''\nthere = '''{there}'''\n")
    expected = (listed["here"], listed["there"]) if listed is not None else (there, there)
    assert (here, there) == expected, "listed otherwise in differences.toml" if listed else "not in differences.toml"
    assert listed is None or here != there, "listed in differences.toml and no difference any more"


@pytest.mark.spark
@pytest.mark.parametrize("name", names("spark"))
def test_spark__gives_what_the_embedded_engine_gives(spark: Pair, name: str) -> None:
    compare(spark, name)


@pytest.mark.postgres
@pytest.mark.parametrize("name", names("dws"))
def test_postgresql__gives_what_the_embedded_engine_gives(dws: Pair, name: str) -> None:
    compare(dws, name)


@pytest.mark.mariadb
@pytest.mark.parametrize("name", names("mysql"))
def test_mariadb__gives_what_the_embedded_engine_gives(mysql: Pair, name: str) -> None:
    compare(mysql, name)


def test_differences__name_cases_that_exist_and_give_a_reason() -> None:
    existing = {(word, name) for word in ("spark", "dws", "mysql") for name in names(word)}
    assert set(LISTED) <= existing
    assert len(LISTED) == len(DIFFERENCES)
    assert [each["case"] for each in DIFFERENCES if not each.get("why", "").endswith(".")] == []


def test_cases__are_a_hundred_or_more() -> None:
    assert sum(len(names(word)) for word in ("spark", "dws", "mysql")) >= 100


def test_differences__are_those_of_the_documentation() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "sql_differences.py"))
    document = (ROOT / "docs" / "differences.md").read_text("utf-8")
    assert script["written"](document) == document, "run scripts/sql_differences.py"
    count = sum(len(names(word)) for word in ("spark", "dws", "mysql"))
    assert f"{count} scripts of warehouse SQL" in document
