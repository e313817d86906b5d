"""Where a bound connection leads: its members read from the connection's document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.sql.engine import SqlError

_TELLING = 4  # characters; shorter ones are part of other words, and masking these would tell them
CONNECT_SECONDS = 10  # to reach a server; a statement may take as long as it likes


class EngineUnavailable(SqlError):
    """A connection cannot lead to an engine: a member is missing or wrong, or a driver is not installed."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """An address and how to enter it. ``password`` is in clear and must be in no message.

    Members of the document: ``ip``, ``port``, ``userName``, ``password``, ``databaseName``, ``sslEnable``. Source: API
    reference, "Creating a Connection", config. Ours: ``token``, ``catalog``, ``authentication``, ``protocol``.
    """

    name: str
    host: str
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    database: str = ""
    catalog: str = ""
    authentication: str = ""
    encrypted: bool = False

    def masked(self, text: str) -> str:
        """The text without what must not be told."""
        for secret in (self.password, self.token):
            text = text.replace(secret, "***") if len(secret) >= _TELLING else text
        return text


def read_target(name: str, config: Mapping[str, Any]) -> Target:
    """The target of a connection's config. Raises EngineUnavailable, which names the member that is wrong."""

    def member(*names: str) -> str:
        found = next((config[each] for each in names if config.get(each) not in (None, "")), "")
        return str(found).strip()

    port = member("port")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise EngineUnavailable(f"port: {port!r} of connection {name!r} is no port number.")
    return Target(
        name=name,
        host=member("ip", "host"),
        port=int(port) if port else None,
        user=member("userName", "username"),
        password=str(config.get("password") or ""),
        token=member("token"),
        database=member("databaseName", "database", "dbName"),
        catalog=member("catalog"),
        authentication=member("authentication").upper(),
        encrypted=member("sslEnable").lower() in ("true", "1", "yes"),
    )
