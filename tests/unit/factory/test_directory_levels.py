"""The tree of directories, as far as it needs no database."""

from __future__ import annotations

from headrace.factory.directories import MAX_LEVELS, _directories
from headrace.storage.directory_elements import Element


def element(directory: str) -> Element:
    return Element("1", "x", directory, "ann", "", 0)


def test_directories__the_ones_above_are_there_and_keep_their_ids() -> None:
    first = _directories({"/a/b": "id-b"}, [], "w/job")
    again = _directories({"/a/b": "id-b", "/c": "id-c"}, [element("/a/b/d")], "w/job")
    assert [first[levels].name for levels in ((), ("a",), ("a", "b"))] == ["/", "a", "b"]
    assert first["a", "b"].id == "id-b"
    assert (first["a",].id, first[()].id) == (again["a",].id, again[()].id)
    assert again["a", "b", "d"].parent_id == "id-b"
    assert first["a",].id != _directories({"/a/b": "id-b"}, [], "other/job")["a",].id


def test_directories__a_path_of_many_levels_ends_in_one_name() -> None:
    path = "/x" * 5000
    places = _directories({path: "deep"}, [element(path)], "w/job")
    assert len(places) == MAX_LEVELS + 1
    deepest = max(places, key=len)
    assert deepest[-1] == "/".join("x" * (5000 - MAX_LEVELS + 1))
    assert (places[deepest].id, len(places[deepest].elements)) == ("deep", 1)


def test_directories__slashes_that_name_nothing_do_not_count() -> None:
    places = _directories({}, [element("/a//b/"), element("//a/b")], "w/job")
    assert len(places["a", "b"].elements) == 2
