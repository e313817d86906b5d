"""Expressions of an instance that has not begun."""

from __future__ import annotations

from headrace.el.errors import ExpressionError
from headrace.el.language import evaluate_text
from headrace.engine.scope import instance_scope
from headrace.engine.surroundings import variables_of
from headrace.errors import InvalidParameter
from headrace.services import Services
from headrace.storage import jobs
from headrace.storage.instances import InstanceRecord
from headrace.wire.v1.definition import read_definition


def evaluate_early(services: Services, record: InstanceRecord, text: str) -> str:
    """The value of a text for a waiting instance; it may be shown, so it holds no secret.

    Raises ExpressionError, InvalidParameter (a secret, no version of the job).
    """
    secrets: list[str] = []
    with services.db.reading() as connection:
        variables = variables_of(services, connection, record.workspace_id, secrets.append)
        document = jobs.version_document(connection, record.job_id, record.version)
    if document is None:
        raise InvalidParameter(f"The version {record.version} of the job, which the instance runs, is gone.")
    try:
        value = evaluate_text(text, instance_scope(services, record, read_definition(document), variables))
    except ExpressionError as error:
        raise error.without(secrets) from None
    if any(secret in value for secret in secrets if secret):
        raise InvalidParameter(f"{text!r} has a secret in its value, which would be shown.")
    return value
