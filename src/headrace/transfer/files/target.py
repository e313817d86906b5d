"""Files in one of the formats as the destination of a job."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Prepared, Surroundings, Target, Writer
from headrace.transfer.files.selection import HIDDEN
from headrace.transfer.files.split_writer import DUPLICATES, Names, Places, SplitWriter
from headrace.transfer.files.store import FileStore
from headrace.transfer.formats.compression import SUFFIXES as PACKED_SUFFIXES
from headrace.transfer.formats.compression import WRITE
from headrace.transfer.formats.registry import CSV, SUFFIXES, TEXT_FORMATS, kind_of_name, named_kind, writer_of
from headrace.transfer.options import Options

DEFAULT_NAME = "data"  # of files where the job gives no prefix and the source has no table


class FileTarget(Target):
    """Writes a file a split, or several where ``writeFileSize`` limits them.

    Where the place renames cheaply the files wait under hidden names and appear together when all is written, else
    each appears when it is complete; no half file is ever seen. ``tableName``: the source's table, for file names.
    The names are inferred: prefix or table name, then running numbers. Source: CDM API reference, toJobConfig of OBS,
    HDFS, SFTP.
    """

    repeatable = restartable = True

    def __init__(self, store: FileStore, options: Options, surroundings: Surroundings) -> None:
        self._store = store
        self._options = options
        self._folder = options.text("outputDirectory").strip("/")
        compression = options.choice("compression", WRITE, "NONE")
        self._kind = named_kind(options, "outputFormat", compression, self._folder)
        if self._kind.compression != "NONE" and self._kind.format not in TEXT_FORMATS:
            raise CdmError(f"{options.section}.compression: {self._kind.format} packs its columns itself.")
        if options.choice("encryption", ("NONE", "KMS", "AES-256-GCM"), "NONE") == "AES-256-GCM":
            raise CdmError(f"{options.section}.encryption: only binary copies are encrypted with AES-256-GCM.")
        self._named = "" if options.text("outputFormat") or not kind_of_name(self._folder) else self._folder
        self._places = Places(
            store=store,
            make=writer_of(self._kind, options),
            compression=self._kind.compression,
            most=options.number("writeFileSize", 0) << 20,
            duplicates=options.choice("duplicateFileOpType", DUPLICATES, "REPLACE"),
            surroundings=surroundings,
        )

    def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
        """Nothing but a look: text columns for CSV, else the types of the source.

        Raises CdmError where ``appendMode`` is off and files are there.
        """
        appends = self._options.values.get("appendMode")
        if appends and not self._options.flag("appendMode") and any(self._shown()):
            raise CdmError(f"{self._options.section}.appendMode: off, and there are files in {self._folder!r}.")
        self._names(run, splits)
        return Prepared(schema=self._schema(source), state={"run": run, "splits": splits})

    def _shown(self) -> Iterator[str]:
        return (one.path for one in self._store.list(self._folder) if HIDDEN not in one.path)

    def _schema(self, source: pa.Schema) -> pa.Schema:
        """The columns under the names that the job gives them; numbers are none."""
        listed = self._options.columns()
        given = len(listed) == len(source) and not all(name.isdecimal() for name in listed)
        names = listed if given else source.names
        as_text = self._kind.format == CSV
        return pa.schema(
            [pa.field(name, pa.string() if as_text else field.type) for name, field in zip(names, source, strict=True)]
        )

    def writer(self, prepared: Prepared, split: int) -> Writer:
        """The writer of a split."""
        names = self._names(prepared.state["run"], prepared.state["splits"])
        return SplitWriter(self._places, prepared.schema, names, split)

    def _names(self, run: str, splits: int) -> Names:
        """How the files of a run are called. Raises CdmError."""
        folder, base = self._folder, self._base(run)
        suffix = SUFFIXES[self._kind.format] + PACKED_SUFFIXES[self._kind.compression]
        if self._named:
            folder, _, name = self._named.rpartition("/")
            base, _, end = name.partition(".")
            suffix = f".{end}"
        if self._options.flag("appendMode"):
            base = f"{base}_{run}"
        return Names(
            folder=folder,
            base=base,
            suffix=suffix,
            numbered_splits=splits > 1,
            numbered_files=self._places.most > 0,
            hidden=f"{HIDDEN}{run}-" if self._store.renames else "",
        )

    def _base(self, run: str) -> str:
        """The prefix, or the table's name; its words are replaced. Raises CdmError for a prefix that is a path."""
        table = self._options.text("tableName").replace("/", "_")
        base = self._options.text("filePrefix").replace("${tableName}", table).replace("${version}", run)
        if "/" in base or base in ("..", "."):
            raise CdmError(f"{self._options.section}.filePrefix: {base!r} is no beginning of a name.")
        return base or table or DEFAULT_NAME

    def finish(self, prepared: Prepared) -> None:
        """Show the files, then the marker. Called again, it does what is left."""
        names = self._names(prepared.state["run"], prepared.state["splits"])
        for path in self._waiting(names):
            self._store.rename(path, names.shown(path))
        marker = self._options.text("markerFile").strip("/")
        if marker:
            self._store.create("/".join(part for part in (names.folder, marker) if part)).close()

    def _waiting(self, names: Names) -> list[str]:
        """The files of a run that wait to be shown."""
        if not names.hidden:
            return []
        return [one.path for one in self._store.beginning(names.folder, names.hidden)]

    def abandon(self, prepared: Prepared) -> None:
        """Remove the files of this run."""
        names = self._names(prepared.state["run"], prepared.state["splits"])
        for path in dict.fromkeys([*self._waiting(names), *self._places.placed]):
            self._store.delete(path)

    def close(self) -> None:
        """Let go of the place."""
        self._store.close()
