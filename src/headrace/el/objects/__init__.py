"""The embedded objects. A module here that declares methods is found by walking the folder."""

from __future__ import annotations

import importlib
import pkgutil

from headrace.el.declare import EmbeddedObject


def _walk() -> dict[str, EmbeddedObject]:
    """All objects by name. Modules that add methods to another module's object import it."""
    found: dict[str, EmbeddedObject] = {}
    for module in pkgutil.iter_modules(__path__):
        for value in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, EmbeddedObject):
                found[value.name] = value
    return found


OBJECTS = _walk()
