"""The SMN node against a real web hook and a real mail server on loopback."""

from __future__ import annotations

import email
import email.policy
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from headrace.nodes.base import NodeFailed
from headrace.settings import Settings
from node_surroundings import KeptLog, Request, context, load_apprise, run_node, web_service

load_apprise()
URN = "urn:smn:eu-de:0123456789abcdef0123456789abcdef:ops"


def hook(url: str) -> str:
    return url.replace("http://", "json://") + "/hook"


def smn(topics: dict[str, list[str]], templates: dict[str, list[str]] | None = None, **properties: str) -> KeptLog:
    log = KeptLog()
    settings = Settings(topics=topics, message_templates=templates or {})
    assert run_node("SMN", context(log=log, settings=settings), **{"topic": URN, **properties}).success
    return log


def heard(request: Request) -> tuple[str, str]:
    body = json.loads(request.body)
    return body["title"], body["message"]


def taken(request: Request) -> tuple[int, bytes, dict[str, str]]:
    return 200, b"", {}


@contextmanager
def mail_server() -> Iterator[tuple[int, list[Any]]]:
    """The port of an SMTP server, and the messages it took."""
    controllers = pytest.importorskip("aiosmtpd.controller", reason="aiosmtpd is not installed")
    messages: list[Any] = []

    class Inbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            return "250 taken"

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = controllers.Controller(Inbox(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, messages
    finally:
        controller.stop()


@pytest.mark.parametrize("key", [URN, "ops"])
def test_smn__a_topic_is_its_urn_or_its_last_part(key: str) -> None:
    with web_service(taken) as service:
        log = smn({key: [hook(service.url)]}, subject="Disk 磁盘", message="90 %")
    assert [heard(request) for request in service.requests] == [("Disk 磁盘", "90 %")]
    assert "Accepted by JSON (address 1 of 'urn:smn" in log.text


def test_smn__structure__each_protocol_gets_its_text() -> None:
    message = json.dumps({"default": "all", "http": "for hooks", "email": "for mail", "sms": "short"})
    with web_service(taken) as service, mail_server() as (port, mails):
        mailbox = f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com&mode=insecure"
        smn({"ops": [hook(service.url), mailbox]}, subject="s", messageType="STRUCTURE", message=message)
    assert heard(service.requests[0]) == ("s", "for hooks")
    assert [(mail["Subject"], mail.get_body(("plain",)).get_content().strip()) for mail in mails] == [("s", "for mail")]


def test_smn__template__tags_fill_the_text_of_the_settings() -> None:
    with web_service(taken) as service:
        templates = {"disk_digest": ["{host} is at {use} %, {rest}"]}
        topics = {"ops": [hook(service.url)]}
        smn(topics, templates, messageType="TEMPLATE", message="disk_digest", tags='{"host": "h1", "use": 90}')
    assert heard(service.requests[0])[1] == "h1 is at 90 %, {rest}"


def test_smn__who_does_not_accept_is_named_and_no_secret_is_said() -> None:
    with web_service(lambda request: (500, b"", {})) as broken, web_service(taken) as sound:
        topics = {"ops": [hook(broken.url).replace("://", "://u:hush@"), hook(sound.url)]}
        with pytest.raises(NodeFailed, match=r"topic: Not accepted by JSON \(address 1 of") as failure:
            smn(topics, message="m")
    assert "hush" not in str(failure.value)
    assert len(sound.requests) == 1


def test_smn__an_unmapped_topic_says_what_to_set() -> None:
    with pytest.raises(NodeFailed, match=r"table \[topics\] of headrace.toml, e.g. ops = "):
        smn({}, message="m")


def test_smn__an_unreadable_address_sends_nothing() -> None:
    with web_service(taken) as service:
        with pytest.raises(NodeFailed, match="Address 2 of the topic"):
            smn({"ops": [hook(service.url), "pigeon://u:hush@h"]}, message="m")
        assert service.requests == []


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"topic": ""}, "topic: the node names no topic"),
        ({"message": ""}, "message: is empty"),
        ({"subject": "x" * 513}, "subject: has 513"),
        ({"message": "磁" * 4000}, "message: is larger than 10 KB"),
        ({"messageType": "STRUCTURE", "message": "text"}, '"default"'),
        ({"messageType": "STRUCTURE", "message": '{"sms": "x"}'}, '"default"'),
        ({"messageType": "SHOUT"}, "messageType: 'SHOUT'"),
        ({"messageType": "TEMPLATE", "message": "none"}, "[message_templates]"),
    ],
)
def test_smn__a_bad_property_is_named(properties: dict[str, str], named: str) -> None:
    with pytest.raises(NodeFailed) as failure:
        run_node("SMN", context(settings=Settings(topics={"ops": ["json://h"]})), **({"topic": URN} | properties))
    assert named in str(failure.value)
