"""Fixtures of the package tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def samples_folder() -> Path:
    """The shared samples; the tests that need them are left out where they are not."""
    folder = Path(os.environ.get("HEADRACE_SAMPLES") or ROOT.parent / "shared" / "samples")
    if not folder.is_dir():
        pytest.skip("the shared samples are not here; HEADRACE_SAMPLES names their folder")
    return folder
