"""Tokens, projects, domains and the catalogue: what clients ask the identity service before they call the Factory.

Source: factory-v1-notes §2.4. The catalogue names the Factory under type ``volumev2``, where the Go client looks:
it turns the first ``v2`` of that address into ``v1`` and the first ``evs`` into ``dayu-dlf``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from headrace.api.operation import Call, Created, operation
from headrace.auth.passwords import hash_password, verify_password
from headrace.auth.token import TokenClaims, issue_token, read_token
from headrace.domain.identity import User
from headrace.errors import NotAuthenticated
from headrace.storage import identity
from headrace.storage.identity import Project
from headrace.wire.identity import ProjectsQuery, TokenRequest

TOKEN_LIFETIME = timedelta(hours=24)


@operation("POST", "/v3/auth/tokens", answers=201, public=True, slow=True, errors=(NotAuthenticated,), tag="identity")
def create_token(call: Call, body: TokenRequest) -> Created[dict[str, Any]]:
    """Issue a token, valid for 24 hours, in the header ``X-Subject-Token``; by password or for an existing token.

    Source: Identity API, "Obtaining a User Token".
    """
    now = datetime.fromtimestamp(call.now / 1000, UTC)
    user, expires = _user_of(call, body, now)
    project = _project(call, user.project_id)
    claims = TokenClaims(
        user_id=user.id,
        user_name=user.name,
        project_id=user.project_id,
        domain_id=user.domain_id,
        issued_ms=call.now,
        expires_ms=int(expires.timestamp() * 1000),
    )
    text = issue_token(call.services.token_key, claims, expires)
    content = {"token": _described(call, user, project, now, expires, body.auth.identity.methods)}
    return Created(content, 201, (("x-subject-token", text),))


@operation("GET", "/v3/auth/tokens", errors=(NotAuthenticated,), tag="identity")
def show_token(call: Call) -> dict[str, Any]:
    """What a token says; the token to look at is in ``X-Subject-Token``. Source: Identity API, "Verifying a Token"."""
    now = datetime.fromtimestamp(call.now / 1000, UTC)
    claims = read_token(call.services.token_key, call.headers.get("x-subject-token", ""), now)
    user = _holder(claims)
    issued, expires = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (claims.issued_ms, claims.expires_ms))
    return {"token": _described(call, user, _project(call, user.project_id), issued, expires, ["password"])}


@operation("GET", "/v3/projects", errors=(NotAuthenticated,), tag="identity", aliases=("/v3/auth/projects",))
def list_projects(call: Call, query: ProjectsQuery) -> dict[str, Any]:
    """The project of the caller, when its name fits. A client with a region and no project id asks for this.

    Source: Identity API, "Querying Project Information". A region is the name of a project here; any region name finds
    the one project there is, so that a client configured for a region of the cloud finds it too.
    """
    project = _project(call, call.user.project_id)
    name = query.name or project.name
    return {
        "links": {"self": f"{call.base_url}/v3/projects"},
        "projects": [
            {
                "id": project.id,
                "name": name,
                "domain_id": project.domain_id,
                "parent_id": project.domain_id,
                "is_domain": False,
                "enabled": True,
                "description": "",
                "links": {"self": f"{call.base_url}/v3/projects/{project.id}"},
            }
        ],
    }


@operation("GET", "/v3/auth/domains", errors=(NotAuthenticated,), tag="identity")
def list_domains(call: Call) -> dict[str, Any]:
    """The domain of the caller. Source: Identity API, "Querying Account Information"."""
    project = _project(call, call.user.project_id)
    domain = {"id": project.domain_id, "name": project.domain_name, "enabled": True, "description": "", "links": {}}
    return {"links": {"self": f"{call.base_url}/v3/auth/domains"}, "domains": [domain]}


@operation("GET", "/v3/auth/catalog", errors=(NotAuthenticated,), tag="identity")
def show_catalog(call: Call) -> dict[str, Any]:
    """The catalogue. Source: Identity API, "Querying the Service Catalog"."""
    return {"links": {"self": f"{call.base_url}/v3/auth/catalog"}, "catalog": _catalog(call, call.user.project_id)}


def _user_of(call: Call, body: TokenRequest, now: datetime) -> tuple[User, datetime]:
    """Who proves to be there, and until when that is good: a token for a token lives no longer than that one."""
    proof = body.auth.identity
    if proof.password is not None:
        user = proof.password.user
        with call.services.db.reading() as connection:
            found = identity.user_and_password_hash(connection, user.name or "")
        # an unknown user takes as long as a wrong password, so that names cannot be guessed by the clock
        stored = found[1] if found is not None else _hash_of_nobody()
        if not verify_password(user.password, stored) or found is None:
            raise NotAuthenticated("the user name or the password is wrong.")
        return found[0], now + TOKEN_LIFETIME
    if proof.token is not None:
        claims = read_token(call.services.token_key, proof.token.id or call.headers.get("x-auth-token", ""), now)
        return _holder(claims), datetime.fromtimestamp(claims.expires_ms / 1000, UTC)
    raise NotAuthenticated("auth.identity needs password or token.")


@cache
def _hash_of_nobody() -> str:
    return hash_password("")


def _holder(claims: TokenClaims) -> User:
    return User(id=claims.user_id, name=claims.user_name, project_id=claims.project_id, domain_id=claims.domain_id)


def _project(call: Call, project_id: str) -> Project:
    with call.services.db.reading() as connection:
        return next(project for project in identity.all_projects(connection) if project.id == project_id)


def _described(
    call: Call, user: User, project: Project, issued: datetime, expires: datetime, methods: list[str]
) -> dict[str, Any]:
    domain = {"id": project.domain_id, "name": project.domain_name}
    return {
        "methods": methods or ["password"],
        "issued_at": _utc(issued),
        "expires_at": _utc(expires),
        "user": {"id": user.id, "name": user.name, "domain": domain, "password_expires_at": ""},
        "project": {"id": project.id, "name": project.name, "domain": domain},
        "roles": [{"id": "0", "name": "te_admin"}],
        "catalog": _catalog(call, project.id),
    }


def _catalog(call: Call, project_id: str) -> list[dict[str, Any]]:
    def entry(kind: str, name: str, url: str) -> dict[str, Any]:
        endpoint = {"id": f"{name}-public", "interface": "public", "region": "*", "region_id": "*", "url": url}
        return {"id": name, "name": name, "type": kind, "endpoints": [endpoint]}

    base = call.base_url
    return [
        entry("volumev2", "factory", f"{base}/v2/{project_id}"),
        entry("identity", "iam", f"{base}/v3"),
        entry("cdm", "cdm", f"{base}/v1.1/{project_id}"),
    ]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
