"""Files of this machine, in the one folder that migrations may touch; also shares that are mounted there."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from headrace.errors_cdm import CdmError, FileServerUnreachable
from headrace.transfer.connector import Capability, UrlJob, connector
from headrace.transfer.files.connector import FileConnector
from headrace.transfer.files.folder import FolderFiles
from headrace.transfer.files.paths import checked
from headrace.transfer.files.store import FileStore
from headrace.transfer.options import Link, Options

_MOUNTED = ("LOCAL", "NFS", "SMB", "CIFS")  # protocols of nas-connector. Source: CDM API reference, link to a NAS


@connector
class LocalFiles(FileConnector):
    """The folder ``files`` of the installation.

    Links of local-connector, which is our own, need no input; ``directory`` names a folder in it to start from. Links
    of nas-connector are for shares that the system has mounted below it: ``mountPath``, or the path of ``server``
    (``//host/share`` or ``host:/share``), is the folder then.

    URLs are for the command line, where the folder is the whole machine: ``file:///abs/path``, or ``file:data/x.csv``
    from the working directory on.
    """

    capability = Capability(
        title="Local files, mounted NFS and SMB shares",
        connector_names=("local-connector", "nas-connector"),
        schemes=("file",),
        tested="the file system itself",
        limits="Shares are mounted by the system, below the folder of files; Headrace speaks neither NFS nor SMB.",
    )

    @property
    def only_here(self) -> str:
        """The folder is on this machine."""
        return "its files are on this machine"

    def test(self) -> str:
        """Look at the folder. Raises FileServerUnreachable."""
        folder = self._folder()
        if not folder.is_dir():
            raise FileServerUnreachable(f"{self._shown()} is no folder.")
        try:
            next(folder.iterdir(), None)
        except OSError as error:
            raise FileServerUnreachable(f"{self._shown()}: {error.strerror}.") from error
        return f"{self._shown()} is there."

    def open_store(self, options: Options) -> FileStore:
        """The folder. Raises FileServerUnreachable for a share that is not mounted."""
        folder = self._folder()
        if self._start() and not folder.is_dir():
            raise FileServerUnreachable(f"{self._shown()} is no folder.")
        return FolderFiles(folder)

    def _folder(self) -> Path:
        root = self.surroundings.files.resolve()
        folder = (root / self._start()).resolve()
        if not folder.is_relative_to(root):
            raise FileServerUnreachable(f"{self._shown()} leads out of the folder of files.")
        return folder

    def _shown(self) -> str:
        return f"The folder {self._start() or '/'!r} of local files"

    def _start(self) -> str:
        """Where the link begins, below the folder of files. Raises CdmError."""
        if self.link.connector != "nas-connector":
            return self._from_root(self.link.text("directory"))
        self.link.choice("protocol", _MOUNTED, "LOCAL")
        return self._from_root(self.link.text("mountPath") or _share(self.link.text("server")))

    def _from_root(self, text: str) -> str:
        """A path below the folder of files, also where the whole path is given."""
        root = self.surroundings.files.resolve()
        if text.startswith("/") and Path(text).is_relative_to(root):
            text = str(Path(text).relative_to(root))
        return "" if text == "." else checked(text)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """A file or a folder. Raises CdmError for a file of another host."""
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            raise CdmError(f"A file of this machine is written file:///path or file:path, not file://{parts.netloc}/….")
        path = os.path.abspath(unquote(parts.path))
        link = Link(name="", connector="local-connector", values={})
        return UrlJob(link, {"inputDirectory": path}, {"outputDirectory": path})


def _share(server: str) -> str:
    """``host/share`` of ``//host/share``, ``\\\\host\\share`` and ``host:/share``."""
    return server.replace("\\", "/").replace(":/", "/").strip("/")
