"""The status of an accepted change."""

from __future__ import annotations

from typing import Any

from headrace.api.operation import Call, Created

_GO_CLIENT = "golangsdk/2.0.0"


def accepted(call: Call, answer: dict[str, Any]) -> Created[dict[str, Any]]:
    """202 for the bare Go client, which takes nothing else; 200 as documented for everybody else.

    Terraform's providers put their own product before the Go client's name and take the 200.
    """
    return Created(answer, 202 if call.headers.get("user-agent") == _GO_CLIENT else 200)
