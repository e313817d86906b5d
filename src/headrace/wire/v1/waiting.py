"""Why an instance waits, on the wire: a resource of ours. Source: reference on scheduling §5.4, "Waiting view"."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from headrace.wire.base import Wire


class UpstreamInstance(Wire, omit_defaults=False):
    """An instance that another waits for. Without ``instanceId`` and ``status``: it does not exist yet."""

    plan_time: int
    blocking: bool
    instance_id: int | UnsetType = UNSET
    status: str | UnsetType = UNSET


class Dependency(Wire, omit_defaults=False):
    """What an instance waits or waited for in one upstream job.

    ``jobStatus``: of that job, as PAUSED; absent when it was deleted. ``rule``: which of its instances count, in words.
    ``anySuffices``: one that succeeds is enough. ``satisfied``: it keeps the instance no longer.
    """

    number: int
    job_name: str
    rule: str
    fail_policy: str
    any_suffices: bool
    satisfied: bool
    instances: list[UpstreamInstance]
    job_status: str | UnsetType = UNSET


class Listening(Wire, omit_defaults=False):
    """The file that an instance listens for, times in ms. ``path``: evaluated, before the first look as written.

    An object is new that was changed at ``since`` or later. ``nextTime``: of the next look, absent when it is over;
    at ``until`` comes the last. ``found``: the new object.
    """

    path: str
    since: int
    until: int
    next_time: int | UnsetType = UNSET
    found: str | UnsetType = UNSET


class WaitingReasons(Wire, omit_defaults=False):
    """Why an instance has not gone on. ``reasons`` are sentences, none for one that runs or has ended."""

    instance_id: int
    job_name: str
    plan_time: int
    status: str
    reasons: list[str]
    dependencies: list[Dependency]
    listening: Listening | UnsetType = UNSET


class RemoveDependencyRequest(Wire):
    """Which upstream instances an instance waits for no longer: those of a job, of all plan times or of one (ms).

    ``number``: of the dependency, where an instance depends on a job in several ways.
    """

    job_name: str | None = None
    number: int | None = None
    plan_time: int | None = None
