"""Files behind web addresses. Source: CDM API reference, link to HTTP, fromJobConfig of HTTP."""

from __future__ import annotations

from contextlib import closing

from headrace.errors_cdm import CdmDirectionMissing, CdmError, FileServerUnreachable
from headrace.transfer.connector import Capability, Target, UrlJob, connector
from headrace.transfer.files.connector import FileConnector
from headrace.transfer.files.http_files import HttpFiles
from headrace.transfer.files.store import FileStore
from headrace.transfer.files.web import Web, shown
from headrace.transfer.options import Link, Options


@connector
class Http(FileConnector):
    """The files that ``inputDirectory`` names: URLs joined by ``fileSeparator``. The link has no inputs.

    ``testUrl``, which is our own, is what a test of the link asks for. A user and password may stand in the URLs, which
    are URLs of ``headrace migrate copy`` as well.
    """

    capability = Capability(
        title="HTTP, HTTPS",
        connector_names=("http-connector",),
        schemes=("http", "https"),
        writes=False,
        tested="Python's http.server",
        limits="Folders are not listed; the system's certificates are trusted.",
    )

    def test(self) -> str:
        """Ask for ``testUrl``, where the link has one. Raises FileServerUnreachable."""
        url = self.link.text("testUrl")
        if not url:
            return "A link to web servers has nothing to reach: its jobs name the addresses."
        with closing(Web(self.surroundings.cancellation, FileServerUnreachable).get(url)) as answer:
            if answer.status >= 400:
                raise FileServerUnreachable(f"{shown(url)}: the server answers status {answer.status}.")
            return f"{shown(url)} answers status {answer.status}."

    def open_store(self, options: Options) -> FileStore:
        """The files that the job names. Raises CdmError."""
        separator = options.text("fileSeparator", "|")
        urls = [one.strip("/") for one in options.items("inputDirectory", separator)]
        wrong = next((one for one in urls if not one.lower().startswith(("http://", "https://"))), None)
        if wrong is not None:
            raise CdmError(f"{options.section}.inputDirectory: {wrong!r} is no http:// or https:// address.")
        return HttpFiles(urls, self.surroundings.cancellation)

    def target(self, options: Options) -> Target:
        """Never. Raises CdmDirectionMissing."""
        raise CdmDirectionMissing(f"{self.link.connector}: cannot be written to.")

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """One file."""
        return UrlJob(Link(name="", connector="http-connector", values={}), {"inputDirectory": url}, {})
