"""The directory tree as the older SDK spells it, in snake case. Source: that SDK's DirectoryTreeResp."""

from __future__ import annotations

from headrace.wire.base import Wire


class DirectoryTreeQuery(Wire, rename=None):
    """``category``: job (default), script or resource, in any case; ``directory_id``: where to start.

    ``name``: part of the name of elements. ``offset`` counts elements of the whole tree, not pages; without ``limit``
    all are given.
    """

    category: str = "job"
    directory_id: str = ""
    name: str = ""
    offset: int = 0
    limit: int | None = None


class TreeElement(Wire, rename=None, omit_defaults=False):
    """A job, script or resource in a directory."""

    element_id: str
    parent_directory_id: str
    type: str
    name: str
    owner: str
    process_type: str
    is_single_node_job: bool


class DirectoryTree(Wire, rename=None, omit_defaults=False):
    """A directory with what is in it. ``count``: the elements in it and below it that match, on this page or not."""

    directory_id: str
    parent_directory_id: str
    directory_name: str
    category_type: str
    paging: bool
    offset: int
    limit: int
    count: int
    elements: list[TreeElement]
    sub_directories: list[DirectoryTree]
