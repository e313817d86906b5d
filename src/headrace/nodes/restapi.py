"""The Rest Client node: one HTTP request, or one repeated until a value of its answer says how it went."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from headrace.el.errors import CannotEvaluate
from headrace.el.java_text import json_text
from headrace.el.objects import json_util
from headrace.el.values import Value
from headrace.nodes.base import Node, NodeContext, NodeFailed, NodeResult, node_type
from headrace.nodes.http_request import HttpAnswer, HttpRequest, send
from headrace.sql.engine import OUTPUT_LIMIT, OUTPUT_TOO_LARGE

METHODS = ("GET", "POST", "PUT", "DELETE")
_VARIABLE = re.compile(r"[A-Za-z0-9_]{1,64}")


@node_type("RESTAPI", "RESTClient")
@dataclass(frozen=True, kw_only=True)
class RestApi(Node):
    """Sends one request; a status of 2xx is success, the body (30 MB at most) is the output.

    ``headers``: ``name=value`` per line; ``url_parameters``: ``k=v`` per line, joined to the query as written. With
    ``check_return_value`` (GET only) the value at ``property_path`` of the JSON answer decides: one of the flags
    between ``;`` is success or failure, any other asks again after ``interval`` seconds until the node's own time
    limit. ``response_variables``: ``name=path`` per line, read by later nodes as ``${name}``.

    Source: user guide, "Rest Client", and exported jobs for ``url`` to ``securityAuthentication``; the wire names of
    the console's other fields are not published, so several are taken (inferred).
    """

    url: str = ""
    method: str = "GET"
    headers: str = field(default="", metadata={"names": ("headers", "header")})
    body: str = field(default="", metadata={"names": ("body", "requestBody")})
    security_authentication: str = "NONE"
    url_parameters: str = field(default="", metadata={"names": ("urlParameters", "urlParams", "params")})
    check_return_value: str = field(default="", metadata={"names": ("checkReturnValue", "returnValueCheck")})
    property_path: str = field(default="", metadata={"names": ("propertyPath", "responsePath")})
    success_flags: str = field(default="", metadata={"names": ("successFlag", "successFlags")})
    failure_flags: str = field(default="", metadata={"names": ("failureFlag", "failureFlags", "failFlag")})
    interval: str = field(default="", metadata={"names": ("interval", "checkInterval")})
    response_variables: str = field(default="", metadata={"names": ("responseVariables", "responseParams")})

    def run(self, ctx: NodeContext) -> NodeResult:
        request, paths = self._request(), self._paths()
        failure = ""
        while True:
            answer = send(request, ctx.cancellation, private_networks=ctx.settings.private_networks)
            ctx.log.line(f"{request.shown}: status {answer.status}, {len(answer.body)} bytes.")
            if not answer.is_success:
                return _ended(answer, f"{request.shown} answers status {answer.status}.")
            verdict = self._verdict(answer) if self._checks else "success"
            if verdict:
                failure = "" if verdict == "success" else f"{self.property_path} has a failure flag."
                break
            if ctx.cancellation.wait(self._interval(ctx)):
                raise NodeFailed(f"{request.shown}: {self.property_path} had none of the flags when it was stopped.")
        return _ended(answer, failure, {} if failure else _variables(answer, paths))

    @property
    def _checks(self) -> bool:
        return self.check_return_value.lower() in ("true", "yes", "1")

    def _request(self) -> HttpRequest:
        method = self.method.upper()
        if not self.url:
            raise NodeFailed("url: the node names no address.")
        if method not in METHODS:
            raise NodeFailed(f"method: {self.method!r} is none of {', '.join(METHODS)}.")
        if self.security_authentication.upper() not in ("", "NONE"):
            raise NodeFailed(
                f"securityAuthentication: {self.security_authentication!r} is not in this release; use NONE and put "
                "what the service asks for into headers."
            )
        if self._checks and (method != "GET" or not self.property_path or not self.success_flags):
            raise NodeFailed("checkReturnValue: needs the method GET, a propertyPath and a successFlag.")
        headers = dict(_pairs("headers", self.headers))
        body = self.body.encode() if self.body and method in ("POST", "PUT") else None
        if body is not None and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
        return HttpRequest(method=method, url=self._address(), headers=headers, body=body)

    def _address(self) -> str:
        given = "&".join(f"{name}={value}" for name, value in _pairs("urlParameters", self.url_parameters))
        if not given:
            return self.url.strip()
        parts = urlsplit(self.url.strip())
        return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, given)))))

    def _paths(self) -> dict[str, str]:
        """Paths by the names of the variables."""
        paths: dict[str, str] = {}
        for name, path in _pairs("responseVariables", self.response_variables):
            if not _VARIABLE.fullmatch(name) or name in paths:
                raise NodeFailed(
                    f"responseVariables: {name!r} is no name of 1 to 64 letters and digits, or not unique."
                )
            paths[name] = path
        return paths

    def _verdict(self, answer: HttpAnswer) -> str:
        """``success``, ``failure``, or nothing when neither flag is there yet."""
        try:
            found = json_util.path(answer.text, self.property_path)
        except CannotEvaluate:
            return ""
        value = _text(found)
        if found is not None and value in _flags(self.success_flags):
            return "success"
        return "failure" if found is not None and value in _flags(self.failure_flags) else ""

    def _interval(self, ctx: NodeContext) -> float:
        try:
            return max(float(self.interval), 0.01) if self.interval else ctx.polling_interval
        except ValueError as error:
            raise NodeFailed(f"interval: {self.interval!r} is no number of seconds.") from error


def _pairs(member: str, text: str) -> list[tuple[str, str]]:
    """``name=value`` per line; line breaks may also be written ``\\n``."""
    lines = [line for line in text.replace("\\n", "\n").splitlines() if line.strip()]
    for line in lines:
        if "=" not in line:
            raise NodeFailed(f"{member}: a line has no '='; write name=value, one per line.")
    pairs = (line.partition("=") for line in lines)
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def _flags(text: str) -> set[str]:
    return {flag.strip() for flag in text.split(";") if flag.strip()}


def _text(value: Value) -> str:
    return value if isinstance(value, str) else json_text(value)


def _variables(answer: HttpAnswer, paths: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, path in paths.items():
        try:
            value = json_util.path(answer.text, path)
        except CannotEvaluate as error:
            raise NodeFailed(f"responseVariables: {name}: the answer is not JSON, or {path!r} is no path.") from error
        if value is None:
            raise NodeFailed(f"responseVariables: {name}: the answer has nothing at {path!r}.")
        found[name] = _text(value)
    return found


def _ended(answer: HttpAnswer, failure: str, variables: Mapping[str, str] | None = None) -> NodeResult:
    output = answer.text if len(answer.body) <= 4 * OUTPUT_LIMIT else OUTPUT_TOO_LARGE
    return NodeResult(
        success=not failure,
        message=failure,
        output=output if len(output) <= OUTPUT_LIMIT else OUTPUT_TOO_LARGE,
        variables=variables or {},
    )
