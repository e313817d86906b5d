"""Files as a source: which are read, how they are dealt out, what becomes of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from datetime import timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from memory_files import NOW, MemoryFiles, around, read_all, source_options

from headrace.errors_cdm import (
    BinaryNeedsFiles,
    CdmError,
    FileCheckFailed,
    FileFormatWrong,
    RunStopped,
    SourcePathMissing,
)
from headrace.sql.engine import Cancellation
from headrace.transfer.files.selection import select
from headrace.transfer.files.source import FileSource

FILES = {
    "clicks/2024/01/30/a.csv": b"1,x\n",
    "clicks/2024/01/31/a.csv": b"2,y\n",
    "clicks/2024/01/31/b.txt": b"3,z\n",
    "other/c.csv": b"4,w\n",
}


def chosen(files: MemoryFiles, **values: str) -> list[str]:
    found = select(files, source_options(**{"inputFormat": "CSV_FILE", **values}), around())
    return [one.entry.path for one in found]


# ---- paths and filters


def test_select__a_folder_means_all_files_under_it() -> None:
    assert chosen(MemoryFiles(FILES), inputDirectory="/clicks/") == [
        path for path in FILES if path.startswith("clicks")
    ]


def test_select__a_folder_does_not_mean_others_that_begin_alike() -> None:
    assert chosen(MemoryFiles({"a/x": b"", "ab/y": b""}), inputDirectory="a") == ["a/x"]


def test_select__several_paths_each_file_once() -> None:
    paths = "clicks/2024/01/31|other/c.csv|clicks/2024/01/31/a.csv"
    assert chosen(MemoryFiles(FILES), inputDirectory=paths) == [
        "clicks/2024/01/31/a.csv",
        "clicks/2024/01/31/b.txt",
        "other/c.csv",
    ]


def test_select__another_file_separator() -> None:
    assert len(chosen(MemoryFiles(FILES), inputDirectory="clicks;other", fileSeparator=";")) == 4


def test_select__fifty_paths_are_the_most() -> None:
    files = MemoryFiles({f"d{number}/x": b"" for number in range(51)})
    paths = [f"d{number}" for number in range(51)]
    assert len(chosen(files, inputDirectory="|".join(paths[:50]))) == 50
    with pytest.raises(CdmError, match="50"):
        chosen(files, inputDirectory="|".join(paths))


def test_select__a_path_that_is_not_there_is_an_error_unless_it_may_be() -> None:
    with pytest.raises(SourcePathMissing, match=r"\[nothing\]"):
        chosen(MemoryFiles(FILES), inputDirectory="other|nothing")
    assert chosen(MemoryFiles(FILES), inputDirectory="other|nothing", nonexistentPathDisregard="true") == [
        "other/c.csv"
    ]


def test_select__a_path_with_wildcards() -> None:
    assert chosen(MemoryFiles(FILES), inputDirectory="clicks/2024/*/3?/*.csv") == [
        "clicks/2024/01/30/a.csv",
        "clicks/2024/01/31/a.csv",
    ]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"fileFilter": "*.csv"}, ["30/a.csv", "31/a.csv"]),
        ({"fileFilter": "b.*,*.log"}, ["31/b.txt"]),
        ({"pathFilter": "*31"}, ["31/a.csv", "31/b.txt"]),
        ({"pathFilter": "*31", "fileFilter": "*.csv"}, ["31/a.csv"]),
        ({"pathFilter": "none"}, []),
    ],
)
def test_select__wildcards_of_folders_and_names(filters: dict[str, str], found: list[str]) -> None:
    expected = [f"clicks/2024/01/{name}" for name in found]
    assert chosen(MemoryFiles(FILES), inputDirectory="clicks", filterType="WILDCARD", **filters) == expected


def test_select__filters_count_only_where_their_type_is_chosen() -> None:
    assert len(chosen(MemoryFiles(FILES), inputDirectory="clicks", fileFilter="nothing")) == 3


def test_select__regular_expressions() -> None:
    values = {"filterType": "REGEX", "pathFilter": r"2024/.*/3[01]", "fileFilter": r"[a-z]\.csv"}
    assert len(chosen(MemoryFiles(FILES), inputDirectory="clicks", **values)) == 2
    with pytest.raises(CdmError, match="regular expression"):
        chosen(MemoryFiles(FILES), inputDirectory="clicks", filterType="REGEX", fileFilter="(")


def test_select__times_start_inclusive_end_exclusive_in_the_zone_of_the_job() -> None:
    files = MemoryFiles(FILES)
    for hour, path in enumerate(sorted(FILES)):
        files.modified[path] = NOW + hour * 3_600_000
    beijing = around(zone=timezone(timedelta(hours=8)))  # NOW is 10:00 there
    values = {"inputDirectory": "clicks|other", "startTime": "2024-01-31 11:00:00", "endTime": "2024-01-31 13:00:00"}
    for switch in ({"filterType": "TIME"}, {"useTimeFilter": "true"}):
        found = select(files, source_options(**values, **switch), beijing)
        assert [one.entry.path for one in found] == sorted(FILES)[1:3]
    millis = values | {"startTime": str(NOW + 3_600_000), "endTime": ""}
    assert len(select(files, source_options(**millis, filterType="TIME"), beijing)) == 3


def test_select__a_time_that_is_none_is_told() -> None:
    with pytest.raises(CdmError, match="startTime"):
        chosen(MemoryFiles(FILES), inputDirectory="clicks", filterType="TIME", startTime="yesterday")


def test_select__a_text_file_may_list_the_paths() -> None:
    files = MemoryFiles({**FILES, "list.txt": b"\xef\xbb\xbfother/c.csv\r\n\n/clicks/2024/01/30\n"})
    assert chosen(files, inputDirectory="list.txt", listTextFile="true") == ["clicks/2024/01/30/a.csv", "other/c.csv"]


# ---- markers


def test_select__a_marker_that_is_there_is_not_read() -> None:
    files = MemoryFiles({"in/a.csv": b"1\n", "in/ok.txt": b""})
    assert chosen(files, inputDirectory="in", useMarkerFile="true", markerFile="ok.txt") == ["in/a.csv"]


def test_select__a_marker_that_is_missing_fails_at_once_without_waiting_time() -> None:
    files = MemoryFiles({"in/a.csv": b"1\n"})
    with pytest.raises(SourcePathMissing, match=r"in/ok\.txt"):
        chosen(files, inputDirectory="in", useMarkerFile="true", markerFile="ok.txt", waitTime="0")


class Clock(Cancellation):
    """Waiting moves the clock; after some waits something happens."""

    def __init__(self, then: object) -> None:
        super().__init__()
        self.ms = NOW
        self.waits: list[float] = []
        self._then = then

    def wait(self, seconds: float) -> bool:
        self.ms += round(seconds * 1000)
        self.waits.append(seconds)
        if len(self.waits) == 2:
            self._then()  # type: ignore[operator]
        return self.cancelled


MARKED = {"inputDirectory": "in", "useMarkerFile": "true", "markerFile": "ok.txt", "waitTime": "12"}


def test_select__waits_for_a_marker() -> None:
    files = MemoryFiles({"in/a.csv": b"1\n"})
    clock = Clock(lambda: files.files.update({"in/ok.txt": b""}))
    select(files, source_options(**MARKED), around(now=lambda: clock.ms, cancellation=clock))
    assert clock.waits == [5, 5]


def test_select__waits_no_longer_than_the_job_says() -> None:
    clock = Clock(lambda: None)
    with pytest.raises(SourcePathMissing):
        select(MemoryFiles({"in/a": b""}), source_options(**MARKED), around(now=lambda: clock.ms, cancellation=clock))
    assert clock.waits == [5, 5, 2]


def test_select__stops_waiting_when_the_job_is_stopped() -> None:
    clock = Clock(lambda: clock.cancel())
    with pytest.raises(RunStopped):
        select(MemoryFiles({"in/a": b""}), source_options(**MARKED), around(now=lambda: clock.ms, cancellation=clock))


# ---- reading


def test_read__rows_of_all_files_and_what_was_counted() -> None:
    surroundings = around()
    table, rejected = read_all(MemoryFiles(FILES), surroundings, inputDirectory="clicks", inputFormat="CSV_FILE")
    assert table.to_pydict() == {"1": ["1", "2", "3"], "2": ["x", "y", "z"]}
    assert rejected == []
    counts = surroundings.counters.now()
    assert (counts.files_read, counts.bytes_read, counts.total_size) == (3, 12, 12)


def test_read__header_rows_count_as_read() -> None:
    surroundings = around()
    values = {"inputDirectory": "clicks", "inputFormat": "CSV_FILE", "firstRowAsHeader": "true"}
    files = MemoryFiles({"clicks/a.csv": b"id\n1\n", "clicks/b.csv": b"id\n2\n"})
    table, _ = read_all(files, surroundings, **values)
    assert table.to_pydict() == {"id": ["1", "2"]}
    assert surroundings.counters.now().rows_read == 2


def test_read__rows_that_do_not_fit_the_first_file_are_rejected() -> None:
    table, rejected = read_all(
        MemoryFiles({"in/a": b"1,x\n2\n", "in/b": b"3,y,z\n"}), inputDirectory="in", inputFormat="CSV_FILE"
    )
    assert table.num_rows == 1
    assert len(rejected) == 2


def test_read__a_file_without_rows_does_not_say_what_the_columns_are() -> None:
    table, _ = read_all(MemoryFiles({"in/a": b"", "in/b": b"3,y\n"}), inputDirectory="in", inputFormat="CSV_FILE")
    assert table.to_pydict() == {"1": ["3"], "2": ["y"]}


def test_read__nothing_where_nothing_need_be() -> None:
    files = MemoryFiles()
    values = {
        "inputDirectory": "in",
        "inputFormat": "CSV_FILE",
        "nonexistentPathDisregard": "true",
        "columnList": "1&3",
    }
    source = FileSource(files, source_options(**values), around())
    assert source.schema().names == ["1", "3"]
    assert source.splits(4) == []


def test_read__constants_are_no_columns_of_the_file() -> None:
    table, _ = read_all(
        MemoryFiles(FILES),
        inputDirectory="other",
        inputFormat="CSV_FILE",
        columnList="2&day",
        sampleValueColumn="day:'2024-01-31'",
    )
    assert table.to_pydict() == {"2": ["w"]}


@pytest.mark.parametrize("seeks", [True, False])
def test_read__parquet_of_any_place(seeks: bool) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), out)
    files = MemoryFiles({"in/a.parquet": out.getvalue()}, seeks=seeks)
    table, _ = read_all(files, inputDirectory="in", inputFormat="PARQUET_FILE", columnList="2")
    assert table.to_pydict() == {"b": ["x", None]}


def test_read__the_name_of_a_file_says_its_format_where_the_job_does_not() -> None:
    data = b'id,name\n1,"a ""b"""\n'
    for name, content in (("x.csv", data), ("x.csv.gz", gzip.compress(data))):
        table, _ = read_all(MemoryFiles({name: content}), inputDirectory=name)
        assert table.to_pydict() == {"id": ["1"], "name": ['a "b"']}
    with pytest.raises(CdmError, match="inputFormat"):
        read_all(MemoryFiles({"x": data}), inputDirectory="x")


def test_read__packed_files() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("a.csv", "1\n")
        writing.writestr("b/c.csv", "2\n")
    for compression, data in (("GZIP", gzip.compress(b"1\n2\n")), ("ZIP", archive.getvalue())):
        table, _ = read_all(
            MemoryFiles({"in": data}), inputDirectory="in", inputFormat="CSV_FILE", fromCompression=compression
        )
        assert table.to_pydict() == {"1": ["1", "2"]}


def test_read__only_files_with_the_suffix_are_unpacked() -> None:
    files = MemoryFiles({"in/a.gz": gzip.compress(b"1\n"), "in/b.csv": b"2\n"})
    values = {"inputFormat": "CSV_FILE", "fromCompression": "GZIP", "compressedFileSuffix": ".gz"}
    assert read_all(files, inputDirectory="in", **values)[0].to_pydict() == {"1": ["1", "2"]}


def test_read__errors_name_the_file() -> None:
    files = MemoryFiles({"in/a.gz": b"plain"})
    with pytest.raises(FileFormatWrong, match=r"in/a\.gz"):
        read_all(files, inputDirectory="in", inputFormat="CSV_FILE", fromCompression="GZIP")


def test_read__digests_of_companions_are_compared() -> None:
    good = hashlib.md5(b"1\n").hexdigest().upper()  # noqa: S324
    files = MemoryFiles({"in/a": b"1\n", "in/a.md5": f"{good}  a\n".encode()})
    values = {"inputDirectory": "in", "inputFormat": "CSV_FILE", "md5FileSuffix": ".md5"}
    assert read_all(files, **values)[0].num_rows == 1
    files.files["in/a"] = b"2\n"
    with pytest.raises(FileCheckFailed, match="in/a"):
        read_all(files, **values)
    del files.files["in/a.md5"]
    with pytest.raises(FileCheckFailed, match="not there"):
        read_all(files, **values)


def test_read__stops_with_the_job() -> None:
    surroundings = around()
    source = FileSource(
        MemoryFiles(FILES), source_options(inputDirectory="other", inputFormat="CSV_FILE"), surroundings
    )
    (split,) = source.splits(1)
    surroundings.cancellation.cancel()
    with pytest.raises(RunStopped):
        list(source.read(split, lambda row, reason: None))


def test_source__binary_files_have_no_rows() -> None:
    with pytest.raises(BinaryNeedsFiles):
        read_all(MemoryFiles(FILES), inputDirectory="other", inputFormat="BINARY_FILE")


# ---- splits


def split_paths(files: MemoryFiles, wanted: int, kind: str) -> list[list[str]]:
    values = {"inputDirectory": "in", "inputFormat": "CSV_FILE", "splitType": kind}
    return [list(split["files"]) for split in FileSource(files, source_options(**values), around()).splits(wanted)]


def test_splits__by_number_of_files() -> None:
    files = MemoryFiles({f"in/{number}": b"1\n" for number in range(5)})
    assert split_paths(files, 2, "FILE") == [["in/0", "in/1"], ["in/2", "in/3", "in/4"]]
    assert [len(one) for one in split_paths(files, 9, "FILE")] == [1] * 5


def test_splits__by_size() -> None:
    files = MemoryFiles({"in/a": b"1\n" * 9, "in/b": b"1\n" * 4, "in/c": b"1\n" * 4, "in/d": b"1\n"})
    assert split_paths(files, 2, "SIZE") == [["in/a"], ["in/b", "in/c", "in/d"]]


def test_splits__another_source_can_read_them() -> None:
    files, values = MemoryFiles(FILES), {"inputDirectory": "clicks", "inputFormat": "CSV_FILE", "columnList": "2"}
    (split,) = FileSource(files, source_options(**values), around()).splits(1)
    batches = FileSource(files, source_options(**values), around()).read(split, lambda row, reason: None)
    assert pa.Table.from_batches(batches).to_pydict() == {"2": ["x", "y", "z"]}


# ---- afterwards


@pytest.mark.parametrize(
    ("word", "left"),
    [("DO_NOTHING", ["other/c.csv"]), ("DELETE", []), ("RENAME", ["other/c.csv.20240131020000"])],
)
def test_finish__files_are_left_deleted_or_renamed(word: str, left: list[str]) -> None:
    files = MemoryFiles({"other/c.csv": b"1\n"})
    read_all(files, inputDirectory="other", inputFormat="CSV_FILE", fromFileOpType=word)
    assert list(files.files) == left
