"""The simulation of schedules, an operation of ours."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from headrace.wire.base import Wire


class SimulationRequest(Wire):
    """Which instances to tell: those with ``minPlanTime <= planTime <= maxPlanTime`` (ms).

    ``jobs``: of these, default all that are started. ``asIfStarted``: jobs and what they depend on are taken to be
    started, for ever.
    """

    min_plan_time: int | None = None
    max_plan_time: int | None = None
    jobs: list[str] | None = None
    as_if_started: bool | None = None


class SimulatedDependency(Wire, omit_defaults=False):
    """What an instance will wait for in one job. ``rule``: which of its instances count, in words.

    ``workspaceId``: of the job, where it is another. ``anySuffices``: one that succeeds is enough. Without plan times
    the instance is cancelled: none counts for it (traditional periods).
    """

    job_name: str
    rule: str
    fail_policy: str
    any_suffices: bool
    plan_times: list[int]
    workspace_id: str | UnsetType = UNSET


class SimulatedInstance(Wire, omit_defaults=False):
    """One instance. Times in ms; estimates are absent where the history is too short, or nobody can make them.

    ``waitsForFile``: the path at which a new file must appear, as written.
    """

    job_name: str
    plan_time: int
    dry_run: bool
    waits_for: list[SimulatedDependency]
    waits_for_file: str | UnsetType = UNSET
    estimated_start_time: int | UnsetType = UNSET
    estimated_end_time: int | UnsetType = UNSET


class SimulationAnswer(Wire, omit_defaults=False):
    """The instances by plan time and job. ``warnings``: schedules and dependencies that have no effect."""

    total: int
    instances: list[SimulatedInstance]
    warnings: list[str]
