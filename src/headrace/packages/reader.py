"""Reads packages that nobody vouches for: archives, unpacked folders, single files.

One member is in memory at a time. A name that would leave its folder, a member twice, a lie about sizes, a bomb, a bad
checksum, text that is not UTF-8 or JSON: each ends as PackageRefused with the member and the reason.
Source: factory-v1-notes §13, last paragraph.
"""

from __future__ import annotations

import re
import struct
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from headrace.packages.layout import cluster_of, kind_of_file, kind_of_json, safe
from headrace.packages.model import ENVIRONMENT_NAME, Key, Kind, PackageObject, directory_of
from headrace.packages.text import MAX_DEPTH, Number, PackageRefused, checked, dump, parse

MOST_NOTES = 100

_MIB = 1024 * 1024
_UTF8_FLAG, _ENCRYPTED = 0x0800, 0x0001
_NO_NAME = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_RESOURCE_FORK = re.compile(r"(?:^|/)__MACOSX/(?:.*/)?\._[^/]*$")  # what macOS adds beside every file it archives
_HIDDEN = re.compile(r"(?:^|/)\.")  # also objects may be called so
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_SIZES_FOLLOW = 0x0008
_ENTRY_BYTES = 512  # of the directory for each entry, on average: 46 and the name
_DRIVE = re.compile(r"^[A-Za-z]:")
_LINK, _FOLDER = 0o120000, 0o170000
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    ValueError,
    RuntimeError,
    OverflowError,
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """Bytes count what is really produced, not what the archive says."""

    member_bytes: int = 24 * _MIB
    total_bytes: int = 2048 * _MIB
    members: int = 200_000
    ratio: int = 2000
    depth: int = MAX_DEPTH


@dataclass(frozen=True, slots=True)
class _Source:
    """A file of a package: its path in it, and how to read its bytes."""

    path: str
    kind: Kind | None
    read: Callable[[], bytes]


@dataclass
class Package:
    """A package opened for reading. ``notes``: what was passed over, for a person."""

    sources: list[_Source]
    limits: ReadLimits
    passed_over: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def objects(self) -> Iterator[PackageObject]:
        """Every object, kind by kind in the order of import; may be called again. Raises PackageRefused."""
        seen: dict[Key, int] = {}  # 64 bits of each text, keyed with a secret of this process: none can be made to fit
        self.notes[:] = [
            f"{path} was passed over: it is no part of a package." for path in self.passed_over[:MOST_NOTES]
        ]
        for item in self._ordered():
            known, found = seen.get(item.key), hash(item.text)
            if known is None:
                seen[item.key] = found
                yield item
            elif known != found:
                raise PackageRefused(f"{item.member}: the package holds another {item.label()} with other content.")

    def _ordered(self) -> Iterator[PackageObject]:
        json_kinds = [(source, self._kind_of_json(source)) for source in self.sources if source.kind is None]
        for kind in Kind:
            for source, found in json_kinds:
                if found is kind:
                    yield from self._from_json(source, kind)
            for source in self.sources:
                if source.kind is kind:
                    yield self._from_file(source, kind)

    def _from_file(self, source: _Source, kind: Kind) -> PackageObject:
        text, document = self._read(source)
        name = _checked_name(source, kind, document.get("name"))
        stem = source.path.rsplit("/", 1)[-1].rpartition(".")[0]
        if stem not in (name, safe(name)):
            self._note(f"{source.path} holds the {kind.label} {name!r}; the name inside counts.")
        return PackageObject(kind, name, text, "", directory_of(text) if kind is Kind.RESOURCE else "", source.path)

    def _kind_of_json(self, source: _Source) -> Kind | None:
        _, document = self._read(source)
        kind = kind_of_json(source.path, document)
        if kind is None:
            self._note(f"{source.path} was passed over: it is no part of a package that can be imported.")
        elif len(document) > 1:
            others = ", ".join(sorted(document.keys() - {"jobs", "links", "params"}))
            self._note(f"{source.path}: beside its {kind.label}, the members {others} were passed over.")
        return kind

    def _from_json(self, source: _Source, kind: Kind) -> Iterator[PackageObject]:
        text, document = self._read(source)
        if kind is Kind.ENVIRONMENT:
            for variable in document["params"]:
                _checked_name(source, kind, variable.get("name") if isinstance(variable, dict) else None)
            yield PackageObject(kind, ENVIRONMENT_NAME, text, member=source.path)
            return
        cluster = _checked_name(source, kind, cluster_of(source.path))
        for item in parse(text)["jobs" if kind is Kind.CDM_JOB else "links"]:
            name = _checked_name(source, kind, item.get("name") if isinstance(item, dict) else None)
            yield PackageObject(kind, name, dump(item), cluster, "", source.path)

    def _note(self, text: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(text)

    def _read(self, source: _Source) -> tuple[bytes, dict[str, Any]]:
        """The canonical text of a member and its members."""
        content = source.read()
        try:
            return checked(content, max_depth=self.limits.depth)
        except (ValueError, RecursionError) as error:
            raise PackageRefused(f"{source.path}: {error}.") from error


def _checked_name(source: _Source, kind: Kind, name: Any) -> str:
    """A name that an object can have. Raises PackageRefused."""
    if not isinstance(name, str) or isinstance(name, Number) or not name:
        raise PackageRefused(f"{source.path}: the {kind.label} has no name.")
    if _NO_NAME.search(name):
        raise PackageRefused(f"{source.path}: {name!r} is no name; it has control characters or half characters.")
    return name


def open_package(file: BinaryIO, limits: ReadLimits | None = None) -> Package:
    """An archive. ``file`` must be seekable and stay open while the package is read. Raises PackageRefused."""
    limits = limits or ReadLimits()
    try:
        archive = zipfile.ZipFile(_Opening(file, limits.members))
    except _UNREADABLE as error:
        raise PackageRefused(f"The file is no ZIP archive that can be read: {error}.") from error
    archive.fp = file
    entries = archive.infolist()
    budget = _Budget(limits)
    sources: list[_Source] = []
    paths: set[str] = set()
    for entry in entries:
        path = _checked_path(entry)
        if path.endswith("/"):
            continue
        if path in paths:
            raise PackageRefused(f"{path}: the archive has this entry twice.")
        paths.add(path)
        _check_entry(entry, path)
        sources.append(_Source(path, kind_of_file(path), _reader(archive, entry, path, budget)))
    _check_overlaps(entries, archive.start_dir)
    return _package(sources, limits)


class _Opening:
    """The file while zipfile reads its directory: one of too many entries is refused before it becomes objects.

    Every entry starts with a signature, so there are never more entries than signatures.
    """

    def __init__(self, file: BinaryIO, members: int) -> None:
        self._file, self._members = file, members
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1, /) -> bytes:
        """As of a file. Raises PackageRefused."""
        if size > max(_MIB, _ENTRY_BYTES * self._members):
            raise PackageRefused(
                f"The directory of the archive has {size} bytes, too many for {self._members} entries."
            )
        content = self._file.read(size)
        if (entries := content.count(b"PK\1\2")) > self._members:
            raise PackageRefused(f"The archive has {entries} entries, more than {self._members}.")
        return content


def _package(sources: list[_Source], limits: ReadLimits) -> Package:
    ordered = sorted((one for one in sources if not _RESOURCE_FORK.search(one.path)), key=lambda source: source.path)
    wanted = [source for source in ordered if source.kind is not None or source.path.endswith(".json")]
    others = {source.path for source in ordered if not _HIDDEN.search(source.path)} - {source.path for source in wanted}
    return Package(wanted, limits, tuple(sorted(others)))


def _checked_path(entry: zipfile.ZipInfo) -> str:
    """The path of an entry with ``/`` between its segments. Raises PackageRefused for one that is not below."""
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8_FLAG:
        try:  # many writers put UTF-8 without saying so
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = entry.orig_filename
    path = name.replace("\\", "/")
    if _NO_NAME.search(name):
        raise PackageRefused(f"{name!r}: the entry's name has control characters.")
    if not path or path.startswith("/") or _DRIVE.match(path) or ".." in path.split("/"):
        raise PackageRefused(f"{name!r}: the entry's name leaves the package's folder.")
    return path


def _check_entry(entry: zipfile.ZipInfo, path: str) -> None:
    mode = entry.external_attr >> 16
    if mode & _FOLDER == _LINK:
        raise PackageRefused(f"{path}: the entry is a symbolic link.")
    if entry.flag_bits & _ENCRYPTED:
        raise PackageRefused(f"{path}: the entry is encrypted.")
    if entry.compress_type not in _METHODS:
        raise PackageRefused(f"{path}: compression method {entry.compress_type} is not stored or deflated.")


def _check_overlaps(entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Entries that share bytes are how small archives become huge ones. Raises PackageRefused."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    ends = [*(entry.header_offset for entry in ordered[1:]), directory]
    for entry, end in zip(ordered, ends, strict=False):  # without entries there is the directory alone
        if entry.header_offset + _LOCAL_HEADER.size + entry.compress_size > end:
            raise PackageRefused(f"{entry.filename!r}: the entry overlaps another one, or the directory.")


def _check_header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """The header before the data says what the directory says; other programs may believe it. Raises BadZipFile."""
    file = archive.fp
    if file is None:
        raise zipfile.BadZipFile("the archive was closed")
    file.seek(entry.header_offset)
    fields = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    flags, method, sizes = fields[2], fields[3], fields[6:9]
    told = (entry.CRC, entry.compress_size, entry.file_size)
    if method != entry.compress_type or (flags ^ entry.flag_bits) & _ENCRYPTED:
        raise zipfile.BadZipFile("its header names another method than the directory")
    if not flags & _SIZES_FOLLOW and any(
        one not in (other, 0xFFFFFFFF) for one, other in zip(sizes, told, strict=True)
    ):
        raise zipfile.BadZipFile("its header has another size or checksum than the directory")


class _Budget:
    """How many bytes may still be produced. Each member counts once, however often it is read."""

    def __init__(self, limits: ReadLimits) -> None:
        self.limits = limits
        self._taken: dict[str, int] = {}
        self._total = 0

    def take(self, path: str, count: int) -> None:
        """Raises PackageRefused when a limit is passed."""
        before = self._taken.get(path, 0)
        if count > before:
            self._taken[path] = count
            self._total += count - before
        if self._total > self.limits.total_bytes:
            raise PackageRefused(f"{path}: the package unpacks to more than {self.limits.total_bytes} bytes.")


def _reader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str, budget: _Budget) -> Callable[[], bytes]:
    limits = budget.limits

    def read() -> bytes:
        most = min(limits.member_bytes, max(entry.compress_size, 1024) * limits.ratio)
        try:
            _check_header(archive, entry)
            with archive.open(entry) as member:
                content = member.read(most + 1)
        except _UNREADABLE as error:
            raise PackageRefused(f"{path}: the entry cannot be read: {error}.") from error
        if len(content) > most:
            raise PackageRefused(f"{path}: the entry unpacks to more than {most} bytes.")
        if len(content) != entry.file_size:
            raise PackageRefused(f"{path}: the entry has {len(content)} bytes and says {entry.file_size}.")
        budget.take(path, len(content))
        return content

    return read


def read_folder(folder: Path, limits: ReadLimits | None = None) -> Package:
    """An unpacked package. Raises PackageRefused for links that lead out of it."""
    limits = limits or ReadLimits()
    root = folder.resolve()
    sources = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        if not path.resolve().is_relative_to(root):
            raise PackageRefused(f"{path}: leads out of the package's folder.")
        name = path.relative_to(folder).as_posix()
        sources.append(_Source(name, kind_of_file(name), _file_reader(path, name, limits)))
    return _package(sources, limits)


def _file_reader(path: Path, name: str, limits: ReadLimits) -> Callable[[], bytes]:
    def read() -> bytes:
        if path.stat().st_size > limits.member_bytes:
            raise PackageRefused(f"{name}: the file has more than {limits.member_bytes} bytes.")
        return path.read_bytes()

    return read


def load(path: Path, limits: ReadLimits | None = None) -> Package:
    """A package for the command line: a folder, an archive, or a single ``.job`` (or other) file.

    The archive's file stays open until the package is garbage. Raises FileNotFoundError, PackageRefused.
    """
    if path.is_dir():
        return read_folder(path, limits)
    if kind_of_file(path.name) is not None or path.suffix == ".json":
        bounds = limits or ReadLimits()
        return _package([_Source(path.name, kind_of_file(path.name), _file_reader(path, path.name, bounds))], bounds)
    file = path.open("rb")
    try:
        package = open_package(file, limits)
    except PackageRefused:
        file.close()
        raise
    weakref.finalize(package, file.close)
    return package
