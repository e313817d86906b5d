"""Which program runs a script, here or on a host."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from headrace.nodes.base import NodeFailed

_VERSION = re.compile(r"[23](\.\d{1,2})?")


def shell_command() -> list[str]:
    """bash where this machine has one, else sh."""
    return [shutil.which("bash") or "sh"]


def python_command(version: str, listed: Mapping[str, Any], *, on_host: bool) -> list[str]:
    """The Python of a version: ``Python 3``, ``Python2``, ``3.12``, or a path that the installation lists.

    ``listed``: paths by version, the setting ``python_interpreters``; its versions are those of this machine, its paths
    may be named for hosts too. Nothing given means 3, which here is the Python that runs Headrace. Raises NodeFailed.
    Source: exported jobs, pythonVersion ``"Python 3"``; the other spellings are inferred.
    """
    paths = {_number(name): _path(value) for name, value in listed.items()}
    if "/" in version:
        if version.strip() not in paths.values():
            raise NodeFailed(
                f"pythonVersion: {version.strip()!r} is not among the interpreters that the setting "
                "python_interpreters lists."
            )
        return [version.strip()]
    number = _number(version) or "3"
    if number in paths and not on_host:
        return [paths[number]]
    if not _VERSION.fullmatch(number):
        raise NodeFailed(f"pythonVersion: {version!r} is no version of Python, such as 'Python 3' or '3.12'.")
    return [f"python{number}"] if on_host else [_here(number)]


def _here(number: str) -> str:
    ours = (str(sys.version_info.major), f"{sys.version_info.major}.{sys.version_info.minor}")
    if number in ours:
        return sys.executable
    found = shutil.which(f"python{number}")
    if found is None:
        raise NodeFailed(
            f"pythonVersion: there is no python{number} on this machine. Install it, or name its path in the setting "
            f'python_interpreters: {{"{number}": "/path/to/python"}}.'
        )
    return found


def _number(name: str) -> str:
    return "".join(name.split()).lower().removeprefix("python")


def _path(value: Any) -> str:
    return str(value[0] if isinstance(value, list) and value else value)
