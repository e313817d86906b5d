"""Values that an engine writes as text, in the form that results have."""

from __future__ import annotations

import re

_FRACTION = re.compile(r"(:\d\d)\.(\d{1,6})(?=\D|$)")


def seconds_in_full(text: str) -> str:
    """``10:00:00.5`` is ``10:00:00.500000``, ``10:00:00.000`` is ``10:00:00``, as on the embedded engine."""

    def full(match: re.Match[str]) -> str:
        digits = match[2].ljust(6, "0")
        return match[1] if digits == "000000" else f"{match[1]}.{digits}"

    return _FRACTION.sub(full, text)
