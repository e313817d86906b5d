"""Default items of a workspace: read and changed. Source: user guide, "Configuring a Default Item"."""

from __future__ import annotations

from headrace.domain.dependency_rules import Mode
from headrace.domain.identity import Caller
from headrace.domain.job import MultiIf
from headrace.errors import InvalidParameter, WorkspaceNotFound
from headrace.services import Services
from headrace.storage import default_items, workspaces
from headrace.storage.database import Connection
from headrace.storage.default_items import DefaultItems
from headrace.wire.v1.default_items import DefaultItemsBody

ANY_NAME, DLF_NAMES = "${}", "${dlf.}"


def show(services: Services, caller: Caller, workspace_id: str) -> DefaultItemsBody:
    """The items of a workspace of the project. Raises WorkspaceNotFound."""
    with services.db.reading() as connection:
        return _body(default_items.of_workspace(connection, _found(connection, caller, workspace_id)))


def change(services: Services, caller: Caller, workspace_id: str, request: DefaultItemsBody) -> DefaultItemsBody:
    """Change what the request says; runs see it from their next node on, dependencies with the next instance.

    Raises WorkspaceNotFound, InvalidParameter.
    """
    definition, simple = request.script_variable_definition, request.use_simple_variable_set
    if definition not in (None, ANY_NAME, DLF_NAMES):
        raise InvalidParameter(f"script_variable_definition: {definition!r} is not '{ANY_NAME}' or '{DLF_NAMES}'.")
    if request.multi_if_policy not in (None, *MultiIf):
        raise InvalidParameter(f"multi_if_policy: {request.multi_if_policy!r} is not 'OR' or 'AND'.")
    periods = request.dependency_periods
    if periods not in (None, *Mode):
        raise InvalidParameter(f"dependency_periods: {periods!r} is not 'natural' or 'traditional'.")
    with services.db.writing() as connection:
        key = _found(connection, caller, workspace_id)
        items = default_items.of_workspace(connection, key)
        if definition is not None:
            items = items._replace(prefix_only_dlf=int(definition == DLF_NAMES))
        if simple is not None:
            items = items._replace(simple_variables=int(simple))
        if request.multi_if_policy is not None:
            items = items._replace(all_conditions=int(request.multi_if_policy == MultiIf.AND))
        if request.retry_node_upon_timeout is not None:
            items = items._replace(retry_after_timeout=int(request.retry_node_upon_timeout))
        if periods is not None:
            items = items._replace(traditional_periods=int(periods == Mode.TRADITIONAL))
        default_items.put(connection, key, items)
    return _body(items)


def _found(connection: Connection, caller: Caller, workspace_id: str) -> str:
    key = workspace_id.replace("-", "").lower()
    if workspaces.by_id(connection, caller.project_id, key) is None:
        raise WorkspaceNotFound(f"workspace_id: {workspace_id!r}.")
    return key


def _body(items: DefaultItems) -> DefaultItemsBody:
    return DefaultItemsBody(
        script_variable_definition=DLF_NAMES if items.prefix_only_dlf else ANY_NAME,
        use_simple_variable_set=bool(items.simple_variables),
        multi_if_policy=(MultiIf.AND if items.all_conditions else MultiIf.OR).value,
        retry_node_upon_timeout=bool(items.retry_after_timeout),
        dependency_periods=items.periods.value,
    )
