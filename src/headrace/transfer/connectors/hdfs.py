"""Files of HDFS. Source: CDM API reference, link to HDFS."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Capability, UrlJob, connector
from headrace.transfer.files.connector import FileConnector
from headrace.transfer.files.hdfs_files import HdfsFiles
from headrace.transfer.files.store import FileStore
from headrace.transfer.options import Link, Options

WEB_PORT = 9870  # of a NameNode, Hadoop 3
RPC_PORTS = (8020, 8022, 9000, 9820)  # of its own protocol, which links name: its web port is meant then
_SCHEMES = {"": "http", "hdfs": "http", "webhdfs": "http", "http": "http", "swebhdfs": "https", "https": "https"}


@connector
class Hdfs(FileConnector):
    """Apache HDFS without Kerberos, through WebHDFS: ``uri`` is the NameNode, ``user`` who asks.

    A port of ``uri`` that is of HDFS's own protocol stands for 9870; ``http://host:port`` names any other.
    URLs: ``webhdfs://user@host:port/path``, ``swebhdfs://…`` with TLS.
    """

    capability = Capability(
        title="HDFS",
        connector_names=("hdfs-connector",),
        schemes=("webhdfs", "swebhdfs", "hdfs"),
        limits="WebHDFS only, tried on a double of it and on no real cluster; no Kerberos, hence no cluster in secure "
        "mode; no snapshots.",
    )

    def test(self) -> str:
        """Ask for the root. Raises HdfsUnreachable."""
        address = self._address()
        HdfsFiles(address, self.link.text("user"), self.surroundings.cancellation).look()
        return f"{address} answers."

    def open_store(self, options: Options) -> FileStore:
        """The files. Raises CdmError for Kerberos."""
        return HdfsFiles(self._address(), self.link.text("user"), self.surroundings.cancellation)

    def _address(self) -> str:
        """Of the web interface of the NameNode. Raises CdmError."""
        if self.link.text("authType", "Simple").lower() == "kerberos" or self.link.text("principal"):
            raise CdmError("linkConfig.authType: HDFS with Kerberos is not supported; Simple is.")
        uri = self.link.text("uri").strip().rstrip("/")
        if not uri:
            kind = self.link.text("hadoopType", "Apache Hadoop")
            raise CdmError(f"linkConfig.uri: missing. {kind} is reached through the web interface of its NameNode.")
        try:
            parts = urlsplit(uri if "://" in uri else f"//{uri}")
            host, port = parts.hostname or "", parts.port or WEB_PORT
        except ValueError as error:
            raise CdmError(f"linkConfig.uri: {uri!r} is no address.") from error
        if not host or parts.scheme not in _SCHEMES or parts.path or parts.query or parts.username:
            raise CdmError(f"linkConfig.uri: {uri!r} is no address of a NameNode.")
        if port in RPC_PORTS and parts.scheme in ("", "hdfs"):
            port = WEB_PORT
        return f"{_SCHEMES[parts.scheme]}://{f'[{host}]' if ':' in host else host}:{port}"

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """A file or a folder. Raises CdmError."""
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if not host or parts.password:
            raise CdmError("HDFS is written webhdfs://user@host:port/path.")
        values = {"uri": f"{parts.scheme}://{host}", "user": unquote(parts.username or ""), "authType": "Simple"}
        path = unquote(parts.path)
        return UrlJob(
            Link(name="", connector="hdfs-connector", values=values),
            {"inputDirectory": path},
            {"outputDirectory": path},
        )
