"""What becomes of the files of a source when all were moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from headrace.transfer.connector import Surroundings
from headrace.transfer.files.store import FileStore
from headrace.transfer.options import Options

WORDS = ("DO_NOTHING", "RENAME", "RENAME_FILE", "DELETE", "DELETE_FILE")


class Afterwards:
    """Nothing, another name (the time is put behind it) or their end.

    Source: CDM API reference, fromFileOpType; all words but DO_NOTHING are inferred.
    """

    def __init__(self, options: Options) -> None:
        self._word = options.choice("fromFileOpType", WORDS, "DO_NOTHING")

    def apply(self, store: FileStore, paths: Sequence[str], surroundings: Surroundings) -> None:
        """Do it. Raises CdmError."""
        stamp = datetime.fromtimestamp(surroundings.now() / 1000, UTC).astimezone(surroundings.zone)
        for path in paths:
            if self._word.startswith("DELETE"):
                store.delete(path)
            elif self._word.startswith("RENAME"):
                store.rename(path, f"{path}.{stamp:%Y%m%d%H%M%S}")
