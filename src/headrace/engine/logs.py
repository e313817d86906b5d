"""The log of one attempt: an object at the documented path, written as it comes, without secrets.

Source: factory-v1-notes §12: ``obs://<bucket>/<job>/<yyyy-MM-dd HH_mm_ss.SSS>/<node>/<node>.job``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo

import structlog

from headrace.auth.sealing import MASK
from headrace.domain.clock import from_millis
from headrace.domain.instance import InstanceType
from headrace.errors import HeadraceError
from headrace.objectstore.base import Appender
from headrace.objectstore.path import ObsPath
from headrace.services import Services
from headrace.storage.instances import InstanceRecord

log = structlog.get_logger("headrace.engine")


_SHARES_PLAN_TIME = (InstanceType.SUBJOB, InstanceType.PATCH_DATA)


def log_path(instance: InstanceRecord, node: str, zone: tzinfo) -> str:
    """Where the log of a node is; the project's own bucket unless the instance names an obs:// folder.

    Instances of a job that can have the plan time of another have their number in the folder's name as well.
    """
    moment = from_millis(instance.plan_time).astimezone(zone)
    folder = f"{moment:%Y-%m-%d %H_%M_%S}.{moment.microsecond // 1000:03d}"
    if instance.instance_type in _SHARES_PLAN_TIME:
        folder += f"_{instance.id}"
    start = (instance.log_root or f"obs://dlf-log-{instance.project_id}").rstrip("/")
    return f"{start}/{_segment(instance.job_name)}/{folder}/{_segment(node)}/{_segment(node)}.job"


def _segment(name: str) -> str:
    plain = name.replace("/", "_")
    return plain if plain.strip(".") else plain.replace(".", "_")


class AttemptLog:
    """Writes an attempt's log. A store that does not take it costs the log, never the attempt.

    Where there are secrets to mask, lines are held back until they are whole. ``topic``: whose followers to wake.
    """

    def __init__(
        self, services: Services, path: str, secrets: Iterable[str], now: Callable[[], datetime], topic: int
    ) -> None:
        self._live = services.logs
        self._topic = topic
        self._path = path
        self._secrets = sorted({item.encode() for item in secrets if item}, key=len, reverse=True)
        self._now = now
        self._lock = threading.Lock()
        self._held = b""
        self._appender: Appender | None = None
        try:
            self._appender = self._live.begin(services.store, ObsPath.parse(path))
        except HeadraceError as error:
            log.warning("the log of a node cannot be written", path=path, reason=error.message)

    def line(self, text: str) -> None:
        """Add a line with the time before it."""
        self.write(f"[{self._now():%Y-%m-%d %H:%M:%S}] {text}\n".encode("utf-8", "replace"))

    def conceal(self, secret: str) -> None:
        """From here on, mask this as well."""
        encoded = secret.encode()
        with self._lock:
            if encoded and encoded not in self._secrets:
                self._secrets = sorted([*self._secrets, encoded], key=len, reverse=True)

    def write(self, data: bytes) -> None:
        """Add bytes as they come."""
        with self._lock:
            if not self._secrets:
                self._append(data)
                return
            whole, newline, self._held = (self._held + data).rpartition(b"\n")
            self._append(self._masked(whole + newline))

    def masked(self, text: str) -> str:
        """The text without the secrets."""
        return self._masked(text.encode("utf-8", "replace")).decode("utf-8", "replace") if self._secrets else text

    def close(self) -> None:
        """Write what is held back, and let go of the object."""
        with self._lock:
            self._append(self._masked(self._held))
            self._held = b""
            self._let_go()

    def _masked(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret, MASK.encode())
        return data

    def _append(self, data: bytes) -> None:
        if not data or self._appender is None:
            return
        try:
            self._appender.write(data)
        except (HeadraceError, OSError) as error:
            log.warning("the log of a node cannot be written", path=self._path, reason=str(error))
            self._let_go()
        self._live.tell(self._topic)

    def _let_go(self) -> None:
        if self._appender is None:
            return
        appender, self._appender = self._appender, None
        try:
            self._live.end(ObsPath.parse(self._path), appender)
        except (HeadraceError, OSError) as error:
            log.warning("the log of a node cannot be written", path=self._path, reason=str(error))
        self._live.tell(self._topic)
