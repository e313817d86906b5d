"""What SQL nodes and scripts hand to their engine beside the statements: DLI's environment, program parameters."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.nodes.base import NodeFailed

_DLI_PREFIXES = ("hoodie.", "dli.sql.", "dli.ext.", "dli.jobs.", "spark.sql.", "spark.scheduler.pool")
_PARTITIONS, _BROADCAST = "dli.sql.shuffle.partitions", "dli.sql.autoBroadcastJoinThreshold"
_OPTIONS = ("--hiveconf", "--hivevar", "--conf", "-d", "--define")


def read_environment(text: str) -> dict[str, str]:
    """``conf`` of a DLI SQL node: a JSON object, a JSON list of ``key=value``, or such a pair per line.

    Raises NodeFailed for anything else. Source: user guide, "DLI SQL", environment variables; the forms are inferred.
    """
    if not text.strip():
        return {}
    if text.lstrip()[0] in "{[":
        try:
            found = msgspec.json.decode(text)
        except msgspec.MsgspecError as error:
            raise NodeFailed(f"conf: {error}") from error
        return environment_of(found)
    return environment_of(text.replace("\\n", "\n").splitlines())


def environment_of(found: Any) -> dict[str, str]:
    """The same of a member of a document. Raises NodeFailed."""
    if isinstance(found, Mapping):
        return {str(name).strip(): _text(value) for name, value in found.items()}
    pairs: dict[str, str] = {}
    for item in found if isinstance(found, list) else [found]:
        name, equals, value = str(item).partition("=")
        if not equals and name.strip():
            raise NodeFailed(f"conf: {name.strip()!r} is not of the form key=value.")
        if equals:
            pairs[name.strip()] = value.strip()
    return pairs


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_dli_environment(settings: Mapping[str, str]) -> None:
    """Raises NodeFailed for keys that DLI refuses. Source: user guide, "DLI SQL", environment variables."""
    for name, value in settings.items():
        if not name.startswith(_DLI_PREFIXES):
            raise NodeFailed(f"conf: {name!r} must start with one of {', '.join(_DLI_PREFIXES)}.")
        if name == _PARTITIONS and not (value.isdecimal() and int(value) > 0):
            raise NodeFailed(f"conf: {name} must be a positive whole number, not {value!r}.")
        if name == _BROADCAST and not value.removeprefix("-").isdecimal():
            raise NodeFailed(f"conf: {name} must be a whole number, not {value!r}.")


def read_program_parameters(text: str) -> tuple[dict[str, str], list[str]]:
    """Settings in ``--hiveconf k=v``, ``--hivevar k=v``, ``--conf k=v`` or ``k=v``, and the words that are none.

    Raises NodeFailed for quotes that do not end. Source: user guide, "MRS Hive SQL", program parameters.
    """
    try:
        words = shlex.split(text.replace("\\n", "\n"))
    except ValueError as error:
        raise NodeFailed(f"programParameter: {error}.") from error
    settings: dict[str, str] = {}
    others: list[str] = []
    while words:
        word = words.pop(0)
        option, equals, _ = word.partition("=")
        if word in _OPTIONS and words:
            word = words.pop(0)
        elif option in _OPTIONS and equals:
            word = word.partition("=")[2]
        elif word.startswith("-"):
            others.append(word)
            if words and not words[0].startswith("-") and "=" not in words[0] and not equals:
                others.append(words.pop(0))
            continue
        name, equals, value = word.partition("=")
        if equals and name:
            settings[name] = value
        else:
            others.append(word)
    return settings, others
