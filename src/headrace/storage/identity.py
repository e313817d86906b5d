"""Projects, users and access keys."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from headrace.domain.identity import User
from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import access_keys, projects, users


class Project(NamedTuple):
    """A project; ``create_time`` in milliseconds."""

    id: str
    name: str
    domain_id: str
    domain_name: str
    create_time: int


class AccessKey(NamedTuple):
    """An access key; ``secret`` is sealed, ``create_time`` in milliseconds."""

    access_key: str
    user_id: str
    secret: str
    description: str
    create_time: int


_PROJECTS = Statement(select(projects).order_by(projects.c.create_time))
_ADD_PROJECT = Statement(insert(projects))
_ADD_USER = Statement(insert(users))
_ADD_KEY = Statement(insert(access_keys))
_DROP_KEY = Statement(delete(access_keys).where(access_keys.c.access_key == bindparam("key")))
_KEYS = Statement(select(access_keys).order_by(access_keys.c.create_time, access_keys.c.access_key))

_USER_COLUMNS = (users.c.id, users.c.name, users.c.project_id, projects.c.domain_id)
_USER = select(*_USER_COLUMNS).join(projects, projects.c.id == users.c.project_id)
_USER_BY_ID = Statement(_USER.where(users.c.id == bindparam("id")))
_USERS = Statement(_USER.order_by(users.c.create_time))
_USER_AND_PASSWORD = Statement(
    select(*_USER_COLUMNS, users.c.password_hash)
    .join(projects, projects.c.id == users.c.project_id)
    .where(users.c.name == bindparam("name"))
)
_USER_AND_SECRET = Statement(
    select(*_USER_COLUMNS, access_keys.c.secret)
    .join(projects, projects.c.id == users.c.project_id)
    .join(access_keys, access_keys.c.user_id == users.c.id)
    .where(access_keys.c.access_key == bindparam("key"))
)


def _user(row: tuple[str, ...]) -> User:
    return User(id=row[0], name=row[1], project_id=row[2], domain_id=row[3])


def all_projects(connection: Connection) -> list[Project]:
    """Every project, oldest first."""
    return [Project(*row) for row in connection.all(_PROJECTS)]


def add_project(connection: Connection, project: Project) -> None:
    """Raises Duplicate when the name is taken."""
    connection.run(_ADD_PROJECT, **project._asdict())


def add_user(connection: Connection, user: User, password_hash: str, now: int) -> None:
    """Raises Duplicate when the name is taken."""
    connection.run(
        _ADD_USER,
        id=user.id,
        name=user.name,
        password_hash=password_hash,
        project_id=user.project_id,
        create_time=now,
    )


def all_users(connection: Connection) -> list[User]:
    """Every user, oldest first."""
    return [_user(row) for row in connection.all(_USERS)]


def user_by_id(connection: Connection, user_id: str) -> User | None:
    """One user."""
    row = connection.one(_USER_BY_ID, id=user_id)
    return None if row is None else _user(row)


def user_and_password_hash(connection: Connection, name: str) -> tuple[User, str] | None:
    """A user by name, with the hash of the password."""
    row = connection.one(_USER_AND_PASSWORD, name=name)
    return None if row is None else (_user(row), row[4])


def user_and_secret(connection: Connection, access_key: str) -> tuple[User, str] | None:
    """The user of an access key, with the sealed secret key."""
    row = connection.one(_USER_AND_SECRET, key=access_key)
    return None if row is None else (_user(row), row[4])


def add_access_key(connection: Connection, key: AccessKey) -> None:
    """Add an access key whose secret is sealed."""
    connection.run(_ADD_KEY, **key._asdict())


def delete_access_key(connection: Connection, access_key: str) -> bool:
    """Whether there was such a key."""
    return connection.run(_DROP_KEY, key=access_key) > 0


def all_access_keys(connection: Connection) -> list[AccessKey]:
    """Every access key, oldest first."""
    return [AccessKey(*row) for row in connection.all(_KEYS)]
