"""Binary copies: files moved as they are, with the folders they are in. Source: reference on connectors, §7.3-§7.5."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import BinaryIO, NamedTuple

from headrace.errors_cdm import DuplicateFile, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Surroundings
from headrace.transfer.files.afterwards import Afterwards
from headrace.transfer.files.ciphers import TAG_BYTES, Decrypted, Encrypted, Key, key_of
from headrace.transfer.files.reading import Read, check_digest, compression_of
from headrace.transfer.files.selection import Selected, select
from headrace.transfer.files.split_writer import DUPLICATES, Counted
from headrace.transfer.files.store import FileStore, Output
from headrace.transfer.files.verdicts import Verdicts, write_companion
from headrace.transfer.formats.compression import READ, members, safe_name
from headrace.transfer.options import Options

BLOCK = 8 << 20
LEAST_PARALLEL = 4  # files at a time, whatever the job says. Source: user guide, binary copies between buckets
TEMPORARY = ".tmp"


@dataclass(frozen=True, kw_only=True)
class CopyRules:
    """How files are copied.

    ``there``: sizes of the files that the destination has, by path; ``digests``: suffix of the companions of the
    source; ``validates``: read each file again; ``companions``: write digests beside the files; ``temporary``: write
    under another name first; ``plain_names``: what follows a question mark is no part of a name.
    """

    folder: str = ""
    there: Mapping[str, int] = field(default_factory=dict)
    duplicates: str = "REPLACE"
    compression: str = "NONE"
    decrypts: Key | None = None
    encrypts: Key | None = None
    digests: str = ""
    validates: bool = False
    companions: bool = False
    temporary: bool = False
    plain_names: bool = False


class CopyJob(NamedTuple):
    """All that copies of one job share."""

    source: FileStore
    target: FileStore
    options: Options
    rules: CopyRules
    verdicts: Verdicts
    surroundings: Surroundings


def copy_files(
    source: FileStore,
    target: FileStore,
    source_options: Options,
    target_options: Options,
    parallel: int,
    surroundings: Surroundings,
    verdict_store: Callable[[], FileStore] | None = None,
) -> None:
    """Copy the files that a job names, several at a time; the first that fails ends the others.

    ``verdict_store`` opens the place of ``recordMD5Link``. Raises CdmError. Files that were copied stay.
    """
    afterwards = Afterwards(source_options)
    rules = rules_of(target, source_options, target_options)
    files = select(source, source_options, surroundings)
    _refuse_duplicates(files, rules)
    surroundings.counters.add(total_files=len(files), total_size=sum(one.entry.size for one in files))
    verdicts = Verdicts()
    inner = Cancellation()
    with surroundings.cancellation.calling(inner.cancel):
        inside = replace(surroundings, cancellation=inner)
        job = CopyJob(source, target, source_options, rules, verdicts, inside)
        try:
            _copy_all(job, files, max(parallel, LEAST_PARALLEL))
        finally:
            if target_options.flag("recordMD5Result") and target_options.text("recordMD5Link"):
                folder = target_options.text("recordMD5Directory").strip("/")
                name = f"md5_{surroundings.now()}.csv"
                verdicts.record(verdict_store() if verdict_store else target, f"{folder}/{name}".lstrip("/"))
    marker = target_options.text("markerFile").strip("/")
    if marker:
        target.create(_joined(rules.folder, marker)).close()
    afterwards.apply(source, [one.entry.path for one in files], surroundings)


def rules_of(target: FileStore, source: Options, options: Options) -> CopyRules:
    """The rules of a job. Raises CdmError."""
    folder = options.text("outputDirectory").strip("/")
    duplicates = options.choice("duplicateFileOpType", DUPLICATES, "REPLACE")
    looks = duplicates != "REPLACE"
    return CopyRules(
        folder=folder,
        there={one.path: one.size for one in target.list(folder)} if looks else {},
        duplicates=duplicates,
        compression=source.choice("fromCompression", READ, "NONE").replace("TARGZ", "TAR.GZ"),
        decrypts=key_of(source, "decryption"),
        encrypts=key_of(options, "encryption"),
        digests=source.text("md5FileSuffix"),
        validates=options.flag("validateMD5"),
        companions=options.flag("recordMD5Result") and not options.text("recordMD5Link"),
        temporary=options.flag("writeToTempFile"),
        plain_names=source.flag("useQuery"),
    )


def _copy_all(job: CopyJob, files: Sequence[Selected], parallel: int) -> None:
    errors: list[Exception] = []

    def one(file: Selected) -> None:
        if job.surroundings.cancellation.cancelled:
            return
        try:
            copy_file(job, file)
        except Exception as error:  # noqa: BLE001 - raised again when the others have ended
            errors.append(error)
            job.surroundings.cancellation.cancel()

    if files:
        with ThreadPoolExecutor(min(parallel, len(files)), "copy") as pool:
            for file in files:
                pool.submit(one, file)
    if errors:
        raise next((error for error in errors if not isinstance(error, RunStopped)), errors[0])
    if job.surroundings.cancellation.cancelled:
        raise RunStopped


def copy_file(job: CopyJob, file: Selected) -> None:
    """Copy one file, or the files inside of a packed one, or skip it where it is there already.

    Raises CdmError; the destination then has its file as it was.
    """
    rules, path, around = job.rules, file.entry.path, job.surroundings
    compression = compression_of(path, rules.compression, job.options)
    relative = safe_name(file.relative.partition("?")[0] if rules.plain_names else file.relative)
    if compression == "NONE" and rules.duplicates == "SKIP" and _is_there(rules, relative, file.entry.size):
        around.counters.add(files_skipped=1)
        return
    with closing(Read(job.source.open(path), around, digests=bool(rules.digests))) as read:
        clear: BinaryIO = Decrypted(read, rules.decrypts) if rules.decrypts else read
        if compression == "NONE":
            check = (lambda: check_digest(job.source, path, rules.digests, read)) if rules.digests else None
            _write(job, relative, clear, check)
        else:
            for name, stream in _unpacked(clear, compression, relative):
                _write(job, name, stream, None)
            if rules.digests:
                check_digest(job.source, path, rules.digests, read)
    around.counters.add(files_read=1)


def _unpacked(stream: BinaryIO, compression: str, relative: str) -> Iterator[tuple[str, BinaryIO]]:
    """The files inside of a packed one: an archive's in the folder of the archive."""
    folder, _, name = relative.rpartition("/")
    with closing(members(stream, compression)) as inside:
        for member in inside:
            yield _joined(folder, member.name or name.removesuffix(".gz")), member.stream


def _write(job: CopyJob, relative: str, stream: BinaryIO, check: Callable[[], None] | None) -> None:
    """Write one file; ``check`` may refuse it before it is put in place."""
    rules, around = job.rules, job.surroundings
    path = _joined(rules.folder, relative)
    place = path + TEMPORARY if rules.temporary else path
    digest = hashlib.md5(usedforsecurity=False)
    counted = Counted(_Digested(job.target.create(place), digest.update), around)
    try:
        _pump(stream, Encrypted(counted, rules.encrypts) if rules.encrypts else counted)
        if check is not None:
            check()
        duplicate = rules.duplicates != "REPLACE" and rules.there.get(path) == counted.size
        if duplicate and rules.duplicates == "ABANDON":
            raise DuplicateFile(path)
    except BaseException:
        counted.discard()
        raise
    if duplicate:
        counted.discard()
        around.counters.add(files_skipped=1)
        return
    counted.close()
    if rules.temporary:
        job.target.rename(place, path)
    if rules.validates:
        job.verdicts.check(job.target, path, digest.hexdigest())
    if rules.companions:
        write_companion(job.target, path, digest.hexdigest())
    around.counters.add(files_written=1)


class _Digested:
    def __init__(self, output: Output, update: Callable[[bytes], None]) -> None:
        self._output = output
        self._update = update

    def write(self, data: bytes) -> int:
        self._update(data)
        return self._output.write(data)

    def close(self) -> None:
        self._output.close()

    def discard(self) -> None:
        self._output.discard()


def _pump(stream: BinaryIO, output: Counted | Encrypted) -> None:
    while block := stream.read(BLOCK):
        output.write(block)
    if isinstance(output, Encrypted):
        output.finish()


def _refuse_duplicates(files: Sequence[Selected], rules: CopyRules) -> None:
    """Raise DuplicateFile before anything is copied where the job gives up then."""
    if rules.duplicates != "ABANDON" or rules.compression != "NONE":
        return
    for file in files:
        if _is_there(rules, file.relative, file.entry.size):
            raise DuplicateFile(_joined(rules.folder, file.relative))


def _is_there(rules: CopyRules, relative: str, size: int) -> bool:
    """Whether the destination has a file of this name and the size that it would have."""
    size += (TAG_BYTES if rules.encrypts else 0) - (TAG_BYTES if rules.decrypts else 0)
    return rules.there.get(_joined(rules.folder, relative)) == size


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
