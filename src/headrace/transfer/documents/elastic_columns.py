"""Columns of a job on Elasticsearch: ``name:type`` pairs, what the types are in Arrow, and mappings of indexes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from headrace.errors_cdm import CdmError

ID = "_id"
BINARY = "binary"  # documents have it in Base64
_TYPE = re.compile(r"[a-z_]{1,40}")
_SYNONYMS = {"string": "text", "numeric": "double", "int": "integer"}  # Source: CDM API reference, columnList
_WHOLE = frozenset({"long", "integer", "short", "byte"})
_FLOATING = frozenset({"double", "float", "half_float", "scaled_float"})
NESTED = frozenset({"nested", "object"})
_KEYWORD = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}


class ElasticColumn(NamedTuple):
    """A column and its type in an index; no type where the job names none."""

    name: str
    type: str = ""


def listed(pairs: Sequence[str], member: str) -> tuple[ElasticColumn, ...]:
    """The columns of a list. Raises CdmError for a type that is no word."""
    found = []
    for pair in pairs:
        name, _, kind = pair.rpartition(":")
        name, kind = (name, _SYNONYMS.get(kind, kind)) if name else (pair, "")
        if kind and not _TYPE.fullmatch(kind):
            raise CdmError(f"{member}: {kind!r} is no type of a column.")
        found.append(ElasticColumn(name, kind))
    return tuple(found)


def read_type(kind: str) -> pa.DataType:
    """What a column of an index is read as."""
    if kind in _WHOLE:
        return pa.int64()
    if kind in _FLOATING:
        return pa.float64()
    if kind == BINARY:
        return pa.binary()
    return pa.bool_() if kind == "boolean" else pa.string()


def written_type(kind: str, source: pa.DataType) -> pa.DataType:
    """What a column of an index is written from: numbers and times as they are, the rest by the index's type."""
    if pa.types.is_list(source) or pa.types.is_large_list(source):
        return source  # any column of an index takes several values
    numeric = pa.types.is_integer(source) or pa.types.is_floating(source) or pa.types.is_decimal(source)
    if kind in _FLOATING:
        return source if numeric else pa.float64()
    if kind in _WHOLE:
        return source if pa.types.is_integer(source) else pa.int64()
    if kind == "boolean":
        return pa.bool_()
    if kind == "date":
        return source if pa.types.is_temporal(source) else pa.string()
    if kind == BINARY:
        return pa.binary()
    if kind in NESTED:
        return source if pa.types.is_nested(source) else pa.string()
    return pa.string()


def type_of(source: pa.DataType) -> str:
    """The type in an index of a column that has one only in the source."""
    if pa.types.is_list(source) or pa.types.is_large_list(source):
        return type_of(source.value_type)
    if pa.types.is_boolean(source):
        return "boolean"
    if pa.types.is_integer(source):
        return "long"
    if pa.types.is_floating(source) or pa.types.is_decimal(source):
        return "double"
    if pa.types.is_timestamp(source) or pa.types.is_date(source):
        return "date"
    if pa.types.is_binary(source):
        return BINARY
    return "object" if pa.types.is_nested(source) else "text"


def mapping(columns: Sequence[ElasticColumn]) -> dict[str, Any]:
    """The mapping of a new index."""
    properties = {one.name: _KEYWORD if one.type == "text" else {"type": one.type} for one in columns if one.name != ID}
    return {"properties": properties}


def mapped(answer: Mapping[str, Any], *, split: bool) -> tuple[ElasticColumn, ...]:
    """The columns of indexes by their mappings, with those inside of objects where they are split."""
    found: dict[str, ElasticColumn] = {}
    for index in answer.values():
        mappings = index.get("mappings", {})
        groups = [mappings] if "properties" in mappings else [one for one in mappings.values() if isinstance(one, dict)]
        for group in groups:
            for column in _columns(group.get("properties", {}), "", split=split):
                found.setdefault(column.name, column)
    return tuple(found.values())


def _columns(properties: Mapping[str, Any], prefix: str, *, split: bool) -> Iterator[ElasticColumn]:
    for name, about in properties.items():
        inner = about.get("properties")
        if inner and split:
            yield from _columns(inner, f"{prefix}{name}.", split=split)
        else:
            yield ElasticColumn(f"{prefix}{name}", about.get("type", "object"))
