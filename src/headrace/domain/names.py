"""What names may look like, and how directories compare.

Source: factory-v1-notes §7. Names are letters, digits, Chinese characters and a few signs; lengths in characters.
"""

from __future__ import annotations

import json
import re

JOB_NAME = re.compile(r"[A-Za-z0-9_.\-\u4e00-\u9fa5]{1,128}")
NODE_NAME = re.compile(r"[A-Za-z0-9_.\-/<>\u4e00-\u9fa5]{1,128}")
SCRIPT_NAME = JOB_NAME
RESOURCE_NAME = re.compile(r"[A-Za-z0-9_\-\u4e00-\u9fa5]{1,32}")
CONNECTION_NAME = re.compile(r"[A-Za-z0-9_\-]{1,100}")
PARAMETER_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_DIRECTORY_LEVEL = re.compile(r"[A-Za-z0-9_\-\u4e00-\u9fa5]{1,64}")

MAX_DIRECTORY_LEVELS = 10


def listed_names(text: str) -> tuple[str, ...]:
    """Names between commas, semicolons or blanks, or a JSON list of names or of objects with a ``name``; each once.

    Raises ValueError. How the original writes lists of resources is not published; jobs are exported with empty ones.
    """
    if not text.strip().startswith("["):
        return tuple(dict.fromkeys(name for name in re.split(r"[\s,;]+", text) if name))
    found = [item.get("name") if isinstance(item, dict) else item for item in json.loads(text)]
    names = [name for name in found if isinstance(name, str) and name]
    if len(names) < len(found):
        raise ValueError("not a list of names")
    return tuple(dict.fromkeys(names))


def directory_key(directory: str) -> str:
    """The form in which directories compare: ``/a/b`` for ``/a/b/``, ``a/b`` and ``/a/b``; ``/`` for the root."""
    return "/" + directory.strip("/")


def is_directory(directory: str) -> bool:
    """Whether every level is 1 to 64 letters, digits, Chinese, ``_`` or ``-``, and there are 10 levels at most."""
    levels = [level for level in directory_key(directory).split("/") if level]
    return len(levels) <= MAX_DIRECTORY_LEVELS and all(_DIRECTORY_LEVEL.fullmatch(level) for level in levels)


# How nodes that run another job are called, and how they name it; compared without blanks and case.
# Source: package-format §2: the property names are not in any file seen, so every spelling in use is read.
SUBJOB_TYPES = ("dlfsubjob", "subjob", "foreachjob", "foreach")
SUBJOB_PROPERTIES = ("subJobName", "subjobName", "subJob", "jobName", "childJobName", "innerJobName", "dlfJobName")
