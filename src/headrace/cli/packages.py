"""Commands that look at packages and need no home: show, diff, lint, pack, unpack."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from headrace.cli.home import DatabaseOption, HomeOption, JsonOption, WorkspaceOption
from headrace.cli.installation import caller_for, opened
from headrace.cli.output import FAILED, WRONG_USAGE, out, print_json, say, shown, stop, told_errors
from headrace.domain.cron import check_cron
from headrace.domain.schedule_time import read_schedule_time
from headrace.el.language import check as check_expression
from headrace.factory.collect import workspace_objects
from headrace.nodes.base import is_known_type
from headrace.packages.archive import archive_chunks
from headrace.packages.diff import diff_packages, render_text, to_json
from headrace.packages.digest import content_digest
from headrace.packages.layout import single_members
from headrace.packages.lint import Level, Rules, lint
from headrace.packages.model import Kind, PackageObject
from headrace.packages.reader import load
from headrace.packages.references import references_of
from headrace.packages.text import objects_in
from headrace.wire.document import as_text

Target = Annotated[Path, typer.Argument(help="A package (.zip), a folder with its members, or a single .job file.")]


def read_objects(target: Path) -> tuple[list[PackageObject], list[str]]:
    """The objects of a package and what was noted; ends the command when it cannot be read."""
    if not target.exists():
        stop(f"{target}: there is no such file or folder", WRONG_USAGE)
    package = load(target)
    return list(package.objects()), package.notes


def show(target: Target, as_json: JsonOption = False) -> None:
    """Show what a package holds and its content digest.

    The digest is equal for equal content on any machine and release, whatever the archive looks like.
    """
    with told_errors():
        objects, notes = read_objects(target)
    digest = content_digest(objects)
    if as_json:
        described = [
            {
                "kind": item.kind.label,
                "name": item.name,
                "member": item.member,
                "bytes": len(item.text),
                **({"cluster": item.cluster} if item.cluster else {}),
                "references": [f"{one.kind.value}:{one.name}" for one in references_of(item)],
            }
            for item in objects
        ]
        print_json({"digest": digest, "objects": described, "notes": notes})
        return
    table = Table("kind", "name", "detail", box=None)
    for item in objects:
        table.add_row(*(escape(shown(cell)) for cell in (item.kind.label, item.name, _detail(item))))
    out.print(table)
    counts = Counter(item.kind.label for item in objects)
    say(", ".join(f"{count} {label}{'s' if count > 1 else ''}" for label, count in counts.items()) or "empty")
    say(f"digest {digest}")
    for text in notes:
        say(f"note: {text}")


def _detail(item: PackageObject) -> str:
    document = item.document()
    if item.kind is Kind.JOB:
        schedule = document.get("schedule")
        kind = as_text(schedule.get("type")) if isinstance(schedule, dict) else ""
        return f"{len(document.get('nodes') or ())} nodes, {kind or 'no schedule'}, {item.directory}"
    if item.kind in (Kind.SCRIPT, Kind.RESOURCE, Kind.CONNECTION):
        return f"{as_text(document.get('type'))}, {item.directory}"
    if item.kind is Kind.QUALITY_RULES:
        return f"{len(objects_in(document.get('rules')))} rules"
    return f"cluster {item.cluster}" if item.cluster else f"{len(document.get('params') or ())} variables"


def diff(
    before: Annotated[Path, typer.Argument(help="A package, folder or .job file.")],
    after: Annotated[
        Path | None, typer.Argument(help="Another one. Default: the same objects in the workspace.")
    ] = None,
    home: HomeOption = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two packages, or a package and a workspace, by meaning; exit status 1 when they differ.

    Nodes, properties and parameters are matched by name, scripts are shown as text, secrets are not shown. Of a
    workspace the objects that the package names are compared; `headrace import FILE --dry-run` says what an import
    would do.
    """
    with told_errors():
        one, _ = read_objects(before)
        if after is not None:
            other, _ = read_objects(after)
        else:
            other = _in_workspace(one, home, database, workspace)
    changes = diff_packages(one, other)
    digests = [content_digest(one), content_digest(other)]
    if as_json:
        print_json({"equal": not changes, "digests": digests, "changes": to_json(changes)})
    elif changes:
        say(render_text(changes))
        say(f"- {digests[0]}")
        say(f"+ {digests[1]}")
    else:
        say(f"equal: {digests[0]}")
    if changes:
        raise typer.Exit(FAILED)


def _in_workspace(
    objects: list[PackageObject], home: Path | None, database: str | None, workspace: str | None
) -> list[PackageObject]:
    """The objects of a workspace that are also in a package."""
    keys = {item.key for item in objects}
    with opened(home, database) as installation:
        caller = caller_for(installation, workspace)
        with installation.services.db.snapshot() as connection:
            held = workspace_objects(installation.services, caller, connection, submitted=False)
            return [item for item in held if item.key in keys]


def rules() -> Rules:
    """What this release can run and read."""
    return Rules(
        known_node_type=is_known_type,
        check_expression=check_expression,
        check_cron=check_cron,
        check_time=lambda text: read_schedule_time(text, "time"),
    )


def lint_package(
    target: Target,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 for warnings too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find what would fail later: missing scripts, cycles, bad expressions and cron, unknown node types.

    Exit status 1 when there are errors.
    """
    with told_errors():
        objects, _ = read_objects(target)
    findings = lint(objects, rules())
    errors = sum(finding.level is Level.ERROR for finding in findings)
    if as_json:
        print_json({"errors": errors, "warnings": len(findings) - errors, "findings": findings})
    else:
        for finding in findings:
            say(f"{finding.level.value:<8}{finding.object} {finding.where}: {finding.message} [{finding.rule}]")
            if finding.repair:
                say(f"        → {finding.repair}")
        say(f"{errors} errors, {len(findings) - errors} warnings in {len(objects)} objects")
    if errors or (strict and findings):
        raise typer.Exit(FAILED)


def pack(
    folder: Annotated[Path, typer.Argument(help="A folder with the members of a package.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The archive to write.")],
    as_json: JsonOption = False,
) -> None:
    """Make an archive of a folder; the same content gives the same bytes."""
    with told_errors():
        objects, _ = read_objects(folder)
        if not objects:
            stop(f"{folder} holds no object of a package", WRONG_USAGE)
        with output.open("wb") as file:
            for chunk in archive_chunks(single_members(sorted(objects, key=lambda item: item.key))):
                file.write(chunk)
    _told(output, objects, as_json)


def unpack(
    package: Annotated[Path, typer.Argument(help="A package (.zip).")],
    folder: Annotated[Path, typer.Argument(help="A folder to write the members to; made when it is not there.")],
    as_json: JsonOption = False,
) -> None:
    """Write the members of an archive to a folder, to look at, to edit, or to keep in git."""
    with told_errors():
        objects, _ = read_objects(package)
        for name, content in single_members(sorted(objects, key=lambda item: item.key)):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    _told(folder, objects, as_json)


def _told(where: Path, objects: list[PackageObject], as_json: bool) -> None:
    digest = content_digest(objects)
    if as_json:
        print_json({"written": str(where), "objects": len(objects), "digest": digest})
    else:
        say(f"wrote {where}: {len(objects)} objects, {digest}")
