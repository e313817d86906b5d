"""Types without a system behind them fail with a reason, never silently."""

from __future__ import annotations

import pytest

from headrace.nodes.base import is_inline, is_known_type
from headrace.nodes.unavailable import REASONS
from node_surroundings import context, run_node


@pytest.mark.parametrize("kind", sorted(REASONS))
def test_unavailable__each_type_fails_with_its_reason_and_is_not_tried_again(kind: str) -> None:
    result = run_node(kind, context())
    assert (result.success, result.retry) == (False, False)
    assert result.message.startswith(f"Nodes of type {kind!r} cannot run in this release. {REASONS[kind]}")
    assert not is_known_type(kind)
    assert not is_inline(kind)
