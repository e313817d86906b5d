"""The SMN node: sends a notice to a topic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from headrace.nodes.base import Node, NodeContext, NodeFailed, NodeResult, node_type, read_arguments
from headrace.notifications import Notice, NotificationFailed, addresses_of, send

SUBJECT_CHARACTERS = 512
MESSAGE_BYTES = 10 * 1024


@node_type("SMN")
@dataclass(frozen=True, kw_only=True)
class Smn(Node):
    """Sends ``message`` to what the settings map ``topic`` to; success when every address took it.

    ``message_type``: NORMAL text; STRUCTURE, a JSON object with the key ``default`` and others per protocol (email,
    http, https, sms); TEMPLATE, where ``message`` or ``message_template_name`` names a text of the setting
    message_templates and ``tags`` (a JSON object, or ``k=v`` per line) fills its ``{k}``. Source: user guide, "SMN".
    """

    needs: ClassVar[str] = "`headrace[notify]` and the setting `topics`"

    topic: str = field(default="", metadata={"names": ("topic", "topicUrn")})
    subject: str = ""
    message_type: str = "NORMAL"
    message: str = ""
    message_template_name: str = field(
        default="", metadata={"names": ("message_template_name", "messageTemplateName", "templateName")}
    )
    tags: str = ""

    def run(self, ctx: NodeContext) -> NodeResult:
        if not self.topic:
            raise NodeFailed("topic: the node names no topic.")
        if len(self.subject) > SUBJECT_CHARACTERS:
            raise NodeFailed(f"subject: has {len(self.subject)} characters; {SUBJECT_CHARACTERS} is the limit.")
        notice = self._notice(ctx)
        if any(len(text.encode()) > MESSAGE_BYTES for text in (notice.text, *notice.by_protocol.values())):
            raise NodeFailed("message: is larger than 10 KB.")
        try:
            for taken in send(addresses_of(ctx.settings.topics, self.topic), notice, self.topic):
                ctx.log.line(f"Accepted by {taken}.")
                if ctx.cancellation.cancelled:
                    raise NodeFailed("Stopped; further addresses were not told.")
        except NotificationFailed as error:
            raise NodeFailed(f"topic: {error}") from error
        return NodeResult(success=True)

    def _notice(self, ctx: NodeContext) -> Notice:
        kind = self.message_type.upper()
        if kind == "STRUCTURE":
            return self._structure()
        if kind == "TEMPLATE":
            return Notice(subject=self.subject, text=self._filled(ctx))
        if kind != "NORMAL":
            raise NodeFailed(f"messageType: {self.message_type!r} is none of NORMAL, STRUCTURE, TEMPLATE.")
        if not self.message:
            raise NodeFailed("message: is empty.")
        return Notice(subject=self.subject, text=self.message)

    def _structure(self) -> Notice:
        texts = _object(self.message)
        if not texts or "default" not in texts:
            raise NodeFailed('message: a STRUCTURE is a JSON object of texts with the key "default".')
        return Notice(subject=self.subject, text=texts.pop("default"), by_protocol=texts)

    def _filled(self, ctx: NodeContext) -> str:
        name = (self.message_template_name or self.message).strip()
        texts = ctx.settings.message_templates.get(name)
        if not texts:
            raise NodeFailed(f"There is no template {name!r} in the table [message_templates] of headrace.toml.")
        text = "\n".join(texts)
        for tag, value in (_object(self.tags) or read_arguments(self.tags)).items():
            text = text.replace(f"{{{tag}}}", value)
        return text


def _object(text: str) -> dict[str, str] | None:
    """The texts of a JSON object; None when it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, Mapping):
        return None
    return {
        name: item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for name, item in value.items()
    }
