"""The objects of external tables: found below an obs:// path, brought to this machine, put in place when written."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from headrace import errors
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.files import FileStore
from headrace.objectstore.path import ObsPath
from headrace.sql.engine import Cancellation, ExecutionCancelled, StatementFailed, StatementNotTranslated

EMPTY_PARTITION = "__HIVE_DEFAULT_PARTITION__"  # the folder of rows whose partition column is NULL


@dataclass(frozen=True, kw_only=True)
class LocalFiles:
    """Objects as files of this machine: ``root/bucket/key``, all of them below ``base``."""

    root: Path
    base: Path
    paths: Sequence[Path]


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Files that a statement has written for an external table, and which older ones they replace.

    ``folder`` holds them as they shall be below ``location``. With ``replaces``, older files go: those of the
    partition that ``static`` names, and of it only the partitions that come anew where ``only_fresh`` says so.
    """

    location: str
    folder: Path
    suffix: str  # of their names
    replaces: bool = False
    static: tuple[tuple[str, str | None], ...] = ()  # (partition column, value as text, None is NULL)
    only_fresh: bool = False


class TableObjects:
    """The object store as the tables of one statement see it. Hidden objects (``_SUCCESS``, ``.part``) are none.

    A store that is a folder is read in place; from any other the objects are copied into ``work``, a folder of the
    statement's own. Raises StatementFailed when the store does, ExecutionCancelled.
    """

    def __init__(self, store: ObjectStore, root: Path | None, work: Path, cancellation: Cancellation) -> None:
        self._store = store
        self._root = root
        self._work = work
        self._cancellation = cancellation
        self._made = 0

    def names(self, location: str) -> list[str]:
        """The names of the objects below ``location``, without it, in order."""
        with _told(location):
            return [key for key, _ in self._below(_place(location))]

    def local(self, location: str) -> LocalFiles:
        """The objects below ``location``, or the one of that name, as files."""
        place = _place(location)
        with _told(location):
            found = [path for _, path in self._below(place)]
            root = self._work / "read" if self._root is None else self._root
            paths = [root / path.bucket / path.key if self._root else self._copied(path) for path in found]
        return LocalFiles(root=root, base=root / place.bucket / place.key, paths=paths)

    def new_folder(self) -> Path:
        """A folder to write to, for a Publication."""
        self._made += 1
        folder = self._work / f"written{self._made}"
        folder.mkdir(parents=True)
        return folder

    def publish(self, made: Publication) -> None:
        """Put new files in place, then remove those they replace: what fails in between doubles rows, it loses none."""
        place = _place(made.location)
        with _told(made.location):
            if self._is_object(place):
                raise StatementFailed(f"{made.location} is one object; a table that is written needs a folder.")
            old = list(self._below(place)) if made.replaces else []
            fresh = self._put(made, place)
            for key, path in old:
                if _is_replaced(key, made, fresh):
                    self._store.delete(path)

    def _put(self, made: Publication, place: ObsPath) -> set[str]:
        """Write the new objects; the folders they are in."""
        token = secrets.token_hex(8)
        folders = set()
        written = sorted(each for each in made.folder.rglob("*") if each.is_file() and each.stat().st_size)
        for number, file in enumerate(written):
            self._stop_if_cancelled()
            folder = file.parent.relative_to(made.folder).as_posix()
            name = f"part-{number:05d}-{token}{made.suffix}"
            with file.open("rb") as source, self._store.writer(place / f"{folder}/{name}".removeprefix("./")) as out:
                shutil.copyfileobj(source, out, 1 << 20)
            folders.add(folder)
        return folders

    def _below(self, place: ObsPath) -> Iterator[tuple[str, ObsPath]]:
        """(name below ``place``, path) of the objects there; nothing for a bucket that is not there."""
        if not self._store.bucket_exists(place.bucket):
            return
        if self._is_object(place):
            yield place.name, place
            return
        start = len(place.folder_key())
        for found in self._store.list(place):
            name = found.path.key[start:]
            if not any(_is_hidden(part) for part in name.split("/")):
                yield name, found.path

    def _is_object(self, place: ObsPath) -> bool:
        return bool(place.key) and not place.key.endswith("/") and self._store.exists(place)

    def _copied(self, path: ObsPath) -> Path:
        self._stop_if_cancelled()
        target = self._work / "read" / path.bucket / path.key
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._store.open(path) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
        return target

    def _stop_if_cancelled(self) -> None:
        if self._cancellation.cancelled:
            raise ExecutionCancelled("The execution was cancelled.")


class ObjectsOfTables:
    """Opens TableObjects for statements; their files go when they end.

    Without a ``store`` the objects are the files of the folder ``root``.
    """

    def __init__(self, root: Path, work: Path, store: ObjectStore | None) -> None:
        self._root = root if store is None else None
        self._store = store or FileStore(root)
        self._work = work

    @contextmanager
    def for_statement(self, cancellation: Cancellation) -> Iterator[TableObjects]:
        """The objects, for the length of a block."""
        work = self._work / secrets.token_hex(8)
        try:
            yield TableObjects(self._store, self._root, work, cancellation)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def partitions_of(name: str) -> dict[str, str | None]:
    """The partition columns that the folders of a name tell, lower case: ``dt=2024-01-31/h=7/part-0``; None is NULL."""
    found: dict[str, str | None] = {}
    for folder in PurePosixPath(name).parts[:-1]:
        column, equals, value = folder.partition("=")
        if equals:
            found[column.lower()] = None if value in ("", EMPTY_PARTITION) else unquote(value)
    return found


def _is_hidden(part: str) -> bool:
    """Files of programs themselves, not of tables; a partition column may begin with a line all the same."""
    return part[:1] in ("", ".") or (part[:1] == "_" and "=" not in part)


def _is_replaced(name: str, made: Publication, fresh: set[str]) -> bool:
    partitions = partitions_of(name)
    if not all(_same(partitions.get(column.lower()), value) for column, value in made.static):
        return False
    return not made.only_fresh or any(partitions_of(f"{folder}/x") == partitions for folder in fresh)


def _same(left: str | None, right: str | None) -> bool:
    """Folders of numbers may be written with zeros in front."""
    if left is not None and right is not None and left.isdigit() and right.isdigit():
        return int(left) == int(right)
    return left == right


def _place(location: str) -> ObsPath:
    try:
        return ObsPath.parse(location, "LOCATION")
    except errors.InvalidObsPath as error:
        raise StatementNotTranslated(f"{location} lies outside the object store: {error.detail}") from error


@contextmanager
def _told(location: str) -> Iterator[None]:
    """What the store refuses, as the statement's failure."""
    try:
        yield
    except errors.InvalidObsPath as error:
        raise StatementNotTranslated(error.detail) from error
    except errors.HeadraceError as error:
        raise StatementFailed(f"{location}: {error.detail or error.text}") from error
    except OSError as error:
        raise StatementFailed(f"{location}: {error.strerror}") from error
