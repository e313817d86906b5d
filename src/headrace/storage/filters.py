"""Filters shared by the lists."""

from __future__ import annotations


def contains(text: str) -> str:
    """A LIKE pattern (escape ``\\``) for "contains this text"; of the empty text, for everything."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
