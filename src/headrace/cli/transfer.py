"""``headrace export`` and ``headrace import``: move jobs out of a home and into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.home import DatabaseOption, HomeOption, JsonOption, WorkspaceOption
from headrace.cli.installation import caller_for, opened
from headrace.cli.output import FAILED, WRONG_USAGE, note, print_json, progress, say, stop, told_errors
from headrace.factory import exports, imports, tasks
from headrace.factory.exports import Exported
from headrace.factory.imports import Wanted
from headrace.packages.archive import write_archive
from headrace.packages.diff import render_json
from headrace.packages.digest import DigestBuilder
from headrace.packages.layout import single_members
from headrace.packages.reader import load
from headrace.wire.v1.packages import ExportJobsRequest, ImportPlan, ImportRequest, JobValues


def export(
    jobs: Annotated[list[str] | None, typer.Argument(help="Names of jobs.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: DLF_JOB.zip or jobs.zip.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The whole workspace, with connections, variables and CDM jobs.")
    ] = False,
    no_depend: Annotated[bool, typer.Option("--no-depend", help="Only the jobs, not what they use.")] = False,
    subjobs: Annotated[bool, typer.Option("--subjobs", help="Also the jobs that nodes run as subjobs.")] = False,
    status: Annotated[
        str, typer.Option(help="DEVELOP: the drafts; SUBMIT: the newest submitted versions.")
    ] = "DEVELOP",
    home: HomeOption = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export jobs with the scripts, resources and CDM jobs they use.

    One job gives DLF_JOB.zip, several give jobs.zip, --all gives everything the workspace holds. Secrets never leave.
    """
    if bool(jobs) == everything:
        stop("name one or more jobs, or say --all", WRONG_USAGE)
    names = jobs or []
    request = ExportJobsRequest(
        job_list=names, export_depend=not no_depend, export_status=status, export_subjobs=subjobs
    )
    with opened(home, database) as installation, told_errors():
        services, caller = installation.services, caller_for(installation, workspace)
        if everything:
            target = output or Path(f"{caller.workspace.name}.zip")
            digest = DigestBuilder()
            submitted = exports.wants_submitted(request)
            size = 0
            partial = target.with_name(target.name + ".part")
            with partial.open("wb") as file, progress("exporting"):
                for chunk in exports.workspace_chunks(services, caller, submitted=submitted, digest=digest):
                    size += file.write(chunk)
            partial.replace(target)
            _told(target, size, digest.value(), as_json)
            return
        exported: Exported
        if len(names) == 1:
            exported = exports.export_job(services, caller, names[0], request)
        else:
            exported = exports.export_jobs(services, caller, request)
        target = output or Path(exported.name)
        target.write_bytes(exported.content)
        _told(target, len(exported.content), exported.digest, as_json)


def _told(target: Path, size: int, digest: str, as_json: bool) -> None:
    if as_json:
        print_json({"written": str(target), "bytes": size, "digest": digest})
    else:
        say(f"wrote {target} ({size} bytes)")
        say(f"digest {digest}")


def import_package(
    source: Annotated[str, typer.Argument(help="A package (.zip), a folder with its members, or obs://bucket/key.")],
    on_conflict: Annotated[str, typer.Option(help="What to do with names that exist: 'skip' or 'overwrite'.")] = "skip",
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="connection:OLD=NEW; also queue, cluster, link, workspace, job, script, resource. Repeatable."
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", help="NAME=VALUE for all jobs, or JOB.NAME=VALUE for one. Repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    home: HomeOption = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a package: completely, or not at all.

    The report names every object, and what the package refers to but does not contain.
    """
    if on_conflict not in ("skip", "overwrite"):
        stop(f"--on-conflict: {on_conflict!r} is neither 'skip' nor 'overwrite'", WRONG_USAGE)
    params, job_params = _parameters(param or [])
    request = ImportRequest(
        same_name_policy=on_conflict.upper(),
        params={**params},
        jobs_param=[JobValues(name=name, params={**values}) for name, values in job_params.items()],
        mapping=mapping,
    )
    with opened(home, database) as installation, told_errors():
        services, caller = installation.services, caller_for(installation, workspace)
        if source.startswith(("obs://", "s3a://")):
            imports.check_object(services, source)
            wanted = Wanted(path=source, request=request)
        else:
            content = _archive_of(Path(source))
            wanted = Wanted(path=source, upload=imports.keep_upload(services, content), request=request)
        if dry_run:
            plan = imports.plan(services, caller, wanted)
            imports.drop_upload(wanted)
            _tell_plan(plan, as_json)
            return
        with progress("importing"):
            task_id = imports.start(services, caller, wanted, wait=True)
        task = tasks.show(services, caller, task_id)
    if as_json:
        print_json(task)
    else:
        for part in task.subtasks:
            say(f"{part.name} {part.message}")
        say(task.message)
    if task.status != "SUCCESSFUL":
        raise typer.Exit(FAILED)


def _archive_of(path: Path) -> bytes:
    if not path.exists():
        stop(f"{path}: there is no such file or folder", WRONG_USAGE)
    if path.is_file() and path.suffix == ".zip":
        return path.read_bytes()
    return write_archive(single_members(load(path).objects()))


def _parameters(texts: list[str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    everyone: dict[str, str] = {}
    single: dict[str, dict[str, str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            stop(f"--param: {text!r} is not NAME=VALUE or JOB.NAME=VALUE", WRONG_USAGE)
        job, dot, inner = name.rpartition(".")
        if dot:
            single.setdefault(job, {})[inner] = value
        else:
            everyone[name] = value
    return everyone, single


def _tell_plan(plan: ImportPlan, as_json: bool) -> None:
    if as_json:
        print_json(plan)
        return
    for item in plan.objects:
        say(f"{item.action:<10}{item.kind} {item.name}")
        if item.changes:
            say(render_json(item.changes))
    for text in (*plan.missing, *plan.notes):
        say(f"note: {text}")
    say(f"digest {plan.digest}")
    note("dry run: nothing was written")
