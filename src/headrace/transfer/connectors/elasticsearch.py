"""Elasticsearch, OpenSearch and CSS. Source: CDM API reference, "Link to Elasticsearch/CSS", "From", "To"."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import REFUSED, Capability, Connector, Loss, Source, Target, UrlJob, connector
from headrace.transfer.documents.elastic_session import ElasticSession
from headrace.transfer.documents.elastic_source import ElasticSource
from headrace.transfer.documents.elastic_target import ElasticTarget
from headrace.transfer.options import Link, Options

_SECURE = "elasticsearch+https"


@connector
class Elasticsearch(Connector):
    """Documents of indexes.

    URLs: ``elasticsearch+http://user:password@host:port/index?query=…&key=id&pipeline=…``, or
    ``elasticsearch+https://…``.
    """

    capability = Capability(
        title="Elasticsearch, OpenSearch, CSS",
        connector_names=("elasticsearch-connector",),
        schemes=("elasticsearch+http", _SECURE),
        limits=(
            "Read by scrolling, as the versions of CSS have it. Tested with a double of the server only. The "
            "certificate of an HTTPS server must be known to this machine. A text for a field of type binary is taken "
            "for the bytes, not for their Base64."
        ),
        losses=(
            Loss(("uint64",), "whole numbers above 9223372036854775807", REFUSED),
            Loss(("float32", "infinite", "nan"), "infinity and NaN", REFUSED),
        ),
    )

    def _session(self) -> ElasticSession:
        return ElasticSession(self.link, self.surroundings.cancellation)

    def test(self) -> str:
        """Ask for the version."""
        session = self._session()
        try:
            return " ".join(session.about)
        finally:
            session.close()

    def source(self, options: Options) -> Source:
        """An index, or several joined with commas."""
        return ElasticSource(self._session(), options)

    def target(self, options: Options) -> Target:
        """An index."""
        return ElasticTarget(self._session(), options, self.surroundings)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """An index of a server. Raises CdmError."""
        parts = urlsplit(url)
        index = unquote(parts.path.strip("/"))
        if not parts.hostname or not index:
            raise CdmError("An index is written elasticsearch+http://host:port/index.")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        values = {
            "host": f"{host}:{parts.port or 9200}",
            "linkType": "Elasticsearch",
            "user": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "httpsAccess": str(parts.scheme.lower() == _SECURE).lower(),
        }
        keys = {"primaryKey": query.get("key", ""), "pipeLine": query.get("pipeline", "")}
        return UrlJob(
            Link(name="", connector="elasticsearch-connector", values=values),
            {"index": index, "queryString": query.get("query", "")},
            {"index": index, **keys},
        )
