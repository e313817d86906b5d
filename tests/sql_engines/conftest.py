"""Real engines that ``make services`` starts, as connections of a workspace would name them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import make_url

Config = dict[str, Any]


@pytest.fixture(scope="module")
def postgres_config(new_postgres_url: Callable[[], str]) -> Config:
    """The config of a DWS connection that leads to an empty database of its own."""
    url = make_url(new_postgres_url())
    return {
        "ip": url.host,
        "port": str(url.port or 5432),
        "userName": url.username,
        "password": url.password or "not asked for",
        "databaseName": url.database,
        "sslEnable": False,
    }
