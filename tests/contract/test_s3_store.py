"""What an S3 endpoint that fails looks like to a caller."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from headrace import errors
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.path import ObsPath

pytestmark = pytest.mark.s3


@pytest.fixture
def dead_store() -> ObjectStore:
    """A store whose endpoint is a port nobody listens on."""
    s3 = pytest.importorskip("headrace.objectstore.s3", reason="the extra headrace[s3] is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store: ObjectStore = s3.S3Store(
        f"http://127.0.0.1:{port}", "AKIDVALUE", "very-secret", timeout=timedelta(seconds=2), retries=0
    )
    return store


def test_s3__an_endpoint_that_is_down_is_told_without_keys(dead_store: ObjectStore) -> None:
    path = ObsPath("bucket", "x")

    for act in (
        dead_store.get,
        dead_store.size,
        dead_store.open,
        dead_store.exists,
        dead_store.delete,
        dead_store.list,
    ):
        with pytest.raises(errors.ObsFileUnreadable, match="failed or cannot be reached") as refusal:
            act(path)
        assert "very-secret" not in str(refusal.value)
        assert "AKIDVALUE" not in str(refusal.value)
    with pytest.raises(errors.ObsFileUnreadable):
        dead_store.put(path, b"1")
    with pytest.raises(errors.ObsFileUnreadable):
        dead_store.create_bucket("bucket")
