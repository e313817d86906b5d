"""How one error looks to each family of clients."""

from __future__ import annotations

import pytest

from headrace.api.envelopes import error_body
from headrace.api.operation import Family
from headrace.errors import HeadraceError, JobNotFound, NotAuthenticated, TaskNotFound
from headrace.errors_cdm import LinkNotFound

JOB = "The job does not exists. name: 'x'."


@pytest.mark.parametrize("family", ["v1", "v2", "headrace"])
def test_error_body__factory_clients_read_the_top_or_the_first_of_errors(family: Family) -> None:
    assert error_body(JobNotFound("name: 'x'."), family, "r1") == {
        "error_code": "DLF.0100",
        "error_msg": JOB,
        "request_id": "r1",
        "errors": [{"error_code": "DLF.0100", "error_msg": JOB}],
    }


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (LinkNotFound("l"), "Cdm.0101", "Link [l] does not exist."),
        (NotAuthenticated("x."), "APIGW.0301", "Incorrect IAM authentication information: x."),
        (JobNotFound("name: 'x'."), "Cdm.0014", JOB),
    ],
)
def test_error_body__cdm_clients_read_code_or_err_code_of_their_own_service(
    error: HeadraceError, code: str, message: str
) -> None:
    assert error_body(error, "cdm", "r1") == {
        "code": code,
        "errCode": code,
        "message": message,
        "externalMessage": message,
    }


def test_error_body__identity_clients_read_the_error_object() -> None:
    body = error_body(NotAuthenticated("the token has expired."), "identity", "r1")
    text = "Incorrect IAM authentication information: the token has expired."
    assert body == {
        "error_code": "APIGW.0301",
        "error_msg": text,
        "request_id": "r1",
        "errors": [{"error_code": "APIGW.0301", "error_msg": text}],
        "error": {"code": 401, "message": text, "title": "Incorrect IAM authentication information"},
    }


def test_error_body__the_text_of_an_unknown_task_is_the_published_one() -> None:
    assert error_body(TaskNotFound("4d"), "v1", "r1")["error_msg"] == "Task[4d] does not exist"
