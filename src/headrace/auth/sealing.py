"""Secrets at rest: sealed with the installation's key, opened only where they are used."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from headrace import errors
from headrace.auth.private_files import write_private

MASK = "*********"  # what a reader gets in place of a secret; nine, as the service sends
PREFIX = "sealed:v1:"
KEY_VARIABLE = "HEADRACE_SECRET_KEY"
KEY_FILE = "secret.key"
MIN_KEY_LENGTH = 32  # characters


class SecretUnreadable(errors.InternalError):
    """A sealed text that this key cannot open."""


class Sealer:
    """Seals and opens texts with one key, of which other keys are derived (``derive``)."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._fernet = Fernet(base64.urlsafe_b64encode(derive(key, "sealing")))

    def seal(self, text: str) -> str:
        """``sealed:v1:…``, another text each time. It tells the length of the secret, and nothing else."""
        return PREFIX + self._fernet.encrypt_at_time(text.encode("utf-8", "surrogatepass"), 0).decode("ascii")

    def unseal(self, token: str) -> str:
        """The text that was sealed. Raises SecretUnreadable when it is not sealed, damaged, or of another key."""
        if not self.is_sealed(token):
            raise SecretUnreadable("A stored secret is not sealed.")
        try:
            return self._fernet.decrypt(token.removeprefix(PREFIX).encode()).decode("utf-8", "surrogatepass")
        except InvalidToken as error:
            raise SecretUnreadable(
                f"A stored secret cannot be opened: it is damaged, or {KEY_VARIABLE} or {KEY_FILE} has changed."
            ) from error

    @staticmethod
    def is_sealed(text: str) -> bool:
        """Whether the text looks sealed."""
        return text.startswith(PREFIX)


def derive(key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, from which neither ``key`` nor its other keys can be told (HKDF-SHA256)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"headrace:{purpose}".encode()).derive(key)


def load_or_create_key(home: Path, environment: Mapping[str, str]) -> bytes:
    """The installation's key: HEADRACE_SECRET_KEY, else the file ``secret.key`` in ``home``, made when it is missing.

    Of processes that start together one makes the file and all use it. Raises ValueError, which never repeats the
    key, when it has less than 32 characters.
    """
    if (given := environment.get(KEY_VARIABLE)) is not None:
        return _checked(given.encode(), KEY_VARIABLE)
    path = home / KEY_FILE
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode() + b"\n", replace=False)
    return _checked(path.read_bytes(), str(path))


def _checked(key: bytes, source: str) -> bytes:
    key = key.strip()
    if len(key) < MIN_KEY_LENGTH:
        raise ValueError(f"{source} needs {MIN_KEY_LENGTH} characters or more, chosen at random; it has {len(key)}")
    return key
