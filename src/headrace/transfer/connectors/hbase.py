"""HBase and CloudTable. Source: CDM API reference, "Link to HBase", "Link to CloudTable"."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Capability, Connector, Loss, Source, Target, UrlJob, connector
from headrace.transfer.documents.hbase_session import HBaseSession
from headrace.transfer.documents.hbase_source import HBaseSource
from headrace.transfer.documents.hbase_target import HBaseTarget
from headrace.transfer.options import Link, Options


@connector
class HBase(Connector):
    """Tables of HBase through its Thrift gateway (``hbase thrift start``), without Kerberos.

    URLs: ``hbase://host:9090/table?key=id&family=cf&separator=|``: ``key`` names the columns of the row key, joined
    with commas; ``separator`` stands between its parts, on either side; ``framed=true`` and ``compact=true`` are for
    gateways that were started so.
    """

    capability = Capability(
        title="HBase, CloudTable",
        connector_names=("hbase-connector",),
        schemes=("hbase",),
        extra="hbase",
        limits=(
            "Through a Thrift gateway (version 1), tested with a double of it only; no Kerberos, no IAM, no TLS. Cells "
            "are read as text unless columnTypes or formats say otherwise. The newest version of a cell only."
        ),
        losses=(Loss(("bytes",), "bytes that are no UTF-8", "written, and read where columnTypes says binary"),),
    )

    def _session(self) -> HBaseSession:
        return HBaseSession(self.link, self.surroundings.cancellation)

    def test(self) -> str:
        """Count the tables."""
        session = self._session()
        try:
            return f"HBase has {len(session.tables())} tables."
        finally:
            session.close()

    def source(self, options: Options) -> Source:
        """A table."""
        return HBaseSource(self._session(), options, self.surroundings)

    def target(self, options: Options) -> Target:
        """A table."""
        return HBaseTarget(self._session(), options)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """A table. Raises CdmError."""
        parts = urlsplit(url)
        host, _, port = parts.netloc.rpartition("@")[2].partition(":")
        table = unquote(parts.path.strip("/"))
        if not host or not table or "@" in parts.netloc:
            raise CdmError("A table of HBase is written hbase://host:port/table; there are no users without Kerberos.")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        wire = {f"hbase.regionserver.thrift.{name}": query.get(name, "false") for name in ("framed", "compact")}
        values = {
            "hbaseType": "Apache Hadoop",
            "thriftServer": f"{host}:{port or 9090}",
            "properties": json.dumps(wire),
        }
        target = {
            "rowKeyColumn": query.get("key", "").replace(",", "&"),
            "columnFamily": query.get("family", ""),
            "delimiter": query.get("separator", ""),
        }
        source = {
            "columnFamilies": f"rowkey&{query['family']}" if "family" in query else "",
            "isSplit": "true" if "separator" in query else "",
            "delimiter": query.get("separator", ""),
        }
        return UrlJob(
            Link(name="", connector="hbase-connector", values=values),
            {"table": table, **source},
            {"table": table, **target},
        )
