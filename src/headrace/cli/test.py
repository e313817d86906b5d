"""``headrace test``: run a package's jobs on the embedded engine against expectations kept beside them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from headrace.cli.case_run import Outcome, run_case
from headrace.cli.cases import FoundCase, InvalidCase, folder_of_tests, read_cases
from headrace.cli.home import JsonOption
from headrace.cli.junit import junit_xml
from headrace.cli.output import FAILED, INTERRUPTED, WRONG_USAGE, note, out, print_json, say, shown, stop, told_errors
from headrace.cli.packages import read_objects
from headrace.packages.model import PackageObject

_STYLES = {"passed": "green", "failed": "red", "skipped": "yellow"}


def run_tests(
    target: Annotated[Path, typer.Argument(help="A package (.zip), a folder with its members, or a .job file.")],
    tests: Annotated[
        Path | None, typer.Option(help="Folder of the tests (*.toml). Default: tests, in or beside the package.")
    ] = None,
    wanted: Annotated[
        str | None, typer.Option("--filter", "-k", help="Only tests with this text in file.toml::name. Default: all.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit XML report to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a package's tests: jobs on the embedded engine, against expectations kept beside the package.

    Each test runs one job, or some nodes of it, in a fresh temporary home with the tables, files and parameters that
    the test gives, and compares states, outputs, logs and rows of tables with what it expects. How tests are written:
    docs/howto/test-a-package.md.

    Exit status 0 when all passed, 1 when one failed, 2 when there is none or one cannot be read.
    """
    with told_errors():
        package, folder = _places(target, tests)
        objects, _ = read_objects(package)
        cases = _cases(folder, wanted or "")
    if not as_json:
        note("connections that are not bound mean the embedded engine; hosts mean this machine")
    began = time.monotonic()
    outcomes = _run_all(objects, cases, quiet=as_json)
    seconds = time.monotonic() - began
    if junit is not None:
        junit.write_bytes(junit_xml(outcomes, seconds))
    if as_json:
        print_json(_described(outcomes, seconds))
    else:
        _tell_failures(outcomes)
        _tell_summary(outcomes, seconds)
    if any(outcome.interrupted for outcome in outcomes):
        raise typer.Exit(INTERRUPTED)
    if any(outcome.outcome == "failed" for outcome in outcomes):
        raise typer.Exit(FAILED)


def _places(target: Path, tests: Path | None) -> tuple[Path, Path]:
    """Where the package and its tests are; a folder that holds both, ``package`` and ``tests``, may be named too."""
    if not target.exists():
        stop(f"{target}: there is no such file or folder", WRONG_USAGE)
    whole = (target / "package").is_dir() and (target / "tests").is_dir()
    package = target / "package" if whole else target
    folder = tests or folder_of_tests(package)
    if folder is None:
        stop(f"{target}: there are no tests (tests/*.toml in or beside it); --tests names another folder", WRONG_USAGE)
    return package, folder


def _cases(folder: Path, wanted: str) -> list[FoundCase]:
    try:
        cases = [found for found in read_cases(folder) if wanted in found.label]
    except InvalidCase as error:
        stop(str(error), WRONG_USAGE)
    if not cases:
        stop(f"{folder}: there is no test" + (f" with {wanted!r} in its name" if wanted else ""), WRONG_USAGE)
    return cases


def _run_all(objects: Sequence[PackageObject], cases: Sequence[FoundCase], *, quiet: bool) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for found in cases:
        outcome = run_case(objects, found)
        outcomes.append(outcome)
        if not quiet:
            _tell(outcome)
        if outcome.interrupted:
            break
    return outcomes


def _tell(outcome: Outcome) -> None:
    line = Text(shown(f"{outcome.found.label} "))
    line.append(outcome.outcome.upper(), style=_STYLES[outcome.outcome])
    reason = outcome.found.case.skip if outcome.outcome == "skipped" else f"{outcome.seconds:.2f} s"
    line.append(shown(f"  {reason}"), style="dim")
    out.print(line)


def _tell_failures(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.outcome != "failed":
            continue
        say()
        out.print(Text(shown(f"FAILED {outcome.found.label}"), style="red"))
        for failure in outcome.failures:
            for text in failure.split("\n"):
                style = {"-": "red", "+": "green"}.get(text.strip()[:1], "")
                out.print(Text(shown(f"  {text}"), style=style))


def _tell_summary(outcomes: Sequence[Outcome], seconds: float) -> None:
    counts = [(word, sum(outcome.outcome == word for outcome in outcomes)) for word in ("failed", "passed", "skipped")]
    told = ", ".join(f"{count} {word}" for word, count in counts if count)
    say()
    say(f"{told} in {seconds:.2f} s")


def _described(outcomes: Sequence[Outcome], seconds: float) -> dict[str, object]:
    return {
        "passed": sum(outcome.outcome == "passed" for outcome in outcomes),
        "failed": sum(outcome.outcome == "failed" for outcome in outcomes),
        "skipped": sum(outcome.outcome == "skipped" for outcome in outcomes),
        "seconds": seconds,
        "tests": [
            {
                "file": outcome.found.path.name,
                "name": outcome.found.case.name,
                "job": outcome.found.case.job,
                "outcome": outcome.outcome,
                "seconds": outcome.seconds,
                "failures": outcome.failures,
            }
            for outcome in outcomes
        ],
    }
