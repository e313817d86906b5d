"""What all real engines share: order, places of failures, cancellation, words without secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import pytest

from headrace.sql.dialects import SPARK
from headrace.sql.engine import Cancellation, ExecutionCancelled, StatementFailed, StatementResult
from headrace.sql.real import session as module
from headrace.sql.real.session import RealEngine
from headrace.sql.real.target import EngineUnavailable, Target, read_target
from headrace.sql.real.values import seconds_in_full

TARGET = Target(name="there", host="h", password="secret words")


class EngineError(Exception):
    """What the driver of the tests raises."""


class Session:
    """Runs statements by a function; keeps what was asked of it."""

    def __init__(self, work: Callable[[Session, str], None]) -> None:
        self.work = work
        self.asked: list[str] = []
        self.interrupted = threading.Event()
        self.abandoned = threading.Event()

    def run(self, statement: str, row_limit: int) -> StatementResult:
        self.asked.append(statement)
        self.work(self, statement)
        return StatementResult(statement="", message="", duration_seconds=0.0, row_count=row_limit)

    def interrupt(self) -> None:
        self.asked.append("interrupt")
        self.interrupted.set()

    def abandon(self) -> None:
        self.asked.append("abandon")
        self.abandoned.set()

    def close(self) -> None:
        self.asked.append("close")
        raise EngineError("gone already")


class Driver:
    """Gives the one session."""

    errors: tuple[type[Exception], ...] = (EngineError,)

    def __init__(self, work: Callable[[Session, str], None] = lambda *_: None) -> None:
        self.session = Session(work)

    def open(self, target: Target, database: str | None, settings: Mapping[str, str]) -> Session:
        if database == "nowhere":
            raise EngineError(f"no way in with {target.password}")
        return self.session

    def reason(self, error: Exception) -> str:
        return str(error)


def run(driver: Driver, script: str, cancellation: Cancellation | None = None) -> list[StatementResult]:
    return RealEngine(driver, TARGET).execute(script, SPARK, None, cancellation=cancellation, row_limit=7)


def test_execute__statements_run_in_order_and_the_session_ends() -> None:
    driver = Driver()
    results = run(driver, "a;\n-- nothing\nb\\;c;")
    assert [(result.statement, result.row_count) for result in results] == [("a", 7), ("b;c", 7)]
    assert driver.session.asked == ["a", "b;c", "close"]


def test_execute__a_failure_has_its_place_and_no_secret() -> None:
    def work(session: Session, statement: str) -> None:
        if statement == "b":
            raise EngineError("refused secret words")

    driver = Driver(work)
    with pytest.raises(StatementFailed) as failure:
        run(driver, "a;\n  b; c")
    assert (failure.value.reason, failure.value.position) == ("refused ***", "line 2, column 3")
    assert failure.value.__cause__ is None  # it would hold the words of the driver
    assert driver.session.asked == ["a", "b", "close"]


def test_execute__no_way_in_names_the_connection() -> None:
    with pytest.raises(EngineUnavailable) as failure:
        RealEngine(Driver(), TARGET).execute("a", SPARK, "nowhere")
    assert failure.value.reason == "Connection 'there': no way in with ***"


def test_cancel__interrupts_until_the_statement_ends() -> None:
    cancellation = Cancellation()

    def work(session: Session, statement: str) -> None:
        cancellation.cancel()
        assert session.interrupted.wait(10)
        raise EngineError("interrupted")

    driver = Driver(work)
    with pytest.raises(ExecutionCancelled, match="line 1, column 1: a"):
        run(driver, "a; b", cancellation)
    assert driver.session.asked == ["a", "interrupt", "close"]


def test_cancel__an_engine_that_ends_early_as_if_it_were_done_is_cancelled_too() -> None:
    cancellation = Cancellation()

    def work(session: Session, statement: str) -> None:
        cancellation.cancel()
        assert session.interrupted.wait(10)

    with pytest.raises(ExecutionCancelled):
        run(Driver(work), "a; b", cancellation)


def test_cancel__an_engine_that_does_not_react_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_INTERRUPT_AGAIN", 0.001)
    cancellation = Cancellation()

    def work(session: Session, statement: str) -> None:
        cancellation.cancel()
        assert session.abandoned.wait(10)
        raise EngineError("the socket was shut")

    driver = Driver(work)
    with pytest.raises(ExecutionCancelled):
        run(driver, "a", cancellation)
    assert driver.session.asked == ["a", *["interrupt"] * 20, "abandon", "close"]


def test_read_target__takes_the_documented_members() -> None:
    config = {"ip": "h", "port": "8000", "userName": "u", "password": " p ", "sslEnable": True, "databaseName": "d"}
    assert read_target("n", config) == Target(
        name="n", host="h", port=8000, user="u", password=" p ", database="d", encrypted=True
    )
    assert read_target("n", {"host": "h", "username": "u", "sslEnable": "false"}).encrypted is False


@pytest.mark.parametrize("port", ["0", "65536", "80a", "-1"])
def test_read_target__a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"port: '{port}' of connection 'n'"):
        read_target("n", {"ip": "h", "port": port})


def test_target__keeps_its_secrets_out_of_its_text() -> None:
    target = read_target("n", {"ip": "h", "password": "secret words", "token": "other words"})
    assert "words" not in repr(target)
    assert target.masked("secret words, other words") == "***, ***"


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("2024-01-31 10:00:00", "2024-01-31 10:00:00"),
        ("2024-01-31 10:00:00.5", "2024-01-31 10:00:00.500000"),
        ("2024-01-31 10:00:00.000", "2024-01-31 10:00:00"),
        ("2024-01-31 10:00:00.25+00", "2024-01-31 10:00:00.250000+00"),
        ("infinity", "infinity"),
    ],
)
def test_seconds_in_full__has_six_digits_or_none(written: str, full: str) -> None:
    assert seconds_in_full(written) == full
