"""``StringUtil``: methods that give a changed text."""

from __future__ import annotations

from headrace.el.errors import CannotEvaluate
from headrace.el.objects.string_util import STRING_UTIL, WHITESPACE
from headrace.el.values import MAX_PADDING, MAX_TEXT

_CONTROL = "".join(map(chr, range(33)))  # what String.trim takes away


@STRING_UTIL.method("replace")
def replace(text: str | None, search: str | None, replacement: str | None, max_: int = -1) -> str | None:
    """The text with every occurrence replaced, or the first ``max`` of them."""
    if not text or not search or replacement is None or max_ == 0:
        return text
    count = text.count(search) if max_ < 0 else min(max_, text.count(search))
    if len(text) + count * (len(replacement) - len(search)) > MAX_TEXT:
        raise CannotEvaluate(f"a text of at most {MAX_TEXT:,} characters")
    return text.replace(search, replacement, count)


@STRING_UTIL.method("replaceOnce")
def replace_once(text: str | None, search: str | None, replacement: str | None) -> str | None:
    """The text with the first occurrence replaced."""
    return replace(text, search, replacement, 1)


@STRING_UTIL.method("replaceChars")
def replace_chars(text: str | None, search_chars: str | None, replace_chars_: str | None) -> str | None:
    """The text with each character of the second replaced by that of the third, or removed when it has no such."""
    if not text or not search_chars:
        return text
    others = replace_chars_ or ""
    table: dict[int, str] = {}
    for at, sign in enumerate(search_chars):
        table.setdefault(ord(sign), others[at : at + 1])
    return text.translate(table)


@STRING_UTIL.method("remove")
def remove(text: str | None, search: str | None) -> str | None:
    """The text without any occurrence of the other."""
    return text.replace(search, "") if text and search else text


@STRING_UTIL.method("removeStart")
def remove_start(text: str | None, prefix: str | None) -> str | None:
    """The text without the prefix it begins with."""
    return text.removeprefix(prefix) if text and prefix else text


@STRING_UTIL.method("removeEnd")
def remove_end(text: str | None, suffix: str | None) -> str | None:
    """The text without the suffix it ends with."""
    return text.removesuffix(suffix) if text and suffix else text


@STRING_UTIL.method("trim")
def trim(text: str | None) -> str | None:
    """The text without blanks and control characters at both ends."""
    return text and text.strip(_CONTROL)


@STRING_UTIL.method("trimToEmpty")
def trim_to_empty(text: str | None) -> str:
    """The trimmed text; "" for null."""
    return (text or "").strip(_CONTROL)


@STRING_UTIL.method("trimToNull")
def trim_to_null(text: str | None) -> str | None:
    """The trimmed text; null when nothing is left."""
    return trim_to_empty(text) or None


@STRING_UTIL.method("strip")
def strip(text: str | None, strip_chars: str | None = None) -> str | None:
    """The text without these characters (white space when null) at both ends."""
    return text and text.strip(WHITESPACE if strip_chars is None else strip_chars)


@STRING_UTIL.method("stripStart")
def strip_start(text: str | None, strip_chars: str | None) -> str | None:
    """The same, at the start only."""
    return text and text.lstrip(WHITESPACE if strip_chars is None else strip_chars)


@STRING_UTIL.method("stripEnd")
def strip_end(text: str | None, strip_chars: str | None) -> str | None:
    """The same, at the end only."""
    return text and text.rstrip(WHITESPACE if strip_chars is None else strip_chars)


@STRING_UTIL.method("deleteWhitespace")
def delete_whitespace(text: str | None) -> str | None:
    """The text without white space."""
    return text and "".join([sign for sign in text if sign not in WHITESPACE])


@STRING_UTIL.method("normalizeSpace")
def normalize_space(text: str | None) -> str | None:
    """The text without white space at both ends, and one blank for each white space inside."""
    if not text:
        return text
    blanks = "".join([" " if sign in WHITESPACE else sign for sign in text])
    return " ".join([part for part in blanks.split(" ") if part]).replace("\xa0", " ").strip(_CONTROL)


@STRING_UTIL.method("upperCase")
def upper_case(text: str | None) -> str | None:
    """The text in capitals."""
    return text and text.upper()


@STRING_UTIL.method("lowerCase")
def lower_case(text: str | None) -> str | None:
    """The text in small letters."""
    return text and text.lower()


@STRING_UTIL.method("capitalize")
def capitalize(text: str | None) -> str | None:
    """The text with a capital first letter; the others stay."""
    return text and text[0].title() + text[1:]


@STRING_UTIL.method("uncapitalize")
def uncapitalize(text: str | None) -> str | None:
    """The text with a small first letter; the others stay."""
    return text and text[0].lower() + text[1:]


@STRING_UTIL.method("swapCase")
def swap_case(text: str | None) -> str | None:
    """The text with capitals for small letters and the other way round."""
    return text and text.swapcase()


@STRING_UTIL.method("leftPad")
def left_pad(text: str | None, size: int, pad_str: str | None = " ") -> str | None:
    """The text filled up on the left to a size."""
    return None if text is None else _padding(size - len(text), pad_str) + text


@STRING_UTIL.method("rightPad")
def right_pad(text: str | None, size: int, pad_str: str | None = " ") -> str | None:
    """The text filled up on the right to a size."""
    return None if text is None else text + _padding(size - len(text), pad_str)


@STRING_UTIL.method("center")
def center(text: str | None, size: int, pad_str: str | None = " ") -> str | None:
    """The text filled up on both sides to a size, the right side first."""
    if text is None:
        return None
    missing = max(size - len(text), 0)
    return _padding(missing // 2, pad_str) + text + _padding(missing - missing // 2, pad_str)


def _padding(size: int, pad: str | None) -> str:
    if size > MAX_PADDING:
        raise CannotEvaluate(f"a size of at most {MAX_PADDING:,}, found {size}")
    if size <= 0:
        return ""
    unit = (pad or " ")[:size]
    return (unit * (size // len(unit) + 1))[:size]


@STRING_UTIL.method("repeat")
def repeat(text: str | None, times: int) -> str | None:
    """The text so many times."""
    if text is None:
        return None
    if len(text) * times > MAX_PADDING:
        raise CannotEvaluate(f"a result of at most {MAX_PADDING:,} characters")
    return text * times


@STRING_UTIL.method("reverse")
def reverse(text: str | None) -> str | None:
    """The text from its end to its start."""
    return text and text[::-1]


@STRING_UTIL.method("overlay")
def overlay(text: str | None, other: str | None, start: int, end: int) -> str | None:
    """The text with the part between two positions replaced by the other text."""
    if text is None:
        return None
    low, high = sorted((min(max(start, 0), len(text)), min(max(end, 0), len(text))))
    return text[:low] + (other or "") + text[high:]


@STRING_UTIL.method("chomp")
def chomp(text: str | None) -> str | None:
    """The text without one line break at its end."""
    if not text:
        return text
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text[-1] in "\r\n" else text


@STRING_UTIL.method("chop")
def chop(text: str | None) -> str | None:
    """The text without its last character; CR LF counts as one."""
    return text and text[: -2 if text.endswith("\r\n") else -1]


@STRING_UTIL.method("defaultString")
def default_string(text: str | None, default_str: str | None = "") -> str | None:
    """The text; the default for null."""
    return default_str if text is None else text


@STRING_UTIL.method("defaultIfEmpty")
def default_if_empty(text: str | None, default_str: str | None) -> str | None:
    """The text; the default for null or ""."""
    return text or default_str


@STRING_UTIL.method("defaultIfBlank")
def default_if_blank(text: str | None, default_str: str | None) -> str | None:
    """The text; the default for null, "" or white space."""
    return text if (text or "").strip(WHITESPACE) else default_str


@STRING_UTIL.method("wrap")
def wrap(text: str | None, wrap_with: str | None) -> str | None:
    """The text with the other before and behind it."""
    return f"{wrap_with}{text}{wrap_with}" if text and wrap_with else text


@STRING_UTIL.method("appendIfMissing")
def append_if_missing(text: str | None, suffix: str | None) -> str | None:
    """The text, ending with the suffix."""
    return text if text is None or not suffix or text.endswith(suffix) else text + suffix


@STRING_UTIL.method("prependIfMissing")
def prepend_if_missing(text: str | None, prefix: str | None) -> str | None:
    """The text, beginning with the prefix."""
    return text if text is None or not prefix or text.startswith(prefix) else prefix + text
