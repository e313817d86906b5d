"""New keys, passwords and ids, and the file that tells them to the owner of an installation."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from pathlib import Path

from headrace.auth.private_files import write_private

_CAPITALS = string.ascii_uppercase + string.digits
_LETTERS = string.ascii_letters + string.digits


def new_access_key() -> str:
    """20 capitals and digits."""
    return _choose(_CAPITALS, 20)


def new_secret_key() -> str:
    """40 letters and digits."""
    return _choose(_LETTERS, 40)


def new_password() -> str:
    """24 letters and digits, of each kind at least one, none that needs quoting in a shell."""
    while True:
        password = _choose(_LETTERS, 24)
        kinds = (str.islower, str.isupper, str.isdigit)
        if all(any(kind(sign) for sign in password) for kind in kinds):
            return password


def new_id() -> str:
    """32 hexadecimal digits, as projects, users and workspaces have them."""
    return secrets.token_hex(16)


def write_credentials(path: Path, mapping: Mapping[str, str]) -> None:
    """Write or replace the file as JSON, with mode 0600, whole or not at all."""
    content = json.dumps(dict(mapping), ensure_ascii=False, indent=2) + "\n"
    write_private(path, content.encode(), replace=True)


def read_credentials(home: Path) -> dict[str, str]:
    """What the first start wrote into a home. Raises FileNotFoundError."""
    found: dict[str, str] = json.loads((home / "credentials.json").read_text("utf-8"))
    return found


def _choose(signs: str, length: int) -> str:
    return "".join(secrets.choice(signs) for _ in range(length))
