"""Page numbers and sizes of the lists."""

from __future__ import annotations

from headrace.errors import InvalidParameter
from headrace.wire.base import Page

MAX_LIMIT = 1000


def rows(page: Page) -> tuple[int, int]:
    """Rows to skip and rows to give for a page. Raises InvalidParameter. Source: notes §5: 1 to 1000 rows a page."""
    if not 1 <= page.limit <= MAX_LIMIT:
        raise InvalidParameter(f"limit: {page.limit} is not between 1 and {MAX_LIMIT}.")
    if not 0 <= page.offset <= 2**31 - 1:
        raise InvalidParameter(f"offset: {page.offset} is not a page number from 0.")
    return page.offset * page.limit, page.limit
