"""Redis and DCS. Source: CDM API reference, "Link to Redis", "From Redis", "To Redis"."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Capability, Connector, Loss, Source, Target, UrlJob, connector
from headrace.transfer.documents.redis_session import RedisSession
from headrace.transfer.documents.redis_source import RedisSource
from headrace.transfer.documents.redis_target import RedisTarget
from headrace.transfer.options import Link, Options


@connector
class Redis(Connector):
    """Rows kept under keys of a prefix, as one text or as a hash.

    URLs: ``redis://user:password@host:port/0/prefix?separator=:&key=id&store=HASH``, with ``&cluster=true`` for a
    cluster; ``key`` names the columns of the primary key, joined with commas.
    """

    capability = Capability(
        title="Redis, DCS",
        connector_names=("redis-connector",),
        schemes=("redis",),
        extra="redis",
        tested="Redis",
        limits="All values are text. In a STRING, NULL and the empty text are the same. Date formats are not used.",
        losses=(Loss(("bytes",), "bytes that are no UTF-8", "written, but a row that cannot be read"),),
    )

    def _session(self) -> RedisSession:
        return RedisSession(self.link, self.surroundings.cancellation)

    def test(self) -> str:
        """Ask for the version."""
        session = self._session()
        try:
            return f"Redis {'.'.join(map(str, session.version()))}"
        finally:
            session.close()

    def source(self, options: Options) -> Source:
        """The keys of a prefix."""
        return RedisSource(self._session(), options)

    def target(self, options: Options) -> Target:
        """The keys of a prefix."""
        return RedisTarget(self._session(), options)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """A prefix of a database. Raises CdmError."""
        parts = urlsplit(url)
        if not parts.hostname:
            raise CdmError("Keys of Redis are written redis://host:port/0/prefix.")
        number, _, prefix = parts.path.lstrip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        values = {
            "deploymentMode": "Cluster" if query.get("cluster", "").lower() == "true" else "Single",
            "serverlist": f"{host}:{parts.port or 6379}",
            "userName": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "dbIndex": number,
        }
        inputs = {
            "keyPrefix": unquote(prefix),
            "keySeparator": query.get("separator", ":"),
            "valueStoreType": query.get("store", "HASH"),
        }
        keys = {"primaryKeyList": query.get("key", "").replace(",", "&")}
        return UrlJob(Link(name="", connector="redis-connector", values=values), inputs, {**inputs, **keys})
