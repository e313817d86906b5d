"""Config values of links and jobs on their way out: text everywhere, lists as lists, special characters encoded.

Source: cdm-connectors.md §1 (values, percent-encoding, empty sections) and cdm-v1.1 "Type traps".
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from headrace.packages.cdm import masked_cdm
from headrace.wire.document import Document, as_text, read_document, write_document

# Terraform decodes every value it reads; the Python SDK does not. Plain values of letters, digits and ``_.-~`` are the
# same either way.
ENCODE_OUTPUT = True

_HOLDERS = ("link-config-values", "from-config-values", "to-config-values", "driver-config-values")


def view(text: str) -> Document:
    """A stored link or job as it is answered: secrets as the placeholder, values as strings, ``inputs`` as a list."""
    document = read_document(masked_cdm(text))
    for holder in _HOLDERS:
        values = document.get(holder)
        if not isinstance(values, dict):
            continue
        for config in values.get("configs") or ():
            inputs = config.get("inputs")
            config["inputs"] = [_input(item) for item in inputs] if isinstance(inputs, list) else []
    return document


def _input(item: Document) -> Document:
    value = item.get("value")
    if value is None or isinstance(value, dict | list):
        return {name: member for name, member in item.items() if name != "value" or member is not None}
    return {**item, "value": encoded(as_text(value))}


def encoded(value: str) -> str:
    """A value as answers carry it."""
    return quote(value, safe="") if ENCODE_OUTPUT else value


def decoded(value: str) -> str:
    """A value as it is stored: what came out encoded and comes back unchanged is decoded, plain text stays."""
    plain = unquote(value)
    return plain if plain != value and quote(plain, safe="") == value else value


def received(text: bytes) -> bytes:
    """The text of an element to store: as it came, but for values that come back in the encoding of our answers."""
    document = read_document(text)
    changed = False
    for holder in _HOLDERS:
        values = document.get(holder)
        for config in (values.get("configs") or ()) if isinstance(values, dict) else ():
            for item in _objects(config.get("inputs")):
                value = item.get("value")
                if isinstance(value, str) and (plain := decoded(value)) != value:
                    item["value"] = plain
                    changed = True
    return write_document(document) if changed else text


def _objects(value: Any) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
