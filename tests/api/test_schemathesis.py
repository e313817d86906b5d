"""Requests made from the generated document: whatever is sent, the answer is one the document describes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from headrace.api.openapi import document
from headrace.api.operation import Operation, declared_operations

EXAMPLES = 15  # for each operation, half of them against the document
NAMES = {"job_name": "j", "script_name": "s", "connection_name": "c", "cluster_id": "default"}
NOT_SENT = ("ShowMetrics", "ShowOpenapi")  # text, and the document itself: test_transport reads both
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@cache
def described() -> Any:
    content = json.loads(msgspec.json.encode(document(declared_operations())))
    return schemathesis.openapi.from_dict(content)


def operations() -> list[Operation]:
    return [item for item in declared_operations() if item.id not in NOT_SENT]


@pytest.fixture(scope="module")
def session(server: Any) -> Iterator[requests.Session]:
    """A session in a workspace that holds one object of each kind."""
    headers = {"workspace": server.workspace()}
    for path, body in (
        ("jobs", {"name": "j", "processType": "BATCH", "nodes": [{"name": "n", "type": "Dummy"}]}),
        ("scripts", {"name": "s", "type": "Shell", "content": "true"}),
        ("connections", {"name": "c", "type": "HIVE", "config": {"clusterName": "x"}}),
    ):
        answer = server.http.post(f"/v1/{{p}}/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
    user = {"name": server.credentials["user"], "password": server.credentials["password"]}
    proof = {"identity": {"methods": ["password"], "password": {"user": user}}}
    token = server.http.post("/v3/auth/tokens", json={"auth": proof}).headers["x-subject-token"]
    with requests.Session() as made:
        made.headers.update({**headers, "X-Auth-Token": token})
        yield made


@pytest.mark.parametrize("item", operations(), ids=lambda item: item.id)
def test_operation__answers_only_what_its_document_says(
    item: Operation, server: Any, session: requests.Session
) -> None:
    found = described()[item.path][item.method]
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    cases = st.one_of([found.as_strategy(generation_mode=mode) for mode in modes])

    @seed(20240107)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, known=st.booleans())
    def call(case: Any, known: bool) -> None:
        aim(case, server, known)
        answer = case.call(base_url=server.url, session=session)
        case.validate_response(answer, checks=CHECKS)

    call()


def aim(case: Any, server: Any, known: bool) -> None:
    """Send a case to the project of the test, and often to objects that exist."""
    for name in case.path_parameters:
        if name == "project_id":
            case.path_parameters[name] = server.project_id
        elif known and name in NAMES:
            case.path_parameters[name] = NAMES[name]
    for name in [name for name in case.headers if name.lower() in ("workspace", "x-auth-token", "authorization")]:
        del case.headers[name]
