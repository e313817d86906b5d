"""The connector of whatever has files: formats, filters, markers and binary copies are the same everywhere."""

from __future__ import annotations

from abc import abstractmethod

from headrace.transfer.connector import Connector, Source, Target
from headrace.transfer.files.source import FileSource
from headrace.transfer.files.store import FileStore
from headrace.transfer.files.target import FileTarget
from headrace.transfer.options import Options


class FileConnector(Connector):
    """A connector that only says how its files are reached. ``open_store``: of the side of a job (its bucket, say)."""

    @abstractmethod
    def open_store(self, options: Options) -> FileStore:
        """The files. Raises CdmError."""

    def source(self, options: Options) -> Source:
        """Files in one of the formats."""
        return FileSource(self.open_store(options), options, self.surroundings)

    def target(self, options: Options) -> Target:
        """Files in one of the formats."""
        return FileTarget(self.open_store(options), options, self.surroundings)
