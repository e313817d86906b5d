"""Drivers, loaded when a link needs them."""

from __future__ import annotations

import importlib
from types import ModuleType

from headrace.errors_cdm import DriverMissing


def driver(module: str, extra: str = "") -> ModuleType:
    """A module of a driver. Raises DriverMissing, which says what installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = f"headrace[{extra}]" if extra else "headrace"
        raise DriverMissing(f"{module} is missing: pip install '{package}'. ({error})") from error
