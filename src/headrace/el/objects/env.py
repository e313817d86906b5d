"""``Env``: the environment variables of the workspace."""

from __future__ import annotations

from headrace.el.declare import EmbeddedObject
from headrace.el.scope import Scope

ENV = EmbeddedObject("Env", "The environment variables of the workspace.", counted=True)


@ENV.method("get")
def get(scope: Scope, name: str) -> str | None:
    """The value of a workspace environment variable or constant; null when there is none."""
    return scope.environment.get(name)
