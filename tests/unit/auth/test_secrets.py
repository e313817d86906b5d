"""Passwords, sealed texts, derived keys and fresh credentials."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.auth.credentials import new_access_key, new_id, new_password, new_secret_key
from headrace.auth.passwords import hash_password, verify_password
from headrace.auth.sealing import MASK, Sealer, SecretUnreadable, derive, load_or_create_key

KEY = b"0123456789abcdef0123456789abcdef"
SEALER = Sealer(KEY)


def test_password__only_the_password_itself_fits_its_hash() -> None:
    stored = hash_password("pässword 密码")

    assert verify_password("pässword 密码", stored)
    assert not verify_password("pässword 密码 ", stored)
    assert not verify_password("", stored)
    assert "pässword" not in stored


def test_password__is_salted() -> None:
    assert hash_password("same") != hash_password("same")


@pytest.mark.parametrize("stored", ["", "plain", "scrypt$1$2$3$4", "scrypt$x$8$1$AAAA$AAAA", "md5$1$1$1$AAAA$AAAA"])
def test_password__a_damaged_hash_is_an_error_and_no_mismatch(stored: str) -> None:
    with pytest.raises(ValueError, match="the stored password hash"):
        verify_password("x", stored)


@given(st.text())
def test_seal__any_text_comes_back(text: str) -> None:
    sealed = SEALER.seal(text)

    assert SEALER.unseal(sealed) == text
    assert sealed.startswith("sealed:v1:")
    assert sealed.isascii()


def test_seal__the_same_text_is_sealed_differently_each_time() -> None:
    assert SEALER.seal("x") != SEALER.seal("x")


def test_seal__a_text_that_looks_sealed_is_sealed_again() -> None:
    once = SEALER.seal("x")

    assert SEALER.unseal(SEALER.seal(once)) == once


def test_is_sealed__tells_sealed_texts_from_others() -> None:
    assert SEALER.is_sealed(SEALER.seal(""))
    assert not any(map(SEALER.is_sealed, ("", "secret", MASK)))


@pytest.mark.parametrize(
    "text", ["", "secret", "sealed:v1:", "sealed:v1:nonsense", "sealed:v1:é", Sealer(b"x" * 32).seal("x")]
)
def test_unseal__what_this_key_did_not_seal_is_an_error_without_the_text(text: str) -> None:
    with pytest.raises(SecretUnreadable) as refusal:
        SEALER.unseal(text)

    assert "nonsense" not in str(refusal.value)
    assert refusal.value.status == 500


def test_unseal__a_damaged_text_is_an_error() -> None:
    sealed = SEALER.seal("secret")
    flipped = "A" if sealed[30] != "A" else "B"

    with pytest.raises(SecretUnreadable, match="damaged"):
        SEALER.unseal(sealed[:30] + flipped + sealed[31:])


def test_mask__is_nine_asterisks() -> None:
    assert MASK == "*********"


def test_derive__each_purpose_and_key_has_its_own_key_always_the_same() -> None:
    keys = {derive(KEY, "token"), derive(KEY, "sealing"), derive(b"x" * 32, "token"), KEY}

    assert len(keys) == 4
    assert derive(KEY, "token") == derive(KEY, "token")
    assert {len(key) for key in keys} == {32}


def test_load_or_create_key__the_environment_wins() -> None:
    given = "chosen-at-random-chosen-at-random"

    assert load_or_create_key(Path("/nowhere"), {"HEADRACE_SECRET_KEY": f" {given}\n"}) == given.encode()


def test_load_or_create_key__a_short_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="HEADRACE_SECRET_KEY needs 32 characters or more") as refusal:
        load_or_create_key(Path("/nowhere"), {"HEADRACE_SECRET_KEY": "hunter2"})

    assert "hunter2" not in str(refusal.value)


def test_new_credentials__have_the_documented_forms_and_differ() -> None:
    assert re.fullmatch(r"[A-Z0-9]{20}", new_access_key())
    assert re.fullmatch(r"[A-Za-z0-9]{40}", new_secret_key())
    assert re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9]{24}", new_password())
    assert re.fullmatch(r"[0-9a-f]{32}", new_id())
    for make in (new_access_key, new_secret_key, new_password, new_id):
        assert make() != make()
