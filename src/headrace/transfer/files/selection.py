"""Which files a job reads: its paths, its filters, and the marker it waits for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from headrace.errors_cdm import CdmError, RunStopped, SourcePathMissing
from headrace.transfer.connector import Surroundings
from headrace.transfer.files.store import FileEntry, FileStore
from headrace.transfer.options import Options

MOST_PATHS = 50  # Source: user guide, limits of a job
MOST_LISTED = 16 << 20  # bytes of a text file that lists paths
HIDDEN = ".headrace-"  # what a folder of files that are not complete yet begins with
LOOK_EVERY = 5  # seconds between looks for a marker
FILTERS = ("NONE", "WILDCARD", "TIME", "REGEX")

Keeps = Callable[[FileEntry, str], bool]  # takes a file and its path below the folder of the job


class Selected(NamedTuple):
    """A file that a job reads, and its path below the folder that the job names."""

    entry: FileEntry
    relative: str


def select(store: FileStore, options: Options, surroundings: Surroundings) -> Sequence[Selected]:
    """The files of a job, by path, each once. Waits for their marker where the job names one.

    Raises SourcePathMissing where nothing is at a path, and CdmError. Source: CDM API reference, fromJobConfig of OBS.
    """
    paths = _paths(store, options)
    wait_for_marker(store, paths, options, surroundings)
    keeps = _filters(options, surroundings)
    ignored = options.flag("nonexistentPathDisregard")
    found: dict[str, Selected] = {}
    for path in paths:
        there = False
        for one in _below(store, path):
            there = True
            if all(keep(one.entry, one.relative) for keep in keeps):
                found.setdefault(one.entry.path, one)
        if not there and not ignored:
            raise SourcePathMissing(path or "/")
    return sorted(found.values())


def _paths(store: FileStore, options: Options) -> Sequence[str]:
    """The paths of a job, or those that its text file lists."""
    separator = options.text("fileSeparator", "|")
    paths = [one.strip("/") for one in options.items("inputDirectory", separator)]
    if not paths:
        raise CdmError(f"{options.section}.inputDirectory: missing.")
    if len(paths) > MOST_PATHS:
        raise CdmError(f"{options.section}.inputDirectory: {len(paths)} paths, {MOST_PATHS} are allowed.")
    return [line for path in paths for line in _listed(store, path)] if options.flag("listTextFile") else paths


def _listed(store: FileStore, path: str) -> Sequence[str]:
    if store.find(path) is None:
        raise SourcePathMissing(path)
    with store.open(path) as stream:
        text = stream.read(MOST_LISTED + 1)
    if len(text) > MOST_LISTED:
        raise CdmError(f"The list of files {path!r} is larger than {MOST_LISTED >> 20} MB.")
    lines = text.decode("utf-8-sig", errors="replace").splitlines()
    return [line.strip().strip("/") for line in lines if line.strip()]


def _below(store: FileStore, path: str) -> Iterator[Selected]:
    """The file at a path, the files under it, or those that a path with ``*`` and ``?`` means."""
    if not is_wild(path):
        for entry in store.list(path):
            relative = entry.path[len(path) :].strip("/") if entry.path != path else path.rpartition("/")[2]
            yield Selected(entry, relative)
        return
    parts = path.split("/")
    first = next(number for number, part in enumerate(parts) if is_wild(part))
    folder = "/".join(parts[:first])
    for entry in store.list(folder):
        relative = entry.path[len(folder) :].strip("/")
        pieces = relative.split("/")
        wanted = parts[first:]
        if len(pieces) >= len(wanted) and all(map(fnmatchcase, pieces, wanted)):
            yield Selected(entry, relative)


def is_wild(path: str) -> bool:
    """Whether a path stands for several."""
    return "*" in path or "?" in path


def wait_for_marker(store: FileStore, paths: Sequence[str], options: Options, surroundings: Surroundings) -> None:
    """Wait until the marker is in every folder. Raises SourcePathMissing after ``waitTime`` seconds, and RunStopped."""
    marker = marker_of(options)
    if not marker:
        return
    missing = [_marker_path(store, path, marker) for path in paths]
    wait = options.number("waitTime", 0)
    started = surroundings.now()
    while missing := [path for path in missing if store.find(path) is None]:
        left = wait - (surroundings.now() - started) / 1000
        if left <= 0:
            raise SourcePathMissing(missing[0])
        surroundings.say(f"Waits for the marker file {missing[0]}.")
        if surroundings.cancellation.wait(min(LOOK_EVERY, left)):
            raise RunStopped


def marker_of(options: Options) -> str:
    """The name of the marker, empty where none is wanted. Raises CdmError."""
    return options.required("markerFile").strip("/") if options.flag("useMarkerFile") else ""


def _marker_path(store: FileStore, path: str, marker: str) -> str:
    """In the folder, or beside the file."""
    folder = path
    if is_wild(path):
        folder = path[: min(path.find(sign) for sign in "*?" if sign in path)].rpartition("/")[0]
    elif store.find(path) is not None:
        folder = path.rpartition("/")[0]
    return f"{folder}/{marker}" if folder else marker


def _filters(options: Options, surroundings: Surroundings) -> Sequence[Keeps]:
    """What every file must pass. Raises CdmError."""
    kind = options.choice("filterType", FILTERS, "NONE")
    marker, digests = marker_of(options), options.text("md5FileSuffix")
    keeps: list[Keeps] = [lambda entry, relative: not any(part.startswith(HIDDEN) for part in relative.split("/"))]
    if marker:
        keeps.append(lambda entry, relative: entry.path != marker and not entry.path.endswith(f"/{marker}"))
    if digests:
        keeps.append(lambda entry, relative: not entry.path.endswith(digests))
    if kind == "WILDCARD":
        keeps += [_folder_filter(options.items("pathFilter", ",")), _file_filter(options.items("fileFilter", ","))]
    if kind == "REGEX":
        keeps.append(_regex_filter(options))
    if kind == "TIME" or options.flag("useTimeFilter"):
        keeps.append(_time_filter(options, surroundings))
    return keeps


def _folder_filter(patterns: Sequence[str]) -> Keeps:
    """Files in a folder that a pattern means, or anywhere under it."""

    def keeps(entry: FileEntry, relative: str) -> bool:
        folders = relative.split("/")[:-1]
        above = ["/".join(folders[:depth]) for depth in range(1, len(folders) + 1)] or [""]
        return not patterns or any(fnmatchcase(folder, pattern) for folder in above for pattern in patterns)

    return keeps


def _file_filter(patterns: Sequence[str]) -> Keeps:
    def keeps(entry: FileEntry, relative: str) -> bool:
        name = entry.path.rpartition("/")[2]
        return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)

    return keeps


def _regex_filter(options: Options) -> Keeps:
    """Whole names against the file filter, whole folders against the path filter."""
    try:
        folder, name = (re.compile(options.text(one, ".*")) for one in ("pathFilter", "fileFilter"))
    except re.error as error:
        raise CdmError(f"{options.section}: a filter is no regular expression: {error}.") from error

    def keeps(entry: FileEntry, relative: str) -> bool:
        above, _, last = relative.rpartition("/")
        return folder.fullmatch(above) is not None and name.fullmatch(last) is not None

    return keeps


def _time_filter(options: Options, surroundings: Surroundings) -> Keeps:
    """Changed from the start on, before the end."""
    start, end = (options.moment(name, surroundings.zone) for name in ("startTime", "endTime"))

    def keeps(entry: FileEntry, relative: str) -> bool:
        return (start is None or start <= entry.modified) and (end is None or entry.modified < end)

    return keeps
