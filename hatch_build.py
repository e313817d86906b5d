"""Has the page of the console built before a wheel is packed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface[Any]):
    """Editable installs take the page from the source tree, where ``make console`` builds it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page; without one the wheel works, and its console says so."""
        if version == "editable":
            return
        script = Path(self.root) / "scripts" / "console.py"
        if subprocess.run((sys.executable, str(script))).returncode:
            self.app.display_warning("the wheel has no page of the console")
