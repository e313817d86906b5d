"""What goes wrong in an expression: where, what was expected there, and what would repair it."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.errors import HeadraceError

EXCERPT = 60  # characters shown on either side of the position
SHOWS = 8  # characters from its beginning by which a secret is recognized


class ExpressionError(HeadraceError):
    """An expression that cannot be read or evaluated.

    ``source`` is the text it stands in, ``position`` a 0-based offset into it, ``expected`` a noun phrase that
    continues "Expected", ``repair`` a sentence, or "". The detail shows the line with a caret under the position.
    """

    text = "The expression cannot be evaluated."

    def __init__(self, source: str, position: int, expected: str, repair: str = "") -> None:
        self.source = source
        self.position = max(0, min(position, len(source)))
        self.expected = expected
        self.repair = repair
        super().__init__(self._describe())

    def without(self, secrets: Iterable[str]) -> ExpressionError:
        """The error as it may be told: where one of these texts, or its beginning, shows, without source and value."""
        found = f"{self.expected} {self.repair}"
        if not any(secret in self.source or repr(secret[:SHOWS])[1:-1] in found for secret in secrets if secret):
            return self
        told = ExpressionError("", 0, self.expected.partition(", found")[0])
        told.detail = f"Expected {told.expected}, at character {self.position + 1} of a text that holds a secret."
        return told

    def _describe(self) -> str:
        problem = f"Expected {self.expected}, at character {self.position + 1}:"
        lines = [problem, *_excerpt(self.source, self.position)]
        if self.repair:
            lines.append(self.repair)
        return "\n".join(lines)


class CannotEvaluate(Exception):
    """Raised by a method or operator, which knows no position; the evaluator makes an ExpressionError of it."""

    def __init__(self, expected: str, repair: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.repair = repair


def _excerpt(source: str, position: int) -> tuple[str, str]:
    """The line of the position, cut to a window around it, and a caret under it."""
    line_start = max(source.rfind("\n", 0, position) + 1, position - EXCERPT)
    line_end = source.find("\n", position)
    line_end = min(len(source) if line_end < 0 else line_end, position + EXCERPT)
    line = "".join(sign if sign.isprintable() else " " for sign in source[line_start:line_end])
    return f"  {line}", "  " + " " * (position - line_start) + "^"
