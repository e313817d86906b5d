"""Workspaces as the Management Center spells them, in snake case. Source: API reference, "Management Center"."""

from __future__ import annotations

import msgspec

from headrace.wire.base import Wire


class WorkspaceQuery(Wire):
    """``offset`` counts records here, not pages. Source: notes §14.6."""

    limit: int = 20
    offset: int = 0


class UserWorkspaceQuery(Wire, rename="kebab"):
    """Pages from 1; without ``page-size`` everything is on the first one, because the SDK asks only once."""

    page_size: int | None = None
    page_number: int = 1


class CreateWorkspaceRequest(Wire, rename=None):
    """``eps_id``: the enterprise project, "0" (also when absent) for none. The locations are ``obs://`` paths."""

    name: str | None = None
    description: str | None = None
    eps_id: str | None = None
    job_log_location_name: str | None = None
    bad_record_location_name: str | None = None


class WorkspaceBody(Wire, rename=None, omit_defaults=False):
    """``id`` is what the header ``workspace`` takes; ``is_default``: 1 or 0; times in milliseconds."""

    id: str
    name: str
    description: str
    is_default: int
    instance_id: str
    project_id: str
    domain_id: str
    eps_id: str
    owner_name: str
    job_log_location_name: str
    bad_record_location_name: str
    member_num: int
    create_user: str
    create_time: int
    update_user: str
    update_time: int


class WorkspacePage(Wire, rename=None, omit_defaults=False):
    """``count``: over all pages; clients read on until they hold that many."""

    count: int
    total_page: int
    data: list[WorkspaceBody]


class Outcome(Wire, rename=None, omit_defaults=False):
    """What the Management Center answers to changes. Source: factory-v2-notes §6."""

    is_success: bool = True
    message: str = ""
    id: str = msgspec.field(default="")
