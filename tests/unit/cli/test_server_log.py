"""What the server logs when something goes wrong inside."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import structlog

from headrace.cli.up import configure_logging


@pytest.fixture(autouse=True)
def unchanged_logging() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_log__of_a_failure_has_the_trace_and_no_values_of_variables(
    is_terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    configure_logging()
    log = structlog.get_logger("headrace.test")

    def fail(secret_key: str) -> None:
        raise ValueError("no luck with " + str(len(secret_key)))

    try:
        fail("s3cr3t-" + "value")
    except ValueError:
        log.exception("request failed", path="/x")
    written = capsys.readouterr().err
    assert "request failed" in written
    assert "no luck with" in written
    assert "fail" in written
    assert "s3cr3t-value" not in written
