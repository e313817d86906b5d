"""The log of a node instance, readable while it is written."""

from __future__ import annotations

import math

from headrace.domain.identity import Caller
from headrace.domain.instance import ENDED_JOB_STATES, ENDED_NODE_STATES, JobState
from headrace.errors import BucketNotFound, InvalidObsPath, InvalidParameter
from headrace.factory import instances
from headrace.objectstore.path import ObsPath
from headrace.services import Services
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.wire.v1.node_logs import NodeLog, NodeLogQuery

MIN_BYTES, MAX_BYTES = 4, 1 << 20  # a character has up to 4
MAX_WAIT_SECONDS = 30
MAX_WAITING = 16  # callers at once; the others get what there is, as each one that waits holds a thread
OTHERS_SECONDS = 1.0  # how often to look for the log of a node that another process runs


def read(
    services: Services, caller: Caller, job_name: str, instance_id: str, node_name: str, query: NodeLogQuery
) -> NodeLog:
    """A piece of the log; waits for one where ``wait`` says so.

    Raises InstanceNotFound, InvalidParameter, and what the object store raises.
    """
    _check(query)
    record, node = _find(services, caller, job_name, instance_id, node_name)
    if query.wait == 0:
        return _piece(services, record, node, query)
    deadline = services.now() + query.wait * 1000
    with services.logs.following(record.id, MAX_WAITING) as wait:
        while True:
            record, node = _find(services, caller, job_name, instance_id, node_name)
            piece = _piece(services, record, node, query)
            rest = (deadline - services.now()) / 1000
            if piece.content or piece.ended or wait is None or rest <= 0 or services.stopping.is_set():
                return piece
            wait(min(rest, OTHERS_SECONDS) if services.db.shared else rest)


def _check(query: NodeLogQuery) -> None:
    if not MIN_BYTES <= query.limit <= MAX_BYTES:
        raise InvalidParameter(f"limit: {query.limit} is not between {MIN_BYTES} and {MAX_BYTES}.")
    if not (math.isfinite(query.wait) and 0 <= query.wait <= MAX_WAIT_SECONDS):
        raise InvalidParameter(f"wait: {query.wait} is not between 0 and {MAX_WAIT_SECONDS} seconds.")
    if abs(query.offset) >= 1 << 63:
        raise InvalidParameter(f"offset: {query.offset} is no place in a log.")


def _find(
    services: Services, caller: Caller, job_name: str, instance_id: str, node_name: str
) -> tuple[InstanceRecord, NodeRecord]:
    with services.db.reading() as connection:
        record = instances.found(connection, caller, job_name, instance_id)
        return record, instances.node_named(connection, record, node_name)


def _piece(services: Services, record: InstanceRecord, node: NodeRecord, query: NodeLogQuery) -> NodeLog:
    """What the log has at the offset; whole characters only, as the next piece begins with the rest."""
    data, begin, is_written = _contents(services, node.log_path, query)
    over = node.status in ENDED_NODE_STATES or JobState(record.status) in ENDED_JOB_STATES
    last = over and not is_written and len(data) < query.limit
    whole = data if last else whole_characters(data)
    return NodeLog(
        content=whole.decode("utf-8", "replace"), next_offset=begin + len(whole), ended=last, status=node.status
    )


def _contents(services: Services, log_path: str, query: NodeLogQuery) -> tuple[bytes, int, bool]:
    """Bytes of a log, where they begin, and whether it is being written here; nothing of one that cannot be written."""
    nothing = (b"", max(0, query.offset), False)
    if not log_path:
        return nothing
    try:
        path = ObsPath.parse(log_path)
        is_written = services.logs.is_open(path)
        return *services.logs.read(services.store, path, query.offset, query.limit), is_written
    except (BucketNotFound, InvalidObsPath):  # the server's log tells
        return nothing


def whole_characters(data: bytes) -> bytes:
    """The data without a character at its end that is cut."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:  # the first byte of a character of 2, 3 or 4
            length = 2 + (byte >= 0xE0) + (byte >= 0xF0)
            return data if back >= length else data[:-back]
        if byte < 0x80:
            return data
    return data
