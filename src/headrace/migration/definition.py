"""A stored migration job as it can be run: its links opened, its secrets in clear, its words replaced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from headrace.auth.sealing import Sealer
from headrace.domain.secrets import CDM_PLACEHOLDER, is_cdm_placeholder
from headrace.errors_cdm import CdmContentInvalid, CdmError, LinkDisabled, LinkNotFound
from headrace.migration import values
from headrace.packages.secrets import cdm_secret_slots
from headrace.services import Services
from headrace.storage import cdm
from headrace.storage.cdm import CdmJobRecord
from headrace.storage.database import Connection
from headrace.transfer.definition import OWN_STORE, Job
from headrace.transfer.options import Link, Options
from headrace.transfer.words import resolved
from headrace.wire.document import Document, as_text, as_truth, read_document

_LINK, _SOURCE, _TARGET = "linkConfig", "fromJobConfig", "toJobConfig"


def runnable(
    services: Services,
    connection: Connection,
    record: CdmJobRecord,
    variables: Mapping[str, str],
    at: datetime,
    zone: tzinfo,
) -> Job:
    """The job with everything it needs. Raises LinkNotFound, LinkDisabled, CdmContentInvalid, CdmError."""
    document = opened(record.document, services.sealer)
    inputs = {name: resolved(value, name, variables, at, zone) for name, value in values.inputs(document).items()}
    dirty, verdicts = inputs.get("throttlingConfig.writeToLink", ""), inputs.get("toJobConfig.recordMD5Link", "")
    return Job(
        name=record.name,
        from_link=link(services, connection, record.cluster_id, record.from_link, document, "from"),
        to_link=link(services, connection, record.cluster_id, record.to_link, document, "to"),
        source=_side(document, inputs, _SOURCE, "from-config-values"),
        target=_side(document, inputs, _TARGET, "to-config-values"),
        driver=inputs,
        dirty_link=stored_link(services, connection, record.cluster_id, dirty) if dirty else OWN_STORE,
        verdict_link=stored_link(services, connection, record.cluster_id, verdicts) if verdicts else None,
        whole_database=record.job_type == "BATCH_JOB",
    )


def link(services: Services, connection: Connection, cluster_id: str, name: str, job: Document, side: str) -> Link:
    """The link of a side of a job; a connector without parameters needs none. Raises LinkNotFound, LinkDisabled."""
    if name:
        return stored_link(services, connection, cluster_id, name)
    return Link(name="", connector=as_text(job.get(f"{side}-connector-name")), values={})


def stored_link(services: Services, connection: Connection, cluster_id: str, name: str) -> Link:
    """A link of a cluster, its secrets in clear. Raises LinkNotFound, LinkDisabled, CdmError."""
    record = cdm.link_by_name(connection, cluster_id, name)
    if record is None:
        raise LinkNotFound(name)
    check_secrets(read_document(record.document), record.name)
    return opened_link(opened(record.document, services.sealer), record.name)


def opened_link(document: Document, name: str) -> Link:
    """A link of a document with its secrets in clear. Raises LinkDisabled."""
    if document.get("enabled") is not None and not as_truth(as_text(document["enabled"])):
        raise LinkDisabled(f"[{name}]")
    return Link(
        name=name,
        connector=as_text(document.get("connector-name")),
        values=_without_section(values.inputs(document), _LINK),
        extended=_extended(document, "link-config-values"),
    )


def check_secrets(document: Document, name: str) -> None:
    """Raises CdmError for a link that has lost its secrets, as an export leaves them out."""
    for slot in cdm_secret_slots(document):
        if is_cdm_placeholder(as_text(slot.holder[slot.member])):
            secret = slot.name.replace("#1", "")
            raise CdmError(
                f"Link [{name}]: {secret} was left out when the link was exported. Update the link "
                f"(PUT .../cdm/link/{name}) with the value in the place of {CDM_PLACEHOLDER!r}."
            )


def opened(text: str, sealer: Sealer) -> Document:
    """A stored document with its secrets in clear; those that an export left out are empty."""
    document = read_document(text)
    for slot in cdm_secret_slots(document):
        value = as_text(slot.holder[slot.member])
        if sealer.is_sealed(value):
            slot.holder[slot.member] = sealer.unseal(value)
        elif is_cdm_placeholder(value):
            slot.holder[slot.member] = ""
    return document


def _side(document: Document, inputs: Mapping[str, str], section: str, holder: str) -> Options:
    return Options(section=section, values=_without_section(inputs, section), extended=_extended(document, holder))


def _without_section(inputs: Mapping[str, str], section: str) -> dict[str, str]:
    """Inputs of a section by their short names; those of others, but for the sides of a job, keep theirs."""
    return {name.removeprefix(f"{section}."): value for name, value in inputs.items()}


def _extended(document: Document, holder: str) -> Mapping[str, object]:
    """What ``extended-configs`` of a holder carries. Raises CdmContentInvalid."""
    values_of = document.get(holder)
    extended = values_of.get("extended-configs") if isinstance(values_of, dict) else None
    text = as_text(extended.get("value")) if isinstance(extended, dict) else ""
    if not text:
        return {}
    try:
        return values.extended_fields(text)
    except CdmContentInvalid as error:
        raise CdmContentInvalid(f"{holder}.{error.detail}") from error
