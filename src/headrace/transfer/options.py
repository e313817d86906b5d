"""The inputs of links and jobs as connectors read them: text on the wire, typed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from headrace.errors_cdm import CdmError

_OUTSIDE = re.compile(r"&(?![^{}]*\})")  # an & that is not within #{…}
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no", ""})


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Inputs by their names without the section (``tableName``); macros and variables replaced.

    ``section`` is for messages; ``extended``: what ``extended-configs`` carried.
    """

    section: str
    values: Mapping[str, str]
    extended: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """An input, or the default where it is missing or empty."""
        return self.values.get(name) or default

    def required(self, name: str) -> str:
        """An input that must be there. Raises CdmError."""
        value = self.values.get(name)
        if not value:
            raise CdmError(f"{self.section}.{name}: missing.")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A truth value. Raises CdmError."""
        value = self.values.get(name)
        if value is None:
            return default
        word = value.strip().lower()
        if word not in _TRUE | _FALSE:
            raise CdmError(f"{self.section}.{name}: {value!r} is neither true nor false.")
        return word in _TRUE

    def number(self, name: str, default: int, low: int = 0, high: int = 2**31 - 1) -> int:
        """A whole number in a range. Raises CdmError."""
        value = self.values.get(name, "").strip()
        if not value:
            return default
        if not value.lstrip("-").isdecimal() or not low <= int(value) <= high:
            raise CdmError(f"{self.section}.{name}: {value!r} is no whole number from {low} to {high}.")
        return int(value)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of some words, compared without case, as written in ``choices``. Raises CdmError."""
        value = self.values.get(name) or default
        for word in choices:
            if word.lower() == value.lower():
                return word
        raise CdmError(f"{self.section}.{name}: {value!r} is none of {', '.join(choices)}.")

    def moment(self, name: str, zone: tzinfo) -> int | None:
        """Milliseconds since 1970, given so or as a date with time, which is of ``zone`` if it names none.

        None where the input is missing. Raises CdmError.
        """
        text = self.text(name).strip()
        if not text or text.isdecimal():
            return int(text) if text else None
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise CdmError(f"{self.section}.{name}: {text!r} is not yyyy-MM-dd HH:mm:ss.") from error
        return round((found if found.tzinfo else found.replace(tzinfo=zone)).timestamp() * 1000)

    def items(self, name: str, separator: str) -> tuple[str, ...]:
        """A list in one text, without empty elements."""
        return tuple(item.strip() for item in self.values.get(name, "").split(separator) if item.strip())

    def columns(self, name: str = "columnList") -> tuple[str, ...]:
        """Columns joined with ``&``; none where all are meant. Source: CDM API reference, columnList."""
        return self.items(name, "&")

    def constants(self) -> tuple[tuple[str, str], ...]:
        """Columns that the source does not have, with their values: ``name:value&name:'quoted'``.

        Their names stand at the end of the column list too. Source: exported jobs, sampleValueColumn.
        """
        items = _OUTSIDE.split(self.values.get("sampleValueColumn", ""))
        pairs = (item.partition(":") for item in items if item.strip())
        return tuple((name.strip(), _unquoted(value.strip())) for name, _, value in pairs)

    def source_columns(self) -> tuple[str, ...]:
        """The column list without the constants."""
        columns, constants = self.columns(), {name for name, _ in self.constants()}
        return tuple(name for name in columns if name not in constants)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


Options = Inputs  # of one side of a job: fromJobConfig or toJobConfig


@dataclass(frozen=True, kw_only=True)
class Link(Inputs):
    """A link, its secrets in clear: log none of it.

    ``connector``: its connector-name. Inputs of another section keep its name (``dialect.identifierEnclose``).
    """

    name: str
    connector: str
    section: str = "linkConfig"

    def __repr__(self) -> str:
        return f"Link(name={self.name!r}, connector={self.connector!r})"

    def address(self, host: str = "host", port: str = "port", default_port: int = 0) -> tuple[str, int]:
        """Host and port. Raises CdmError."""
        return self.required(host).strip(), self.number(port, default_port, 1, 65_535)
