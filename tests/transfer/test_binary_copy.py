"""Binary copies: files as they are, with their folders, checked, encrypted, unpacked."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import threading
import zipfile
from typing import Any, BinaryIO

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from memory_files import MemoryFiles, around, source_options, target_options

from headrace.errors_cdm import CdmError, DuplicateFile, FileCheckFailed, FileFormatWrong, RunStopped, SourcePathMissing
from headrace.transfer.connector import Surroundings
from headrace.transfer.counters import Counts
from headrace.transfer.files.copy import copy_files

FILES = {"in/a.bin": b"\x00\xff" * 500, "in/sub/b.bin": b"", "in/sub/deep/c.txt": b"text\n"}
KEY, IV = "0123456789abcdefABCDEF" + "0" * 42, "f" * 32
AES = {"dek": KEY, "iv": IV}


def copied(
    source: MemoryFiles,
    target: MemoryFiles,
    given: dict[str, str] | None = None,
    wanted: dict[str, str] | None = None,
    surroundings: Surroundings | None = None,
    **others: Any,
) -> Counts:
    around_it = surroundings or around()
    read = source_options(**{"inputDirectory": "in", "inputFormat": "BINARY_FILE", **(given or {})})
    written = target_options(**{"outputDirectory": "/out/", "outputFormat": "BINARY_FILE", **(wanted or {})})
    copy_files(source, target, read, written, 1, around_it, **others)
    return around_it.counters.now()


def moved(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path.replace("in/", "out/", 1): data for path, data in files.items()}


def test_copy__files_arrive_as_they_are_in_their_folders() -> None:
    target = MemoryFiles()
    counts = copied(MemoryFiles(FILES), target)
    assert target.files == moved(FILES)
    size = sum(map(len, FILES.values()))
    assert counts == Counts(
        files_read=3, files_written=3, total_files=3, total_size=size, bytes_read=size, bytes_written=size
    )


def test_copy__one_file_keeps_its_name() -> None:
    target = MemoryFiles()
    copied(MemoryFiles(FILES), target, {"inputDirectory": "in/sub/deep/c.txt"})
    assert target.files == {"out/c.txt": b"text\n"}


def test_copy__filters_count_here_too() -> None:
    target = MemoryFiles()
    copied(MemoryFiles(FILES), target, {"filterType": "WILDCARD", "fileFilter": "*.txt"})
    assert list(target.files) == ["out/sub/deep/c.txt"]


def test_copy__a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SourcePathMissing):
        copied(MemoryFiles(), MemoryFiles())


def test_copy__skips_files_of_the_same_name_and_size() -> None:
    target = MemoryFiles({"out/a.bin": b"\x01" * 1000, "out/sub/deep/c.txt": b"other size"})
    counts = copied(MemoryFiles(FILES), target, wanted={"duplicateFileOpType": "SKIP"})
    assert target.files == {**moved(FILES), "out/a.bin": b"\x01" * 1000}
    assert (counts.files_written, counts.files_skipped) == (2, 1)


def test_copy__gives_up_before_the_first_file_where_one_is_there() -> None:
    target = MemoryFiles({"out/sub/deep/c.txt": b"TEXT\n"})
    with pytest.raises(DuplicateFile, match=r"c\.txt"):
        copied(MemoryFiles(FILES), target, wanted={"duplicateFileOpType": "ABANDON"})
    assert list(target.files) == ["out/sub/deep/c.txt"]


def test_copy__a_name_that_leads_out_of_the_folder_is_refused() -> None:
    target = MemoryFiles()
    with pytest.raises(FileFormatWrong):
        copied(MemoryFiles({"in/../../x": b"1"}), target)
    assert target.files == {}


def test_copy__names_drop_the_query_of_a_url_where_asked_to() -> None:
    target = MemoryFiles()
    copied(MemoryFiles({"in/a.csv?sig=1": b"1"}), target, {"useQuery": "true"})
    assert list(target.files) == ["out/a.csv"]


def test_copy__the_marker_comes_last_and_the_sources_go() -> None:
    source, target = MemoryFiles(FILES), MemoryFiles()
    copied(source, target, {"fromFileOpType": "DELETE"}, {"markerFile": "ok"})
    assert list(target.files)[-1] == "out/ok"
    assert source.files == {}


# ---- digests


def digest(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()  # noqa: S324


def test_copy__companions_are_compared_and_not_copied() -> None:
    source = MemoryFiles({"in/a": b"1", "in/a.md5": digest(b"1").encode()})
    target = MemoryFiles()
    copied(source, target, {"md5FileSuffix": ".md5"})
    assert target.files == {"out/a": b"1"}


def test_copy__a_file_that_is_not_that_of_its_companion_does_not_arrive() -> None:
    source, target = MemoryFiles({"in/a": b"2", "in/a.md5": digest(b"1").encode()}), MemoryFiles()
    with pytest.raises(FileCheckFailed, match="in/a"):
        copied(source, target, {"md5FileSuffix": ".md5"})
    assert target.files == {}


def test_copy__verdicts_are_recorded_where_the_job_says() -> None:
    target, verdicts = MemoryFiles(), MemoryFiles()
    wanted = {"validateMD5": "true", "recordMD5Result": "true", "recordMD5Link": "x", "recordMD5Directory": "/md5/"}
    copied(MemoryFiles(FILES), target, wanted=wanted, verdict_store=lambda: verdicts)
    ((path, text),) = verdicts.files.items()
    assert path.startswith("md5/md5_")
    assert list(csv.reader(text.decode().splitlines())) == [
        ["path", "md5", "result"],
        *([path, digest(data), "SUCCEEDED"] for path, data in moved(FILES).items()),
    ]


def test_copy__companions_are_written_where_there_is_no_other_place() -> None:
    target = MemoryFiles()
    copied(MemoryFiles({"in/a": b"1"}), target, wanted={"recordMD5Result": "true"})
    assert target.files == {"out/a": b"1", "out/a.md5": f"{digest(b'1')}  a\n".encode()}


class Rotting(MemoryFiles):
    """What is read from here is not what was written."""

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.files[path] + b"!")


def test_copy__a_file_that_arrives_otherwise_is_an_error_and_a_verdict() -> None:
    verdicts = MemoryFiles()
    wanted = {"validateMD5": "true", "recordMD5Result": "true", "recordMD5Link": "x"}
    with pytest.raises(FileCheckFailed, match="out/a"):
        copied(MemoryFiles({"in/a": b"1"}), Rotting(), wanted=wanted, verdict_store=lambda: verdicts)
    assert next(iter(verdicts.files.values())).endswith(b",FAILED\n")


# ---- encryption


def test_copy__encrypts_with_aes_256_gcm_as_others_do() -> None:
    target = MemoryFiles()
    copied(MemoryFiles(FILES), target, wanted={"encryption": "AES-256-GCM", **AES})
    known = AESGCM(bytes.fromhex(KEY))
    assert {path: known.decrypt(bytes.fromhex(IV), data, None) for path, data in target.files.items()} == moved(FILES)


@pytest.mark.parametrize("seeks", [True, False])
def test_copy__decrypts_what_was_encrypted(seeks: bool) -> None:
    known = AESGCM(bytes.fromhex(KEY))
    large = {**FILES, "in/large": bytes(range(256)) * 100_000}
    source = {path: known.encrypt(bytes.fromhex(IV), data, None) for path, data in large.items()}
    target = MemoryFiles()
    copied(MemoryFiles(source, seeks=seeks), target, {"decryption": "AES-256-GCM", **AES})
    assert target.files == moved(large)


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 16, b"x" * 1000])
def test_copy__what_does_not_fit_the_key_is_an_error_and_does_not_arrive(data: bytes) -> None:
    target = MemoryFiles()
    with pytest.raises(FileCheckFailed, match="key"):
        copied(MemoryFiles({"in/a": data}), target, {"decryption": "AES-256-GCM", **AES})
    assert target.files == {}


@pytest.mark.parametrize("key", ["", "secret-key", "00" * 31, "zz" * 32])
def test_copy__a_bad_key_is_told_without_being_shown(key: str) -> None:
    with pytest.raises(CdmError, match="dek") as raised:
        copied(MemoryFiles(FILES), MemoryFiles(), wanted={"encryption": "AES-256-GCM", "dek": key, "iv": IV})
    assert not key or key not in raised.value.message


def test_copy__skips_encrypted_files_that_are_there() -> None:
    target, wanted = MemoryFiles(), {"encryption": "AES-256-GCM", "duplicateFileOpType": "SKIP", **AES}
    copied(MemoryFiles(FILES), target, wanted=wanted)
    assert copied(MemoryFiles(FILES), target, wanted=wanted).files_skipped == 3


# ---- packed sources


def test_copy__unpacks_packed_files_into_their_folder() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("x/y.txt", "y")
        writing.writestr("z.txt", "z")
    target = MemoryFiles()
    copied(MemoryFiles({"in/s/a.zip": archive.getvalue()}), target, {"fromCompression": "ZIP"})
    assert target.files == {"out/s/x/y.txt": b"y", "out/s/z.txt": b"z"}


def test_copy__unpacks_only_files_with_the_suffix() -> None:
    source = MemoryFiles({"in/a.txt.gz": gzip.compress(b"a"), "in/b.bin": b"b"})
    target = MemoryFiles()
    copied(source, target, {"fromCompression": "GZIP", "compressedFileSuffix": "*.gz"})
    assert target.files == {"out/a.txt": b"a", "out/b.bin": b"b"}


# ---- failures and stopping


class Failing(MemoryFiles):
    """A file that breaks off in the middle."""

    def open(self, path: str) -> BinaryIO:
        if path.endswith("bad"):
            return _BreaksOff(b"x" * 100)
        return super().open(path)


class _BreaksOff(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        data = super().read(10)
        if self.tell() > 50:
            raise CdmError("The line is cut.")
        return data


@pytest.mark.parametrize("temporary", ["true", "false"])
def test_copy__a_file_that_breaks_off_leaves_the_old_one(temporary: str) -> None:
    target = MemoryFiles({"out/bad": b"old"})
    with pytest.raises(CdmError, match="cut"):
        copied(Failing({"in/bad": b""}), target, wanted={"writeToTempFile": temporary})
    assert target.files == {"out/bad": b"old"}


def test_copy__a_temporary_name_is_gone_at_the_end() -> None:
    target = MemoryFiles()
    copied(MemoryFiles(FILES), target, wanted={"writeToTempFile": "true"})
    assert target.files == moved(FILES)


def test_copy__stops_with_the_job() -> None:
    surroundings = around()
    reached = threading.Event()

    class Endless(MemoryFiles):
        def open(self, path: str) -> BinaryIO:
            return _Endless(reached)

    stopper = threading.Thread(target=lambda: (reached.wait(30), surroundings.cancellation.cancel()))
    stopper.start()
    target = MemoryFiles()
    try:
        with pytest.raises(RunStopped):
            copied(Endless({f"in/{number}": b"" for number in range(9)}), target, surroundings=surroundings)
    finally:
        reached.set()
        stopper.join()
    assert target.files == {}


class _Endless(io.BytesIO):
    def __init__(self, reached: threading.Event) -> None:
        super().__init__()
        self._reached = reached

    def read(self, size: int | None = -1) -> bytes:
        self._reached.set()
        return b"x"
