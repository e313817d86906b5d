"""Awkward values of every type from each system and format to each other one, by jobs: what arrives is what left.

What a place cannot hold is declared in ``awkward_rows.LOSSES``, and to users by the connectors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from awkward_rows import CELLS, columns_of, held, shown_rows, table, values_of
from connector_places import PLACES
from installation import Given, Installation
from places import new_name

PAIRED = [name for name, one in PLACES.items() if one.paired]
TARGETS = [name for name in PAIRED if PLACES[name].connector.capability.writes]


EMPTIED = {"beforeImportType": "shouldClearTable"}
PAIRS = [
    pytest.param(here, there, marks=[*PLACES[here].marks, *PLACES[there].marks], id=f"{here}-{there}")
    for here in PAIRED
    for there in TARGETS
]


@pytest.fixture(scope="module")
def filled(installation: Installation) -> Callable[[str], str]:
    """The name under which a place has the values, put there when it is first asked for."""

    @cache
    def fill(place: str) -> str:
        name = new_name()
        installation.put(installation.place(place), name, table(columns_of(place)))
        return name

    return fill


@pytest.fixture(scope="module")
def emptied(installation: Installation) -> Callable[[str], str]:
    """The name of a table that is emptied by each job; where there are no tables, one that was not there before."""

    @cache
    def made(place: str) -> str:
        name = new_name()
        installation.write(installation.place(place), name, Given(table(columns_of(place)).schema.empty_table()))
        return name

    return lambda place: made(place) if installation.place(place).typed else new_name()


@pytest.mark.parametrize(("here", "there"), PAIRS)
def test_values__arrive_as_they_left(
    here: str, there: str, installation: Installation, filled: Callable[[str], str], emptied: Callable[[str], str]
) -> None:
    left, right = installation.place(here), installation.place(there)
    names = filled(here), emptied(there)
    every, moved = table(columns_of(here)), table(columns_of(here, there)).schema
    with installation.source(left, names[0], moved) as source:
        given = source.schema()

    counts = installation.copy(left, right, names, moved, **(EMPTIED if right.typed else {}))

    sent = held(here, {number: CELLS[number][1] for number in every["n"].to_pylist()}, every.schema)
    expected = held(there, sent, given, typed=right.typed)
    assert shown_rows(values_of(installation.read(right, names[1], moved))) == shown_rows(expected)
    assert (counts.rows_written, counts.rows_skipped) == (len(expected), len(sent) - len(expected))
