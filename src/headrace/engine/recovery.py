"""One engine per home, and what the last one left running when it died."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import IO

from headrace.errors import HeadraceError


class EngineTaken(HeadraceError):
    """Another process runs the engine of this home."""

    text = "Another process runs the engine of this home."


class HomeLock:
    """Held while an engine runs; the system lets go of it when the process ends, however it ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / "engine.lock"
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Raises EngineTaken."""
        file = open(self._path, "a+", encoding="ascii")  # noqa: SIM115 - held open until released
        if os.name == "posix":
            fcntl = importlib.import_module("fcntl")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read(20).strip()
                file.close()
                raise EngineTaken(f"Process {holder or 'unknown'} holds {self._path}.") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let another process have it."""
        if self._file is not None:
            self._file.close()
            self._file = None
