"""The files that hold secrets: readable by their owner only, whole or absent."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.auth.credentials import write_credentials
from headrace.auth.private_files import write_private
from headrace.auth.sealing import load_or_create_key


def test_key_file__is_made_once_and_private(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path, {})

    assert load_or_create_key(tmp_path, {}) == key
    assert len(key) >= 32
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["secret.key"]


def test_key_file__those_who_start_together_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: load_or_create_key(tmp_path, {}), range(32)))

    assert len(set(keys)) == 1
    assert os.listdir(tmp_path) == ["secret.key"]


def test_key_file__a_truncated_one_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"abc\n")

    with pytest.raises(ValueError, match=r"secret\.key needs 32 characters"):
        load_or_create_key(tmp_path, {})
    assert (tmp_path / "secret.key").read_bytes() == b"abc\n"


def test_credentials__are_json_that_only_the_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text("old")
    path.chmod(0o644)

    write_credentials(path, {"user": "管理员", "password": "x"})

    assert json.loads(path.read_text("utf-8")) == {"user": "管理员", "password": "x"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["credentials.json"]


def test_private_file__a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_private(path, b"new", replace=True)

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
