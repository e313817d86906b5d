"""Connections as v1 spells them. Source: API reference, "Creating a Connection", and real exports."""

from __future__ import annotations

from typing import Any

from headrace.wire.base import Page, Wire


class ConnectionInfo(Wire):
    """A connection. ``config`` depends on the type; unknown members stay; secrets are masked when read.

    ``description``: 255 characters at most.
    """

    name: str | None = None
    type: str | None = None
    config: dict[str, Any] | None = None
    description: str | None = None


class ConnectionList(Wire):
    """``total``: over all pages."""

    total: int
    connections: list[ConnectionInfo]


class ListConnectionsQuery(Page):
    """``connectionName``: part of the name, case counts."""

    connection_name: str = ""


class UpdateConnectionQuery(Wire):
    """``ischeck``: ``true`` tests the connection before it is saved; the documented default is ``No``."""

    ischeck: str = "false"
