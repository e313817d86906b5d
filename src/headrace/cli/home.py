"""The options that say which home and workspace, and the settings of a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from headrace.cli.output import WRONG_USAGE, stop
from headrace.settings import InvalidSetting, Settings

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where everything is kept. Default: $HEADRACE_HOME or ~/.headrace.")
]
DatabaseOption = Annotated[
    str | None, typer.Option("--database", help="postgresql://… for several processes. Default: HOME/headrace.db.")
]
WorkspaceOption = Annotated[
    str | None, typer.Option("--workspace", "-w", help="Name or id of the workspace. Default: the default workspace.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def load_settings(**flags: Any) -> Settings:
    """Settings from flags, environment and file; ends the command with status 2 when one is wrong."""
    try:
        return Settings.load(flags)
    except InvalidSetting as error:
        stop(str(error), WRONG_USAGE)
