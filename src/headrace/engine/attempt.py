"""One attempt of a node or of a script: what it is given, and how it is run on a worker thread.

An attempt ends in a result whatever happens; what a user's node does wrong is a failed result and no error of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from headrace.domain.clock import from_millis
from headrace.domain.job import JobDefinition
from headrace.el.errors import ExpressionError
from headrace.el.language import evaluate_text, script_text
from headrace.el.scope import Loop, Scope
from headrace.engine.logs import AttemptLog
from headrace.engine.quality import quality_recorder, quality_rules_finder
from headrace.engine.scope import node_scope
from headrace.engine.surroundings import (
    SqlEngines,
    connection_finder,
    files_root,
    resource_finder,
    script_finder,
    variables_of,
)
from headrace.errors import HeadraceError
from headrace.nodes.base import (
    Log,
    Migration,
    MigrationEnd,
    NodeContext,
    NodeFailed,
    NodeResult,
    build_node,
    unevaluated_properties,
)
from headrace.services import NodeAttempt, Services
from headrace.sql.engine import Cancellation
from headrace.storage.instances import InstanceRecord, NodeRecord

log = structlog.get_logger("headrace.engine")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A claimed node of an instance, with the states of its other nodes at that moment."""

    record: InstanceRecord
    job: JobDefinition
    nodes: Sequence[NodeRecord]
    position: int
    cancellation: Cancellation = field(default_factory=Cancellation)

    @property
    def key(self) -> tuple[int, int]:
        """The instance and the position of the node."""
        return self.record.id, self.position

    @property
    def fence(self) -> int:
        """The number of the attempt."""
        return self.nodes[self.position].fence


def attempt_token(home: str, instance: int | str, position: int, fence: int) -> str:
    """Names an attempt among all processes of a machine."""
    return f"{home}:{instance}:{position}:{fence}"


def run_attempt(services: Services, engines: SqlEngines, attempt: Attempt) -> NodeResult:
    """Run a node to its end; never raises."""
    node, definition = attempt.nodes[attempt.position], attempt.job.nodes[attempt.position]
    try:
        sensitive = {
            name: services.sealer.unseal(value)
            for name, value in definition.properties.items()
            if name in definition.sensitive and services.sealer.is_sealed(value)
        }
        record_log = AttemptLog(services, node.log_path, sensitive.values(), _clock(services), attempt.record.id)
    except Exception:
        log.exception("an attempt could not be prepared", instance=attempt.record.id, node=node.name)
        return NodeResult(success=False, message="The attempt could not be prepared; the server's log says why.")
    try:
        record_log.line(f"Attempt {node.retry_times + 1} of node {node.name!r} ({node.type}) begins.")
        result = guarded(lambda: _run(services, engines, attempt, sensitive, record_log), attempt.cancellation)
        result = replace(result, message=record_log.masked(result.message))
        record_log.line(_last_line(result))
    finally:
        record_log.close()
    return result


def _last_line(result: NodeResult) -> str:
    if result.children is not None:
        return f"Runs job {result.children.job_name!r}, instances: {len(result.children.instances)}."
    return f"Ended: {'success' if result.success else 'failed. ' + result.message}"


def guarded(work: Callable[[], NodeResult], cancellation: Cancellation) -> NodeResult:
    """The result of some work; whatever it raises is a failed result."""
    try:
        result = work()
    except NodeFailed as error:
        result = NodeResult(success=False, message=str(error))
    except HeadraceError as error:
        result = NodeResult(success=False, message=error.message)
    except (Exception, SystemExit) as error:  # some libraries leave the process where they should raise
        log.exception("a node raised an error of its own")
        result = NodeResult(success=False, message=f"{type(error).__name__}: {error}")
    if cancellation.cancelled and not result.success:
        return NodeResult(success=False, message=f"Stopped. {result.message}", output=result.output)
    return result


def _run(
    services: Services, engines: SqlEngines, attempt: Attempt, sensitive: Mapping[str, str], record_log: Log
) -> NodeResult:
    record, definition = attempt.record, attempt.job.nodes[attempt.position]
    secrets = list(sensitive.values())
    with services.db.reading() as connection:
        variables = variables_of(services, connection, record.workspace_id, secrets.append)
    for secret in secrets:
        record_log.conceal(secret)
    scope = node_scope(services, record, attempt.job, attempt.nodes, attempt.position, variables)
    untouched = unevaluated_properties(definition.type)
    properties = {
        name: value if name in untouched else _evaluated(sensitive.get(name, value), scope, secrets)
        for name, value in definition.properties.items()
    }
    node = build_node(definition.type, properties)
    context = build_context(
        services,
        engines,
        workspace_id=record.workspace_id,
        job_name=record.job_name,
        node_name=definition.name,
        instance_id=str(record.id),
        plan_time=record.plan_time,
        token=attempt_token(str(services.settings.home), record.id, attempt.position, attempt.fence),
        scope=scope,
        secrets=secrets,
        record_log=record_log,
        cancellation=attempt.cancellation,
        polling_interval=definition.polling_interval.total_seconds(),
        migrate=partial(_migrate, services, attempt, scope, record_log),
    )
    return node.run(context)


def _migrate(services: Services, attempt: Attempt, scope: Scope, record_log: Log, migration: Migration) -> MigrationEnd:
    """Run a migration job for a node. Raises HeadraceError, NodeFailed."""
    record = attempt.record
    caller = NodeAttempt(
        project_id=scope.project_id,
        workspace_id=record.workspace_id,
        instance_id=record.id,
        position=attempt.position,
        fence=attempt.fence,
        plan_time=record.plan_time,
        variables=scope.parameters,
        cancellation=attempt.cancellation,
        say=record_log.line,
    )
    return services.migrate(migration, caller)


def _evaluated(text: str, scope: Scope, secrets: Sequence[str]) -> str:
    """The text of a property. Raises ExpressionError, without the secrets."""
    try:
        return evaluate_text(text, scope)
    except ExpressionError as error:
        raise error.without(secrets) from None


def build_context(
    services: Services,
    engines: SqlEngines,
    *,
    workspace_id: str,
    job_name: str,
    node_name: str,
    instance_id: str,
    plan_time: int,
    token: str,
    scope: Scope,
    record_log: Log,
    cancellation: Cancellation,
    polling_interval: float = 10.0,
    secrets: Sequence[str] = (),
    migrate: Callable[[Migration], MigrationEnd] | None = None,
) -> NodeContext:
    """What an attempt may touch."""
    settings = services.settings
    root = files_root(settings)

    def substitute(text: str, script_arguments: Mapping[str, str]) -> str:
        try:
            return script_text(text, scope, script_arguments)
        except ExpressionError as error:
            raise error.without(secrets) from None

    def evaluate(text: str, loop: Loop | None) -> str:
        return _evaluated(text, replace(scope, loop=loop), secrets)

    optional = {} if migrate is None else {"migrate": migrate}
    return NodeContext(
        job_name=job_name,
        node_name=node_name,
        instance_id=instance_id,
        plan_time=from_millis(plan_time).astimezone(ZoneInfo(settings.time_zone)),
        token=token,
        scratch=settings.home / "scratch" / token.rpartition("/")[2].replace(":", "-"),
        log=record_log,
        cancellation=cancellation,
        find_script=script_finder(services, workspace_id),
        find_resource=resource_finder(services, workspace_id),
        find_connection=connection_finder(services, workspace_id, record_log),
        store=services.store,
        open_sql=lambda: engines.of(workspace_id),
        substitute=substitute,
        evaluate=evaluate,
        polling_interval=polling_interval,
        local_execution=settings.local_execution,
        embedded_connections=settings.unbound_connections == "embedded",
        process_environment={} if root is None else {"HEADRACE_OBS_ROOT": str(root)},
        settings=settings,
        find_quality_rules=quality_rules_finder(services, workspace_id),
        record_quality=quality_recorder(services, workspace_id, instance_id, node_name),
        **optional,
    )


def _clock(services: Services) -> Callable[[], datetime]:
    zone = ZoneInfo(services.settings.time_zone)
    return lambda: from_millis(services.now()).astimezone(zone)
