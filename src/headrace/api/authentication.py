"""Says who sent a request: a signature in either layout, a token, or nobody in particular (``--auth none``)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import NamedTuple

from headrace.api.application import RawRequest
from headrace.auth import signature, token
from headrace.auth.sealing import Sealer
from headrace.domain.identity import User
from headrace.errors import NotAuthenticated
from headrace.storage import identity
from headrace.storage.database import Database

RECHECK = 2_000  # milliseconds: so long a key that another process removed may still be taken


class SignedRequests:
    """Checks signatures and tokens against the users of the database.

    What is known of a key is kept in memory for two seconds, because opening its secret costs more than the check.
    """

    def __init__(self, db: Database, sealer: Sealer, token_key: bytes) -> None:
        self._db, self._sealer, self._token_key = db, sealer, token_key
        self._keys: dict[str, _KnownKey] = {}
        self._lock = threading.Lock()

    def __call__(self, request: RawRequest) -> User:
        """Raises NotAuthenticated."""
        headers = dict(request.headers)
        if (sent := headers.get("x-auth-token")) is not None:
            return self._by_token(sent, request.now)
        if (authorization := headers.get("authorization")) is not None:
            return self._by_signature(request, authorization)
        raise NotAuthenticated("send X-Auth-Token, or sign the request (Authorization: SDK-HMAC-SHA256 …).")

    def _by_token(self, text: str, now: int) -> User:
        claims = token.read_token(self._token_key, text, _moment(now))
        return User(id=claims.user_id, name=claims.user_name, project_id=claims.project_id, domain_id=claims.domain_id)

    def _by_signature(self, request: RawRequest, header: str) -> User:
        authorization = signature.Authorization.parse(header)
        user, secret = self._user_and_secret(authorization.access_key, request.now)
        signed = signature.Request(
            method=request.method,
            path=request.raw_path.decode("latin-1"),
            query=request.query.decode("latin-1"),
            headers=request.headers,
            body=request.body,
        )
        signature.verify(signed, authorization, secret, _moment(request.now))
        return user

    def _user_and_secret(self, access_key: str, now: int) -> tuple[User, str]:
        known = self._keys.get(access_key)
        if known is None or abs(now - known.read_at) >= RECHECK:
            with self._db.reading() as connection:
                found = identity.user_and_secret(connection, access_key)
            with self._lock:
                if found is None:
                    self._keys.pop(access_key, None)
                    raise NotAuthenticated(f"the access key {access_key!r} is unknown.")
                user, sealed = found
                secret = known.secret if known is not None and known.sealed == sealed else self._sealer.unseal(sealed)
                known = self._keys[access_key] = _KnownKey(user, sealed, secret, now)
        return known.user, known.secret


class _KnownKey(NamedTuple):
    user: User
    sealed: str
    secret: str
    read_at: int


class Anybody:
    """Takes any or no credentials: everyone is the administrator. Only on loopback."""

    def __init__(self, user: User) -> None:
        self._user = user

    def __call__(self, request: RawRequest) -> User:
        """The administrator."""
        return self._user


def _moment(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)
