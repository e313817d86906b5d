"""The directory tree. Source: the older SDK's ShowDirectoryTree; factory-v1-notes §14.5."""

from __future__ import annotations

from typing import Any

import pytest
from error_answers import failure, refused

TREE = "/v1.0/{p}/directory/tree"


class Tree:
    """A workspace with scripts in directories, and its tree."""

    def __init__(self, server: Any) -> None:
        self.http, self.headers = server.http, {"workspace": server.workspace()}
        for name, directory in (("one", "/"), ("two", "/a/b/"), ("three", "/a/b"), ("four", "/c")):
            body = {"name": name, "type": "Shell", "directory": directory}
            assert self.http.post("/v1/{p}/scripts", json=body, headers=self.headers).status_code == 204

    def get(self, query: str) -> Any:
        return self.http.get(f"{TREE}{query}", headers=self.headers)


@pytest.fixture
def tree(server: Any) -> Tree:
    return Tree(server)


def outline(directory: dict[str, Any]) -> dict[str, Any]:
    """Names and counts only."""
    return {
        directory["directory_name"]: [element["name"] for element in directory["elements"]],
        "count": directory["count"],
        "below": [outline(child) for child in directory["sub_directories"]],
    }


WHOLE = {
    "/": ["one"],
    "count": 4,
    "below": [
        {"a": [], "count": 2, "below": [{"b": ["three", "two"], "count": 2, "below": []}]},
        {"c": ["four"], "count": 1, "below": []},
    ],
}


def test_show_directory_tree__has_every_directory_and_what_is_in_it(tree: Tree) -> None:
    shown = tree.get("?category=script").json()
    assert outline(shown) == WHOLE
    below = shown["sub_directories"][1]
    script = tree.http.get("/v1/{p}/scripts/four", headers=tree.headers).json()
    assert below == {
        "directory_id": below["directory_id"],
        "parent_directory_id": shown["directory_id"],
        "directory_name": "c",
        "category_type": "script",
        "paging": False,
        "offset": 0,
        "limit": 0,
        "count": 1,
        "elements": [
            {
                "element_id": script["id"],
                "parent_directory_id": below["directory_id"],
                "type": "script",
                "name": "four",
                "owner": "admin",
                "process_type": "",
                "is_single_node_job": False,
            }
        ],
        "sub_directories": [],
    }


def test_show_directory_tree__starts_where_asked(tree: Tree) -> None:
    whole = tree.get("?category=SCRIPT").json()
    above = whole["sub_directories"][0]
    for directory in (above, above["sub_directories"][0], whole):
        assert tree.get(f"?category=script&directory_id={directory['directory_id']}").json() == directory


def test_show_directory_tree__jobs_are_the_default_category(tree: Tree) -> None:
    job = {"name": "load", "processType": "REAL_TIME", "directory": "/x", "singleNodeJobFlag": True}
    assert tree.http.post("/v1/{p}/jobs", json=job, headers=tree.headers).status_code == 204
    shown = tree.get("").json()
    assert outline(shown) == {"/": [], "count": 1, "below": [{"x": ["load"], "count": 1, "below": []}]}
    element = shown["sub_directories"][0]["elements"][0]
    assert (element["type"], element["process_type"], element["is_single_node_job"]) == ("job", "REAL_TIME", True)


def test_show_directory_tree__resources_have_one_too(tree: Tree) -> None:
    body = {"name": "lib", "type": "jar", "location": "obs://b/x", "directory": "/r"}
    tree.http.post("/v1/{p}/resources", json=body, headers=tree.headers)
    shown = tree.get("?category=resource").json()
    assert outline(shown) == {"/": [], "count": 1, "below": [{"r": ["lib"], "count": 1, "below": []}]}


def test_show_directory_tree__a_directory_stays_when_it_is_empty(tree: Tree) -> None:
    tree.http.delete("/v1/{p}/scripts/four", headers=tree.headers)
    assert outline(tree.get("?category=script").json())["below"][1] == {"c": [], "count": 0, "below": []}


def test_show_directory_tree__the_name_filter_finds_parts(tree: Tree) -> None:
    assert outline(tree.get("?category=script&name=t").json()) == {
        "/": [],
        "count": 2,
        "below": [
            {"a": [], "count": 2, "below": [{"b": ["three", "two"], "count": 2, "below": []}]},
            {"c": [], "count": 0, "below": []},
        ],
    }


def test_show_directory_tree__offset_counts_elements(tree: Tree) -> None:
    shown = tree.get("?category=script&offset=1&limit=1").json()
    assert (shown["paging"], shown["offset"], shown["limit"], shown["count"]) == (True, 1, 1, 4)
    assert outline(shown) == {
        "/": [],
        "count": 4,
        "below": [
            {"a": [], "count": 2, "below": [{"b": ["three"], "count": 2, "below": []}]},
            {"c": [], "count": 1, "below": []},
        ],
    }


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?category=table", "category: 'table' is none of job, script, resource."),
        ("?directory_id=x", "directory_id: there is no job directory 'x'."),
        ("?offset=-1", "offset: -1 is not a number of elements from 0."),
        ("?limit=0", "limit: 0 is not a number of elements from 1."),
    ],
)
def test_show_directory_tree__a_wrong_query_answers_dlf_3051(tree: Tree, query: str, detail: str) -> None:
    assert failure(tree.get(query)) == refused("DLF.3051", f"The request parameter is invalid. {detail}")


def test_dlf_sdk__shows_the_directory_tree(server: Any) -> None:
    dlf = pytest.importorskip("huaweicloudsdkdlf.v1")
    tree = Tree(server)
    request = dlf.ShowDirectoryTreeRequest(workspace=tree.headers["workspace"], category="script")
    shown = server.sdk_dlf().show_directory_tree(request)
    assert (shown.directory_name, shown.category_type, shown.count, shown.paging) == ("/", "script", 4, False)
    assert [element.name for element in shown.elements] == ["one"]
    assert [child.directory_name for child in shown.sub_directories] == ["a", "c"]
    assert shown.sub_directories[0].sub_directories[0].elements[0].name == "three"
