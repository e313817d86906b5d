"""The CSS node: one request to a search engine that speaks the interface of OpenSearch and Elasticsearch."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import ClassVar

from headrace import errors
from headrace.nodes.base import BoundConnection, Node, NodeContext, NodeFailed, NodeResult, node_type
from headrace.nodes.http_request import HttpRequest, send
from headrace.objectstore.path import ObsPath
from headrace.sql.engine import OUTPUT_LIMIT, OUTPUT_TOO_LARGE

METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE")


@node_type("CSS")
@dataclass(frozen=True, kw_only=True)
class Css(Node):
    """Sends ``method`` and ``path`` (such as ``/index/_search``); a status of 2xx is success, the body the output.

    ``body``: JSON, for POST, PUT and HEAD. ``output_path``: an obs:// directory or file that gets the answer. The
    connection has the address; ``config.protocol`` is http unless it says https. Source: user guide, "CSS"; the wire
    names of the properties are not published (inferred).
    """

    needs: ClassVar[str] = "a connection with the address of the search engine"

    connection_name: str = field(default="", metadata={"names": ("connectionName", "connection")})
    method: str = field(default="GET", metadata={"names": ("method", "requestType", "requestMethod")})
    path: str = field(default="", metadata={"names": ("path", "requestPath", "requestParameter")})
    body: str = field(default="", metadata={"names": ("body", "requestBody")})
    output_path: str = field(default="", metadata={"names": ("outputPath", "cssOutputPath")})

    def run(self, ctx: NodeContext) -> NodeResult:
        method = self.method.upper()
        if method not in METHODS:
            raise NodeFailed(f"method: {self.method!r} is none of {', '.join(METHODS)}.")
        target, connection = self._target(), _bound(ctx, self.connection_name)
        request = HttpRequest(
            method=method,
            url=address_of(connection, "http") + "/" + self.path.strip().lstrip("/"),
            headers={**authorization(connection), "Content-Type": "application/json"},
            body=self.body.encode() if self.body and method in ("POST", "PUT", "HEAD") else None,
        )
        answer = send(request, ctx.cancellation, private_networks=ctx.settings.private_networks)
        ctx.log.line(f"{request.shown}: status {answer.status}, {len(answer.body)} bytes.")
        text = answer.text
        output = text if len(text) <= OUTPUT_LIMIT else OUTPUT_TOO_LARGE
        if not answer.is_success:
            message = f"{request.shown} answers status {answer.status}."
            return NodeResult(success=False, message=message, output=output)
        if target is not None:
            ctx.store.put(target, answer.body)
            ctx.log.line(f"The answer is in {target}.")
        return NodeResult(success=True, output=output)

    def _target(self) -> ObsPath | None:
        if not self.output_path:
            return None
        try:
            path = ObsPath.parse(self.output_path.strip(), "outputPath")
            return path / "result.json" if not path.key or path.key.endswith("/") else path
        except errors.HeadraceError as error:
            raise NodeFailed(error.message) from error


def address_of(connection: BoundConnection, protocol: str) -> str:
    """``http://host:port`` of a connection; its member ``protocol`` beats the one given."""
    config = connection.config
    host = str(config["ip"]).strip()
    if "/" in host or "@" in host:
        raise NodeFailed(f"Connection {connection.name!r}: ip is a host and no address: {host!r}.")
    bracketed = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
    port = f":{config['port']}" if config.get("port") else ""
    return f"{str(config.get('protocol') or protocol).lower()}://{bracketed}{port}"


def authorization(connection: BoundConnection) -> dict[str, str]:
    """The header that names the user of a connection; nothing when it has no password."""
    config = connection.config
    if config.get("token"):
        return {"Authorization": f"Bearer {config['token']}"}
    if not config.get("password"):
        return {}
    pair = f"{config.get('userName') or ''}:{config['password']}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _bound(ctx: NodeContext, name: str) -> BoundConnection:
    found = ctx.find_connection(name) if name else None
    if found is None:
        raise NodeFailed(
            f"connectionName: {name!r} is no connection with the address of a search engine (config.ip, config.port) "
            'and a password; for one that asks for none, set its config.authentication to "NONE".'
        )
    return found
