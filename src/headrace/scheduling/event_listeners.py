"""Listens for the events of started EVENT jobs: a thread for each, which sleeps in its client or between two looks."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from headrace.domain.event_words import EventType
from headrace.errors import HeadraceError
from headrace.nodes.base import BoundConnection, NodeFailed
from headrace.objectstore.path import ObsPath
from headrace.scheduling import event_instances
from headrace.scheduling.event_instances import Listening, ListeningEnded, PositionLost, Source, SourceFailed
from headrace.scheduling.kafka_events import KafkaSource
from headrace.scheduling.obs_events import ObsSource
from headrace.services import Services
from headrace.storage import event_triggers

log = structlog.get_logger("headrace.scheduling")

FindConnection = Callable[[str, str], BoundConnection | None]  # of a workspace, by name

TROUBLE_SECONDS = 5.0  # how long a listener rests whose source cannot be read
FULL_SECONDS = (0.005, 0.5)  # until it looks again whether there is room for an event: at first, and at most
CHECK_SECONDS = 10.0  # until jobs are noticed that another process started


class Listener:
    """One thread that makes the instances of one job."""

    def __init__(
        self, services: Services, listening: Listening, find: FindConnection, on_end: Callable[[], None]
    ) -> None:
        self.listening = listening
        self._services = services
        self._find = find
        self._on_end = on_end
        self._full = FULL_SECONDS[0]
        self._suspended = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"events-{listening.job_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Have it end; it takes no event after the one it is at."""
        self._ending.set()

    def join(self) -> None:
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _loop(self) -> None:
        told = ""
        while not self._ending.is_set():
            try:
                self._listen()
            except ListeningEnded:
                self._on_end()
                return
            except (SourceFailed, NodeFailed, HeadraceError) as error:
                reason = error.message if isinstance(error, HeadraceError) else str(error)
                if reason != told:
                    log.warning("events cannot be read; it is tried again", job=self.listening.job_id, reason=reason)
                told = reason
            except Exception:
                log.exception("listening for events failed; it is tried again", job=self.listening.job_id)
            self._ending.wait(TROUBLE_SECONDS)

    def _listen(self) -> None:
        source = self._open()
        try:
            event_instances.begin(self._services, self.listening, source)
            while not self._ending.is_set():
                self._look(source)
        finally:
            source.close()

    def _look(self, source: Source) -> None:
        reached, room, suspended = event_instances.progress(self._services, self.listening, source)
        if suspended and not self._suspended:
            log.warning("no events are taken: an instance of the job has failed", job=self.listening.job_id)
        self._suspended = suspended
        if not room:
            self._ending.wait(self._full)
            self._full = min(self._full * 2, FULL_SECONDS[1])
            return
        self._full = FULL_SECONDS[0]
        try:
            found = source.look(reached, room, self._ending.wait)
        except PositionLost as lost:
            event_instances.move(self._services, self.listening, source.name, lost)
            return
        if found.events or found.gone:
            event_instances.take(self._services, self.listening, source.name, found)

    def _open(self) -> Source:
        """Raises ListeningEnded, NodeFailed where the library is missing, SourceFailed, InvalidObsPath."""
        with self._services.db.reading() as connection:
            job, definition = self.listening.read(connection)
        event = definition.schedule.event
        if event.type is EventType.OBS:
            folder = ObsPath.parse(event.channel, "schedule.event.channel")
            return ObsSource(self._services.store, folder, event.interval)
        name = event.connection or self._services.settings.dis_connection or ""
        bound = self._find(job.workspace_id, name) if name else None
        if bound is None:
            raise SourceFailed(
                f"schedule.event.connectionName: {name!r} is no connection with brokers; where the job names none, "
                "the setting dis_connection does."
            )
        return KafkaSource(bound, event.channel)


class EventListeners:
    """The listeners of this process. ``wake`` may be called from any thread."""

    def __init__(self, services: Services, find: FindConnection) -> None:
        self._services = services
        self._find = find
        self._woken = threading.Event()
        self._stopping = False
        self._listeners: dict[Listening, Listener] = {}
        self._ending: list[Listener] = []  # nobody waits for these before the stop
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; what has come while nobody listened comes now, where the source still has it."""
        if self._thread is None:
            self._stopping = False
            self._thread = threading.Thread(target=self._loop, name="event-listeners", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End all listeners."""
        if self._thread is not None:
            self._stopping = True
            self._woken.set()
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Jobs may have been started, stopped or changed."""
        self._woken.set()

    def _loop(self) -> None:
        while not self._stopping:
            try:
                self._round()
            except Exception:
                log.exception("looking for event jobs failed; it is tried again")
            self._woken.wait(CHECK_SECONDS)
            self._woken.clear()
        for listener in self._listeners.values():
            listener.end()
        for listener in (*self._listeners.values(), *self._ending):
            listener.join()
        self._listeners.clear()

    def _round(self) -> None:
        """Have a listener for each job that was started, as it is now."""
        with self._services.db.reading() as connection:
            found = event_triggers.listening(connection)
        wanted = {Listening(job_id=key, started=at[0], version=at[1]) for key, at in found.items()}
        for listening, listener in list(self._listeners.items()):
            if listening not in wanted:  # one that has ended by itself is not begun again
                listener.end()
                self._ending.append(self._listeners.pop(listening))
        self._ending = [listener for listener in self._ending if listener.alive]
        for listening in wanted - self._listeners.keys():
            listener = self._listeners[listening] = Listener(self._services, listening, self._find, self.wake)
            listener.start()
