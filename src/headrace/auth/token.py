"""Tokens that carry their claims: signed, so that checking one needs no look-up."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from headrace.domain.clock import to_millis
from headrace.errors import NotAuthenticated

VERSION = "hr1"
MAX_TOKEN_LENGTH = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenClaims:
    """Who holds a token, for which project, from when until when (milliseconds since the epoch)."""

    user_id: str
    user_name: str
    project_id: str
    domain_id: str
    issued_ms: int
    expires_ms: int = 0


_decoder = msgspec.json.Decoder(TokenClaims)


def issue_token(key: bytes, claims: TokenClaims, expires: datetime) -> str:
    """A token of URL-safe characters that is good until ``expires`` (aware)."""
    content = msgspec.json.encode(replace(claims, expires_ms=to_millis(expires)))
    signed = f"{VERSION}.{_to_text(content)}"
    return f"{signed}.{_mac(key, signed)}"


def read_token(key: bytes, token: str, now: datetime) -> TokenClaims:
    """The claims of a token that ``key`` signed. Raises NotAuthenticated when it is malformed, forged or expired."""
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise NotAuthenticated("the token is malformed.")
    signed, _, mac = token.rpartition(".")
    version, _, content = signed.partition(".")
    if version != VERSION or not content:
        raise NotAuthenticated("the token is malformed.")
    if not hmac.compare_digest(_mac(key, signed), mac):
        raise NotAuthenticated("the token was not issued by this server.")
    claims = _decoder.decode(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    if to_millis(now) >= claims.expires_ms:
        raise NotAuthenticated("the token has expired.")
    return claims


def _mac(key: bytes, signed: str) -> str:
    return _to_text(hmac.digest(key, signed.encode("ascii"), "sha256"))


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
