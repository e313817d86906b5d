"""Has pytest explain the comparisons of the common suite, and gives the installation that connectors are tried in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

pytest.register_assert_rewrite("transfer_suite", "installation")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[object]:
    """The ``Installation`` of a module; what it opened is closed at its end."""
    from installation import Installation

    with ExitStack() as stack:
        yield Installation(tmp_path_factory.mktemp("installation"), request, stack)
