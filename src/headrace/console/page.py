"""The files of the built page, read once into memory: what is not among them cannot be asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "page"
FIRST = "index.html"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml",
}

NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Headrace</title></head>
<body>
<h1>The console is not built</h1>
<p>The server works, but this installation has no page of the console: it was installed from a source tree,
or no npm registry could be reached when its package was made.</p>
<p>In the source tree, run <code>make console</code> and load this page again.</p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page. ``lasting``: its name changes with its content, so browsers may keep it for ever."""

    content: bytes
    media_type: str
    etag: str
    lasting: bool


def page_file(content: bytes, suffix: str, *, lasting: bool) -> PageFile:
    """A file with what browsers are told of it."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return PageFile(content, _TYPES.get(suffix, "application/octet-stream"), etag, lasting)


def is_built(folder: Path = FOLDER) -> bool:
    """Whether the page is there."""
    return (folder / FIRST).is_file()


@cache
def files(folder: Path = FOLDER) -> Mapping[str, PageFile]:
    """The files of a built page by their path below it; those that the build named after their content last."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in found}
    return {
        name: page_file(path.read_bytes(), path.suffix, lasting=name.startswith("assets/"))
        for name, path in named.items()
    }
