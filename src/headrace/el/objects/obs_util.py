"""``OBSUtil``: the object store."""

from __future__ import annotations

from headrace.el.declare import EmbeddedObject
from headrace.el.errors import CannotEvaluate
from headrace.el.java_text import describe
from headrace.el.scope import Scope
from headrace.errors import HeadraceError

OBS_UTIL = EmbeddedObject("OBSUtil", "The object store.", counted=True)


@OBS_UTIL.method("isExistOBSPath")
def is_exist_obs_path(scope: Scope, obs_path: str) -> bool:
    """Whether an object exists; with ``/`` at the end, whether a directory does.

    A path that is not ``obs://bucket/key``, or a store that fails, is an error. Source: user guide, "OBSUtil Object".
    """
    if scope.obs_exists is None:
        raise CannotEvaluate("an object store to ask", "Evaluate this where the job runs.")
    try:
        return scope.obs_exists(obs_path)
    except HeadraceError as error:
        raise CannotEvaluate(f"a path that can be looked up, found {describe(obs_path)} ({error.detail})") from error
