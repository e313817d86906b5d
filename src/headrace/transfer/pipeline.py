"""Runs a migration: its splits side by side, each a reader, a bounded queue, a mapper and a writer.

Nothing here knows a connector, and nothing holds more than the queues do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace

import pyarrow as pa

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, ExtractionFailed, LoadFailed, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.channel import Channel, Closed
from headrace.transfer.connector import Prepared, Source, Split, Target, Writer
from headrace.transfer.counters import Counters
from headrace.transfer.dirty_rows import DirtyRows, DirtyRules
from headrace.transfer.dispatch import Dispatch
from headrace.transfer.files.store import FileStore
from headrace.transfer.mapping import Mapper
from headrace.transfer.throttle import Throttle

CAPACITY = 64 << 20  # bytes of a queue. Source: user guide, channelCapacityMb


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a job runs; rates are of each split, a second, 0 without a limit.

    Source: CDM API reference, throttlingConfig.
    """

    extractors: int = 1
    retries: int = 0
    capacity: int = CAPACITY
    bytes_a_second: float = 0
    rows_a_second: float = 0
    dirty: DirtyRules = field(default_factory=DirtyRules)


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """A migration that is ready to run.

    ``run`` names it in the destination. ``constants``: names of the columns behind those of the source.
    ``cancellation`` is its own, as a split that fails cancels the others. ``mapper`` makes the mapper between what is
    read and what is written. ``on_prepared`` hears of the destination before anything is written, ``on_moving`` when
    all is written and only the last step is left. ``say``: a line for the log. ``spread``: runs the splits elsewhere,
    given the destination, the schema of the source and the splits.
    """

    run: str
    source: Source
    target: Target
    rules: Rules
    counters: Counters
    cancellation: Cancellation
    mapper: Callable[[pa.Schema, pa.Schema], Mapper]
    dirty_store: Callable[[], FileStore]
    constants: Sequence[str] = ()
    on_prepared: Callable[[Prepared], None] = lambda prepared: None
    on_moving: Callable[[], None] = lambda: None
    say: Callable[[str], None] = lambda text: None
    spread: Dispatch | None = None


def run_transfer(transfer: Transfer) -> None:
    """Move everything. Raises CdmError; the destination is then as its target leaves it when it is abandoned."""
    source, target = transfer.source, transfer.target
    if source.endless and not target.lasting:
        raise CdmError(
            "A job that runs until it is stopped needs a destination that keeps each batch: no files, no stage."
        )
    schema = source.schema()
    splits = source.splits(transfer.rules.extractors)
    transfer.counters.add(parts=len(splits))
    transfer.say(f"Reads {len(schema)} columns in {len(splits)} part{'' if len(splits) == 1 else 's'}.")
    given = pa.schema([*schema, *(pa.field(name, pa.string()) for name in transfer.constants)])
    prepared = target.prepare(given, transfer.run, len(splits))
    try:
        transfer.on_prepared(prepared)
        if splits:
            mapper = transfer.mapper(schema, prepared.schema)
            if transfer.spread is not None:
                transfer.spread(prepared, schema, splits)
            else:
                _run_splits(transfer, prepared, mapper, splits)
        if transfer.cancellation.cancelled:
            raise RunStopped
    except Exception:
        target.abandon(prepared)
        raise
    transfer.on_moving()
    try:
        target.finish(prepared)
    except Exception:
        target.abandon(prepared)
        raise
    source.finish()


def _run_splits(transfer: Transfer, prepared: Prepared, mapper: Mapper, splits: Sequence[Split]) -> None:
    """Run the splits on as many threads as the job has extractors; the first that fails ends the others."""
    errors: list[Exception] = []

    def one(number: int) -> None:
        try:
            run_split(transfer, prepared, mapper, splits[number], number)
        except Exception as error:  # noqa: BLE001 - raised again when the others have ended
            errors.append(error)
            transfer.cancellation.cancel()

    if len(splits) == 1:
        one(0)
    else:
        with ThreadPoolExecutor(min(transfer.rules.extractors, len(splits)), "split") as pool:
            for number in range(len(splits)):
                pool.submit(one, number)
    if errors:
        raise errors[0]


def run_split(transfer: Transfer, prepared: Prepared, mapper: Mapper, split: Split, number: int) -> None:
    """One split, tried again where the target allows it. Raises CdmError."""
    attempts = 1 + (transfer.rules.retries if transfer.target.repeatable else 0)
    for attempt in range(1, attempts + 1):
        if transfer.cancellation.cancelled:
            raise RunStopped
        counters = Counters(transfer.counters)
        dirty = DirtyRows(transfer.rules.dirty, transfer.dirty_store, number, counters)
        part = replace(transfer, counters=counters)
        try:
            _move(part, mapper, split, transfer.target.writer(prepared, number), dirty)
        except HeadraceError as error:
            if attempt == attempts or transfer.cancellation.cancelled:
                raise
            counters.undo()
            transfer.say(f"Part {number} failed and is tried again ({attempt} of {attempts - 1}): {error.message}")
        else:
            transfer.counters.add(parts_done=1)
            return
        finally:
            dirty.close()


def _move(transfer: Transfer, mapper: Mapper, split: Split, writer: Writer, dirty: DirtyRows) -> None:
    """Read in a thread, write in this one."""
    channel = Channel(transfer.rules.capacity)
    reader = threading.Thread(target=_read, args=(transfer, split, channel, dirty), name="reader", daemon=True)
    reader.start()
    try:
        for batch in channel:
            mapped = mapper(batch)
            if mapped.rejected:
                dirty.add(batch, mapped.rejected)
            _write(transfer, writer, mapped.batch, dirty)
            if transfer.target.lasting:
                transfer.source.written(split)
            if transfer.cancellation.cancelled:
                raise RunStopped
        writer.close()
    except Exception as error:
        channel.close()
        writer.abort()
        raise _told(error, LoadFailed, transfer.cancellation) from error
    finally:
        channel.close()
        reader.join()


def _write(transfer: Transfer, writer: Writer, batch: pa.RecordBatch, dirty: DirtyRows) -> None:
    rejected = writer.write(batch)
    if rejected:
        dirty.add(batch, rejected)
    written = {} if writer.counts_bytes else {"bytes_written": batch.nbytes}
    transfer.counters.add(rows_written=batch.num_rows - len(rejected), **written)


def _read(transfer: Transfer, split: Split, channel: Channel, dirty: DirtyRows) -> None:
    """The reader's thread: everything it meets goes into the channel."""
    throttles = _throttles(transfer.rules)
    cancellation = transfer.cancellation
    try:
        with closing(_generator(transfer.source, split, dirty)) as batches:
            for batch in batches:
                size = batch.nbytes
                read = {} if transfer.source.counts_bytes else {"bytes_read": size}
                transfer.counters.add(rows_read=batch.num_rows, **read)
                for throttle, amount in zip(throttles, (batch.num_rows, size), strict=True):
                    if throttle is not None:
                        throttle.wait(amount, cancellation)
                channel.put(batch)
                if cancellation.cancelled:
                    raise RunStopped
    except Closed:
        return  # the writer knows why
    except Exception as error:  # noqa: BLE001 - raised again by the writer's side
        channel.end(_told(error, ExtractionFailed, cancellation))
    finally:
        channel.end()


def _generator(source: Source, split: Split, dirty: DirtyRows) -> Generator[pa.RecordBatch, None, None]:
    """The batches as a generator that can be closed, whatever the source gives."""
    yield from source.read(split, dirty.add_text)


def _throttles(rules: Rules) -> tuple[Throttle | None, Throttle | None]:
    """Of rows and of bytes."""
    rows, size = rules.rows_a_second, rules.bytes_a_second
    return (Throttle(rows, time.monotonic) if rows else None, Throttle(size, time.monotonic) if size else None)


def _told(error: Exception, kind: type[HeadraceError], cancellation: Cancellation) -> Exception:
    """The error as the caller is told it: what a driver raised because the run was cancelled is that."""
    if isinstance(error, HeadraceError):
        return error
    if cancellation.cancelled:
        return RunStopped()
    return kind(f"{type(error).__name__}: {error}")
