"""Takes the secrets out of objects before they leave: nothing of them is exported, sealed or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.domain.secrets import CDM_PLACEHOLDER, cdm_secret, connection_secret, map_secret
from headrace.packages.model import Kind, PackageObject
from headrace.packages.text import dump, objects_in, parse
from headrace.wire.document import as_truth


def strip_secrets(item: PackageObject) -> PackageObject:
    """The object as it may leave.

    Sensitive node properties and environment variables are emptied, secrets of connections left out, those of CDM links
    and jobs replaced by the text the service itself puts there. Source: factory-v1-notes §13.
    """
    if not any(mark in item.text for mark in _MARKS[item.kind]):
        return item
    document = parse(item.text)
    if not _STRIPPERS[item.kind](document):
        return item
    return PackageObject(item.kind, item.name, dump(document), item.cluster, item.folder, item.member)


def _strip_job(job: dict[str, Any]) -> bool:
    changed = False
    for node in objects_in(job.get("nodes")):
        for prop in [*objects_in(node.get("properties")), *objects_in(node.get("nodeProperties"))]:
            if is_true(prop.get("value_is_sensitive")) and prop.get("value") not in ("", None):
                prop["value"] = ""
                changed = True
    return changed


def _strip_environment(document: dict[str, Any]) -> bool:
    changed = False
    for variable in objects_in(document.get("params")):
        if is_true(variable.get("is_sensitive")) and variable.get("value") not in ("", None):
            variable["value"] = ""
            changed = True
    return changed


def _strip_connection(connection: dict[str, Any]) -> bool:
    return _drop_secrets(connection.get("config"))


def _drop_secrets(value: Any) -> bool:
    """Leave out the secrets on every level of a ``config``."""
    if isinstance(value, list):
        return bool([item for item in value if _drop_secrets(item)])
    if not isinstance(value, dict):
        return False
    found = [name for name in value if connection_secret(name)]
    for name in found:
        del value[name]
    return bool(found + [name for name, item in value.items() if _drop_secrets(item)])


def _strip_cdm(document: dict[str, Any]) -> bool:
    changed = False
    for slot in cdm_secret_slots(document):
        if slot.holder[slot.member] not in (None, "", CDM_PLACEHOLDER):
            slot.holder[slot.member] = CDM_PLACEHOLDER
            changed = True
    return changed


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that holds a secret: ``holder[member]``; ``name`` tells it from the others of its document."""

    name: str
    holder: dict[str, Any]
    member: str


def cdm_secret_slots(document: dict[str, Any]) -> list[Slot]:
    """Where a CDM link or job holds secrets: inputs of secret names, and secret entries of inputs that are maps."""
    slots: list[Slot] = []
    seen: dict[str, int] = {}
    for item in cdm_inputs(document):
        name = str(item.get("name"))
        occurrence = seen[name] = seen.get(name, 0) + 1
        if cdm_secret(name) and not isinstance(item.get("value"), dict):
            slots += [Slot(f"{name}#{occurrence}", item, "value")] if "value" in item else []
        elif isinstance(value := item.get("value"), dict):
            slots += _map_slots(f"{name}#{occurrence}", value, every=cdm_secret(name))
    return slots


def _map_slots(name: str, value: dict[str, Any], *, every: bool) -> list[Slot]:
    slots: list[Slot] = []
    for member, inner in value.items():
        if isinstance(inner, dict):
            slots += _map_slots(f"{name}/{member}", inner, every=every or map_secret(member))
        elif every or map_secret(member):
            slots.append(Slot(f"{name}/{member}", value, member))
    return slots


def cdm_inputs(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every input of a CDM link or job, in order."""
    found = []
    for holder in ("link-config-values", "from-config-values", "to-config-values", "driver-config-values"):
        values = document.get(holder)
        for config in objects_in(values.get("configs")) if isinstance(values, dict) else ():
            found += objects_in(config.get("inputs"))
    return found


def is_true(value: Any) -> bool:
    """``true``, ``"true"``, ``1`` and ``"1"``: as what is sealed at rest is told."""
    return isinstance(value, bool | int | str) and as_truth(value)


def _nothing(document: dict[str, Any]) -> bool:
    return False


_STRIPPERS = {
    Kind.JOB: _strip_job,
    Kind.ENVIRONMENT: _strip_environment,
    Kind.CONNECTION: _strip_connection,
    Kind.CDM_LINK: _strip_cdm,
    Kind.CDM_JOB: _strip_cdm,
    Kind.RESOURCE: _nothing,
    Kind.SCRIPT: _nothing,
    Kind.QUALITY_RULES: _nothing,
}
_ALWAYS: tuple[bytes, ...] = (b"",)
_MARKS: dict[Kind, tuple[bytes, ...]] = {
    Kind.JOB: (b'"value_is_sensitive":true', b'"value_is_sensitive":"', b'"value_is_sensitive":1'),
    Kind.ENVIRONMENT: (b'"is_sensitive"',),
    Kind.CONNECTION: _ALWAYS,
    Kind.CDM_LINK: _ALWAYS,
    Kind.CDM_JOB: _ALWAYS,
    Kind.RESOURCE: (),
    Kind.SCRIPT: (),
    Kind.QUALITY_RULES: (),
}


def exportable(kind: Kind, name: str, text: str | bytes, *, cluster: str = "") -> PackageObject:
    """A stored text as an object that may leave."""
    return strip_secrets(PackageObject.made(kind, name, text, cluster=cluster))
