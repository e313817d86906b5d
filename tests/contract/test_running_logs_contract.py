"""The log of a running node is readable, on files and on S3, where the object appears when the attempt ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.app import Installation, open_installation
from headrace.cli.standalone import Standalone
from headrace.factory import node_logs, runs
from headrace.objectstore.path import ObsPath
from headrace.packages.model import Kind, PackageObject
from headrace.settings import Settings
from headrace.storage import instances
from headrace.wire.v1.node_logs import NodeLog, NodeLogQuery

KEYS = {"HEADRACE_S3_ACCESS_KEY": "AK", "HEADRACE_S3_SECRET_KEY": "very-secret"}


@pytest.fixture(params=["files", pytest.param("s3", marks=pytest.mark.s3)])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Standalone]:
    url = None
    if request.param == "s3":
        url = f"{request.getfixturevalue('s3_endpoint')}?create_buckets=true"
    flags = {"home": tmp_path / "home", "object_store_url": url, "local_execution": True}
    installation: Installation = open_installation(Settings.load(flags, {}), KEYS)
    installation.start()
    yield Standalone(installation=installation, folder="")
    installation.stop()


def test_read__a_running_node(running: Standalone, tmp_path: Path) -> None:
    statement = f"echo first; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; echo second"
    properties = [{"name": "statement", "value": statement}]
    node = {"name": "talk", "type": "Shell", "properties": properties}
    document = {"name": "j", "processType": "BATCH", "nodes": [node]}
    running.import_objects([PackageObject.made(Kind.JOB, "j", json.dumps(document))])
    services = running.installation.services
    number = runs.run_once(services, running.caller, "j", [])

    def read(offset: int) -> NodeLog:
        query = NodeLogQuery(offset=offset, wait=20)
        return node_logs.read(services, running.caller, "j", str(number), "talk", query)

    text, offset = "", 0
    while "first\n" not in text:
        piece = read(offset)
        assert not piece.ended
        text, offset = text + piece.content, piece.next_offset
    (tmp_path / "go").touch()
    while not piece.ended:
        piece = read(offset)
        text, offset = text + piece.content, piece.next_offset
    with services.db.reading() as connection:
        (record,) = instances.nodes_of(connection, number)
    assert services.store.get(ObsPath.parse(record.log_path)).decode() == text
    assert text.endswith("Ended: success\n")
