"""How an error looks to each family of clients."""

from __future__ import annotations

from typing import Any

from headrace.api.operation import Family
from headrace.errors import HeadraceError


def error_body(error: HeadraceError, family: Family, request_id: str) -> dict[str, Any]:
    """The body of an error answer.

    Factory (v1, v2): ``error_code`` and ``error_msg``, both again in ``errors[0]`` for clients that look there.
    CDM: four members, because the Python SDK reads ``code`` and ``message``, Terraform ``errCode`` and
    ``externalMessage``. Identity: the service's ``error`` object beside the Factory members.
    """
    code, message = error.code, error.message
    if family == "cdm":
        if not code.startswith(("Cdm.", "APIGW.")):  # the generic "system error" and "parameter is invalid"
            code = "Cdm.0000" if error.status >= 500 else "Cdm.0014"
        return {"code": code, "errCode": code, "message": message, "externalMessage": message}
    body: dict[str, Any] = {
        "error_code": code,
        "error_msg": message,
        "request_id": request_id,
        "errors": [{"error_code": code, "error_msg": message}],
    }
    if family == "identity":
        body["error"] = {"code": error.status, "message": message, "title": error.text.rstrip(":")}
    return body
