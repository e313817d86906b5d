"""The digest depends on the objects of a package alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from headrace.packages.archive import Compressor, Libdeflate, Stored, Zlib, write_archive
from headrace.packages.digest import content_digest
from headrace.packages.layout import Member, batch_members, single_members
from headrace.packages.model import Kind, PackageObject
from headrace.packages.reader import open_package


def an_object(kind: Kind, name: str, *, cluster: str = "", **members: object) -> PackageObject:
    return PackageObject.made(kind, name, json.dumps({"name": name, **members}), cluster=cluster)


JOBS = [an_object(Kind.JOB, "a"), an_object(Kind.JOB, "b", nodes=[])]
SCRIPT = an_object(Kind.SCRIPT, "a", content="select 1;\n" * 99)
RESOURCES = [an_object(Kind.RESOURCE, "r", directory=directory) for directory in ("/", "/x/y")]
CDM = [an_object(Kind.CDM_JOB, "m", cluster="c"), an_object(Kind.CDM_LINK, "m", cluster="c")]
CONNECTION = an_object(Kind.CONNECTION, "a")
VARIABLES = PackageObject.environment([("v", '{"name":"v","value":"1"}')])
ALL = [VARIABLES, CONNECTION, *CDM, *RESOURCES, SCRIPT, *JOBS]


def read_back(members: Iterator[Member], compressor: Compressor) -> str:
    return content_digest(open_package(io.BytesIO(write_archive(members, compressor=compressor))).objects())


@pytest.mark.parametrize(
    "compressor", [Libdeflate(), Libdeflate(level=1), Zlib(), Stored()], ids=["default", "level 1", "zlib", "stored"]
)
def test_digest__does_not_depend_on_layout_and_compressor(compressor: Compressor) -> None:
    assert read_back(single_members(ALL), compressor) == content_digest(ALL)
    used = {"a": [SCRIPT, *CDM], "b": [SCRIPT, *RESOURCES]}
    assert read_back(batch_members(JOBS, used), compressor) == content_digest([*JOBS, SCRIPT, *CDM, *RESOURCES])


def test_digest__does_not_depend_on_blanks_and_order_of_members() -> None:
    one = PackageObject.made(Kind.JOB, "j", b'{"name":"j","nodes":[],"params":[{"a":1.50,"b":"\\u4e2d"}]}')
    other = PackageObject.made(Kind.JOB, "j", '{ "params": [ {"b": "中", "a": 1.50} ], "nodes": [], "name": "j" }\n')
    assert content_digest([one]) == content_digest([other])


@pytest.mark.parametrize(
    "other",
    [
        [],
        [an_object(Kind.JOB, "a", x=1), *ALL],
        [an_object(Kind.JOB, "c", x=1)],
        [an_object(Kind.SCRIPT, "a", x=1)],
        [an_object(Kind.JOB, "a", x="1")],
        [PackageObject.made(Kind.JOB, "a", b'{"name":"a","x":1.0}')],
        [an_object(Kind.JOB, "a", cluster="c", x=1)],
    ],
)
def test_digest__tells_packages_apart(other: list[PackageObject]) -> None:
    assert content_digest(other) != content_digest([an_object(Kind.JOB, "a", x=1)])
