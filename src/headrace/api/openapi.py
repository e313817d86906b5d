"""The OpenAPI document, generated from the declared operations."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable
from typing import Any

import msgspec

from headrace import __version__
from headrace.api.operation import Archive, Created, Json, Operation

_NAME = re.compile(r"\{(\w+)\}")
_REF = "#/components/schemas/{name}"

_ERROR = {
    "type": "object",
    "required": ["error_code", "error_msg"],
    "properties": {
        "error_code": {"type": "string"},
        "error_msg": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_CDM_ERROR = {
    "type": "object",
    "required": ["code", "errCode", "message", "externalMessage"],
    "properties": {name: {"type": "string"} for name in ("code", "errCode", "message", "externalMessage")},
}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of some operations."""
    declared = list(operations)
    schemas, components = _schemas(declared)
    components |= {"Error": _ERROR, "CdmError": _CDM_ERROR}
    paths: dict[str, dict[str, Any]] = {}
    for item in declared:
        paths.setdefault(item.path, {})[item.method.lower()] = _operation(item, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headrace", "version": __version__, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                "akSk": {"type": "apiKey", "in": "header", "name": "Authorization"},
            },
        },
    }


def _schemas(operations: list[Operation]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The schema of each body, query and answer type, and the components they refer to."""
    wanted: dict[Any, None] = {}
    for item in operations:
        for shape in (item.body_type, item.query_type, answer_shape(item), *item.json_uploads):
            if shape not in (None, bytes):
                wanted[shape] = None
    found, components = msgspec.json.schema_components(list(wanted), ref_template=_REF)
    return dict(zip(wanted, found, strict=True)), dict(components)


def answer_shape(item: Operation) -> Any:
    """The type of the JSON an operation answers; None where it answers no JSON."""
    for option in typing.get_args(item.answer_type) if _is_union(item.answer_type) else (item.answer_type,):
        if option in (None, type(None), Archive):
            continue
        if typing.get_origin(option) in (Json, Created):
            return typing.get_args(option)[0]
        return option
    return None


def _is_union(shape: Any) -> bool:
    return typing.get_origin(shape) in (typing.Union, type(int | str))


def answers_archive(item: Operation) -> bool:
    """Whether an operation may answer a file."""
    options = typing.get_args(item.answer_type) if _is_union(item.answer_type) else (item.answer_type,)
    return Archive in options


def _operation(item: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": item.id,
        "tags": [item.tag],
        "summary": item.summary,
        "parameters": _parameters(item, schemas),
        "responses": _responses(item, schemas),
    }
    if item.description:
        described["description"] = item.description
    if item.extension:
        described["x-headrace-extension"] = True
    if item.partly:
        described["x-headrace-partly"] = item.partly
    if not item.public:
        described["security"] = [{"token": []}, {"akSk": []}]
    if item.body_type is not None:
        described["requestBody"] = _request_body(item, schemas)
    return described


def _request_body(item: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if item.body_type is not bytes:
        content["application/json"] = {"schema": schemas[item.body_type]}
    if item.upload:
        content["application/zip"] = {"schema": {"type": "string", "format": "binary"}}
        for shape in item.json_uploads:
            content["application/json"] = {"schema": schemas[shape]}
    return {"required": not item.body_optional, "content": content or {"application/json": {"schema": {}}}}


def _parameters(item: Operation, schemas: dict[Any, Any]) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _NAME.findall(item.path)
    ]
    if item.family in ("v1", "v2", "headrace") and not item.public:
        parameters.append({"name": "workspace", "in": "header", "required": False, "schema": {"type": "string"}})
    if item.query_type is not None:
        for field in msgspec.structs.fields(item.query_type):
            schema = msgspec.json.schema(field.type)
            if field.default is not msgspec.NODEFAULT:
                schema["default"] = field.default
            parameters.append({"name": field.encode_name, "in": "query", "required": field.required, "schema": schema})
    return parameters


def _responses(item: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    content: dict[str, Any] = {}
    if answers_archive(item):
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    if (shape := answer_shape(item)) is not None:
        content["application/json"] = {"schema": schemas[shape]}
    if content:
        success["content"] = content
    name = "CdmError" if item.family == "cdm" else "Error"
    failure = {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}
    responses = {str(item.answers): success}
    by_status: dict[int, list[str]] = {}
    for error in item.errors:
        by_status.setdefault(error.status, []).append(f"{error.code}: {error.text}")
    for status, texts in sorted(by_status.items()):
        responses[str(status)] = {"description": "\n".join(dict.fromkeys(texts)), "content": failure}
    responses["default"] = {"description": "Not authenticated, not found, throttled or failed.", "content": failure}
    return responses
