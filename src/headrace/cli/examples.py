"""Where the example packages lie: inside an installed wheel, or in the checkout."""

from __future__ import annotations

from pathlib import Path

import headrace


def example(name: str) -> Path:
    """The folder of an example's package. Raises FileNotFoundError."""
    package = Path(headrace.__file__).parent
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (folder / name / "package").is_dir():
            return folder / name / "package"
    raise FileNotFoundError(2, "the example is not installed", name)
