"""The default items of a workspace as a client sees them."""

from __future__ import annotations

from typing import Any

import pytest
from error_answers import failure, refused

ITEMS = "/v1/{p}/workspaces/studio/%s/default-items"
DEFAULTS = {
    "script_variable_definition": "${}",
    "use_simple_variable_set": False,
    "multi_if_policy": "OR",
    "retry_node_upon_timeout": False,
    "dependency_periods": "natural",
}


def test_show_default_items__a_new_workspace_has_those_of_the_service(server: Any) -> None:
    answer = server.http.get(ITEMS % server.workspace())
    assert (answer.status_code, answer.json()) == (200, DEFAULTS)


def test_update_default_items__changes_what_is_given_in_that_workspace_only(server: Any) -> None:
    one, other = server.workspace(), server.workspace()
    answer = server.http.put(ITEMS % one, json={"script_variable_definition": "${dlf.}"})
    changed = {**DEFAULTS, "script_variable_definition": "${dlf.}"}
    assert (answer.status_code, answer.json()) == (200, changed)
    server.http.put(ITEMS % one, json={"use_simple_variable_set": True})
    server.http.put(ITEMS % one, json={"multi_if_policy": "AND", "retry_node_upon_timeout": True})
    more = {"use_simple_variable_set": True, "multi_if_policy": "AND", "retry_node_upon_timeout": True}
    assert server.http.get(ITEMS % one).json() == {**changed, **more}
    assert server.http.get(ITEMS % other).json() == DEFAULTS


@pytest.mark.parametrize("value", ["", "${x.}", "$"])
def test_update_default_items__another_definition_answers_dlf_3051(server: Any, value: str) -> None:
    answer = server.http.put(ITEMS % server.workspace(), json={"script_variable_definition": value})
    detail = f"script_variable_definition: {value!r} is not '${{}}' or '${{dlf.}}'."
    assert failure(answer) == refused("DLF.3051", f"The request parameter is invalid. {detail}")


def test_update_default_items__another_multi_if_policy_answers_dlf_3051(server: Any) -> None:
    answer = server.http.put(ITEMS % server.workspace(), json={"multi_if_policy": "XOR"})
    detail = "multi_if_policy: 'XOR' is not 'OR' or 'AND'."
    assert failure(answer) == refused("DLF.3051", f"The request parameter is invalid. {detail}")


def test_update_default_items__the_periods_of_dependencies_are_traditional_or_natural(server: Any) -> None:
    workspace = server.workspace()
    answer = server.http.put(ITEMS % workspace, json={"dependency_periods": "traditional"})
    assert (answer.status_code, answer.json()) == (200, {**DEFAULTS, "dependency_periods": "traditional"})
    answer = server.http.put(ITEMS % workspace, json={"dependency_periods": "old"})
    detail = "dependency_periods: 'old' is not 'natural' or 'traditional'."
    assert failure(answer) == refused("DLF.3051", f"The request parameter is invalid. {detail}")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_default_items__of_an_unknown_workspace_are_not_found(server: Any, method: str) -> None:
    answer = server.http.request(method, ITEMS % "nowhere", json={})
    assert failure(answer) == refused("DLF.0819", "The workspace does not exist. workspace_id: 'nowhere'.")
