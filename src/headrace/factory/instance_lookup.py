"""Finds a job instance by its number alone, as a person types it."""

from __future__ import annotations

from headrace.domain.identity import Caller
from headrace.errors import InstanceNotFound
from headrace.factory import instances
from headrace.services import Services
from headrace.storage import instances as stored
from headrace.wire.v1.instances import JobInstanceDetail


def show(services: Services, caller: Caller, instance_id: str) -> JobInstanceDetail:
    """An instance of any job of the workspace with its nodes. Raises InstanceNotFound."""
    known = instance_id.isascii() and instance_id.isdigit() and len(instance_id) <= 18
    with services.db.reading() as connection:
        record = stored.by_id(connection, int(instance_id)) if known else None
    if record is None:
        raise InstanceNotFound(f"There is no instance {instance_id!r} in the workspace.")
    return instances.show(services, caller, record.job_name, instance_id)
