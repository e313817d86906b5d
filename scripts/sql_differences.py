"""Write the section of docs/differences.md that lists where the embedded engine and a real one differ.

The list is tests/cases/warehouse/differences.toml, which a test compares with what the engines do.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "tests" / "cases" / "warehouse" / "differences.toml"
TARGET = ROOT / "docs" / "differences.md"
BEGIN, END = "<!-- begin: sql differences -->", "<!-- end: sql differences -->"
ENGINES = {"spark": "Spark (Spark SQL, DLI)", "dws": "PostgreSQL (DWS)", "mysql": "MariaDB (RDS for MySQL)"}


def section() -> str:
    """The section with its marks: a table per engine, a line per case."""
    found = tomllib.loads(SOURCE.read_text("utf-8"))["difference"]
    parts = [BEGIN, ""]
    for dialect, engine in ENGINES.items():
        parts += [f"### Compared with {engine}", "", "| case | here and there |", "|---|---|"]
        parts += [f"| {each['case']} | {_cell(each['why'])} |" for each in found if each["dialect"] == dialect]
        parts.append("")
    return "\n".join([*parts, END])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def written(document: str) -> str:
    """The document with its section replaced."""
    before, _, rest = document.partition(BEGIN)
    return before + section() + rest.partition(END)[2]


if __name__ == "__main__":
    TARGET.write_text(written(TARGET.read_text("utf-8")), "utf-8")
