"""The quality rules of a workspace as nodes find them, and how what they found is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from headrace.domain.quality_outcome import Outcome
from headrace.nodes.base import NodeFailed
from headrace.services import Services
from headrace.storage import quality
from headrace.storage.quality import ResultRecord


def quality_rules_finder(services: Services, workspace_id: str) -> Callable[[str], str]:
    """Finds the document of the quality rule job that a node names."""

    def find(name: str) -> str:
        with services.db.reading() as connection:
            found = quality.by_name(connection, workspace_id, name)
        if found is None:
            raise NodeFailed(
                f"There is no quality rule job {name!r} in the workspace. Define it with "
                f"PUT /v1/{{project_id}}/quality/rule-jobs/{name}, or in the package as quality/{name}.quality."
            )
        return found.document

    return find


def quality_recorder(
    services: Services, workspace_id: str, instance_id: str, node_name: str
) -> Callable[[Sequence[Outcome]], None]:
    """Keeps the outcomes of one attempt, all or none."""

    def record(outcomes: Sequence[Outcome]) -> None:
        now = services.now()
        results = [
            ResultRecord(
                id=f"{services.next_number():032x}",
                workspace_id=workspace_id,
                rule_name=f"{outcome.rule_job}/{outcome.rule}",
                instance_id=int(instance_id),
                node_name=node_name,
                status=outcome.status.value,
                time=now,
                document=msgspec.json.encode(outcome.document()).decode(),
            )
            for outcome in outcomes
        ]
        with services.db.writing() as connection:
            quality.add_results(connection, results)

    return record
