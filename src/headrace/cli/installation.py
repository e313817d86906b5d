"""Opening a home for a command; this loads all of Headrace, which commands that only talk to a server do without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headrace.app import Installation, open_installation
from headrace.cli.home import load_settings
from headrace.cli.output import WRONG_USAGE, stop
from headrace.domain.identity import Caller
from headrace.factory import workspaces
from headrace.settings import InvalidSetting
from headrace.storage import identity


@contextmanager
def opened(home: Path | None, database: str | None = None, **flags: Any) -> Iterator[Installation]:
    """An installation for the length of a command; its engine does not run."""
    settings = load_settings(home=home, database_url=database, **flags)
    try:
        installation = open_installation(settings, dict(os.environ))
    except InvalidSetting as error:
        stop(str(error), WRONG_USAGE)
    try:
        yield installation
    finally:
        installation.services.db.close()


def caller_for(installation: Installation, workspace: str | None) -> Caller:
    """The administrator in a workspace named by name or id; ends the command with status 2 when it is unknown."""
    services = installation.services
    with services.db.reading() as connection:
        user = identity.all_users(connection)[0]
    found = workspaces.named(services, user.project_id, workspace)
    if found is None:
        stop(f"there is no workspace {workspace!r}; `headrace workspaces list` shows them", WRONG_USAGE)
    return Caller(user=user, workspace=found, now=services.now())
