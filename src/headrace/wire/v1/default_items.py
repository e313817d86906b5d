"""The default items of a workspace, named after the console's "Default Item" page."""

from __future__ import annotations

from headrace.wire.base import Wire


class DefaultItemsBody(Wire, rename=None, omit_defaults=False):
    """``script_variable_definition``: ``${}`` or ``${dlf.}``; then only ``${dlf.name}`` is a variable.

    ``use_simple_variable_set``: whether ``$[yyyymmdd]``, ``${yyyymmdd}``, ``$job_id`` and their like are replaced.
    ``multi_if_policy``: whether one (``OR``) or every (``AND``) condition into a node must hold.
    ``retry_node_upon_timeout``: for nodes that do not say themselves.
    ``dependency_periods``: ``natural`` or ``traditional``, how instances are matched with those they wait for.
    An item that is absent from a request stays as it is.
    """

    script_variable_definition: str | None = None
    use_simple_variable_set: bool | None = None
    multi_if_policy: str | None = None
    retry_node_upon_timeout: bool | None = None
    dependency_periods: str | None = None
