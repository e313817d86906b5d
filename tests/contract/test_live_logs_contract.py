"""Logs are readable while they are written, whatever store keeps them."""

from __future__ import annotations

from headrace.objectstore.base import ObjectStore
from headrace.objectstore.live import LiveLogs
from headrace.objectstore.path import ObsPath


def test_read__a_log_is_read_while_it_is_written_and_afterwards(store: ObjectStore, bucket: ObsPath) -> None:
    logs, path = LiveLogs(), bucket / "job/node/node.job"
    store.put(path, b"earlier ")
    log = logs.begin(store, path)
    log.write(b"first ")
    assert (logs.read(store, path, 8, 100), logs.is_open(path)) == ((b"first ", 8), True)
    log.write(b"second")
    assert logs.read(store, path, 14, 100) == (b"second", 14)
    assert logs.read(store, path, -4, 2) == (b"co", 16)
    assert logs.read(store, path, 0, 7) == (b"earlier", 0)
    assert logs.read(store, path, 1000, 7) == (b"", 20)
    logs.end(path, log)
    assert (logs.read(store, path, 8, 100), logs.is_open(path)) == ((b"first second", 8), False)
    assert logs.read(store, path, -4, 2) == (b"co", 16)
    assert store.get(path) == b"earlier first second"


def test_read__a_log_that_is_not_there_is_empty(store: ObjectStore, bucket: ObsPath) -> None:
    assert LiveLogs().read(store, bucket / "none", 5, 100) == (b"", 5)
    assert LiveLogs().read(store, bucket / "none", -5, 100) == (b"", 0)


def test_read__two_who_write_the_same_log_let_go_one_after_the_other(store: ObjectStore, bucket: ObsPath) -> None:
    logs, path = LiveLogs(), bucket / "x"
    first, second = logs.begin(store, path), logs.begin(store, path)
    logs.end(path, first)
    assert logs.is_open(path)
    logs.end(path, second)
    assert not logs.is_open(path)
