"""Connections to FTP servers, in the clear or with TLS."""

from __future__ import annotations

import ftplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field

from headrace.errors_cdm import CdmError, FtpUnreachable
from headrace.transfer.options import Link

CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 60.0  # without a byte, after which a connection is lost


@dataclass(frozen=True, kw_only=True)
class FtpServer:
    """Where a server is and who enters. ``secure``: with TLS (AUTH TLS); ``authority``: a certificate to trust, PEM."""

    address: str
    port: int
    user: str
    password: str = field(repr=False)
    secure: bool = False
    authority: str = ""

    @property
    def shown(self) -> str:
        """How messages call it."""
        return f"{self.user}@{self.address}:{self.port}"


def ftp_server(link: Link) -> FtpServer:
    """The server of a link. Raises CdmError.

    ``useSSL`` and ``certificate`` are our own inputs. Source: CDM API reference, link to an FTP server.
    """
    address, port = link.address("server", default_port=21)
    return FtpServer(
        address=address,
        port=port,
        user=link.text("username", "anonymous"),
        password=link.text("password"),
        secure=link.flag("useSSL"),
        authority=link.text("certificate"),
    )


class FtpSession:
    """A connection, used by one thread at a time. ``features``: what the server says it can."""

    def __init__(self, server: FtpServer) -> None:
        self.ftp = _tls(server) if server.secure else ftplib.FTP(timeout=CONNECT_SECONDS)  # noqa: S321 - it is FTP
        self._data: socket.socket | None = None
        try:
            self._enter(server)
        except BaseException:
            self.ftp.close()
            raise
        self.features = self._features()

    def _enter(self, server: FtpServer) -> None:
        ftp = self.ftp
        ftp.connect(server.address, server.port)
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.auth()
        ftp.login(server.user, server.password)
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.prot_p()
        ftp.voidcmd("TYPE I")
        ftp.timeout = SILENCE_SECONDS
        if ftp.sock is not None:
            ftp.sock.settimeout(SILENCE_SECONDS)

    def _features(self) -> frozenset[str]:
        try:
            lines = self.ftp.sendcmd("FEAT").splitlines()[1:-1]
        except ftplib.error_perm:
            return frozenset()
        features = frozenset(line.split()[0].upper() for line in lines if line.split())
        if "UTF8" in features:
            with suppress(ftplib.error_perm):  # some want it said, others have it on always
                self.ftp.sendcmd("OPTS UTF8 ON")
        return features

    def transfer(self, command: str) -> socket.socket:
        """Begin a transfer; the connection that carries it. Raises as ftplib."""
        self.ftp.voidcmd("TYPE I")  # listings leave it at text, in which line breaks change
        self._data = self.ftp.transfercmd(command)
        return self._data

    def receive(self, buffer: bytearray) -> int:
        """The next bytes of a transfer, 0 when there are no more. Raises OSError."""
        if self._data is None:
            raise ConnectionError("The transfer is over.")
        return self._data.recv_into(buffer)

    def finish(self) -> None:
        """The transfer is over, if there is one; hear what the server says of it. Raises as ftplib."""
        data, self._data = self._data, None
        if data is None:
            return
        if isinstance(data, ssl.SSLSocket):
            with suppress(OSError):  # some servers just close
                data.unwrap()
        data.close()
        self.ftp.voidresp()

    def cut(self) -> None:
        """End it."""
        for one in (self._data, self.ftp.sock):
            if one is not None:
                with suppress(OSError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)
                one.close()
        self.ftp.close()


def connect(server: FtpServer) -> FtpSession:
    """Enter a server. Raises FtpUnreachable."""
    try:
        return FtpSession(server)
    except ftplib.error_perm as error:
        raise FtpUnreachable(f"{server.shown}: the server refuses: {_said(error, server)}") from error
    except ssl.SSLCertVerificationError as error:
        raise FtpUnreachable(f"{server.shown}: the certificate is not trusted: {error.verify_message}.") from error
    except (ftplib.Error, EOFError, OSError, ValueError) as error:
        raise FtpUnreachable(f"{server.shown}: {_said(error, server)}") from error


def _said(error: Exception, server: FtpServer) -> str:
    said = getattr(error, "strerror", None) or str(error) or "the connection was closed"
    return (said.replace(server.password, "***") if server.password else said).rstrip(".") + "."


def _tls(server: FtpServer) -> ftplib.FTP_TLS:
    try:
        context = ssl.create_default_context(cadata=server.authority or None)
    except (ssl.SSLError, ValueError) as error:
        raise CdmError("linkConfig.certificate: it is no certificate in PEM.") from error
    return _SameSession(context=context, timeout=CONNECT_SECONDS)


class _SameSession(ftplib.FTP_TLS):
    """Data comes in the TLS session of the commands: many servers want to see that it is the same client."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - it is FTP
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size
