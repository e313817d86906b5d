"""Files as a destination: how they are called, when they appear, what is left when a job fails."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from memory_files import MemoryFiles, around, target_options, write_all

from headrace.errors_cdm import BinaryNeedsFiles, CdmError, DuplicateFile
from headrace.transfer.files.target import FileTarget

TABLE = pa.table({"id": pa.array([1, 2, 3]), "name": ["x", None, "z"]})
CSV = {"outputDirectory": "/out/", "outputFormat": "CSV_FILE"}


def names(files: MemoryFiles) -> list[str]:
    return sorted(files.files)


# ---- names


@pytest.mark.parametrize(
    ("values", "splits", "expected"),
    [
        ({"tableName": "t"}, 1, ["out/t.csv"]),
        ({}, 1, ["out/data.csv"]),
        ({"tableName": "t"}, 2, ["out/t_0.csv", "out/t_1.csv"]),
        ({"tableName": "t", "filePrefix": "p_${tableName}"}, 1, ["out/p_t.csv"]),
        ({"tableName": "t", "filePrefix": "v${version}"}, 1, ["out/vr1.csv"]),
        ({"tableName": "t", "compression": "GZIP"}, 1, ["out/t.csv.gz"]),
        ({"tableName": "t", "outputFormat": "PARQUET_FILE"}, 1, ["out/t.parquet"]),
        ({"tableName": "t", "markerFile": "ok.txt"}, 1, ["out/ok.txt", "out/t.csv"]),
        ({"tableName": "t", "appendMode": "true"}, 1, ["out/t_r1.csv"]),
        ({"outputFormat": "", "outputDirectory": "out/x.parquet"}, 1, ["out/x.parquet"]),
        ({"outputFormat": "", "outputDirectory": "x.csv.gz"}, 2, ["x_0.csv.gz", "x_1.csv.gz"]),
    ],
)
@pytest.mark.parametrize("renames", [True, False])
def test_names__of_files(values: dict[str, str], splits: int, expected: list[str], renames: bool) -> None:
    files = MemoryFiles(renames=renames)
    write_all(files, TABLE, splits=splits, **CSV | values)
    assert names(files) == expected


@pytest.mark.parametrize("prefix", ["../x", "a/b", ".."])
def test_names__a_prefix_is_no_path(prefix: str) -> None:
    with pytest.raises(CdmError, match="filePrefix"):
        write_all(MemoryFiles(), TABLE, **CSV, filePrefix=prefix)


def test_names__a_new_file_begins_where_the_last_is_large_enough() -> None:
    files, row = MemoryFiles(), "x" * 1_000
    table = pa.Table.from_batches(pa.table({"a": [row] * 3_000}).to_batches(max_chunksize=500))
    write_all(files, table, **CSV, tableName="t", writeFileSize="1")
    assert names(files) == ["out/t_0.csv", "out/t_1.csv"]
    assert b"".join(files.files[name] for name in names(files)) == f"{row}\r\n".encode() * 3_000


# ---- contents


def test_write__csv_as_documented() -> None:
    files = MemoryFiles()
    write_all(files, TABLE, **CSV, firstRowAsHeader="true", fieldSeparator="%7C")
    assert files.files["out/data.csv"] == b"id|name\r\n1|x\r\n2|\r\n3|z\r\n"


def test_write__names_of_the_column_list_are_those_of_the_file() -> None:
    files = MemoryFiles()
    write_all(files, TABLE, **CSV, firstRowAsHeader="true", columnList="a&b")
    assert files.files["out/data.csv"].startswith(b"a,b\r\n")
    write_all(files, TABLE, **CSV, firstRowAsHeader="true", columnList="1&2")
    assert files.files["out/data.csv"].startswith(b"id,name\r\n")


def test_write__gzip() -> None:
    files = MemoryFiles()
    write_all(files, TABLE, **CSV, compression="GZIP", lineSeparator="%0a")
    assert gzip.decompress(files.files["out/data.csv.gz"]) == b"1,x\n2,\n3,z\n"


def test_write__parquet_keeps_types() -> None:
    files = MemoryFiles()
    write_all(files, TABLE, **CSV | {"outputFormat": "PARQUET_FILE"})
    assert pq.read_table(io.BytesIO(files.files["out/data.parquet"])).equals(TABLE)


def test_write__a_table_without_rows_has_a_file() -> None:
    files = MemoryFiles()
    write_all(files, TABLE.slice(0, 0), **CSV, firstRowAsHeader="true")
    assert files.files == {"out/data.csv": b"id,name\r\n"}


def test_write__splits_without_rows_have_none_but_the_first() -> None:
    files = MemoryFiles()
    write_all(files, TABLE.slice(0, 1), splits=3, **CSV)
    assert names(files) == ["out/data_0.csv"]


def test_write__what_was_counted() -> None:
    surroundings = around()
    write_all(MemoryFiles(), TABLE, surroundings, splits=2, **CSV)
    counts = surroundings.counters.now()
    assert (counts.files_written, counts.bytes_written) == (2, 14)


# ---- refusals


def test_target__binary_files_take_no_rows() -> None:
    with pytest.raises(BinaryNeedsFiles):
        FileTarget(MemoryFiles(), target_options(**CSV | {"outputFormat": "BINARY_FILE"}), around())


@pytest.mark.parametrize(
    ("values", "member"),
    [
        ({"encryption": "AES-256-GCM"}, "encryption"),
        ({"compression": "GZIP", "outputFormat": "PARQUET_FILE"}, "compression"),
        ({"duplicateFileOpType": "KEEP"}, "duplicateFileOpType"),
        ({"outputFormat": ""}, "outputFormat"),
    ],
)
def test_target__what_cannot_be_is_told(values: dict[str, str], member: str) -> None:
    with pytest.raises(CdmError, match=member):
        FileTarget(MemoryFiles(), target_options(**CSV | values), around())


def test_prepare__without_append_mode_the_folder_must_be_empty() -> None:
    files = MemoryFiles({"out/old": b""})
    with pytest.raises(CdmError, match="appendMode"):
        write_all(files, TABLE, **CSV, appendMode="false")


# ---- duplicates


@pytest.mark.parametrize("renames", [True, False])
def test_duplicates__same_name_and_size_are_replaced_skipped_or_an_error(renames: bool) -> None:
    old = b"9,x\r\n8,\r\n7,z\r\n"
    for word, left in (("REPLACE", b"1,x\r\n2,\r\n3,z\r\n"), ("SKIP", old)):
        files, surroundings = MemoryFiles({"out/data.csv": old}, renames=renames), around()
        write_all(files, TABLE, surroundings, **CSV, duplicateFileOpType=word)
        assert files.files == {"out/data.csv": left}
        assert surroundings.counters.now().files_skipped == (word == "SKIP")
    files = MemoryFiles({"out/data.csv": old}, renames=renames)
    with pytest.raises(DuplicateFile, match="out/data"):
        write_all(files, TABLE, **CSV, duplicateFileOpType="ABANDON")
    assert files.files == {"out/data.csv": old}


@pytest.mark.parametrize("word", ["SKIP", "ABANDON"])
def test_duplicates__another_size_is_no_duplicate(word: str) -> None:
    files = MemoryFiles({"out/data.csv": b"old"})
    write_all(files, TABLE, **CSV, duplicateFileOpType=word)
    assert files.files == {"out/data.csv": b"1,x\r\n2,\r\n3,z\r\n"}


# ---- all or nothing


def started(files: MemoryFiles, splits: int = 2, **values: str) -> tuple[FileTarget, object]:
    target = FileTarget(files, target_options(**CSV, **values), around())
    return target, target.prepare(pa.schema([("a", pa.string())]), "r1", splits)


BATCH = pa.RecordBatch.from_arrays([pa.array(["x"])], names=["a"])


def test_finish__files_are_hidden_until_all_are_written() -> None:
    files = MemoryFiles({"out/data_0.csv": b"old"}, renames=True)
    target, prepared = started(files)
    for split in range(2):
        writer = target.writer(prepared, split)
        writer.write(BATCH)
        writer.close()
    assert files.files["out/data_0.csv"] == b"old"
    assert "out/data_1.csv" not in files.files
    target.finish(prepared)
    assert files.files == {"out/data_0.csv": b"x\r\n", "out/data_1.csv": b"x\r\n"}


def test_finish__again_after_a_crash_shows_what_is_left() -> None:
    files = MemoryFiles(renames=True)
    target, prepared = started(files, markerFile="ok")
    for split in range(2):
        writer = target.writer(prepared, split)
        writer.write(BATCH)
        writer.close()
    files.rename("out/.headrace-r1-data_0.csv", "out/data_0.csv")
    other, _ = started(files, markerFile="ok")
    other.finish(prepared)
    other.finish(prepared)
    assert names(files) == ["out/data_0.csv", "out/data_1.csv", "out/ok"]


@pytest.mark.parametrize("renames", [True, False])
def test_abandon__nothing_of_the_run_is_left(renames: bool) -> None:
    files = MemoryFiles({"out/other": b"", "out/.headrace-r2-data_0.csv": b""}, renames=renames)
    target, prepared = started(files)
    first, second = target.writer(prepared, 0), target.writer(prepared, 1)
    first.write(BATCH)
    first.close()
    second.write(BATCH)
    second.abort()
    target.abandon(prepared)
    assert names(files) == ["out/.headrace-r2-data_0.csv", "out/other"]


@pytest.mark.parametrize("renames", [True, False])
def test_writer__a_split_can_be_written_again(renames: bool) -> None:
    files = MemoryFiles(renames=renames)
    target, prepared = started(files, 1, duplicateFileOpType="ABANDON")
    failed = target.writer(prepared, 0)
    failed.write(BATCH)
    failed.abort()
    again = target.writer(prepared, 0)
    again.write(BATCH)
    again.close()
    target.finish(prepared)
    assert files.files == {"out/data.csv": b"x\r\n"}


def test_writer__an_error_while_closing_leaves_nothing() -> None:
    files = MemoryFiles(renames=False)
    target, prepared = started(files, 1, encodeType="GBK")
    writer = target.writer(prepared, 0)
    (rejected,) = writer.write(pa.RecordBatch.from_arrays([pa.array(["🐎", "李"])], names=["a"]))
    assert rejected.row == 0
    writer.abort()
    assert files.files == {}
