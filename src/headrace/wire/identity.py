"""Shapes of the identity service that clients ask for. Source: Identity and Access Management API v3."""

from __future__ import annotations

import msgspec


class Named(msgspec.Struct, omit_defaults=True):
    """Something with an id or a name."""

    id: str | None = None
    name: str | None = None


class PasswordUser(msgspec.Struct):
    """A user with a password, and the domain the user lives in."""

    name: str | None = None
    id: str | None = None
    password: str = ""
    domain: Named | None = None


class Password(msgspec.Struct):
    """The password method."""

    user: PasswordUser


class Token(msgspec.Struct):
    """The token method: an existing token is exchanged for a new one."""

    id: str | None = None


class Identity(msgspec.Struct):
    """How the caller proves who it is."""

    methods: list[str] = msgspec.field(default_factory=list)
    password: Password | None = None
    token: Token | None = None


class Scope(msgspec.Struct):
    """What the token is for."""

    project: Named | None = None
    domain: Named | None = None


class Auth(msgspec.Struct):
    """The ``auth`` member."""

    identity: Identity
    scope: Scope | None = None


class TokenRequest(msgspec.Struct):
    """Body of ``POST /v3/auth/tokens``."""

    auth: Auth


class ProjectsQuery(msgspec.Struct):
    """``name`` keeps the projects of that name."""

    name: str = ""
    domain_id: str = ""
