"""What a link or job must look like to be kept. Source: contract, Link and Job."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from headrace.errors_cdm import CdmContentInvalid
from headrace.migration.elements import check_job_name, job_head, job_texts, link_head, link_texts, only
from headrace.wire.cdm import JobList, LinkList

JOB: dict[str, Any] = {
    "name": "j",
    "from-connector-name": "generic-jdbc-connector",
    "to-link-name": "target",
    "from-config-values": {"configs": []},
    "to-config-values": {"configs": [{"name": "toJobConfig", "inputs": {}}]},
    "driver-config-values": {},
}
LINK: dict[str, Any] = {"name": "l", "connector-name": "http-connector", "link-config-values": {"configs": []}}


@pytest.mark.parametrize("body", [b'{"jobs":[ {"a": 1.50 } , 2]}', b'{"jobs":{"jobs":[ {"a": 1.50 } , 2]}}'])
def test_job_texts__are_the_elements_as_they_came_wrapped_once_or_twice(body: bytes) -> None:
    assert job_texts(msgspec.json.decode(body, type=JobList)) == [b'{"a": 1.50 }', b"2"]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"links":[]}', b'{"links":null}', b'{"links":{}}', b'{"links":{"links":[]}}']
)
def test_link_texts__of_a_body_without_links_are_refused(body: bytes) -> None:
    with pytest.raises(CdmContentInvalid, match="links: needs at least one element"):
        link_texts(msgspec.json.decode(body, type=LinkList))


def test_update__of_two_elements_is_refused() -> None:
    with pytest.raises(CdmContentInvalid, match="jobs: an update takes one element, not 2"):
        only([b"{}", b"{}"], "jobs")


@pytest.mark.parametrize("member", JOB)
def test_job_head__names_the_member_that_is_missing(member: str) -> None:
    with pytest.raises(CdmContentInvalid, match=rf"jobs\[\].{member}: missing"):
        job_head(json.dumps({**JOB, member: None}).encode())


@pytest.mark.parametrize("member", LINK)
def test_link_head__names_the_member_that_is_missing(member: str) -> None:
    with pytest.raises(CdmContentInvalid, match=rf"links\[\].{member}: missing"):
        link_head(json.dumps({**LINK, member: None}).encode())


@pytest.mark.parametrize(
    ("member", "value", "named"),
    [
        ("name", "x" * 241, "name"),
        ("to-link-name", "a\0b", "to-link-name"),
        ("job_type", "x" * 300, "job_type"),
        ("name", 5, "name"),
        ("from-config-values", [], "from-config-values"),
        ("from-config-values", {"configs": 3}, "configs"),
        ("from-config-values", {"configs": [3]}, r"configs\[0\]"),
        ("from-config-values", {"configs": [{"inputs": [3]}]}, r"inputs\[0\]"),
        ("from-config-values", {"configs": [{"inputs": [{"value": 1}]}]}, "name"),
        ("from-config-values", {"configs": [{}, {"inputs": {"a": 1}}]}, r"from-config-values.configs\[1\].inputs"),
    ],
)
def test_job_head__names_the_member_of_the_wrong_shape(member: str, value: Any, named: str) -> None:
    with pytest.raises(CdmContentInvalid, match=named):
        job_head(json.dumps({**JOB, member: value}).encode())


@pytest.mark.parametrize("name", ["all", "-a", ".a", "a b", "a/b", "a\0"])
def test_job_name__that_no_job_may_have(name: str) -> None:
    with pytest.raises(CdmContentInvalid):
        check_job_name(name)


@pytest.mark.parametrize("name", ["mysql2hive", "a-b_c.d", "ALL", "日本", "0"])
def test_job_name__that_a_job_may_have(name: str) -> None:
    check_job_name(name)
