"""Logs that are being written, and those who follow them."""

from __future__ import annotations

import threading

from headrace.objectstore.live import LiveLogs


def test_following__something_that_happened_before_the_wait_is_not_missed() -> None:
    logs = LiveLogs()
    with logs.following(7, 1) as wait:
        assert wait is not None
        logs.tell(8)
        assert not wait(0)
        logs.tell(7)
        assert wait(0)
        assert not wait(0)


def test_following__a_wait_ends_when_something_happens() -> None:
    logs, woken = LiveLogs(), threading.Event()

    def follow() -> None:
        with logs.following(7, 1) as wait:
            assert wait is not None
            following.set()
            if wait(30):
                woken.set()

    following = threading.Event()
    thread = threading.Thread(target=follow)
    thread.start()
    following.wait(30)
    logs.tell_all()
    thread.join(30)
    assert woken.is_set()


def test_following__more_than_allowed_do_not_wait() -> None:
    logs = LiveLogs()
    with logs.following(7, 1), logs.following(8, 1) as second:
        assert second is None
    with logs.following(8, 1) as later:
        assert later is not None
