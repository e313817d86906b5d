"""The nodes of a real-time job in a simulation: each with a cron trigger is a job of its own. See decision 25."""

from __future__ import annotations

from headrace.domain.real_time import Trigger
from headrace.storage import simulated_jobs
from headrace.storage.database import Connection
from headrace.storage.node_jobs import PROCESS_TYPE as NODE
from headrace.storage.simulated_jobs import SimulatedJobRecord
from headrace.wire.v1.node_jobs import node_jobs


def nodes_of(
    connection: Connection, workspace_id: str, name: str, job: SimulatedJobRecord, *, as_if_started: bool
) -> dict[str, SimulatedJobRecord]:
    """The nodes of a real-time job that have a cron trigger, by the names they are kept under.

    They are as they were started, or with ``as_if_started`` as the newest version has them. Raises InvalidSchedule.
    """
    found = {}
    for position, node in enumerate(node_jobs(job.document or "{}")):
        if node.trigger is not Trigger.CRON:
            continue
        key = f"{name}/{node.name}"
        record = simulated_jobs.by_name(connection, workspace_id, key)
        if record is None:  # it has never been started
            record = SimulatedJobRecord(-(job.id * 1000 + position), NODE, node.document, *(None,) * 5)
        found[key] = record._replace(document=node.document) if as_if_started else record
    return found
