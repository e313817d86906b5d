"""``StringUtil``: the object, and its methods that ask about a text.

The methods are those of ``org.apache.commons.lang3.StringUtils``, without the ones that take regular expressions.
Lengths and positions count characters, from 0.
"""

from __future__ import annotations

from headrace.el.declare import EmbeddedObject

STRING_UTIL = EmbeddedObject("StringUtil", "Texts: the methods of commons-lang StringUtils.", counted=True)

# Character.isWhitespace: no-break spaces are none.
WHITESPACE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a"
WHITESPACE += "\u2028\u2029\u205f\u3000"


@STRING_UTIL.method("length")
def length(text: str | None) -> int:
    """The number of characters; 0 for null."""
    return len(text or "")


@STRING_UTIL.method("isEmpty")
def is_empty(text: str | None) -> bool:
    """Whether the text is null or ""."""
    return not text


@STRING_UTIL.method("isNotEmpty")
def is_not_empty(text: str | None) -> bool:
    """Whether the text has characters."""
    return bool(text)


@STRING_UTIL.method("isBlank")
def is_blank(text: str | None) -> bool:
    """Whether the text is null, "" or only white space."""
    return not (text or "").strip(WHITESPACE)


@STRING_UTIL.method("isNotBlank")
def is_not_blank(text: str | None) -> bool:
    """Whether the text has characters other than white space."""
    return not is_blank(text)


@STRING_UTIL.method("isNumeric")
def is_numeric(text: str | None) -> bool:
    """Whether the text is digits only; false for "", a sign or a decimal point."""
    return bool(text) and all(sign.isdecimal() for sign in text or "")


@STRING_UTIL.method("isNumericSpace")
def is_numeric_space(text: str | None) -> bool:
    """Whether the text is digits and blanks only; true for ""."""
    return text is not None and all(sign.isdecimal() or sign == " " for sign in text)


@STRING_UTIL.method("isAlpha")
def is_alpha(text: str | None) -> bool:
    """Whether the text is letters only; false for ""."""
    return bool(text) and (text or "").isalpha()


@STRING_UTIL.method("isAlphanumeric")
def is_alphanumeric(text: str | None) -> bool:
    """Whether the text is letters and digits only; false for ""."""
    return bool(text) and all(sign.isalpha() or sign.isdecimal() for sign in text or "")


@STRING_UTIL.method("isWhitespace")
def is_whitespace(text: str | None) -> bool:
    """Whether the text is white space only; true for ""."""
    return text is not None and not text.strip(WHITESPACE)


@STRING_UTIL.method("isAllUpperCase")
def is_all_upper_case(text: str | None) -> bool:
    """Whether the text is capital letters only; false for ""."""
    return bool(text) and all(sign.isupper() for sign in text or "")


@STRING_UTIL.method("isAllLowerCase")
def is_all_lower_case(text: str | None) -> bool:
    """Whether the text is small letters only; false for ""."""
    return bool(text) and all(sign.islower() for sign in text or "")


@STRING_UTIL.method("equals")
def equals(first: str | None, second: str | None) -> bool:
    """Whether both texts are the same, or both null."""
    return first == second


@STRING_UTIL.method("equalsIgnoreCase")
def equals_ignore_case(first: str | None, second: str | None) -> bool:
    """Whether both texts are the same but for capitals, or both null."""
    return first is second if first is None or second is None else _folded(first) == _folded(second)


@STRING_UTIL.method("compare")
def compare(first: str | None, second: str | None) -> int:
    """Less than 0, 0 or more than 0 as the first text sorts before, with or after the second; null sorts first."""
    return ((first is not None) - (second is not None)) or ((first or "") > (second or "")) - (
        (first or "") < (second or "")
    )


@STRING_UTIL.method("contains")
def contains(text: str | None, search: str | None) -> bool:
    """Whether the text has the other in it; false for null."""
    return text is not None and search is not None and search in text


@STRING_UTIL.method("containsIgnoreCase")
def contains_ignore_case(text: str | None, search: str | None) -> bool:
    """The same, capitals or not."""
    return text is not None and search is not None and _folded(search) in _folded(text)


@STRING_UTIL.method("containsAny")
def contains_any(text: str | None, characters: str | None) -> bool:
    """Whether the text has at least one of the characters; false for null or ""."""
    return not set(text or "").isdisjoint(characters or "")


@STRING_UTIL.method("containsOnly")
def contains_only(text: str | None, characters: str | None) -> bool:
    """Whether the text has only these characters; true for "", false for null."""
    return text is not None and characters is not None and set(text) <= set(characters)


@STRING_UTIL.method("containsNone")
def contains_none(text: str | None, characters: str | None) -> bool:
    """Whether the text has none of the characters; true for null."""
    return text is None or characters is None or set(text).isdisjoint(characters)


@STRING_UTIL.method("startsWith")
def starts_with(text: str | None, prefix: str | None) -> bool:
    """Whether the text begins with the prefix; two nulls do."""
    return text is prefix if text is None or prefix is None else text.startswith(prefix)


@STRING_UTIL.method("startsWithIgnoreCase")
def starts_with_ignore_case(text: str | None, prefix: str | None) -> bool:
    """The same, capitals or not."""
    return text is prefix if text is None or prefix is None else _folded(text[: len(prefix)]) == _folded(prefix)


@STRING_UTIL.method("endsWith")
def ends_with(text: str | None, suffix: str | None) -> bool:
    """Whether the text ends with the suffix; two nulls do."""
    return text is suffix if text is None or suffix is None else text.endswith(suffix)


@STRING_UTIL.method("endsWithIgnoreCase")
def ends_with_ignore_case(text: str | None, suffix: str | None) -> bool:
    """The same, capitals or not."""
    if text is None or suffix is None:
        return text is suffix
    return len(suffix) <= len(text) and _folded(text[len(text) - len(suffix) :]) == _folded(suffix)


@STRING_UTIL.method("indexOf")
def index_of(text: str | None, search: str | None, start: int = 0) -> int:
    """The first position of the other text from ``start`` on; -1 when there is none, or for null."""
    if text is None or search is None:
        return -1
    return text.find(search, min(max(start, 0), len(text)))


@STRING_UTIL.method("lastIndexOf")
def last_index_of(text: str | None, search: str | None, start: int = 2**31 - 1) -> int:
    """The last position of the other text that is not behind ``start``; -1 when there is none, or for null."""
    if text is None or search is None or start < 0:
        return -1
    return text.rfind(search, 0, start + len(search))


@STRING_UTIL.method("ordinalIndexOf")
def ordinal_index_of(text: str | None, search: str | None, ordinal: int) -> int:
    """The position of the ordinal-th occurrence of the other text, counting from 1; -1 when there is none."""
    if text is None or search is None or ordinal <= 0:
        return -1
    if not search:
        return 0
    found = -1
    for _ in range(min(ordinal, len(text) + 1)):
        found = text.find(search, found + 1)
        if found < 0:
            return -1
    return found


@STRING_UTIL.method("countMatches")
def count_matches(text: str | None, search: str | None) -> int:
    """How often the other text occurs, without overlaps; 0 for null or ""."""
    return text.count(search) if text and search else 0


def _folded(text: str) -> str:
    return text.upper().lower()
