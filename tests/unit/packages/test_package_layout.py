"""Where objects lie in an archive."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.packages.layout import batch_members, cluster_of, kind_of_file, kind_of_json, safe, single_members
from headrace.packages.model import Kind, PackageObject


def an_object(kind: Kind, name: str, *, cluster: str = "", **members: object) -> PackageObject:
    return PackageObject.made(kind, name, json.dumps({"name": name, **members}), cluster=cluster)


def test_single_members__have_the_documented_paths() -> None:
    items = [
        PackageObject.environment([("a", '{"name":"a","value":"1"}')]),
        an_object(Kind.CONNECTION, "数据"),
        an_object(Kind.CDM_LINK, "l", cluster="k"),
        an_object(Kind.CDM_JOB, "m", cluster="k"),
        an_object(Kind.RESOURCE, "r", directory="/a/b"),
        an_object(Kind.SCRIPT, "s"),
        an_object(Kind.JOB, "j"),
    ]
    members = dict(single_members(items))
    assert list(members) == [
        "environment/variables.json",
        "connections/数据.conn",
        "cdm/k/links/l.json",
        "cdm/k/m.json",
        "resources/r.resource",
        "scripts/s.script",
        "jobs/j.job",
    ]
    assert json.loads(members["cdm/k/links/l.json"]) == {"links": [{"name": "l"}]}
    assert json.loads(members["cdm/k/m.json"]) == {"jobs": [{"name": "m"}]}
    assert json.loads(members["environment/variables.json"]) == {"params": [{"name": "a", "value": "1"}]}


def test_single_members__a_second_resource_of_a_name_lies_below_its_directory() -> None:
    items = [an_object(Kind.RESOURCE, "r", directory=directory) for directory in ("/", "/a", "/a/b")]
    assert [path for path, _ in single_members(items)] == [
        "resources/r.resource",
        "resources/a/r.resource",
        "resources/a/b/r.resource",
    ]


def test_batch_members__have_scripts_beside_each_job_and_the_rest_once() -> None:
    script, shared = an_object(Kind.SCRIPT, "s"), an_object(Kind.RESOURCE, "r")
    link = an_object(Kind.CDM_LINK, "l", cluster="k")
    jobs = [an_object(Kind.JOB, name) for name in ("a", "b")]
    used = {"a": [script, shared, link], "b": [script, shared]}
    assert [path for path, _ in batch_members(jobs, used)] == [
        "jobs/a/a.job",
        "jobs/a/s.script",
        "resources/r.resource",
        "cdm/k/links/l.json",
        "jobs/b/b.job",
        "jobs/b/s.script",
    ]


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("order-day_1.0", "order-day_1.0"),
        ("作业", "作业"),
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ('<a>:*?|"', "%3Ca%3E%3A%2A%3F%7C%22"),
        ("50%", "50%25"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        (".job", ".job"),
    ],
)
def test_safe__names_become_one_segment(name: str, segment: str) -> None:
    assert safe(name) == segment


@given(one=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), other=st.text(min_size=1))
def test_safe__segments_stay_where_they_are_and_apart(one: str, other: str) -> None:
    segment = safe(one)
    assert not set(segment) & set('/\\:*?"<>|\0')
    assert segment not in (".", "..")
    assert cluster_of(f"cdm/{segment}/x.json") == one
    if other.isprintable() and other != one:
        assert safe(other) != segment


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.job", Kind.JOB),
        ("x/y/a.b.script", Kind.SCRIPT),
        ("a.resource", Kind.RESOURCE),
        ("a.conn", Kind.CONNECTION),
        (".job", None),
        ("a.JOB", None),
        ("a.job/x", None),
        ("a.json", None),
    ],
)
def test_kind_of_file__is_told_by_the_ending(path: str, kind: Kind | None) -> None:
    assert kind_of_file(path) is kind


def test_kind_of_json__is_told_by_the_content() -> None:
    assert kind_of_json("anywhere.json", {"jobs": []}) is Kind.CDM_JOB
    assert kind_of_json("cdm/k/links/l.json", {"links": []}) is Kind.CDM_LINK
    assert kind_of_json("x/environment/variables.json", {"params": []}) is Kind.ENVIRONMENT
    assert kind_of_json("params.json", {"params": []}) is None
    assert kind_of_json("project.json", {"dataArtsWorkSpaceId": "1"}) is None


@pytest.mark.parametrize(
    ("path", "cluster"),
    [
        ("cdm/k/a.json", "k"),
        ("x/cdms/k/cdm_a.json", "k"),
        ("cdm/k/links/a.json", "k"),
        ("cdm/a.json", "default"),
        ("a.json", "default"),
    ],
)
def test_cluster_of__is_the_folder_below_cdm(path: str, cluster: str) -> None:
    assert cluster_of(path) == cluster


def test_objects__are_equal_by_key_and_content_not_by_where_they_came_from() -> None:
    one = an_object(Kind.JOB, "j")
    other = PackageObject(Kind.JOB, "j", one.text, member="elsewhere/j.job")
    assert one == other
    assert len({one, other}) == 1
    assert one != an_object(Kind.JOB, "j", x=1)
    assert one != an_object(Kind.SCRIPT, "j")


def test_objects__of_every_kind_come_in_the_order_of_import() -> None:
    assert [kind.name for kind in Kind] == [
        "ENVIRONMENT",
        "CONNECTION",
        "CDM_LINK",
        "CDM_JOB",
        "RESOURCE",
        "SCRIPT",
        "QUALITY_RULES",
        "JOB",
    ]


def test_made__refuses_what_is_no_object() -> None:
    for text in (b"[]", b"", b"\xff"):
        for kind in (Kind.JOB, Kind.RESOURCE):
            with pytest.raises(ValueError, match=r"no JSON object|Expecting value|not UTF-8"):
                PackageObject.made(kind, "x", text)
