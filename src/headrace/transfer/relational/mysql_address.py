"""Where a link to MySQL leads, and as whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class MySqlAddress:
    """``tls``: as the driver takes it, None without; seconds, 0 without a limit; ``database`` may be empty."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    tls: Mapping[str, Any] | None = None
    connect_seconds: int = 10
    socket_seconds: int = 0

    def without_password(self, text: str) -> str:
        """A message of the driver, the password taken out."""
        return text.replace(self.password, "******") if self.password else text


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How values are taken.

    ``writes``: the columns are those of a destination: generated ones are left out.
    ``bool_is_tiny``: ``tinyint(1)`` is a truth value. Source: MySQL Connector/J, tinyInt1isBit. ``zero_is_null``:
    dates of zeros are NULL. Source: the same, zeroDateTimeBehavior. ``text_factor``: by how much new columns of
    characters are longer; ``native``: whether ``LOAD DATA LOCAL`` may be used.
    """

    writes: bool = False
    bool_is_tiny: bool = False
    zero_is_null: bool = False
    text_factor: int = 1
    native: bool = True
