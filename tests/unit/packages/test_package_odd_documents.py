"""Documents of any shape go through every part of packages without an internal error."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.packages.archive import write_archive
from headrace.packages.diff import diff_packages, render_text, to_json
from headrace.packages.layout import single_members
from headrace.packages.lint import Rules, lint
from headrace.packages.mapping import MAPPABLE, ImportOptions, NameMapping, apply_options
from headrace.packages.model import Kind, PackageObject
from headrace.packages.reader import open_package
from headrace.packages.references import references_of
from headrace.packages.secrets import strip_secrets
from headrace.packages.text import Number, PackageRefused, dump, parse

_MEMBERS = """
    nodes properties name value value_is_sensitive is_sensitive
    params schedule cron cronTrigger dependJobs jobs
    sameWorkSpaceJobs otherWorkSpaceJobs jobName preNodeName conditions expression
    config password basicConfig type nodeType link-config-values
    from-config-values configs inputs links from-link-name startTime
    connectionName directory scriptName scriptVersion retryTimes failPolicy
    statementOrScript workSpace
"""
MEMBERS = st.sampled_from(_MEMBERS.split())
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from(["1", "-0", "1.50", "99999999999999999999"]).map(Number)
    | st.sampled_from(["a", "#{x}", "CDMJob", "ForEachJob", "true", "\ud800", "", "7", "²"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=5),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(MEMBERS, VALUES, max_size=8)
RULES = Rules(known_node_type=bool, check_expression=str, check_cron=str, check_time=str)  # type: ignore[arg-type]
OPTIONS = ImportOptions(
    params={"a": "1"}, execute_user="u", mappings=tuple(NameMapping(kind, "a", "b") for kind in MAPPABLE)
)


def an_object(kind: Kind, document: dict[str, Any]) -> PackageObject:
    return PackageObject.made(kind, "a", dump(document), cluster="c" if "CDM" in kind.name else "")


@given(kind=st.sampled_from(Kind), one=DOCUMENTS, other=DOCUMENTS)
def test_any_document__is_looked_at_changed_and_compared(
    kind: Kind, one: dict[str, Any], other: dict[str, Any]
) -> None:
    before, after = an_object(kind, one), an_object(kind, other)
    assert all(reference.name for reference in references_of(before))
    assert strip_secrets(strip_secrets(before)) == strip_secrets(before)
    mapped = apply_options(before, OPTIONS)
    assert dump(parse(mapped.text)) == mapped.text
    assert isinstance(lint([before, after], RULES), list)
    changes = diff_packages([before], [after])
    assert bool(changes) is (before.text != after.text)
    assert bool(render_text(changes)) is bool(to_json(changes)) is bool(changes)


@given(kind=st.sampled_from(Kind), document=DOCUMENTS)
def test_any_document__in_an_archive_is_read_or_refused(kind: Kind, document: dict[str, Any]) -> None:
    archive = write_archive(single_members([an_object(kind, document)]))
    try:
        found = list(open_package(io.BytesIO(archive)).objects())
    except PackageRefused:
        return
    assert [(item.kind, parse(item.text)) for item in found] in ([(kind, document)], [])
