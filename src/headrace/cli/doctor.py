"""``headrace doctor``: looks at an installation and says what is wrong and how to mend it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import typer

from headrace import __version__
from headrace.cli.home import DatabaseOption, HomeOption, JsonOption, load_settings
from headrace.cli.output import FAILED, print_json, say
from headrace.objectstore.store import open_store
from headrace.settings import Settings
from headrace.storage import migrate
from headrace.storage.database import open_database


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at. ``repair``: what to do where it is not well."""

    name: str
    well: bool
    found: str
    repair: str = ""


def doctor(home: HomeOption = None, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Check the installation: home, keys, database, object store, port; exit status 1 when something is wrong."""
    settings = load_settings(home=home, database_url=database)
    checks = list(_checks(settings))
    if as_json:
        print_json(checks)
    else:
        for check in checks:
            say(f"{'ok ' if check.well else 'BAD'}  {check.name:<14} {check.found}")
            if not check.well and check.repair:
                say(f"     {'':<14} → {check.repair}")
    if not all(check.well for check in checks):
        raise typer.Exit(FAILED)


def _checks(settings: Settings) -> Iterator[Check]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    well = sys.version_info >= (3, 11)
    yield Check(name="python", well=well, found=version, repair="use Python 3.11 or newer")
    yield Check(name="headrace", well=True, found=__version__)
    if not settings.home.exists():
        found, repair = f"{settings.home} is not there", "`headrace up` makes it on its first start"
        yield Check(name="home", well=False, found=found, repair=repair)
        return
    free = shutil.disk_usage(settings.home).free // 2**20
    repair = "free some disk, or choose another --home"
    yield Check(name="home", well=free > 500, found=f"{settings.home}, {free} MB free", repair=repair)
    yield from _private_files(settings)
    yield _database(settings)
    yield _object_store(settings)
    yield _port(settings)


def _private_files(settings: Settings) -> Iterator[Check]:
    for name in ("credentials.json", "secret.key"):
        path = settings.home / name
        if path.exists():
            mode = stat.S_IMODE(path.stat().st_mode)
            yield Check(name=name, well=mode & 0o077 == 0, found=f"mode {mode:04o}", repair=f"chmod 600 {path}")


def _database(settings: Settings) -> Check:
    try:
        opened = open_database(settings.database_url, settings.home)
        found = migrate.revision(opened)
        opened.close()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the finding)
        return Check(name="database", well=False, found=str(error), repair="check --database and that the server runs")
    repair = "`headrace db upgrade` brings it to this release"
    return Check(name="database", well=found == migrate.HEAD, found=f"revision {found or 'none'}", repair=repair)


def _object_store(settings: Settings) -> Check:
    try:
        store = open_store(settings.object_store_url, settings.home, os.environ)
        store.bucket_exists("headrace-doctor")
    except Exception as error:  # noqa: BLE001
        return Check(name="object store", well=False, found=str(error), repair="check object_store_url and its keys")
    return Check(name="object store", well=True, found=settings.object_store_url or str(settings.home / "obs"))


def _port(settings: Settings) -> Check:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex((settings.host, settings.port)) == 0
    return Check(name="port", well=True, found=f"{settings.port} {'answers (a server runs)' if taken else 'is free'}")
