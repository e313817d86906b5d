"""Runs a migration job: its connectors, its settings and its pipeline."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from headrace.errors_cdm import BinaryNeedsFiles, CdmError
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Connector, Prepared, Surroundings, Target, open_connector
from headrace.transfer.converters import read_converters
from headrace.transfer.definition import Job
from headrace.transfer.dirty_rows import DirtyRules
from headrace.transfer.dispatch import Dispatch
from headrace.transfer.dispatch_dask import DaskDispatch
from headrace.transfer.dispatch_spark import SparkDispatch, end_session
from headrace.transfer.files.connector import FileConnector
from headrace.transfer.files.copy import copy_files
from headrace.transfer.files.store import FileStore
from headrace.transfer.mapping import Mapper
from headrace.transfer.options import Link, Options
from headrace.transfer.pipeline import CAPACITY, Rules, Transfer, run_transfer

BINARY = "BINARY_FILE"
MOST_DIRTY = 10  # rows of a split where the job keeps bad rows and names no number. Source: exported jobs


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Whom a run tells: of the destination that is ready, as JSON, before it is written, and before the last step."""

    prepared: Callable[[Mapping[str, Any]], None] = lambda state: None
    moving: Callable[[], None] = lambda: None


def run_job(job: Job, surroundings: Surroundings, run: str, listener: Listener | None = None) -> None:
    """Run a job to its end. ``run``: letters and digits that name this run. Raises CdmError."""
    listener = listener or Listener()
    inner = Cancellation()  # also cancelled when one split fails
    with surroundings.cancellation.calling(inner.cancel):
        inside = replace(surroundings, cancellation=inner)
        if _is_copy(job):
            _copy(job, open_connector(job.from_link, inside), open_connector(job.to_link, inside), inside)
            return
        transfer = opened(job, inside, run)
        kept = {} if transfer.spread is None else transfer.spread.kept
        transfer = replace(
            transfer,
            on_prepared=lambda prepared: listener.prepared({**as_json(prepared), **kept}),
            on_moving=listener.moving,
        )
        with closing(transfer.source), closing(transfer.target):
            run_transfer(transfer)


def opened(job: Job, surroundings: Surroundings, run: str) -> Transfer:
    """A job whose links are open; its source and target are to be closed. Raises CdmError."""
    source_side, target_side = open_connector(job.from_link, surroundings), open_connector(job.to_link, surroundings)
    source = source_side.source(job.source)
    wanted = _named(job, target_side)
    target = target_side.target(_direct(wanted) if source.endless else wanted)
    rules = rules_of(job, run)
    return Transfer(
        run=run,
        source=source,
        target=target,
        rules=rules,
        counters=surroundings.counters,
        cancellation=surroundings.cancellation,
        mapper=partial(_mapper, job, surroundings),
        dirty_store=partial(_dirty_store, job, surroundings),
        constants=[name for name, _ in job.source.constants()],
        say=surroundings.say,
        spread=_dispatch(job, surroundings, run, rules, target, (source_side, target_side)),
    )


def _dispatch(
    job: Job, surroundings: Surroundings, run: str, rules: Rules, target: Target, sides: tuple[Connector, Connector]
) -> Dispatch | None:
    """What hands the splits to other machines; none where there are none, or something keeps the job here."""
    elsewhere = surroundings.elsewhere
    if not elsewhere.dask and not elsewhere.spark:
        return None
    wanted = job.section("throttlingConfig").flag("submitToCluster")
    on_spark = elsewhere.spark != "" and (wanted or not elsewhere.dask)
    kept = [side.only_here for side in sides]
    if rules.dirty.folder:
        kept.append(open_connector(job.dirty_link, surroundings).only_here)
    if reason := next(filter(None, kept), ""):
        surroundings.say(f"Runs in this process and not on {'Spark' if on_spark else 'Dask'}: {reason}.")
        return None
    kind = partial(SparkDispatch, elsewhere=elsewhere) if on_spark else partial(DaskDispatch, scheduler=elsewhere.dask)
    return kind(
        job=job,
        run=run,
        zone=str(surroundings.zone),
        now=surroundings.now(),
        at_once=rules.extractors,
        repeatable=target.repeatable,
        counters=surroundings.counters,
        cancellation=surroundings.cancellation,
        say=surroundings.say,
        as_json=as_json,
    )


def _direct(target: Options) -> Options:
    """Without stage tables unless the job wants them, as what never ends is never moved out of them."""
    return replace(target, values={"useStageTable": "false", **target.values})


def finish_job(job: Job, surroundings: Surroundings, state: Mapping[str, Any]) -> None:
    """Do the last step of a run that a crash cut short; what was done of it is not done again. Raises CdmError."""
    with closing(_target(job, surroundings)) as target:
        target.finish(from_json(state))


def abandon_job(job: Job, surroundings: Surroundings, state: Mapping[str, Any]) -> None:
    """Remove what a run that a crash cut short left in the destination; first end its splits. Raises CdmError."""
    if "spark" in state:
        end_session(surroundings.elsewhere, state["spark"])
    with closing(_target(job, surroundings)) as target:
        target.abandon(from_json(state))


def is_restartable(job: Job, surroundings: Surroundings) -> bool:
    """Whether the job can be run again from its beginning after a crash, with the same result. Raises CdmError."""
    if _is_copy(job):
        return True
    with closing(open_connector(job.from_link, surroundings).source(job.source)) as source:
        if source.endless:
            return source.resumes
    with closing(_target(job, surroundings)) as target:
        return target.restartable


def _target(job: Job, surroundings: Surroundings) -> Target:
    return open_connector(job.to_link, surroundings).target(job.target)


def as_json(prepared: Prepared) -> Mapping[str, Any]:
    """A destination that is ready, to be kept."""
    return {"schema": base64.b64encode(prepared.schema.serialize()).decode(), "state": dict(prepared.state)}


def from_json(kept: Mapping[str, Any]) -> Prepared:
    """What was kept."""
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(kept["schema"])))
    return Prepared(schema=schema, state=kept["state"])


def _named(job: Job, target: Connector) -> Options:
    """The target's inputs; files of a table are called after it."""
    table = job.source.text("tableName") or job.source.text("table")
    if not isinstance(target, FileConnector) or job.target.text("tableName") or not table:
        return job.target
    return replace(job.target, values={**job.target.values, "tableName": table})


def _mapper(job: Job, surroundings: Surroundings, source: pa.Schema, target: pa.Schema) -> Mapper:
    text = job.section("transformConfig").text("fieldConverters")
    converters = read_converters(text) if text else ()
    if converters and job.source.flag("useSql"):
        raise CdmError("transformConfig.fieldConverters: a job that reads with an SQL statement has no converters.")
    constants = job.source.constants()
    return Mapper(source, target, constants=constants, converters=converters, zone=surroundings.zone)


def _dirty_place(job: Job) -> tuple[str, str]:
    """The bucket and the folder of bad rows; the folder may be ``obs://bucket/folder``. Empty where none are kept."""
    throttling = job.section("throttlingConfig")
    folder = throttling.text("dirtyDataDirectory").strip()
    if folder.lower().startswith("obs://"):
        bucket, _, path = folder[len("obs://") :].partition("/")
        return bucket, path.strip("/") or "dirty"
    return throttling.text("obsBucket"), folder.strip("/")


def _check_dirty(job: Job) -> None:
    """Raises CdmError for bad rows that are to be kept in no bucket."""
    bucket, folder = _dirty_place(job)
    if folder and not bucket and job.dirty_link.connector.endswith("obs-connector"):
        raise CdmError("throttlingConfig.obsBucket: missing; dirtyDataDirectory is a folder of it.")


def _dirty_store(job: Job, surroundings: Surroundings) -> FileStore:
    bucket, _ = _dirty_place(job)
    connector = _files(job.dirty_link, "throttlingConfig.writeToLink", surroundings)
    return connector.open_store(Options(section="throttlingConfig", values={"bucketName": bucket}))


def _files(link: Link, member: str, surroundings: Surroundings) -> FileConnector:
    """The connector of a link to something that has files. Raises CdmError."""
    connector = open_connector(link, surroundings)
    if not isinstance(connector, FileConnector):
        raise CdmError(f"{member}: {link.name!r} leads to nothing that has files.")
    return connector


def _is_copy(job: Job) -> bool:
    return job.source.text("inputFormat") == BINARY or job.target.text("outputFormat") == BINARY


def _copy(job: Job, source: Connector, target: Connector, surroundings: Surroundings) -> None:
    """Copy files as they are. Raises CdmError unless both sides have files and say so."""
    if not isinstance(source, FileConnector) or not isinstance(target, FileConnector):
        raise BinaryNeedsFiles
    if job.source.text("inputFormat") != job.target.text("outputFormat"):
        raise BinaryNeedsFiles("inputFormat and outputFormat must both be BINARY_FILE.")
    parallel = job.section("throttlingConfig").number("numExtractors", 1, 1, 1000)
    verdicts = None if job.verdict_link is None else partial(_verdict_store, job, job.verdict_link, surroundings)
    with closing(source.open_store(job.source)) as read, closing(target.open_store(job.target)) as written:
        copy_files(read, written, job.source, job.target, parallel, surroundings, verdicts)


def _verdict_store(job: Job, link: Link, surroundings: Surroundings) -> FileStore:
    """Where the verdicts on copied files go."""
    bucket = Options(section="toJobConfig", values={"bucketName": job.target.text("recordMD5Bucket")})
    return _files(link, "toJobConfig.recordMD5Link", surroundings).open_store(bucket)


def rules_of(job: Job, run: str) -> Rules:
    """The settings of a run. Raises CdmError."""
    throttling = job.section("throttlingConfig")
    limited = throttling.flag("throttling")
    _, folder = _dirty_place(job)
    keeps = throttling.flag("recordDirtyData")
    if keeps:
        _check_dirty(job)
    return Rules(
        extractors=throttling.number("numExtractors", 1, 1, 1000),
        retries=throttling.number("splitRetryTime", 0, 0, 100),
        capacity=throttling.number("channelCapacityMb", CAPACITY >> 20, 1, 500) << 20,
        bytes_a_second=float(throttling.number("byteRate", 0) << 20) if limited else 0,
        rows_a_second=float(throttling.number("recordRate", 0)) if limited else 0,
        dirty=DirtyRules(
            keeps=keeps,
            most=throttling.number("maxErrorRecords", MOST_DIRTY),
            folder=f"{folder}/{job.name}/{run}" if folder else "",
        ),
    )
