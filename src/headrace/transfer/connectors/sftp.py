"""Files of SFTP servers. Source: CDM API reference, link to an SFTP server."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Capability, UrlJob, connector
from headrace.transfer.files.connector import FileConnector
from headrace.transfer.files.sftp_files import SftpFiles
from headrace.transfer.files.sftp_session import connect, sftp_server
from headrace.transfer.files.store import FileStore
from headrace.transfer.options import Link, Options


@connector
class Sftp(FileConnector):
    """The files of a server, by their whole paths. ``username`` enters with ``password`` or ``privateKey``.

    The server must have the key that ``hostKey`` names, or one that the file ``known_hosts`` of the installation has;
    on the command line, that of the person. URLs: ``sftp://user:password@host:port/path``, with ``?identity=FILE`` for
    a private key (the password is its passphrase then) and ``?host_key=…``.
    """

    capability = Capability(
        title="SFTP",
        connector_names=("sftp-connector",),
        schemes=("sftp",),
        extra="ssh",
        tested="OpenSSH",
        limits="The key of a server must be known before.",
    )

    @property
    def only_here(self) -> str:
        """The known keys of hosts are on this machine."""
        return "" if self.link.text("hostKey") else "the link has no hostKey, and known_hosts is on this machine"

    def test(self) -> str:
        """Enter, and look at the root. Raises SftpUnreachable."""
        server = sftp_server(self.link, self._known_hosts())
        session = connect(server)
        try:
            session.sftp.stat("/")
        finally:
            session.cut()
        return f"{server.shown} lets us in."

    def open_store(self, options: Options) -> FileStore:
        """The files. Connects when the first is needed."""
        server = sftp_server(self.link, self._known_hosts())
        return SftpFiles(partial(connect, server), self.surroundings.cancellation)

    def _known_hosts(self) -> Path:
        """Beside the folder of files, or that of the person where all files of the machine are open."""
        files = self.surroundings.files
        return Path.home() / ".ssh" / "known_hosts" if files == files.parent else files.parent / "known_hosts"

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """A file or folder of a server. Raises CdmError."""
        parts = urlsplit(url)
        if not parts.hostname or not parts.username:
            raise CdmError("An SFTP server is written sftp://user@host/path.")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        values = {
            "server": parts.hostname,
            "port": str(parts.port or 22),
            "username": unquote(parts.username),
            "password": unquote(parts.password or ""),
            "hostKey": query.get("host_key", ""),
            "privateKey": _text(query["identity"]) if "identity" in query else "",
        }
        path = unquote(parts.path)
        return UrlJob(
            Link(name="", connector="sftp-connector", values=values),
            {"inputDirectory": path},
            {"outputDirectory": path},
        )


def _text(file: str) -> str:
    try:
        return Path(file).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CdmError(f"The private key {file!r} cannot be read.") from error
