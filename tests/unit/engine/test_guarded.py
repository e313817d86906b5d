"""Whatever work raises becomes a failed result."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from headrace.engine.attempt import guarded
from headrace.errors import InvalidParameter
from headrace.nodes.base import NodeFailed, NodeResult
from headrace.sql.engine import Cancellation


def raises(error: BaseException) -> Callable[[], NodeResult]:
    def work() -> NodeResult:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NodeFailed("no host"), "no host"),
        (InvalidParameter("x: 1."), "The request parameter is invalid. x: 1."),
        (ValueError("odd"), "ValueError: odd"),
        (SystemExit(-1), "SystemExit: -1"),
    ],
)
def test_an_error_is_a_failed_result(error: BaseException, message: str) -> None:
    assert guarded(raises(error), Cancellation()) == NodeResult(success=False, message=message)


def test_a_failure_after_a_cancellation_says_stopped() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    assert guarded(raises(NodeFailed("late")), cancellation).message == "Stopped. late"


def test_a_library_that_leaves_the_process_fails_its_node_only() -> None:
    assert guarded(lambda: sys.exit("bye"), Cancellation()).message == "SystemExit: bye"
