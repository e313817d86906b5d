"""Default items of a workspace: what its jobs and scripts go by unless they say otherwise."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, select

from headrace.domain.dependency_rules import Mode
from headrace.storage.database import Connection
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import default_items


class DefaultItems(NamedTuple):
    """1 or 0 each. ``prefix_only_dlf``: only ``${dlf.name}`` is a variable; ``simple_variables``: they are replaced.

    ``all_conditions``: of several conditions into a node all must hold, not one; ``retry_after_timeout``: nodes that
    say nothing are tried again after a timeout. ``traditional_periods``: how dependencies are matched, see ``periods``.
    """

    prefix_only_dlf: int = 0
    simple_variables: int = 0
    all_conditions: int = 0
    retry_after_timeout: int = 0
    traditional_periods: int = 0

    @property
    def periods(self) -> Mode:
        """How the periods of a job and of those it depends on are matched."""
        return Mode.TRADITIONAL if self.traditional_periods else Mode.NATURAL


_ITEMS = tuple(default_items.c[name] for name in DefaultItems._fields)
_OF = Statement(select(*_ITEMS).where(default_items.c.workspace_id == bindparam("workspace_id")))
_PUT = InsertStatement(
    default_items,
    ("workspace_id", *DefaultItems._fields),
    lambda new: new.on_conflict_do_update(
        index_elements=("workspace_id",), set_={name: new.excluded[name] for name in DefaultItems._fields}
    ),
)


def of_workspace(connection: Connection, workspace_id: str) -> DefaultItems:
    """The items of a workspace; the service's defaults while none was set."""
    row = connection.one(_OF, workspace_id=workspace_id)
    return DefaultItems() if row is None else DefaultItems(*row)


def put(connection: Connection, workspace_id: str, items: DefaultItems) -> None:
    """Set the items of a workspace."""
    connection.run(_PUT, workspace_id=workspace_id, **items._asdict())
