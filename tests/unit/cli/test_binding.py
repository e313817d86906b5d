"""Connections that are bound for one run."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer

from headrace.cli.binding import with_connections
from headrace.packages.model import Kind, PackageObject

JOB = PackageObject.made(Kind.JOB, "j", '{"name":"j"}')


def connection(name: str, **members: Any) -> PackageObject:
    return PackageObject.made(Kind.CONNECTION, name, json.dumps({"name": name, **members}))


def test_with_connections__the_type_of_the_package_stays_and_the_url_says_the_rest() -> None:
    own = connection("db", type="RDS", directory="/a", config={"sslEnable": True, "kmsKey": "x"})
    job, found = with_connections([own, JOB], ["db=postgresql://me:p%40ss@host:5433/sales?sslEnable=false"])
    assert job == JOB
    assert found.document() == {
        "name": "db",
        "type": "RDS",
        "directory": "/a",
        "config": {
            "ip": "host",
            "port": "5433",
            "userName": "me",
            "password": "p@ss",
            "databaseName": "sales",
            "driverName": "org.postgresql.Driver",
            "sslEnable": "false",
        },
    }


def test_with_connections__without_a_password_none_is_asked_for() -> None:
    (found,) = with_connections([], ["s=spark://host"])
    assert found.document() == {"name": "s", "type": "SparkSQL", "config": {"ip": "host", "authentication": "NONE"}}


@pytest.mark.parametrize(
    "text", ["db", "=mysql://h", "db=ftp://h", "db=mysql://", "db=mysql://h:99999", "db=mysql://[h"]
)
def test_with_connections__what_is_no_url_is_wrong_usage_and_not_repeated(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as refusal:
        with_connections([], [text])
    assert refusal.value.exit_code == 2
    assert "99999" not in capsys.readouterr().err
