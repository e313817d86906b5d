"""A report of tests in the form of JUnit, which build servers read."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from headrace.cli.case_run import Outcome
from headrace.packages.text import printable


def junit_xml(outcomes: Sequence[Outcome], seconds: float) -> bytes:
    """One suite with a test case for each outcome. Source: the schema of Jenkins' JUnit plugin."""
    suite = ElementTree.Element(
        "testsuite",
        name="headrace",
        tests=str(len(outcomes)),
        failures=str(sum(outcome.outcome == "failed" for outcome in outcomes)),
        skipped=str(sum(outcome.outcome == "skipped" for outcome in outcomes)),
        errors="0",
        time=f"{seconds:.3f}",
    )
    for outcome in outcomes:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=outcome.found.path.stem,
            name=_text(outcome.found.case.name),
            time=f"{outcome.seconds:.3f}",
        )
        if outcome.outcome == "failed":
            text = _text("\n".join(outcome.failures))
            ElementTree.SubElement(case, "failure", message=text.partition("\n")[0]).text = text
        elif outcome.outcome == "skipped":
            ElementTree.SubElement(case, "skipped", message=_text(outcome.found.case.skip))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _text(text: str) -> str:
    """Without what XML cannot hold."""
    return "\n".join(printable(line) for line in text.split("\n"))
