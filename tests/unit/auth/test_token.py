"""Tokens: claims come back, forgeries and old tokens do not."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.auth.token import TokenClaims, issue_token, read_token
from headrace.errors import NotAuthenticated

KEY = b"k" * 32
NOW = datetime(2024, 1, 1, tzinfo=UTC)
EXPIRES = NOW + timedelta(hours=24)
CLAIMS = TokenClaims(user_id="u", user_name="管理员", project_id="p", domain_id="d", issued_ms=1_704_067_200_000)


def test_token__the_claims_come_back_with_their_end() -> None:
    token = issue_token(KEY, CLAIMS, EXPIRES)

    assert read_token(KEY, token, NOW) == replace(CLAIMS, expires_ms=1_704_153_600_000)


def test_token__has_only_signs_that_a_header_and_a_url_can_carry() -> None:
    assert re.fullmatch(r"hr1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", issue_token(KEY, CLAIMS, EXPIRES))


def test_token__ends_at_its_time() -> None:
    token = issue_token(KEY, CLAIMS, EXPIRES)

    read_token(KEY, token, EXPIRES - timedelta(milliseconds=1))
    with pytest.raises(NotAuthenticated, match="has expired"):
        read_token(KEY, token, EXPIRES)


def test_token__of_another_key_is_refused() -> None:
    with pytest.raises(NotAuthenticated, match="not issued by this server"):
        read_token(b"x" * 32, issue_token(KEY, CLAIMS, EXPIRES), NOW)


def test_token__changed_claims_are_refused() -> None:
    version, _, mac = issue_token(KEY, CLAIMS, EXPIRES).split(".")
    claims = (
        b'{"user_id":"root","user_name":"","project_id":"","domain_id":"","issued_ms":0,"expires_ms":9999999999999}'
    )

    with pytest.raises(NotAuthenticated, match="not issued by this server"):
        read_token(KEY, f"{version}.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.{mac}", NOW)


@pytest.mark.parametrize(
    "text", ["", "hr1", "hr1.", "hr1..x", "hr0.x.y", "gAAAAA", "hr1.é.x", "hr1." + "a" * 5000 + ".x"]
)
def test_token__what_is_none_is_refused(text: str) -> None:
    with pytest.raises(NotAuthenticated, match="malformed"):
        read_token(KEY, text, NOW)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_token__any_changed_sign_is_refused(place: int, sign: str) -> None:
    token = issue_token(KEY, CLAIMS, EXPIRES)
    place %= len(token)
    changed = token[:place] + sign + token[place + 1 :]
    if changed != token:
        with pytest.raises(NotAuthenticated):
            read_token(KEY, changed, NOW)
