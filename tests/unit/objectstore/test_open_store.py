"""Which store a URL opens, and what is said about a URL that does not do."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from headrace.objectstore.files import FileStore
from headrace.objectstore.store import open_store

HOME = Path("/nowhere/home")
KEYS = {"HEADRACE_S3_ACCESS_KEY": "AK", "HEADRACE_S3_SECRET_KEY": "very-secret"}


@pytest.mark.parametrize("url", [None, "file:///data/obs", "file://localhost/data/obs"])
def test_open_store__a_folder_is_plain_files(url: str | None) -> None:
    assert isinstance(open_store(url, HOME, {}), FileStore)


@pytest.mark.parametrize(
    "url", ["s3://127.0.0.1:9000?region=eu-de", "http://127.0.0.1:9000", "https://obs.example.com/"]
)
def test_open_store__an_endpoint_is_s3(url: str) -> None:
    assert type(open_store(url, HOME, KEYS)).__name__ == "S3Store"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host", "scheme 'ftp' is unknown"),
        ("obs", "scheme '' is unknown"),
        ("file://host/data", "file:///absolute/path"),
        ("s3://host/bucket", "without a path"),
        ("s3://", "without a path"),
        ("s3://host?regoin=x", "unknown option regoin"),
        ("s3://AK:very-secret@host", "not the URL"),
    ],
)
def test_open_store__a_url_that_does_not_do_is_explained(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refusal:
        open_store(url, HOME, KEYS)

    assert "very-secret" not in str(refusal.value)


def test_open_store__missing_keys_are_named() -> None:
    with pytest.raises(ValueError, match="needs HEADRACE_S3_SECRET_KEY in the environment"):
        open_store("s3://host", HOME, {"HEADRACE_S3_ACCESS_KEY": "AK"})


def test_open_store__without_obstore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named 'obstore' for {name}", name="obstore")

    monkeypatch.setattr(importlib, "import_module", absent)

    with pytest.raises(ValueError, match=r"headrace\[s3\]"):
        open_store("s3://host", HOME, KEYS)
