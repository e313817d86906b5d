"""Ids of scripts, resources and connections: text, and in the order of creation, so that lists have one order."""

from __future__ import annotations

import uuid

from headrace.services import Services


def new_id(services: Services) -> str:
    """32 hexadecimal digits that grow with time; half of them are random."""
    return f"{services.next_number():016x}{services.next_id()[16:]}"


def new_uuid(services: Services) -> str:
    """The same, written as a UUID is. Source: notes §4: a resource id is UUID text."""
    return str(uuid.UUID(hex=new_id(services)))
