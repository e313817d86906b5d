"""What an expression can compute with, and how much of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

# A Date is an aware datetime, an array or JSON list a list, a JSON object a dict.
Value = str | int | float | bool | datetime | list[Any] | dict[str, Any] | None

MAX_TEXT = 1_000_000  # characters of any text; the longest value the console keeps
MAX_WORK = 4_000_000  # characters all methods of one field may read and write together
MAX_PADDING = 100_000  # characters of a text made by repeating or padding
