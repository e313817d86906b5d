"""Who calls, and in which workspace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A user of a project."""

    id: str
    name: str
    project_id: str
    domain_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """A workspace: every script, job, resource, connection, instance and task belongs to exactly one."""

    id: str
    project_id: str
    name: str
    is_default: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """One call of a use case: the user, the workspace, and the time it counts as (milliseconds)."""

    user: User
    workspace: Workspace
    now: int

    @property
    def project_id(self) -> str:
        """The project of the workspace."""
        return self.workspace.project_id
