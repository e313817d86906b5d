"""Match a result against a regular expression of the user's, which may be made to never end."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from headrace.nodes.base import NodeFailed

_SECONDS = 5.0
_PROGRAM = """
import json, re, sys
pattern, text = json.load(sys.stdin)
try:
    found = re.search(pattern, text)
except (re.error, OverflowError, RecursionError) as error:
    json.dump({"error": str(error)}, sys.stdout)
else:
    json.dump({"found": None if found is None else found[0]}, sys.stdout)
"""


def first_match(name: str, pattern: str, text: str) -> str | None:
    """The first piece of ``text`` that matches a Java regular expression; None when there is none.

    It is looked for in a process of its own, which is ended after five seconds. Raises NodeFailed, which names the
    property ``name``, for a pattern that is none or takes longer.
    """
    translated = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)  # named groups
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps([translated, text]).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise NodeFailed(f"{name}: matching {pattern!r} took longer than {_SECONDS:.0f} seconds.") from error
    except subprocess.CalledProcessError as error:
        raise NodeFailed(f"{name}: {pattern!r} could not be matched.") from error
    answer: dict[str, str | None] = json.loads(ended.stdout)
    if "error" in answer:
        raise NodeFailed(f"{name}: {pattern!r} is no regular expression: {answer['error']}.")
    return answer["found"]
