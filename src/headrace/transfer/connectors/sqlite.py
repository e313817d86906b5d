"""Files of SQLite below the folder of this installation; databaseType SQLITE is our own."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from headrace.errors_cdm import PathNotPermitted
from headrace.transfer.connector import (
    REFUSED,
    Capability,
    Connector,
    Loss,
    Source,
    Surroundings,
    Target,
    UrlJob,
    connector,
)
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.source import RelationalSource
from headrace.transfer.relational.sqlite_database import SqliteDatabase
from headrace.transfer.relational.target import RelationalTarget

_ENDINGS = (".db", ".sqlite", ".sqlite3")


@connector
class Sqlite(Connector):
    """Tables of a file: ``linkConfig.database`` is its path below the folder of files."""

    capability = Capability(
        title="SQLite",
        connector_names=("generic-jdbc-connector",),
        databases=("SQLITE",),
        schemes=("sqlite",),
        tested="SQLite",
        limits="NaN cannot be stored. Files outside of the folder of this installation are not opened.",
        losses=(Loss(("float64",), "-0.0", "0.0"), Loss(("nan",), "NaN", REFUSED)),
    )

    def __init__(self, link: Link, surroundings: Surroundings) -> None:
        super().__init__(link, surroundings)
        self._path = path_below(surroundings.files, link.required("database"))

    def database(self, *, create: bool) -> SqliteDatabase:
        """The file. ``create``: to be written, and made where it is not there."""
        return SqliteDatabase(self._path, self.surroundings.cancellation, create=create)

    @property
    def only_here(self) -> str:
        """The file is on this machine."""
        return "its file is on this machine"

    def test(self) -> str:
        """Open the file."""
        (row,) = self.database(create=False).rows("SELECT sqlite_version(), COUNT(*) FROM sqlite_master")
        return f"SQLite {row[0]}, {row[1]} tables, views and indexes"

    def source(self, options: Options) -> Source:
        """A table, tables, or a SELECT."""
        return RelationalSource(self.database(create=False), options)

    def target(self, options: Options) -> Target:
        """A table."""
        return RelationalTarget(self.database(create=True), options)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """``sqlite:///folder/file.db/table``, where the file's name ends like that; or ``?table=``, or ``?sql=``."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        path, slash, last = parts.path.removeprefix("/").rpartition("/")
        if "table" in query or not path.lower().endswith(_ENDINGS):
            path, last = path + slash + last, query.get("table", "")
        values = {"databaseType": "SQLITE", "database": unquote(path)}
        link = Link(name="", connector="generic-jdbc-connector", values=values)
        if query.get("sql"):
            return UrlJob(link, {"useSql": "true", "sql": query["sql"]}, {})
        inputs = {"tableName": unquote(last)} if last else {}
        return UrlJob(link, inputs, inputs)


def path_below(folder: Path, given: str) -> Path:
    """A path below a folder, links followed. Raises PathNotPermitted for one that leads out."""
    root = folder.resolve()
    if "\0" in given:
        raise PathNotPermitted("linkConfig.database: has a sign that no path has.")
    path = (root / given).resolve()
    if path == root or not path.is_relative_to(root):
        raise PathNotPermitted(f"linkConfig.database: {given!r} is not below the folder of files.")
    return path
