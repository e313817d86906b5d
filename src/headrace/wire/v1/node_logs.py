"""The log of a node instance, an operation of ours."""

from __future__ import annotations

from headrace.wire.base import Wire


class NodeLogQuery(Wire):
    """Where to begin and how long to wait.

    ``offset``: bytes from the beginning, or from the end where it is negative; ``limit``: bytes, 4 to 1,048,576;
    ``wait``: seconds, 0 to 30, to wait for more where there is nothing yet.
    """

    offset: int = 0
    limit: int = 65_536
    wait: float = 0


class NodeLog(Wire, omit_defaults=False):
    """A piece of the log. Ask again with ``offset`` = ``nextOffset`` until ``ended``.

    ``ended``: nothing follows this piece, unless the instance is run again. ``status``: that of the node now.
    """

    content: str
    next_offset: int
    ended: bool
    status: str
