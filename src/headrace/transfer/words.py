"""The words ``${…}`` in the inputs of a job, replaced when it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from headrace.el.errors import ExpressionError
from headrace.el.macros import expand_macros
from headrace.errors_cdm import CdmError

_VARIABLE = re.compile(r"\$\{\s*([^\W\d][\w.-]*)\s*\}")
_LATER = frozenset({"tableName", "version"})  # of file names, known when they are written


def resolved(text: str, member: str, variables: Mapping[str, str], at: datetime, zone: tzinfo) -> str:
    """The text with variables, then date macros replaced; ``at`` is the planned or real start.

    Raises CdmError for a name that nothing defines. Source: reference on connectors, §9.
    """
    if "${" not in text:
        return text
    filled = _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), text)
    for name in _VARIABLE.findall(filled):
        if name not in _LATER:
            known = ", ".join(sorted(variables)) or "none"
            raise CdmError(
                f"{member}: ${{{name}}} is no variable of this start (there are: {known}) and no date macro."
            )
    try:
        return expand_macros(filled, at, zone)
    except ExpressionError as error:
        raise CdmError(f"{member}: {error.message}") from error
