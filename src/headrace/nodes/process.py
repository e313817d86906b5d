"""Runs a program of the user as a process group of its own, streams what it prints, and ends all of it when asked.

A process carries HEADRACE_ATTEMPT, so that after a crash of the server what it left running is found and ended.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from headrace.sql.engine import Cancellation

ATTEMPT_VARIABLE = "HEADRACE_ATTEMPT"
TAIL_CHARACTERS = 4_000  # of standard output, kept as the output. Source: user guide, "Shell"
GRACE_SECONDS = 3.0  # between asking a process to end and ending it
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended; negative codes are the signal that ended it."""

    exit_code: int
    tail: str  # of standard output


class Tail:
    """The end of a stream, as the output of a program."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, data: bytes) -> None:
        """Hear the next bytes."""
        limit = 4 * TAIL_CHARACTERS  # bytes, of UTF-8
        self._bytes += data
        if len(self._bytes) > 2 * limit:
            del self._bytes[:-limit]

    def text(self) -> str:
        """The last characters; what is no UTF-8 is replaced."""
        return self._bytes.decode("utf-8", "replace")[-TAIL_CHARACTERS:]


def run_process(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    cancellation: Cancellation,
    on_stdout: Callable[[bytes], None],
    on_stderr: Callable[[bytes], None],
    answers: bytes = b"",
) -> Ended:
    """Run a command to its end; its group is ended with it. ``answers``: what its standard input gives.

    When it is cancelled, what left the group ends as well; a daemon of a command that succeeds is left alone.

    Raises OSError when it cannot be started.
    """
    with _answering(answers, folder) as stdin:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
    tail = Tail()

    def hear(data: bytes) -> None:
        tail.add(data)
        on_stdout(data)

    assert process.stdout is not None  # noqa: S101 - pipes were asked for
    assert process.stderr is not None  # noqa: S101
    streams = {process.stdout.fileno(): hear, process.stderr.fileno(): on_stderr}
    try:
        _follow(process, streams, cancellation)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        exit_code = process.wait()
        if cancellation.cancelled and (token := environment.get(ATTEMPT_VARIABLE)):
            _end_escaped(token)
        process.stdout.close()
        process.stderr.close()
    return Ended(exit_code, tail.text())


@contextmanager
def _answering(answers: bytes, folder: Path) -> Iterator[int]:
    """A standard input that gives these bytes; what keeps them has no name."""
    if not answers:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(answers)
        file.seek(0)
        yield file.fileno()


def _follow(
    process: subprocess.Popen[bytes], streams: dict[int, Callable[[bytes], None]], cancellation: Cancellation
) -> None:
    """Hand on what the process prints until it has ended; nothing here polls."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)

    def ask() -> None:
        with suppress(OSError):
            os.write(wake, b"x")

    try:
        with selectors.DefaultSelector() as selector, _exit_watch(process, ask) as ended, cancellation.calling(ask):
            for stream in streams:
                os.set_blocking(stream, False)
                selector.register(stream, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            if ended is not None:
                selector.register(ended, selectors.EVENT_READ)
            _until_ended(process, selector, streams, (woken, ended), cancellation)
            for stream, write in streams.items():
                _drain(stream, write)
    finally:
        os.close(woken)
        os.close(wake)


def _until_ended(
    process: subprocess.Popen[bytes],
    selector: selectors.BaseSelector,
    streams: dict[int, Callable[[bytes], None]],
    special: tuple[int, int | None],
    cancellation: Cancellation,
) -> None:
    woken, ended = special
    asked = False
    while True:
        ready = selector.select(GRACE_SECONDS if asked else None)
        if not ready:
            _signal_group(process.pid, signal.SIGKILL)
        for key, _ in ready:
            if key.fd == ended:
                return
            if key.fd == woken:
                with suppress(BlockingIOError):
                    os.read(woken, _PIECE)
                if ended is None and process.poll() is not None:
                    return
                if cancellation.cancelled and not asked:
                    asked = True
                    _signal_group(process.pid, signal.SIGTERM)
            elif not _drain(key.fd, streams[key.fd], once=True):
                selector.unregister(key.fd)


def _drain(stream: int, write: Callable[[bytes], None], *, once: bool = False) -> bool:
    """Hand on what is there now; False at the end of the stream."""
    with suppress(BlockingIOError):
        while data := os.read(stream, _PIECE):
            write(data)
            if once:
                return True
        return False
    return True


@contextmanager
def _exit_watch(process: subprocess.Popen[bytes], tell: Callable[[], None]) -> Iterator[int | None]:
    """A descriptor that is ready when the process has ended; where there is none, ``tell`` is called by a thread."""
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(process.pid)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        return

    def wait() -> None:
        process.wait()
        tell()

    threading.Thread(target=wait, daemon=True).start()
    yield None


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _end_escaped(token: str) -> None:
    """End what left the process group of an attempt, and what that starts while it is looked for."""
    for _ in range(10):
        if not end_leftovers([token]):
            return


def end_leftovers(tokens: Collection[str] = (), *, homes: Collection[str] = ()) -> int:
    """End the processes of these attempts and of all attempts of these homes, wherever they moved; how many.

    Finds them where the system shows environments (Linux); elsewhere there are none to be found.
    """
    found = 0
    if not (tokens or homes) or not os.path.isdir("/proc/self"):
        return found
    wanted, of_homes = set(map(os.fsencode, tokens)), set(map(os.fsencode, homes))
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                carried = _carried(file.read())
        except OSError:  # it ended meanwhile, or it is another user's
            continue
        if carried in wanted or carried.rsplit(b":", 3)[0] in of_homes:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(name), signal.SIGKILL)
                found += 1
    return found


def _carried(environment: bytes) -> bytes:
    """The token of an attempt in the environment of a process; empty when it has none."""
    start = os.fsencode(f"{ATTEMPT_VARIABLE}=")
    return next((item.removeprefix(start) for item in environment.split(b"\0") if item.startswith(start)), b"")
