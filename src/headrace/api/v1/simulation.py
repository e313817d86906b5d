"""The simulation of schedules, an operation of ours."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidParameter, JobNotFound, WorkspaceNotFound
from headrace.scheduling import simulated_workspace
from headrace.wire.v1.simulation import SimulationAnswer, SimulationRequest


@operation(
    "POST",
    "/v1/{project_id}/simulation",
    errors=(JobNotFound, WorkspaceNotFound, InvalidParameter),
    tag="job",
    extension=True,
    slow=True,
)
def simulate_schedules(call: Call, body: SimulationRequest) -> SimulationAnswer:
    """Tell which scheduled instances an interval has, past or to come, and what each waits for; nothing runs.

    The newest submitted versions count, and as the clock only what is asked for. Estimates of start and end are made
    from the median duration of the last 20 successful instances; they leave out limits of concurrency and failures.
    At most 100,000 instances.
    """
    return simulated_workspace.simulate(call.services, call.caller, body)
