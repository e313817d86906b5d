"""Secrets of connections in the stored text. Source: factory-v1-notes §13 and §14.4."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.auth.sealing import MASK, Sealer
from headrace.factory.connection_secrets import masked_connection, seal_connection, unseal_connection

SEALER = Sealer(b"k" * 32)


def sealed(config: Any, previous: str | None = None, *, keep_absent: bool = False) -> str:
    text = json.dumps({"name": "c", "config": config}).encode()
    return seal_connection(text, SEALER, previous, keep_absent=keep_absent)


def opened(text: str) -> Any:
    return unseal_connection(text, SEALER).get("config")


def test_seal__a_text_without_secrets_stays_byte_for_byte() -> None:
    text = b'{ "name" : "c",\t"config": {"port": 1.50, "password": ""} }'
    assert seal_connection(text, SEALER) == text.decode()


def test_seal__only_secrets_change_and_numbers_keep_their_form() -> None:
    text = seal_connection(b'{"config":{"timeout":1.50,"password":"p","kmsKey":"k"},"x":1E5}', SEALER)
    start, _, rest = text.partition('"password":"sealed:v1:')
    assert start == '{"config":{"timeout":1.50,'
    assert rest.partition('"')[2] == ',"kmsKey":"k"},"x":1E5}'
    assert opened(text)["password"] == "p"


@pytest.mark.parametrize("member", ["password", "Password", "passphrase", "sk", "private_key", "securityToken"])
def test_seal__every_spelling_of_a_secret_is_sealed(member: str) -> None:
    text = sealed({member: "hidden-value"})
    assert "hidden-value" not in text
    assert opened(text) == {member: "hidden-value"}
    assert masked_connection(text)["config"] == {member: MASK}


def test_seal__secrets_on_deeper_levels_are_sealed() -> None:
    config = {"properties": {"password": "deep"}, "hosts": [{"password": "listed"}], "token": ["a", {"b": 7}]}
    text = sealed(config)
    assert not any(word in text for word in ("deep", "listed", '"a"'))
    assert opened(text) == {**config, "token": ["a", {"b": "7"}]}
    assert masked_connection(text)["config"] == {
        "properties": {"password": MASK},
        "hosts": [{"password": MASK}],
        "token": [MASK, {"b": MASK}],
    }


def test_seal__a_text_that_looks_sealed_is_sealed_like_any_other() -> None:
    forged = SEALER.seal("other's")
    text = sealed({"password": forged})
    assert forged not in text
    assert opened(text) == {"password": forged}


def test_seal__the_mask_keeps_the_stored_secret_and_a_new_one_replaces_it() -> None:
    before = sealed({"password": "old", "sk": "s"})
    after = sealed({"password": MASK, "sk": "new"}, before)
    assert opened(after) == {"password": "old", "sk": "new"}


def test_seal__an_absent_or_empty_secret_is_taken_away_by_an_update() -> None:
    before = sealed({"password": "old", "sk": "s"})
    assert opened(sealed({"password": ""}, before)) == {"password": ""}


def test_seal__an_import_keeps_the_secrets_that_exports_leave_out() -> None:
    before = sealed({"password": "old", "sk": "s", "deep": {"token": "t"}, "gone": {"token": "u"}})
    after = sealed({"ip": "1", "sk": "", "deep": {}}, before, keep_absent=True)
    assert opened(after) == {"ip": "1", "sk": "s", "deep": {"token": "t"}, "password": "old"}
    assert opened(sealed({"password": "new"}, before, keep_absent=True)) == {"password": "new", "sk": "s"}


@pytest.mark.parametrize("config", [None, "text", [], 7])
def test_mask__a_config_that_is_no_object_has_no_secrets(config: Any) -> None:
    assert masked_connection(sealed(config))["config"] == config


def test_mask__an_unset_secret_is_not_masked() -> None:
    assert masked_connection(sealed({"password": "", "sk": None}))["config"] == {"password": "", "sk": None}
