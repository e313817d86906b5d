"""The directory tree, which only the older SDK asks for."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidParameter, WorkspaceNotFound
from headrace.factory import directories
from headrace.wire.v1.directories import DirectoryTree, DirectoryTreeQuery


@operation(
    "GET",
    "/v1.0/{project_id}/directory/tree",
    errors=(InvalidParameter, WorkspaceNotFound),
    tag="directory",
    slow=True,
)
def show_directory_tree(call: Call, query: DirectoryTreeQuery) -> DirectoryTree:
    """Show the directories of jobs, scripts or resources with what is in them.

    Source: the older SDK's ShowDirectoryTree; factory-v1-notes §14.5.
    """
    return directories.tree(call.services, call.caller, query)
