"""Import: an archive is applied completely or not at all, in the background, as a system task.

The request is kept with the task until it has ended, so a crash in between repeats it; the objects and the end of the
task are one transaction, so it happens once. Source: factory-v1-notes §14.2, docs/decisions/0005.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import structlog

from headrace.domain.identity import Caller, User, Workspace
from headrace.errors import (
    BucketNotFound,
    HeadraceError,
    InternalError,
    InvalidParameter,
    MissingParameter,
    ObsFileUnreadable,
)
from headrace.factory.apply import Action, Decision, Policy, Target, check, read_job
from headrace.factory.job_checks import TARGET_STATUSES
from headrace.factory.missing import MissingReferences
from headrace.objectstore.path import ObsPath
from headrace.packages.diff import diff_packages, to_json
from headrace.packages.digest import DigestBuilder
from headrace.packages.mapping import ImportOptions, apply_options, parse_map, replacement
from headrace.packages.model import Kind, PackageObject
from headrace.packages.reader import Package, ReadLimits, open_package
from headrace.services import Services
from headrace.storage import tasks
from headrace.storage.database import Deadlock, Duplicate
from headrace.storage.tasks import FAILED, RUNNING, SUCCESSFUL, Subtask, Task
from headrace.wire.document import as_text
from headrace.wire.v1.packages import (
    FileInfo,
    FoundJob,
    FoundScript,
    ImportConnectionsRequest,
    ImportPlan,
    ImportRequest,
    JobValues,
    PlannedObject,
)

log = structlog.get_logger("headrace.import")

BATCH = 500
CONFLICTS = 5  # times an import begins again because of other writers


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an import is to do, kept as JSON with its task. ``upload``: a file of the home instead of an object.

    ``connections``: only connections are taken from the archive.
    """

    path: str
    upload: str = ""
    request: ImportRequest | None = None
    connections: ImportConnectionsRequest | None = None


class _Kept(msgspec.Struct):
    path: str
    upload: str
    user: list[str]
    workspace: list[Any]
    request: ImportRequest | None = None
    connections: ImportConnectionsRequest | None = None


def check_object(services: Services, path: str | None) -> ObsPath:
    """The archive a request names. Raises MissingParameter, InvalidObsPath, BucketNotFound, ObsFileUnreadable."""
    if not path:
        raise MissingParameter("path: missing.")
    found = ObsPath.parse(path, "path")
    if not services.store.bucket_exists(found.bucket):
        raise BucketNotFound(f"path: there is no bucket {found.bucket!r}.")
    size = services.store.size(found)
    if size > services.settings.max_package_bytes:
        raise ObsFileUnreadable(f"path: {path} has {size} bytes, more than {services.settings.max_package_bytes}.")
    return found


def look_into(services: Services, path: str | None) -> FileInfo:
    """The jobs and scripts of an archive. Raises what ``check_object`` does, and ObsFileUnreadable for bad content."""
    found = check_object(services, path)
    jobs: list[FoundJob] = []
    scripts: list[FoundScript] = []
    with services.store.open(found) as file:
        for item in open_package(file, ReadLimits()).objects():
            check(item)
            if item.kind is Kind.JOB:
                job = read_job(item)
                values = {as_text(p.name): as_text(p.value) for p in job.params or ()}
                jobs.append(FoundJob(name=item.name, path=job.directory or "/", params=values))
            elif item.kind is Kind.SCRIPT:
                scripts.append(FoundScript(name=item.name, path=item.directory))
    return FileInfo(jobs=jobs, scripts=scripts)


def keep_upload(services: Services, content: bytes) -> str:
    """Keep an uploaded archive in the home until its import has ended; the file's path."""
    folder = services.settings.home / "uploads"
    folder.mkdir(exist_ok=True, mode=0o700)
    kept = folder / f"{services.next_id()}.zip"
    with kept.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return str(kept)


def start(services: Services, caller: Caller, wanted: Wanted, *, wait: bool = False) -> str:
    """Begin an import (and with ``wait`` carry it out); the id of its task.

    Raises InvalidParameter for options that make no sense.
    """
    options_of(wanted)
    policy_of(wanted)
    task_id = services.next_id()
    kept = _Kept(
        path=wanted.path,
        upload=wanted.upload,
        user=[caller.user.id, caller.user.name, caller.user.project_id, caller.user.domain_id],
        workspace=[caller.workspace.id, caller.workspace.name],
        request=wanted.request,
        connections=wanted.connections,
    )
    what = "connections" if wanted.connections is not None else "job"
    task = Task(
        id=task_id,
        project_id=caller.project_id,
        workspace_id=caller.workspace.id,
        name=f"Import the {what} from {wanted.path}.",
        status=RUNNING,
        message="",
        start_time=caller.now,
        end_time=None,
        last_update=caller.now,
        request=msgspec.json.encode(kept).decode(),
    )
    with services.db.writing() as connection:
        tasks.add(connection, task)
    if wait:
        run(services, caller, task_id, wanted)
    else:
        services.in_background(lambda: run(services, caller, task_id, wanted))
    return task_id


def recover(services: Services) -> None:
    """Run the imports again that a crash interrupted: nothing of them was applied."""
    with services.db.reading() as connection:
        interrupted = tasks.all_running(connection)
    for task in interrupted:
        kept = msgspec.json.decode(task.request, type=_Kept)
        user = User(id=kept.user[0], name=kept.user[1], project_id=kept.user[2], domain_id=kept.user[3])
        workspace = Workspace(id=kept.workspace[0], project_id=task.project_id, name=kept.workspace[1])
        caller = Caller(user=user, workspace=workspace, now=services.now())
        wanted = Wanted(path=kept.path, upload=kept.upload, request=kept.request, connections=kept.connections)
        log.info("import runs again after a stop", task=task.id, path=kept.path)
        services.in_background(_again(services, caller, task.id, wanted))


def _again(services: Services, caller: Caller, task_id: str, wanted: Wanted) -> Any:
    return lambda: run(services, caller, task_id, wanted)


def run(services: Services, caller: Caller, task_id: str, wanted: Wanted) -> None:
    """Carry out an import; its task ends in any case."""
    try:
        _carry_out(services, caller, task_id, wanted)
    except HeadraceError as error:
        _fail(services, task_id, error)
    except Exception:
        log.exception("import failed", task=task_id, path=wanted.path)
        _fail(services, task_id, InternalError())
    drop_upload(wanted)


def drop_upload(wanted: Wanted) -> None:
    """Remove the uploaded archive, if there is one."""
    if wanted.upload:
        Path(wanted.upload).unlink(missing_ok=True)


def _fail(services: Services, task_id: str, error: HeadraceError) -> None:
    with services.db.writing() as connection:
        tasks.end(connection, task_id, FAILED, f"{error.message} Nothing was imported.", services.now())


def apply(services: Services, caller: Caller, wanted: Wanted) -> None:
    """An import without a task, for a home of one's own. Raises what makes the task of an import fail."""
    _carry_out(services, caller, "", wanted)


def _carry_out(services: Services, caller: Caller, task_id: str, wanted: Wanted) -> None:
    options, policy = options_of(wanted), policy_of(wanted)
    with _opened(services, wanted) as package:
        missing = _check(wanted, options, package)
        for conflict in range(CONFLICTS + 1):
            try:
                _write(services, caller, task_id, package, _objects(wanted, options, package), missing, policy)
            except (Duplicate, Deadlock) as error:
                if conflict == CONFLICTS:
                    raise
                log.info("import begins again: another writer came first", task=task_id, reason=type(error).__name__)
            else:
                return


def _write(
    services: Services,
    caller: Caller,
    task_id: str,
    package: Package,
    objects: Iterator[PackageObject],
    missing: MissingReferences,
    policy: Policy,
) -> None:
    """The objects and the end of the task, where there is one, in one transaction.

    Raises Duplicate, and nothing is written, when another writer commits an object that was not there when this looked:
    with PostgreSQL several write at once. Raises Deadlock as any writer.
    """
    with services.db.writing() as connection:
        target = Target(services, caller, connection, policy)
        counts = dict.fromkeys(Action, 0)
        batch: list[Subtask] = []
        for position, item in enumerate(objects):
            decision = target.decide(item)
            target.apply(item, decision)
            counts[decision.action] += 1
            if task_id:
                batch.append(_subtask(services, task_id, position, item, decision, caller.now))
            if len(batch) >= BATCH:
                tasks.add_subtasks(connection, batch)
                batch.clear()
        tasks.add_subtasks(connection, batch)
        summary = _summary(counts, missing.lines(connection, target), package.notes)
        tasks.end(connection, task_id, SUCCESSFUL, summary, services.now())
    services.wake_alarms()
    services.wake_engine()
    services.wake_migrations()


def _subtask(
    services: Services, task_id: str, position: int, item: PackageObject, decision: Decision, now: int
) -> Subtask:
    name = f"Import the {item.name} {item.kind.label}."
    return Subtask(task_id, position, services.next_id(), name, SUCCESSFUL, decision.message, now)


def _summary(counts: dict[Action, int], missing: Sequence[str], notes: Sequence[str]) -> str:
    if not sum(counts.values()):
        return "The archive holds nothing that can be imported."
    words = {
        Action.CREATE: "created",
        Action.OVERWRITE: "overwritten",
        Action.SKIP: "skipped",
        Action.UNCHANGED: "unchanged",
    }
    parts = [", ".join(f"{count} {words[action]}" for action, count in counts.items() if count) + "."]
    return " ".join([*parts, *missing, *notes])


def plan(services: Services, caller: Caller, wanted: Wanted) -> ImportPlan:
    """What an import would do, object by object, with what would change; nothing is written.

    Raises what the import's task would fail with.
    """
    options, policy = options_of(wanted), policy_of(wanted)
    digest = DigestBuilder()
    planned: list[PlannedObject] = []
    with _opened(services, wanted) as package:
        missing = _check(wanted, options, package)
        with services.db.snapshot() as connection:
            target = Target(services, caller, connection, policy)
            for item in _objects(wanted, options, package):
                digest.add(item)
                decision = target.decide(item)
                before = [] if decision.before is None else [decision.before]
                changes = to_json(diff_packages(before, [item])) if decision.action is Action.OVERWRITE else []
                planned.append(
                    PlannedObject(
                        kind=item.kind.label,
                        name=item.name,
                        action=decision.action.value,
                        message=decision.message,
                        changes=changes,
                    )
                )
            lines = missing.lines(connection, target)
        return ImportPlan(digest=digest.value(), objects=planned, missing=lines, notes=list(package.notes))


def _check(wanted: Wanted, options: ImportOptions, package: Package) -> MissingReferences:
    """Read everything once, without a lock: a bad archive ends here. What it names and does not hold is noted."""
    missing = MissingReferences()
    for item in _objects(wanted, options, package):
        check(item)
        missing.saw(item)
    return missing


def _objects(wanted: Wanted, options: ImportOptions, package: Package) -> Iterator[PackageObject]:
    for item in package.objects():
        if wanted.connections is None or item.kind is Kind.CONNECTION:
            yield apply_options(item, options)


@contextmanager
def _opened(services: Services, wanted: Wanted) -> Iterator[Package]:
    with _file(services, wanted) as file:
        yield open_package(file, ReadLimits())


def _file(services: Services, wanted: Wanted) -> BinaryIO:
    if wanted.upload:
        return Path(wanted.upload).open("rb")
    return services.store.open(check_object(services, wanted.path))


def policy_of(wanted: Wanted) -> Policy:
    """How the request treats names that exist. Raises InvalidParameter."""
    source = wanted.connections or wanted.request or ImportRequest()
    same = source.same_name_policy or "SKIP"
    if same not in ("SKIP", "OVERWRITE"):
        raise InvalidParameter(f"sameNamePolicy: {same!r} is neither SKIP nor OVERWRITE.")
    status = (wanted.request.target_status if wanted.request is not None else "") or ""
    if status and status not in TARGET_STATUSES:
        raise InvalidParameter(f"targetStatus: {status!r} is none of {', '.join(TARGET_STATUSES)}.")
    given = wanted.connections.params if wanted.connections is not None else None
    values = {item.name: dict(item.params or {}) for item in given or () if item.name}
    return Policy(overwrite=same == "OVERWRITE", target_status=status, connection_values=values)


def options_of(wanted: Wanted) -> ImportOptions:
    """What the request changes on the way in. Raises InvalidParameter."""
    request = wanted.request or ImportRequest()
    per_job = [request.jobs_param] if isinstance(request.jobs_param, JobValues) else request.jobs_param or []
    return ImportOptions(
        params=_texts(request.params),
        job_params={item.name: _texts(item.params) for item in per_job if item.name},
        execute_user=request.execute_user or "",
        mappings=(
            *(
                replacement(item.type or "", item.name or "", item.replace)
                for item in request.resources or ()
                if item.replace
            ),
            *(parse_map(text) for text in request.mapping or ()),
        ),
    )


def _texts(values: dict[str, Any] | None) -> dict[str, str]:
    return {name: as_text(value) for name, value in (values or {}).items()}
