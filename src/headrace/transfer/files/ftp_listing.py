"""What FTP servers say of files: MLSD and MLST, else LIST as Unix servers write it, SIZE and MDTM."""

from __future__ import annotations

import ftplib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from headrace.transfer.files.ftp_session import FtpSession

_UNIX = re.compile(r"([-dl])\S{9,10}\s+\d+\s+\S+\s+\S+\s+(\d+)\s+\S+\s+\S+\s+\S+\s(.+)")
_MOMENT = re.compile(r"(\d{14})(?:\.(\d+))?")


class Row(NamedTuple):
    """One row of a listing: ``kind`` is ``file`` or ``dir``; ``modified`` None where the server did not say."""

    name: str
    kind: str
    size: int
    modified: int | None


def rows(session: FtpSession, folder: str) -> Iterator[Row]:
    """What a folder holds; links and special files are left out. Raises as ftplib, where it is none."""
    if "MLST" in session.features:
        for name, facts in session.ftp.mlsd(folder):
            kind = facts.get("type", "").lower()
            if kind in ("file", "dir"):
                yield Row(name, kind, int(facts.get("size", 0)), moment(facts.get("modify", "")))
        return
    lines: list[str] = []
    session.ftp.cwd(folder)  # LIST of what is no folder is no error everywhere
    session.ftp.retrlines("LIST", lines.append)
    for line in lines:
        match = _UNIX.fullmatch(line)
        if match and match[1] != "l" and match[3] not in (".", ".."):
            yield Row(match[3], "dir" if match[1] == "d" else "file", int(match[2]), None)


def look(session: FtpSession, path: str) -> Row | None:
    """A file, nothing where there is none. Raises as ftplib."""
    try:
        if "MLST" in session.features:
            facts = _facts(session.ftp.sendcmd(f"MLST {path}"))
            if facts.get("type", "").lower() != "file":
                return None
            return Row(path, "file", int(facts.get("size", 0)), moment(facts.get("modify", "")))
        session.ftp.voidcmd("TYPE I")
        size = session.ftp.size(path)
    except ftplib.error_perm:
        return None
    return None if size is None else Row(path, "file", size, changed(session, path))


def changed(session: FtpSession, path: str) -> int:
    """When a file was changed, 0 where the server does not say. Raises as ftplib."""
    try:
        return moment(session.ftp.sendcmd(f"MDTM {path}").partition(" ")[2]) or 0
    except ftplib.error_perm:
        return 0


def moment(text: str) -> int | None:
    """Milliseconds since 1970 of ``20240131020000.123``, which is UTC. Source: RFC 3659, 2.3."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    try:
        found = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(found.timestamp()) * 1000 + int((match[2] or "0")[:3].ljust(3, "0"))


def _facts(answer: str) -> Mapping[str, str]:
    """Of the second line of the answer to MLST."""
    line = [*answer.splitlines(), "", ""][1].strip().partition(" ")[0]
    pairs = (fact.partition("=") for fact in line.split(";") if fact)
    return {name.lower(): value for name, _, value in pairs}
