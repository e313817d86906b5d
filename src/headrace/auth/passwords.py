"""Passwords kept as scrypt hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_COST, _BLOCK, _LANES = 1 << 14, 8, 1  # 16 MB and some 50 ms a guess
_SALT_BYTES, _HASH_BYTES = 16, 32
_MEMORY = 64 << 20


def hash_password(password: str) -> str:
    """``scrypt$cost$block$lanes$salt$hash``, another text each time."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _scrypt(password, salt, _COST, _BLOCK, _LANES)
    return f"scrypt${_COST}${_BLOCK}${_LANES}${_to_text(salt)}${_to_text(digest)}"


def verify_password(password: str, stored: str) -> bool:
    """Whether the password is the one ``stored`` was made of. Raises ValueError when ``stored`` is no hash."""
    try:
        kind, cost, block, lanes, salt, digest = stored.split("$")
        numbers = int(cost), int(block), int(lanes)
        salted, expected = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except ValueError as error:
        raise ValueError("the stored password hash is malformed") from error
    if kind != "scrypt":
        raise ValueError("the stored password hash is of an unknown kind")
    return hmac.compare_digest(_scrypt(password, salted, *numbers), expected)


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    content = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(content, salt=salt, n=cost, r=block, p=lanes, maxmem=_MEMORY, dklen=_HASH_BYTES)


def _to_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
