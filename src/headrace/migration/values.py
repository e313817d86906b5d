"""Config values of links and jobs: how they come in, and how they go out.

In: values in the encoding of our own answers are decoded, two documented misspellings of sections put right; secrets,
which no answer carries, and all else stay byte for byte. Out: text everywhere, lists as lists, special characters
percent-encoded, secrets replaced.

Source: cdm-connectors.md §1 (values, percent-encoding, empty sections, extended-configs) and cdm-v1.1 "Type traps".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from headrace.domain.secrets import CDM_PLACEHOLDER, cdm_secret, is_cdm_placeholder
from headrace.errors_cdm import CdmContentInvalid
from headrace.packages.cdm import masked_cdm
from headrace.wire.document import Document, as_text, read_document, write_document

_HOLDERS = ("link-config-values", "from-config-values", "to-config-values", "driver-config-values")
_MISSPELT = {"llinkConfig": "linkConfig", "oJobConfig": "toJobConfig"}
_SWAP = str.maketrans("JL", "LJ")


def received(text: bytes) -> bytes:
    """The text of an element to store. Raises CdmContentInvalid when a part of it is no JSON that can be kept."""
    try:
        document = read_document(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CdmContentInvalid(f"It is not JSON in UTF-8, or nested too deeply: {error}.") from error
    changed = [_received(item) for config in _configs(document) for item in _objects(config.get("inputs"))]
    return write_document(document) if any(changed) else text


def _received(item: Document) -> bool:
    """Put an input right; whether there was something to do."""
    before = dict(item)
    section, dot, parameter = as_text(item.get("name")).partition(".")
    if section in _MISSPELT:
        item["name"] = _MISSPELT[section] + dot + parameter
    if isinstance(value := item.get("value"), str):
        plain = decoded(value)
        if is_cdm_placeholder(plain) or not cdm_secret(as_text(item.get("name"))):
            item["value"] = plain
    return item != before


def view(text: str, *, encode: bool) -> Document:
    """A stored link or job as it is answered; ``encode``: values percent-encoded."""
    document = read_document(masked_cdm(text))
    for config in _configs(document):
        config["inputs"] = [_shown(item, encode=encode) for item in _objects(config.get("inputs"))]
    return document


def _shown(item: Document, *, encode: bool) -> Document:
    """The placeholder is the same for a client that decodes and one that does not, so it is never encoded."""
    value = item.get("value")
    if value is None or isinstance(value, dict | list):
        return item
    plain = not encode or not isinstance(value, str) or value == CDM_PLACEHOLDER
    return {**item, "value": as_text(value) if plain else encoded(value)}


def inputs(document: Document) -> dict[str, str]:
    """Every input of a stored link or job as text, by its name."""
    return {
        as_text(item.get("name")): as_text(item.get("value"))
        for config in _configs(document)
        for item in _objects(config.get("inputs"))
    }


def encoded(value: str) -> str:
    """A value as answers carry it: a blank is ``%20``."""
    return quote(value, safe="")


def decoded(value: str) -> str:
    """A value as it is stored: what came out encoded and comes back unchanged is decoded, plain text stays."""
    plain = unquote(value)
    return plain if plain != value and quote(plain, safe="") == value else value


def extended_fields(text: str) -> dict[str, Any]:
    """The parameters in the value of ``extended-configs``: Base64 of a JSON object, with J and L exchanged.

    Raises CdmContentInvalid.
    """
    try:
        fields = json.loads(base64.b64decode(text.translate(_SWAP) if text.startswith("eyL") else text, validate=True))
    except (ValueError, RecursionError) as error:
        raise CdmContentInvalid("extended-configs.value: is not the Base64 text of a JSON object.") from error
    if not isinstance(fields, dict):
        raise CdmContentInvalid("extended-configs.value: is the Base64 text of JSON, but not of an object.")
    return fields


def extended_text(fields: dict[str, Any]) -> str:
    """The value of ``extended-configs`` for some parameters.

    The JSON is ASCII: else a first key in Chinese could start the Base64 text with ``eyL`` too.
    """
    text = base64.b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode()
    return text.translate(_SWAP) if text.startswith("eyJ") else text


def _configs(document: Document) -> Iterator[Document]:
    """The sections of all holders, whatever else stands there."""
    for holder in _HOLDERS:
        values = document.get(holder)
        if isinstance(values, dict):
            yield from _objects(values.get("configs"))


def _objects(value: Any) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
