"""New and changed objects below a folder of the object store as events; found by listing, which every store can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from headrace.errors import BucketNotFound
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.scheduling.event_instances import Event, Found


class ObsSource:
    """The objects below a folder; an object is a place, when it was changed (milliseconds) its position."""

    def __init__(self, store: ObjectStore, folder: ObsPath, interval: timedelta) -> None:
        self.name = f"{folder}".rstrip("/") + "/"
        self._store = store
        self._folder = folder
        self._seconds = interval.total_seconds()
        self._listed: list[Event] = []  # by the last listing, oldest first
        self._looked = False

    def newest(self) -> Mapping[str, int]:
        """All objects that are there."""
        return {event.place: event.position for event in self._list()}

    def look(self, reached: Mapping[str, int], most: int, wait: Callable[[float], bool]) -> Found:
        """Objects that are new or changed, oldest first; lists again when those of the last listing are through."""
        gone: list[str] = []
        new = self._new(reached)
        if not new:
            if self._looked and wait(self._seconds):
                return Found()
            self._listed, self._looked = self._list(), True
            gone = sorted(set(reached) - {event.place for event in self._listed})
            new = self._new(reached)
        return Found(new[:most], gone)

    def close(self) -> None:
        """Nothing is open."""

    def _new(self, reached: Mapping[str, int]) -> list[Event]:
        return [event for event in self._listed if not event.is_behind(reached.get(event.place))]

    def _list(self) -> list[Event]:
        try:
            found = list(self._store.list(self._folder))
        except BucketNotFound:
            return []
        found.sort(key=lambda item: (item.modified_ms, item.path.key))
        return [_event(str(item.path), item.modified_ms) for item in found]


def _event(path: str, modified: int) -> Event:
    return Event(path, modified, key=f"{path}@{modified}", data=path, files=path, ordered=False)
