"""MongoDB and DDS. Source: CDM API reference, "Link to MongoDB", "From MongoDB/DDS", "To DDS"."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import REFUSED, Capability, Connector, Loss, Source, Target, UrlJob, connector
from headrace.transfer.documents.mongo_session import MongoSession
from headrace.transfer.documents.mongo_source import MongoSource
from headrace.transfer.documents.mongo_target import MongoTarget
from headrace.transfer.options import Link, Options


@connector
class MongoDb(Connector):
    """Documents of collections.

    URLs: ``mongodb://user:password@host:port/database/collection?filter={…}``; several servers are joined with commas.
    """

    capability = Capability(
        title="MongoDB, DDS",
        connector_names=("mongodb-connector",),
        schemes=("mongodb",),
        extra="mongodb",
        limits=(
            "Read as text, what is nested as JSON; written with the types of the source. Tested with a double of the "
            "server only. Rows are inserted, never replaced."
        ),
        losses=(
            Loss(("uint64",), "whole numbers above 9223372036854775807", REFUSED),
            Loss(("exact", "wide"), "decimals of more than 34 digits", REFUSED),
            Loss(("moment", "zoned"), "moments with parts of a millisecond", REFUSED),
        ),
    )

    def _session(self) -> MongoSession:
        return MongoSession(self.link, self.surroundings.cancellation)

    def test(self) -> str:
        """Ask for the version."""
        session = self._session()
        try:
            return f"MongoDB {session.version()}"
        finally:
            session.close()

    def source(self, options: Options) -> Source:
        """A collection."""
        return MongoSource(self._session(), options, self.link.text("database"))

    def target(self, options: Options) -> Target:
        """A collection."""
        return MongoTarget(self._session(), options, self.link.text("database"))

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """A collection of a database. Raises CdmError."""
        parts = urlsplit(url)
        user, _, servers = parts.netloc.rpartition("@")
        database, _, collection = (unquote(part) for part in parts.path.lstrip("/").partition("/"))
        if not servers or not database or not collection:
            raise CdmError("A collection of MongoDB is written mongodb://host:port/database/collection.")
        name, _, password = user.partition(":")
        values = {
            "serverList": servers.replace(",", ";"),
            "database": database,
            "userName": unquote(name),
            "password": unquote(password),
        }
        inputs = {"database": database, "collectionName": collection}
        filters = parse_qs(parts.query).get("filter", [""])[0]
        return UrlJob(
            Link(name="", connector="mongodb-connector", values=values), {**inputs, "filters": filters}, inputs
        )
