"""``OBSUtil``: the object store."""

from __future__ import annotations

from headrace.el.declare import EmbeddedObject
from headrace.el.errors import CannotEvaluate
from headrace.el.scope import Scope

OBS_UTIL = EmbeddedObject("OBSUtil", "The object store.", counted=True)


@OBS_UTIL.method("isExistOBSPath")
def is_exist_obs_path(scope: Scope, obs_path: str) -> bool:
    """Whether an object exists; with ``/`` at the end, whether a directory does."""
    if scope.obs_exists is None:
        raise CannotEvaluate("an object store to ask", "Evaluate this where the job runs.")
    return scope.obs_exists(obs_path)
