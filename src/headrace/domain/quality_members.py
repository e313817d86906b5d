"""The members of one object of a rule job's document, each read with what is expected of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from headrace.domain.quality import Bound, Threshold, ValueType
from headrace.errors import InvalidParameter

MAX_NAME = 128  # characters
MAX_TEXT = 100_000
MAX_COLUMNS = 32
MAX_PARTS = 3  # of a table's name: catalog, schema, table
_MAX_DIGITS = 40  # of a number, before or after the point
_CONTROL = re.compile("[\0-\x1f\x7f]")
_PARAMETER = "${"

Word = TypeVar("Word", bound=StrEnum)


class Members:
    """``prefix`` is the path of the object, with a dot, or empty. ``deferred``: texts with ``${`` pass unchecked."""

    def __init__(self, prefix: str, document: Mapping[str, Any], deferred: bool) -> None:
        self.prefix, self.deferred = prefix, deferred
        self._document = document

    def wrong(self, name: str, expected: str) -> InvalidParameter:
        """The error that says what a member should be."""
        value = self._document.get(name)
        told = "missing; " if value is None else f"{_shown(value)} is wrong; "
        return InvalidParameter(f"{self.prefix}{name}: {told}expected {expected}.")

    def given(self, name: str) -> bool:
        """Whether the member is there; null counts as absent."""
        return self._document.get(name) is not None

    def require_any(self, *names: str) -> None:
        """At least one of the members is there."""
        if not any(self.given(name) for name in names):
            raise InvalidParameter(f"{self.prefix}{' or '.join(names)}: missing.")

    def text(self, name: str) -> str:
        """A text, empty when absent."""
        value = self._document.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or "\0" in value or len(value) > MAX_TEXT:
            raise self.wrong(name, f"text of at most {MAX_TEXT:,} characters without NUL")
        return value

    def label(self, name: str) -> str:
        """A mandatory text for people: one line of 1 to 128 characters."""
        value = self.text(name)
        if not value.strip() or len(value) > MAX_NAME or _CONTROL.search(value):
            raise self.wrong(name, f"a line of 1 to {MAX_NAME} characters")
        return value

    def one_of(self, name: str, words: type[Word]) -> Word | None:
        """A word of a list, None when absent."""
        value = self._document.get(name)
        if value is None:
            return None
        if value not in list(words):
            raise self.wrong(name, " or ".join(words))
        return words(value)

    def scalar(self, name: str) -> str:
        """A number or text, as text."""
        value = self._document.get(name)
        if isinstance(value, str):
            return self.text(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.wrong(name, "a number or text")
        return format(self._bounded(name, Decimal(value)), "f")

    def number(self, name: str) -> Decimal | None:
        """A number, also written as text; None when absent, or not known yet."""
        value = self._document.get(name)
        if value is None or self._is_deferred(value):
            return None
        try:
            if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
                raise ValueError
            return self._bounded(name, Decimal(value))
        except (ValueError, InvalidOperation):
            raise self.wrong(name, "a number") from None

    def _bounded(self, name: str, value: Decimal) -> Decimal:
        if not value.is_finite() or abs(value.adjusted()) > _MAX_DIGITS or len(value.as_tuple().digits) > _MAX_DIGITS:
            raise self.wrong(name, f"a number of at most {_MAX_DIGITS} digits")
        return value

    def count(self, name: str, most: int = 2**63 - 1) -> int | None:
        """A whole number from 0; None when absent, or not known yet."""
        value = self.number(name)
        if value is None:
            return None
        if value != value.to_integral_value() or not 0 <= value <= most:
            raise self.wrong(name, f"a whole number from 0 to {most:,}")
        return int(value)

    def _is_deferred(self, value: object) -> bool:
        return self.deferred and isinstance(value, str) and _PARAMETER in value

    def table(self) -> tuple[str, ...]:
        """The parts of ``table``: up to three names with dots between them."""
        value = self.text("table")
        if not value or self._is_deferred(value):
            return (value,) if value else ()
        parts = tuple(part.strip() for part in value.split("."))
        if len(parts) > MAX_PARTS or not all(_is_identifier(part) for part in parts):
            raise self.wrong("table", "table, schema.table or catalog.schema.table")
        return parts

    def column(self) -> str:
        """The one column."""
        value = self.text("column")
        if not self._is_column(value):
            raise self.wrong("column", "the name of a column")
        return value

    def columns(self) -> tuple[str, ...]:
        """``columns``, or ``column`` for a single one."""
        if self.given("column") and not self.given("columns"):
            return (self.column(),)
        found = self.list_of_columns("columns")
        if not found or self.given("column"):
            raise self.wrong("columns", "a list of columns, or column for a single one")
        return found

    def list_of_columns(self, name: str) -> tuple[str, ...]:
        """Names of columns, none when absent."""
        value = self._document.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > MAX_COLUMNS or not all(map(self._is_column, value)):
            raise self.wrong(name, f"a list of at most {MAX_COLUMNS} names of columns")
        return tuple(dict.fromkeys(value))

    def _is_column(self, value: object) -> bool:
        return isinstance(value, str) and (self._is_deferred(value) or _is_identifier(value))

    def bound(self, name: str, kind: ValueType | None) -> Bound | None:
        """An end of a range; a number is one, a text is text unless ``kind`` says otherwise; no text: not known yet."""
        value = self._document.get(name)
        if value is None:
            return None
        told = kind or (ValueType.TEXT if isinstance(value, str) else ValueType.NUMBER)
        if self._is_deferred(value):
            return Bound(type=told, text="")
        if told is ValueType.NUMBER:
            number = self.number(name)
            return Bound(type=told, text=format(number or Decimal(0), "f"))
        text = self.text(name)
        _check_moment(self, name, told, text)
        return Bound(type=told, text=text)

    def threshold(self) -> Threshold:
        """``threshold``: ``{"rows": 10}``, ``{"percent": 0.5}`` or both; no row when absent."""
        value = self._document.get("threshold")
        if value is None:
            return Threshold(rows=0)
        if not isinstance(value, dict) or not value or value.keys() - {"rows", "percent"}:
            raise self.wrong("threshold", 'an object like {"rows": 10} or {"percent": 0.5}')
        inner = Members(f"{self.prefix}threshold.", value, self.deferred)
        rows, percent = inner.count("rows"), inner.number("percent")
        if percent is not None and not 0 <= percent <= 100:
            raise inner.wrong("percent", "a number from 0 to 100")
        return Threshold(rows=rows, percent=percent)


def _shown(value: object) -> str:
    try:
        return repr(str(value)[:80])
    except ValueError:  # a whole number of thousands of digits
        return "it"


def _is_identifier(text: str) -> bool:
    return 0 < len(text.strip()) <= MAX_NAME and not _CONTROL.search(text)


def _check_moment(members: Members, name: str, kind: ValueType, text: str) -> None:
    try:
        if kind is ValueType.DATE:
            date.fromisoformat(text)
        elif kind is ValueType.TIMESTAMP:
            datetime.fromisoformat(text)
    except ValueError:
        example = "2024-01-31" if kind is ValueType.DATE else "2024-01-31 10:00:00"
        raise members.wrong(name, f"a {kind} like {example}") from None
