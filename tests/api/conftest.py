"""Notes which operations the tests here called and what they answered; ``tests/test_declared.py`` asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.api.application import Application
from headrace.errors import HeadraceError

Told = set[tuple[str, int | type[HeadraceError]]]


def pytest_configure(config: pytest.Config) -> None:
    told: Told = set()
    config.told_by_operations = told  # type: ignore[attr-defined]
    answer = Application._answer

    async def noted(self: Application, operation: Any, *arguments: Any) -> Any:
        try:
            given = await answer(self, operation, *arguments)
        except HeadraceError as error:
            told.add((operation.id, type(error)))
            raise
        told.add((operation.id, given.status))
        return given

    Application._answer = noted  # type: ignore[method-assign]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that ask what was told run after all others."""
    items.sort(key=lambda item: "told" in getattr(item, "fixturenames", ()))
