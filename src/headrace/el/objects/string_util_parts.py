"""``StringUtil``: methods that take texts apart and put them together."""

from __future__ import annotations

from typing import Any

from headrace.el.errors import CannotEvaluate
from headrace.el.java_text import double_text, json_text
from headrace.el.objects.string_util import STRING_UTIL, WHITESPACE
from headrace.el.values import MAX_TEXT


@STRING_UTIL.method("substring")
def substring(text: str | None, start: int, end: int | None = None) -> str | None:
    """The characters from ``start`` up to before ``end``; negative positions count from the end."""
    if text is None:
        return None
    size = len(text)
    stop = size if end is None else min(end + size if end < 0 else end, size)
    return text[max(start + size if start < 0 else start, 0) : max(stop, 0)]


@STRING_UTIL.method("substringBefore")
def substring_before(text: str | None, separator: str | None) -> str | None:
    """What stands before the first separator; the whole text when there is none."""
    if not text or separator is None:
        return text
    return text.partition(separator)[0] if separator else ""


@STRING_UTIL.method("substringBeforeLast")
def substring_before_last(text: str | None, separator: str | None) -> str | None:
    """What stands before the last separator; the whole text when there is none."""
    if not text or not separator or separator not in text:
        return text
    return text.rpartition(separator)[0]


@STRING_UTIL.method("substringAfter")
def substring_after(text: str | None, separator: str | None) -> str | None:
    """What follows the first separator; "" when there is none."""
    if not text or separator is None:
        return text and ""
    return text.partition(separator)[2] if separator else text


@STRING_UTIL.method("substringAfterLast")
def substring_after_last(text: str | None, separator: str | None) -> str | None:
    """What follows the last separator; "" when there is none."""
    if not text:
        return text
    return text.rpartition(separator)[2] if separator and separator in text else ""


@STRING_UTIL.method("substringBetween")
def substring_between(text: str | None, open_: str | None, close: str | None = None) -> str | None:
    """What stands between two marks, or between a mark and its next occurrence; null when they are not there."""
    close = open_ if close is None else close
    if text is None or open_ is None or close is None:
        return None
    start = text.find(open_)
    end = text.find(close, start + len(open_)) if start >= 0 else -1
    return text[start + len(open_) : end] if end >= 0 else None


@STRING_UTIL.method("substringsBetween")
def substrings_between(text: str | None, open_: str | None, close: str | None) -> list[Any] | None:
    """All parts between two marks; null when there is none."""
    if text is None or not open_ or not close:
        return None
    parts, at = [], 0
    while (start := text.find(open_, at)) >= 0:
        end = text.find(close, start + len(open_))
        if end < 0:
            break
        parts.append(text[start + len(open_) : end])
        at = end + len(close)
    return parts if parts or not text else None


@STRING_UTIL.method("split")
def split(text: str | None, separator_chars: str | None = None, max_: int = 0) -> list[Any] | None:
    """The parts between separators, without empty ones.

    Every character of ``separatorChars`` is a separator (white space when null); ``max`` parts at most, 0 for all.
    """
    return _split(text, separator_chars, max_, keep_empty=False)


@STRING_UTIL.method("splitPreserveAllTokens")
def split_preserve_all_tokens(text: str | None, separator_chars: str | None = None, max_: int = 0) -> list[Any] | None:
    """As ``split``, with the empty parts between adjacent separators."""
    return _split(text, separator_chars, max_, keep_empty=True)


def _split(text: str | None, characters: str | None, most: int, *, keep_empty: bool) -> list[Any] | None:
    if not text:
        return None if text is None else []
    separators = set(WHITESPACE if characters is None else characters)
    parts: list[str] = []
    start = 0
    for at, sign in enumerate(text):
        if sign not in separators:
            continue
        if most > 0 and len(parts) == most - 1 and (keep_empty or at > start):
            break
        if keep_empty or at > start:
            parts.append(text[start:at])
        start = at + 1
    if keep_empty or start < len(text):
        parts.append(text[start:])
    return parts


@STRING_UTIL.method("splitByWholeSeparator")
def split_by_whole_separator(text: str | None, separator: str | None) -> list[Any] | None:
    """The parts between occurrences of the whole separator, without empty ones; white space for null or ""."""
    if not separator:
        return _split(text, None, 0, keep_empty=False)
    return None if text is None else [part for part in text.split(separator) if part]


@STRING_UTIL.method("join")
def join(array: list[Any] | None, separator: str | None = None) -> str | None:
    """The elements as one text with the separator between them; null elements are empty."""
    if array is None:
        return None
    between = separator or ""
    texts = [_element(element) for element in array]
    if sum(map(len, texts)) + len(between) * len(texts) > MAX_TEXT:
        raise CannotEvaluate(f"a text of at most {MAX_TEXT:,} characters")
    return between.join(texts)


def _element(element: object) -> str:
    if element is None:
        return ""
    if isinstance(element, bool):
        return "true" if element else "false"
    if isinstance(element, float):
        return double_text(element)
    return str(element) if isinstance(element, str | int) else json_text(element)  # type: ignore[arg-type]


@STRING_UTIL.method("left")
def left(text: str | None, size: int) -> str | None:
    """The first characters."""
    return text and text[: max(size, 0)]


@STRING_UTIL.method("right")
def right(text: str | None, size: int) -> str | None:
    """The last characters."""
    return text and text[max(len(text) - max(size, 0), 0) :]


@STRING_UTIL.method("mid")
def mid(text: str | None, position: int, size: int) -> str | None:
    """So many characters from a position on."""
    if text is None:
        return None
    position = max(position, 0)
    return text[position : position + max(size, 0)]


@STRING_UTIL.method("truncate")
def truncate(text: str | None, max_width: int) -> str | None:
    """The text, cut to a width."""
    if max_width < 0:
        raise CannotEvaluate(f"a width of at least 0, found {max_width}")
    return text and text[:max_width]


@STRING_UTIL.method("abbreviate")
def abbreviate(text: str | None, max_width: int) -> str | None:
    """The text, cut to a width that includes ``...`` at its end; the width is 4 at least."""
    if not text:
        return text
    if max_width < 4:
        raise CannotEvaluate(f"a width of at least 4, found {max_width}")
    return text if len(text) <= max_width else text[: max_width - 3] + "..."


@STRING_UTIL.method("getDigits")
def get_digits(text: str | None) -> str | None:
    """The digits of the text, one after the other."""
    return text and "".join([sign for sign in text if sign.isdecimal()])


@STRING_UTIL.method("difference")
def difference(first: str | None, second: str | None) -> str | None:
    """The rest of the second text from where it differs from the first."""
    if first is None or second is None:
        return second if first is None else first
    for at, sign in enumerate(second):
        if at >= len(first) or first[at] != sign:
            return second[at:]
    return ""
