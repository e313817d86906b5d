"""Sends a notice to what a topic stands for: mail, webhooks, chats, through Apprise (extra ``headrace[notify]``)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

MAIL = frozenset({"mailto", "mailtos"})
WEB = {"json": "http", "xml": "http", "form": "http", "jsons": "https", "xmls": "https", "forms": "https"}
SHORT_MESSAGE = frozenset(
    {"bulksms", "burstsms", "clicksend", "d7sms", "httpsms", "msg91", "msgbird", "nexmo", "plivo", "sinch", "sns"}
    | {"serwersms", "smsc", "smseagle", "smseagles", "smsmanager", "smsmgr", "twilio", "voipms", "vonage"}
)


class NotificationFailed(Exception):
    """A notice did not reach all it was for; the text names the topic and never an address."""


class TopicNotMapped(NotificationFailed):
    """Nothing says what a topic stands for."""


class NotAccepted(NotificationFailed):
    """A service did not take a notice; it may take it later."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What to say. ``by_protocol``: other texts for ``email``, ``sms``, ``http`` and ``https``."""

    subject: str
    text: str
    by_protocol: Mapping[str, str] = field(default_factory=dict)


def addresses_of(topics: Mapping[str, Sequence[str]], topic: str) -> Sequence[str]:
    """The Apprise URLs of a topic, named by its whole URN or by its last part. Raises TopicNotMapped."""
    found = topics.get(topic) or topics.get(topic.rpartition(":")[2])
    if not found:
        name = topic.rpartition(":")[2]
        raise TopicNotMapped(
            f"Nothing is set for the topic {name!r}. Add it to the table [topics] of headrace.toml, e.g. "
            f'{name} = "mailtos://user:password@mail.example?to=ops@example.com" (any URL that Apprise knows).'
        )
    return found


def send(addresses: Sequence[str], notice: Notice, topic: str) -> Iterator[str]:
    """Send to each address; yields the name of each service that took it. Raises NotificationFailed at the first
    address that cannot be read, and at the end when a service did not take the notice.
    """
    targets = [_target(address, topic, number) for number, address in enumerate(addresses, 1)]
    refused: list[str] = []
    for number, (address, target) in enumerate(zip(addresses, targets, strict=True), 1):
        name = f"{target.service_name} (address {number} of {topic!r})"
        if target.notify(body=_text(notice, address), title=notice.subject, body_format=_apprise().NotifyFormat.TEXT):
            yield name
        else:
            refused.append(name)
    if refused:
        raise NotAccepted(f"Not accepted by {', '.join(refused)}.")


def _text(notice: Notice, address: str) -> str:
    """The text for what an address is."""
    schema = address.partition(":")[0].lower()
    protocol = "email" if schema in MAIL else "sms" if schema in SHORT_MESSAGE else WEB.get(schema, "")
    return notice.by_protocol.get(protocol, notice.text)


def _target(address: str, topic: str, number: int) -> Any:
    apprise = _apprise()
    asset = apprise.AppriseAsset(storage_mode="memory", async_mode=False, app_id="Headrace", app_url="")
    target = apprise.Apprise.instantiate(address, asset=asset)
    if target is None:
        raise NotificationFailed(
            f"Address {number} of the topic {topic!r} in headrace.toml is no URL that Apprise knows."
        )
    return target


@cache
def _apprise() -> Any:
    try:
        return importlib.import_module("apprise")
    except ModuleNotFoundError as error:
        raise NotificationFailed("Notifications need the extra: pip install 'headrace[notify]'.") from error
