"""Hands the splits of a job to the executors of a Spark cluster, through Spark Connect.

Each split is an operation of one task, which runs ``transfer/part_spark.py`` in the executor's Python. See decision 33.
"""

from __future__ import annotations

import importlib
import logging
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headrace.errors_cdm import CdmError, RunStopped
from headrace.transfer.connector import Elsewhere, Prepared, Split
from headrace.transfer.dispatch import LOOK_SECONDS, Dispatch, Outcome, Task, check
from headrace.transfer.drivers import driver

ANSWER_SECONDS = 15.0  # that the server has to take a connection
LAST_SECONDS = 15.0  # that it has to interrupt operations
ENDING_SECONDS = 5.0  # after that the splits have ended too: Spark looks every 2 s, and kills their Python 2 s later
KEY_FILE = "spark.headrace.key"  # a setting of the session: the name of the file with the key
NONCE_BYTES = 12
_NONE: Mapping[str, Any] = {}
COLUMNS = "outcome binary, beat binary"
_PYTHON = "spark.sql.execution.pyspark.python"
_NO_HEADRACE = (
    "The Python of Spark's executors has no Headrace. Install this version of it there and name that Python in "
    "spark_python, or in PYSPARK_PYTHON of the Spark Connect server."
)


@dataclass(frozen=True, kw_only=True)
class SparkDispatch(Dispatch):
    """A job whose splits go to Spark. ``session``: the UUID by which Spark knows all that belongs to this run."""

    elsewhere: Elsewhere
    session: str = field(default_factory=lambda: str(uuid4()))

    @property
    def kept(self) -> Mapping[str, Any]:
        """The session, so that a recovery can end what still runs in it."""
        return {"spark": self.session}

    def __call__(self, prepared: Prepared, source: pa.Schema, splits: Sequence[Split]) -> None:
        """Run all splits. Raises CdmError: that of the first that fails, which ends the others."""
        key, name = secrets.token_bytes(32), f"headrace-{self.session}"
        settings = {KEY_FILE: name} | ({_PYTHON: self.elsewhere.spark_python} if self.elsewhere.spark_python else {})
        with _connected(self.elsewhere.spark, self.session, settings, {name: key}) as cluster:
            self.say(f"Hands {len(splits)} parts to Spark {cluster.version}.")
            self._all(cluster, key, self.tasks(prepared, source, splits))

    def _all(self, cluster: Cluster, key: bytes, tasks: Sequence[Task]) -> None:
        """Keep as many splits running as may run at a time."""
        pool = ThreadPoolExecutor(min(self.at_once, len(tasks)), "spark")
        running = {pool.submit(cluster.run, sealed(task, key)) for task in tasks}
        try:
            while running:
                ended, running = wait(running, LOOK_SECONDS, FIRST_COMPLETED)
                if self.cancellation.cancelled:
                    raise RunStopped
                for one in ended:
                    self._end(one.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            if running:
                cluster.interrupt(running)

    def _end(self, outcome: Outcome) -> None:
        """Take what came of a split. Raises what it failed with."""
        for line in outcome.lines:
            self.say(line)
        self.counters.add(**outcome.counts)
        check(outcome)


def end_session(elsewhere: Elsewhere, session: str) -> None:
    """End what a server that is gone left running in a session. Raises CdmError where Spark does not answer."""
    if not elsewhere.spark:
        return
    try:
        with _connected(elsewhere.spark, session) as cluster:
            cluster.interrupt(set())
    except CdmError as error:
        if "SESSION_CLOSED" not in error.detail:  # else it was ended in time
            raise


def sealed(task: Task, key: bytes) -> bytes:
    """A split that only those read who have the key: operations, and what is in them, may be shown by Spark."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(task), None)


class Cluster(NamedTuple):
    """A session of Spark Connect; ``session`` is the driver's, whose module is ``real``."""

    real: Any
    spark: Any
    session: Any
    version: str

    def run(self, sealed_task: bytes) -> Outcome:
        """Run a split, and wait for its end. Raises CdmError where it could not be run."""
        run_sealed = importlib.import_module("headrace.transfer.part_spark").run_sealed
        try:
            frame = self.spark.createDataFrame(pa.table({"task": [sealed_task]}))
            told = frame.mapInArrow(run_sealed, COLUMNS).filter("outcome IS NOT NULL").select("outcome").toArrow()
        except self.real.SparkDriver.errors as error:
            reason = self.real.SparkDriver().reason(error)
            raise CdmError(_why(reason)) from error
        return msgspec.json.decode(told.column("outcome")[0].as_py(), type=Outcome)

    def interrupt(self, running: set[Future[Outcome]]) -> None:
        """Interrupt what runs in the session, and wait until it does so no more, also in the executors."""
        limit = time.monotonic() + LAST_SECONDS
        try:
            self.session.interrupt()
            while wait(running, LOOK_SECONDS).not_done and time.monotonic() < limit:
                self.session.interrupt()  # an operation may reach the server later than the first request
        except self.real.SparkDriver.errors:  # Spark is gone, or the session
            self.session.abandon()
        time.sleep(ENDING_SECONDS)


def _why(reason: str) -> str:
    """What Spark said of a split that it could not run."""
    if any(f"No module named '{name}" in reason for name in ("headrace", "pyarrow")):
        return _NO_HEADRACE
    lines = [line for line in reason.splitlines() if line.strip()]
    return f"Spark could not run a split: {lines[0]}" + (f" ... {lines[-1].strip()}" if len(lines) > 1 else "")


@contextmanager
def _connected(
    url: str, session_id: str, settings: Mapping[str, str] = _NONE, files: Mapping[str, bytes] = _NONE
) -> Iterator[Cluster]:
    """A session of an id, whose executors find ``files``; in the end Spark forgets it. Raises CdmError."""
    real, builder = driver("headrace.sql.real.spark", "spark"), _channel(url, session_id)
    logging.getLogger("SQLQueryContextLogger").disabled = True  # it would print plans
    place = (builder.host, int(builder.endpoint.rpartition(":")[2]))
    with ExitStack() as stack:
        try:
            socket.create_connection(place, ANSWER_SECONDS).close()  # the client would try for ten minutes
            spark = real.SparkSession.Builder().channelBuilder(builder).create()
            session = stack.enter_context(closing(real.SparkConnectSession(spark)))
            session.prepare(None, settings)
            check_settings(spark)
            _add_files(spark, files)
            cluster = Cluster(real, spark, session, spark.version)
        except real.SparkDriver.errors as error:
            reason = real.SparkDriver().reason(error)
            raise CdmError(f"spark_connect: {builder.endpoint} cannot be used: {reason}") from error
        yield cluster


def _channel(url: str, session_id: str) -> Any:
    """How to reach the server. Raises CdmError, which tells nothing of the URL, as it may hold a token."""
    core = driver("pyspark.sql.connect.client.core", "spark")
    try:
        builder = core.DefaultChannelBuilder(url)
    except (ValueError, driver("pyspark.errors", "spark").PySparkException):
        raise CdmError("spark_connect: it is no URL such as sc://host:15002/;use_ssl=true.") from None
    builder.set("session_id", session_id)
    builder.set("user_id", builder.userId or "headrace")
    return builder


def _add_files(spark: Any, files: Mapping[str, bytes]) -> None:
    """The client of Spark takes files from disk only."""
    with TemporaryDirectory(prefix="headrace-") as folder:  # only this user may enter
        for name, content in files.items():
            file = Path(folder, name)
            file.write_bytes(content)
            spark.addArtifacts(str(file), file=True)


def check_settings(spark: Any) -> None:
    """Raises CdmError for a Spark that may run one split twice at the same time."""
    if str(spark.conf.get("spark.speculation", None)).lower() == "true":
        raise CdmError("spark_connect: this Spark has spark.speculation, which runs splits twice; it must be false.")
