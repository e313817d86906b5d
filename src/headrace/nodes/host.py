"""Runs a program on another machine over SSH, streams what it prints, and ends all of it when asked.

What it needs goes into a private folder of the host by SFTP, so that a command line shows nothing but that folder's
name. A launcher there runs the program in a session of its own and listens to the link: when that ends, because we ask
for it or because this process died, or is silent for a minute, because the network is, it ends the session and removes
the folder. What is left all the same (the launcher was killed) is ended by the next attempt of the node on that host.
"""

from __future__ import annotations

import hashlib
import secrets
import shlex
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.nodes.base import NodeFailed
from headrace.nodes.process import ATTEMPT_VARIABLE, GRACE_SECONDS, Ended, Tail
from headrace.nodes.ssh import Host, HostSlots, KnownHosts, connected, paramiko
from headrace.sql.engine import Cancellation

WORKING_FOLDER = "/tmp"  # noqa: S108 - where the original runs scripts. Source: user guide, "Shell"
SLOTS = HostSlots()
_OWN = ".headrace"  # folder of our own files in the private folder
PATIENCE_SECONDS = 60  # of silence, after which a host ends a program
_BEATS = 6  # signs of life in that time
_ANSWER_SECONDS = 10.0  # for a host to tell that a program has ended, after it was asked to end it
_LAST_WORDS_SECONDS = 1.0  # without a word after the end, after which none is awaited
_LAST_WORDS_LIMIT = 20  # of these, whatever comes
_PIECE = 65_536

# POSIX sh. setsid comes with util-linux and busybox; where it is absent, perl does the same. timeout is tried first,
# since old ones are called otherwise; where it does not work, only the end of the link is heard and no silence.
_LAUNCHER = r"""
trap : HUP TERM PIPE
for old in "$family"*; do
  if [ "$old" != "$folder" ] && [ -d "$old" ] && [ -O "$old" ]; then
    for file in $(grep -lsF "$mark" /proc/[0-9]*/environ); do
      pid=${file#/proc/}
      kill -KILL "${pid%/environ}"
    done
    rm -rf "$old"
  fi
done 2>/dev/null
exec 3<&0
(
  trap '' HUP TERM PIPE
  beat() { timeout "$patience" dd bs=1 count=1 2>/dev/null; }
  if [ -n "$(echo . | beat)" ]; then
    while [ -n "$(beat <&3)" ]; do :; done
  else
    cat <&3
  fi
  n=0
  while [ ! -s "$own/pid" ] && [ "$n" -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
  read -r pid <"$own/pid" || exit
  kill -TERM "-$pid"
  n=0
  while kill -0 "-$pid" && [ "$n" -lt "$grace" ]; do sleep 0.1; n=$((n + 1)); done
  kill -KILL "-$pid"
) </dev/null >/dev/null 2>&1 &
watch=$!
session=setsid
command -v setsid >/dev/null 2>&1 || session='perl -MPOSIX=setsid -e setsid();exec(@ARGV)or(exit(127))'
cd "$work" && $session sh -c '
  . "$0/environment"
  echo $$ >"$0/pid"
  command -v "$1" >/dev/null 2>&1 || { echo "There is no $1 on this host." >&2; exit 127; }
  exec "$@"' "$own" "$@" <"$own/answers" 3<&-
code=$?
{
  read -r pid <"$own/pid" && kill -KILL "-$pid"
  kill -KILL "$watch"
  rm -rf "$folder"
} 2>/dev/null
exit "$code"
"""


@dataclass(frozen=True, kw_only=True)
class RemoteProgram:
    """What is run on a host.

    ``command``: the interpreter and its options. ``script``: name and content of its file. ``environment``: given the
    private folder, what the program finds beside the host's own. ``answers``: what its standard input gives.
    ``files``: by name, put beside the script; with ``apart`` the program runs there instead of in /tmp.
    """

    command: Sequence[str]
    script: tuple[str, bytes]
    arguments: Sequence[str]
    environment: Callable[[str], Mapping[str, str]]
    answers: bytes = b""
    files: Mapping[str, Path] = field(default_factory=dict)
    apart: bool = False


def run_on_host(
    host: Host,
    program: RemoteProgram,
    *,
    token: str,
    known: KnownHosts,
    slots: int,
    cancellation: Cancellation,
    on_stdout: Callable[[bytes], None],
    on_stderr: Callable[[bytes], None],
    patience: int = PATIENCE_SECONDS,
) -> Ended:
    """Run a program to its end. ``slots``: how many may run on a host at once; ``token`` names the attempt.

    ``patience``: seconds of silence after which the host ends the program.

    A program that a signal ended has the code 128 plus its number. Raises NodeFailed: the host cannot be entered or
    used, the link was lost before the program's end was known.
    """
    family, mark = marks(token)
    folder = f"{family}{secrets.token_hex(8)}"
    text = launcher_text(program, folder, family, mark, patience)
    with (
        SLOTS.one_of(slots, host, cancellation),
        connected(host, known, cancellation) as transport,
        _giving_up(transport, cancellation),
    ):
        try:
            _upload(transport, folder, program, text, mark, cancellation)
            channel = transport.open_session(timeout=_ANSWER_SECONDS)
            channel.exec_command(f"exec sh {folder}/{_OWN}/launcher")
        except (paramiko().SSHException, OSError, EOFError) as error:
            if cancellation.cancelled:
                raise NodeFailed(f"Stopped while preparing the program on host {host.shown}.") from error
            raise NodeFailed(f"Host {host.shown} does not take the program: {error or type(error).__name__}") from error
        ended = _follow(channel, patience / _BEATS, cancellation, on_stdout, on_stderr)
    if ended.exit_code < 0:
        raise NodeFailed(
            f"The link to host {host.shown} was lost before the program ended. The host ends the program within "
            f"{patience} seconds."
        )
    return ended


def marks(token: str) -> tuple[str, str]:
    """What all attempts of a node have in common on a host: how their folders begin, and a variable they carry."""
    family = hashlib.sha256(f"{socket.gethostname()}:{token.rpartition(':')[0]}".encode()).hexdigest()[:20]
    return f"{WORKING_FOLDER}/headrace-{family}-", f"{ATTEMPT_VARIABLE}={family}"


def launcher_text(program: RemoteProgram, folder: str, family: str, mark: str, patience: int) -> str:
    """What is run on the host by its shell."""
    given = {
        "folder": folder,
        "own": f"{folder}/{_OWN}",
        "family": family,
        "mark": mark,
        "work": folder if program.apart else WORKING_FOLDER,
        "patience": str(patience),
        "grace": str(int(GRACE_SECONDS * 10)),
    }
    arguments = [*program.command, f"{folder}/{program.script[0]}", *program.arguments]
    lines = [f"{name}={shlex.quote(value)}" for name, value in given.items()]
    return "\n".join([*lines, f"set -- {shlex.join(arguments)}"]) + _LAUNCHER


@contextmanager
def _giving_up(transport: Any, cancellation: Cancellation) -> Iterator[None]:
    """Close the link to a host that does not answer a cancellation in time."""
    timer = threading.Timer(GRACE_SECONDS + _ANSWER_SECONDS, transport.close)
    timer.daemon = True

    def start() -> None:
        if not timer.is_alive():
            timer.start()

    try:
        with cancellation.calling(start):
            yield
    finally:
        timer.cancel()


def _upload(
    transport: Any, folder: str, program: RemoteProgram, launcher: str, mark: str, cancellation: Cancellation
) -> None:
    """Put everything into the folder, or leave none of it there. Raises InterruptedError when cancelled."""
    name, _, value = mark.partition("=")
    variables = {**program.environment(folder), name: value}
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    texts = {
        program.script[0]: program.script[1],
        f"{_OWN}/environment": exports.encode(),
        f"{_OWN}/answers": program.answers,
        f"{_OWN}/launcher": launcher.encode(),
    }

    def go_on(*_: int) -> None:
        if cancellation.cancelled:
            raise InterruptedError("cancelled")

    with transport.open_sftp_client() as sftp:
        sftp.mkdir(folder, 0o700)
        try:
            sftp.mkdir(f"{folder}/{_OWN}", 0o700)
            for name, content in texts.items():
                go_on()
                _put(sftp, f"{folder}/{name}", content)
            for name, file in program.files.items():
                sftp.put(str(file), f"{folder}/{name}", callback=go_on)
        except BaseException:
            _remove(sftp, folder, [*texts, *program.files])
            raise


def _put(sftp: Any, path: str, content: bytes) -> None:
    with sftp.open(path, "wx") as file:
        file.chmod(0o600)
        file.set_pipelined(True)
        file.write(content)


def _remove(sftp: Any, folder: str, names: Sequence[str]) -> None:
    """Take back what a failed upload left, as far as the link still works."""
    with suppress(OSError, EOFError, paramiko().SSHException):
        for name in names:
            with suppress(FileNotFoundError):
                sftp.remove(f"{folder}/{name}")
        with suppress(FileNotFoundError):
            sftp.rmdir(f"{folder}/{_OWN}")
        sftp.rmdir(folder)


def _follow(
    channel: Any,
    beat_seconds: float,
    cancellation: Cancellation,
    on_stdout: Callable[[bytes], None],
    on_stderr: Callable[[bytes], None],
) -> Ended:
    """Hand on what the program prints until it has ended; nothing here polls."""
    tail = Tail()

    def hear(data: bytes) -> None:
        tail.add(data)
        on_stdout(data)

    readers = [_Reader(channel.recv, hear), _Reader(channel.recv_stderr, on_stderr)]

    def ask() -> None:
        with suppress(OSError, EOFError, paramiko().SSHException):
            channel.shutdown_write()  # the launcher's standard input ends

    for reader in readers:
        reader.start()
    try:
        with cancellation.calling(ask):
            while not channel.status_event.wait(beat_seconds):
                with suppress(OSError):  # asked to end, or the link is lost
                    channel.send(b".")
            exit_code = channel.recv_exit_status()
        for reader in readers:
            reader.finish()
    finally:
        channel.close()
        for reader in readers:
            reader.join()
    return Ended(exit_code, tail.text())


class _Reader(threading.Thread):
    """Hands on what one stream of a program brings."""

    def __init__(self, receive: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
        super().__init__(daemon=True)
        self._receive, self._write = receive, write
        self._pieces = 0

    def run(self) -> None:
        """Until the stream ends."""
        while data := self._receive(_PIECE):
            self._write(data)
            self._pieces += 1

    def finish(self) -> None:
        """Wait for the end of the stream of a program that has ended; one that it left behind may keep it open."""
        for _ in range(_LAST_WORDS_LIMIT):
            seen = self._pieces
            self.join(_LAST_WORDS_SECONDS)
            if not self.is_alive() or self._pieces == seen:
                return
