"""Job instances, v2."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InstanceNotFound, InvalidParameter, JobNotFound, PermissionDenied, WorkspaceNotFound
from headrace.factory import instance_batches, instances
from headrace.wire.v1.instances import JobInstance, JobInstanceDetail
from headrace.wire.v2.instances import (
    FactoryJobInstance,
    FactoryJobInstanceList,
    ListInstancesByNameQuery,
    RetryInstancesRequest,
)


@operation(
    "GET",
    "/v2/{project_id}/factory/jobs/{job_name}/instances/detail",
    errors=(JobNotFound, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="instance",
)
def list_factory_job_instances_by_name(call: Call, query: ListInstancesByNameQuery) -> FactoryJobInstanceList:
    """List the instances of one job, newest plan time first.

    Without bounds those of today until now. Source: API reference, "Querying Job Instances by Name".
    """
    found = instance_batches.list_of_job(call.services, call.caller, call.path["job_name"], query)
    return FactoryJobInstanceList(total=found.total, instances=[_shown(row) for row in found.instances])


@operation(
    "POST",
    "/v2/{project_id}/factory/jobs/{job_name}/instances/retry",
    errors=(JobNotFound, InstanceNotFound, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="instance",
    partly="concurrent has no effect: the instances run as the concurrency of their jobs allows",
)
def retry_factory_job_instance(call: Call, body: RetryInstancesRequest) -> None:
    """Run ended instances again: those named, or those of jobs planned in a range. All of them or none.

    Source: API reference, "Rerunning a Job Instance".
    """
    instance_batches.rerun(call.services, call.caller, call.path["job_name"], body)


@operation(
    "GET",
    "/v2/{project_id}/factory/jobs/{job_name}/instances/{instance_id}",
    errors=(InstanceNotFound, JobNotFound, WorkspaceNotFound, InvalidParameter),
    tag="instance",
)
def show_factory_job_instance(call: Call) -> FactoryJobInstance:
    """One job instance. Source: observed on the cloud service by a client; not in the API reference."""
    return _shown(instances.show(call.services, call.caller, call.path["job_name"], call.path["instance_id"]))


def _shown(instance: JobInstance | JobInstanceDetail) -> FactoryJobInstance:
    return FactoryJobInstance(
        job_name=instance.job_name,
        status=instance.status,
        job_instance_name=instance.job_instance_name,
        plan_time=instance.plan_time,
        instance_id=instance.instance_id,
        instance_type=instance.instance_type,
        submit_time=instance.submit_time,
        job_id=instance.job_id,
        version=instance.version,
        force_success=instance.force_success,
        ignore_success=instance.ignore_success,
        start_time=instance.start_time,
        end_time=instance.end_time,
        execute_time=instance.execute_time,
    )
