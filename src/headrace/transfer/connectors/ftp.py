"""Files of FTP servers. Source: CDM API reference, link to an FTP server."""

from __future__ import annotations

from functools import partial
from urllib.parse import unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Capability, UrlJob, connector
from headrace.transfer.files.connector import FileConnector
from headrace.transfer.files.ftp_files import FtpFiles
from headrace.transfer.files.ftp_session import connect, ftp_server
from headrace.transfer.files.store import FileStore
from headrace.transfer.options import Link, Options


@connector
class Ftp(FileConnector):
    """The files of a server, by their whole paths, over passive connections.

    With ``useSSL`` commands and data go over TLS; ``certificate`` is the one to trust where the system does not.
    URLs: ``ftp://user:password@host:port/path``, ``ftps://…`` with TLS.
    """

    capability = Capability(
        title="FTP, FTPS",
        connector_names=("ftp-connector",),
        schemes=("ftp", "ftps"),
        tested="pyftpdlib, in the clear and with TLS",
        limits="No implicit TLS (port 990); names are UTF-8; without MLSD only listings as Unix servers write them.",
    )

    def test(self) -> str:
        """Enter. Raises FtpUnreachable."""
        server = ftp_server(self.link)
        connect(server).cut()
        return f"{server.shown} lets us in."

    def open_store(self, options: Options) -> FileStore:
        """The files. Connects when the first is needed."""
        return FtpFiles(partial(connect, ftp_server(self.link)), self.surroundings.cancellation)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """A file or folder of a server. Raises CdmError."""
        parts = urlsplit(url)
        if not parts.hostname:
            raise CdmError("An FTP server is written ftp://user@host/path.")
        values = {
            "server": parts.hostname,
            "port": str(parts.port or 21),
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "useSSL": str(parts.scheme == "ftps").lower(),
        }
        path = unquote(parts.path)
        return UrlJob(
            Link(name="", connector="ftp-connector", values=values),
            {"inputDirectory": path},
            {"outputDirectory": path},
        )
