"""One split of a job, run by the Python of an executor of Spark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headrace.errors_cdm import RunLost
from headrace.sql.engine import Cancellation
from headrace.transfer.counters import Counters
from headrace.transfer.dispatch import LOST, Task
from headrace.transfer.dispatch_spark import KEY_FILE, NONCE_BYTES
from headrace.transfer.drivers import driver
from headrace.transfer.part import BEAT_SECONDS, run_task

_BUFFER_BYTES = int(os.environ.get("SPARK_BUFFER_SIZE", "65536"))  # Spark's Python sends what it has when it has more
_COLUMNS = pa.schema([("outcome", pa.binary()), ("beat", pa.binary())])


def run_sealed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Run the splits that come in; what goes out is an ``Outcome`` each, as JSON, with beats before it."""
    spark = driver("pyspark")
    context = spark.TaskContext.get()
    cipher = AESGCM(Path(spark.SparkFiles.get(context.getLocalProperty(KEY_FILE))).read_bytes())
    for batch in batches:
        for sealed in batch.column(0).to_pylist():
            content = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
            yield from _run(msgspec.json.decode(content, type=Task), context)


def _run(task: Task, context: Any) -> Iterator[pa.RecordBatch]:
    """Run a split in a thread. Beats, which Spark takes and drops, find out whether it still wants the split."""
    cancellation, lines = Cancellation(), list[str]()
    may_begin = partial(_check_first, task, context)
    with ThreadPoolExecutor(1, "part") as pool:
        future = pool.submit(run_task, task, may_begin, Counters(), cancellation, lines)
        try:
            while not wait([future], BEAT_SECONDS).done:
                yield _row(None, bytes(_BUFFER_BYTES + 1))
        finally:  # also where the task was interrupted: a beat then finds nobody
            cancellation.cancel()
    outcome = future.result()
    outcome.lines = lines
    yield _row(msgspec.json.encode(outcome), None)


def _check_first(task: Task, context: Any) -> None:
    """Raises RunLost for a split that may begin only once, and was begun by a task that Spark has lost."""
    if task.once and context.attemptNumber() > 0:
        raise RunLost(LOST)


def _row(outcome: bytes | None, beat: bytes | None) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array([outcome], pa.binary()), pa.array([beat], pa.binary())], schema=_COLUMNS
    )
