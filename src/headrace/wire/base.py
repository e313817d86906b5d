"""What every shape on the wire shares."""

from __future__ import annotations

import msgspec


class Wire(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A shape on the wire: camelCase members, absent when unset.

    Members a shape does not name are ignored by it and survive in the document, which is kept as received.
    ``null`` means absent, so optional members are typed ``… | None = None``.
    """


class Page(Wire):
    """Query members of every Factory list. Source: notes §5: ``offset`` is a page number from 0."""

    offset: int = 0
    limit: int = 10
