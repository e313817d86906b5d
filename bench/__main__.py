"""Run the measurements named on the command line, or all."""

from __future__ import annotations

import sys

from bench import api, backfill, el, engine, migration, packages, scheduler, simulation

SUBJECTS = {
    "api": api.main,
    "packages": packages.main,
    "el": el.main,
    "engine": engine.main,
    "backfill": backfill.main,
    "scheduler": scheduler.main,
    "simulation": simulation.main,
    "migration": migration.main,
}


def main() -> None:
    for name in sys.argv[1:] or SUBJECTS:
        SUBJECTS[name]()


main()
