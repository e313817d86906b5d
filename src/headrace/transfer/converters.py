"""The converters of a job: what becomes of the values of a column on their way.

Their form on the wire is ours, as the original documents none: ``transformConfig.fieldConverters`` is a JSON array of
objects with a ``column``, a ``type`` and the members of that type. Source: CDM user guide, "Field Conversion".
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Annotated, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.el.errors import ExpressionError
from headrace.errors_cdm import CdmError
from headrace.transfer.casts import cast, cast_of
from headrace.transfer.expression_columns import Converted, Rows, compiled, evaluated

MEMBER = "transformConfig.fieldConverters"
MOST = 1000  # converters of a job
TRIMMED = "".join(map(chr, range(33)))  # what Java's String.trim takes away

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
AnyText = Annotated[str, msgspec.Meta(max_length=10_000)]


class _AbstractStruct(msgspec.StructMeta, ABCMeta):
    """Of structs that have abstract methods."""


class Converter(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    tag_field="type",
    forbid_unknown_fields=True,
    metaclass=_AbstractStruct,
):
    """Converts the source column of a name."""

    column: Text

    @abstractmethod
    def convert(self, array: pa.Array, rows: Rows) -> Converted:
        """The column converted, as long as before, null staying null; and the rows that could not be."""


class TextConverter(Converter, frozen=True):
    """Converts the values of a column as texts."""

    def convert(self, array: pa.Array, rows: Rows) -> Converted:
        """Every text has one that becomes of it."""
        text = pa.string()
        texts, _ = cast(array, cast_of(array.type, text, rows.zone), text)
        return Converted(self.converted(texts))

    @abstractmethod
    def converted(self, texts: pa.Array) -> pa.Array:
        """The texts of the column converted."""


class Anonymization(TextConverter, frozen=True, tag="anonymization"):
    """Hides the characters between a beginning and an end that are kept; a text that has no more is hidden whole."""

    prefix_length: Count = 0
    suffix_length: Count = 0
    replace_char: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = "*"

    def converted(self, texts: pa.Array) -> pa.Array:
        """``123****8910`` for 12345678910 with 3 and 4."""
        lengths = pc.utf8_length(texts)
        shown = self.prefix_length + self.suffix_length
        hidden = pc.max_element_wise(pc.subtract(lengths, pa.scalar(shown, lengths.type)), 0, skip_nulls=False)
        begin = pc.utf8_slice_codeunits(texts, 0, self.prefix_length)
        end = pc.utf8_slice_codeunits(texts, -self.suffix_length, None) if self.suffix_length else ""
        signs = pa.scalar(self.replace_char)
        masked = pc.binary_join_element_wise(begin, pc.binary_repeat(signs, hidden), end, "")
        return pc.if_else(pc.greater(hidden, 0), masked, pc.binary_repeat(signs, lengths))


class Trim(TextConverter, frozen=True, tag="trim"):
    """Takes away blanks and control characters at both ends."""

    def converted(self, texts: pa.Array) -> pa.Array:
        """``a`` for " a "."""
        return pc.utf8_trim(texts, characters=TRIMMED)


class Reverse(TextConverter, frozen=True, tag="reverse"):
    """Turns the characters round."""

    def converted(self, texts: pa.Array) -> pa.Array:
        """``CBA`` for ABC."""
        return pc.utf8_reverse(texts)


class Replace(TextConverter, frozen=True, tag="replace"):
    """Replaces all occurrences of a text."""

    old: Text
    new: AnyText

    def converted(self, texts: pa.Array) -> pa.Array:
        """From left to right, without overlaps."""
        return pc.replace_substring(texts, self.old, self.new)


class RemoveLineBreak(TextConverter, frozen=True, tag="removeLineBreak"):
    """Takes away line feeds and carriage returns."""

    def converted(self, texts: pa.Array) -> pa.Array:
        """``ab`` for a text of two lines."""
        return pc.replace_substring(pc.replace_substring(texts, "\n", ""), "\r", "")


class Case(TextConverter, frozen=True, tag="case"):
    """Writes all letters large or small."""

    to: Literal["upper", "lower"]

    def converted(self, texts: pa.Array) -> pa.Array:
        """One character a character."""
        return pc.utf8_upper(texts) if self.to == "upper" else pc.utf8_lower(texts)


class Substring(TextConverter, frozen=True, tag="substring"):
    """Keeps the characters from ``start`` up to before ``end``; negative numbers count from the end."""

    start: int
    end: int | None = None

    def converted(self, texts: pa.Array) -> pa.Array:
        """As slices of Python, and as ``StringUtils.substring``."""
        return pc.utf8_slice_codeunits(texts, self.start, self.end)


class Concat(TextConverter, frozen=True, tag="concat"):
    """Writes a text before and one behind the value."""

    before: AnyText = ""
    after: AnyText = ""

    def converted(self, texts: pa.Array) -> pa.Array:
        """Null stays null."""
        return pc.binary_join_element_wise(self.before, texts, self.after, "")


class Default(TextConverter, frozen=True, tag="default"):
    """A text in place of null."""

    value: AnyText

    def converted(self, texts: pa.Array) -> pa.Array:
        """An empty text stays."""
        return pc.fill_null(texts, self.value)


class ByExpression(Converter, frozen=True, tag="expression"):
    """The value of an expression over ``value``, the value of the column, and ``row``, those of all columns."""

    expression: Text

    def __post_init__(self) -> None:
        try:
            compiled(self.expression)
        except ExpressionError as error:
            raise ValueError(f"{self.expression!r}: expected {error.expected}. {error.repair}".strip()) from error

    def convert(self, array: pa.Array, rows: Rows) -> Converted:
        """Numbers, dates and truth values keep their kind; a row whose evaluation fails is bad."""
        return evaluated(compiled(self.expression), array, rows)


_Known = Anonymization | Trim | Reverse | Replace | RemoveLineBreak | Case | Substring | Concat | Default | ByExpression
_DECODER = msgspec.json.Decoder(list[_Known])


def read_converters(text: str) -> list[Converter]:
    """The converters in ``transformConfig.fieldConverters``, in the order they are applied. Raises CdmError.

    The error names the element and its member: ``$[2].old``.
    """
    try:
        found: list[Converter] = list(_DECODER.decode(text))
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise CdmError(f"{MEMBER}: {error}") from error
    if len(found) > MOST:
        raise CdmError(f"{MEMBER}: {len(found)} converters, {MOST} are allowed.")
    return found
