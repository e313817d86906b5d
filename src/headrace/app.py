"""The one place where the parts are chosen and joined, and the only one that reads a clock."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from starlette.types import ASGIApp

from headrace.api.application import Application, Authenticator
from headrace.api.authentication import Anybody, SignedRequests
from headrace.api.operation import declared_operations
from headrace.auth.credentials import new_access_key, new_id, new_password, new_secret_key, write_credentials
from headrace.auth.passwords import hash_password
from headrace.auth.sealing import Sealer, derive, load_or_create_key
from headrace.console.serving import Console
from headrace.domain.identity import User
from headrace.engine.early_expressions import evaluate_early
from headrace.engine.engine import Engine
from headrace.engine.surroundings import connection_finder
from headrace.factory import imports, tasks, workspaces
from headrace.migration import node_runs
from headrace.migration.clusters import ensure_default_cluster
from headrace.migration.runner import MigrationRunner
from headrace.nodes.base import Migration, MigrationEnd
from headrace.objectstore.store import open_store
from headrace.scheduling.alarm_sender import AlarmSender
from headrace.scheduling.event_listeners import EventListeners
from headrace.scheduling.obs_listening import ObsListeners
from headrace.scheduling.scheduler import Scheduler
from headrace.services import NodeAttempt, Numbers, Services
from headrace.settings import InvalidSetting, Settings
from headrace.storage import identity, migrate
from headrace.storage.database import open_database
from headrace.storage.identity import AccessKey, Project

log = structlog.get_logger("headrace")

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """An opened home: its services, its engine, and where its credentials are."""

    services: Services
    engine: Engine
    scheduler: Scheduler
    listeners: EventListeners
    obs_listeners: ObsListeners
    alarms: AlarmSender
    migrations: MigrationRunner
    credentials: Path
    first_start: bool

    def application(self) -> ASGIApp:
        """The ASGI application that serves this installation; it starts and stops the engine."""
        services = self.services
        with services.db.reading() as connection:
            administrator = identity.all_users(connection)[0]
        authenticate: Authenticator
        if services.settings.auth == "none":
            authenticate = Anybody(administrator)
        else:
            authenticate = SignedRequests(services.db, services.sealer, services.token_key)
        application = Application(
            services,
            declared_operations(),
            authenticate,
            lambda project_id, header: workspaces.find(services, project_id, header),
            on_start=self.start,
            on_stop=self.stop,
        )
        return Console(application, services.settings) if services.settings.console else application

    def start(self) -> None:
        """Start the engine and end what a crash left half-done."""
        imports.recover(self.services)
        tasks.forget_old(self.services)
        self.engine.start()
        self.migrations.start()
        self.scheduler.start()
        self.listeners.start()
        self.obs_listeners.start()
        self.alarms.start()

    def stop(self) -> None:
        """Stop the engine and close the database."""
        self.services.stopping.set()
        self.listeners.stop()
        self.obs_listeners.stop()
        self.scheduler.stop()
        self.migrations.stop()
        self.engine.stop()
        self.alarms.stop()
        self.services.db.close()


def open_installation(settings: Settings, environment: dict[str, str]) -> Installation:
    """Open (and on first start create) the home of the settings. Raises InvalidSetting."""
    if settings.auth == "none" and settings.host not in LOOPBACK:
        raise InvalidSetting(f"--auth none serves anybody, so it binds only to loopback, not to {settings.host}")
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        database = open_database(settings.database_url, settings.home)
        store = open_store(
            settings.object_store_url, settings.home, environment, create_buckets=settings.create_buckets
        )
        key = load_or_create_key(settings.home, environment)
    except ValueError as error:
        raise InvalidSetting(str(error)) from error
    migrate.upgrade(database)
    pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="background")
    waker, alarm_waker, migration_waker, node_migrations = _Waker(), _Waker(), _Waker(), _NodeMigrations()
    services = Services(
        settings=settings,
        db=database,
        store=store,
        sealer=Sealer(key),
        token_key=derive(key, "token"),
        now=lambda: time.time_ns() // 1_000_000,
        next_number=Numbers(lambda: time.time_ns() // 1_000),
        next_id=lambda: uuid.uuid4().hex,
        wake_engine=waker,
        wake_alarms=alarm_waker,
        wake_migrations=migration_waker,
        in_background=_background(pool),
        migrate=node_migrations,
        open_sql=lambda workspace_id: engine.open_sql(workspace_id),
    )
    engine, scheduler, sender = Engine(services), Scheduler(services), AlarmSender(services)
    migrations = MigrationRunner(services, lambda: engine.id, engine.open_sql)
    node_migrations.runner, node_migrations.services = migrations, services
    listeners = EventListeners(services, lambda workspace, name: connection_finder(services, workspace, _NoLog())(name))
    obs_listeners = ObsListeners(services, partial(evaluate_early, services))
    waker.targets = (engine.wake, scheduler.wake, listeners.wake, obs_listeners.wake)
    alarm_waker.targets = (sender.wake,)
    migration_waker.targets = (migrations.wake,)
    credentials = settings.home / "credentials.json"
    first = create_first_objects(services, credentials)
    return Installation(
        services=services,
        engine=engine,
        scheduler=scheduler,
        listeners=listeners,
        obs_listeners=obs_listeners,
        alarms=sender,
        migrations=migrations,
        credentials=credentials,
        first_start=first,
    )


class _NoLog:
    """For what is read where no attempt runs: nothing is written."""

    def write(self, data: bytes) -> None: ...

    def conceal(self, secret: str) -> None: ...

    def line(self, text: str) -> None: ...


class _Waker:
    """Wakes what is made after the services that hold this."""

    def __init__(self) -> None:
        self.targets: Sequence[Callable[[], None]] = ()

    def __call__(self) -> None:
        for wake in self.targets:
            wake()


class _NodeMigrations:
    """Runs a migration job for a node, by the runner that is made after the services that hold this."""

    runner: MigrationRunner
    services: Services

    def __call__(self, migration: Migration, attempt: NodeAttempt) -> MigrationEnd:
        return node_runs.migrate(self.runner, self.services, migration, attempt)


def _background(pool: ThreadPoolExecutor) -> Callable[[Callable[[], None]], None]:
    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.exception("background work failed")

    def submit(work: Callable[[], None]) -> None:
        pool.submit(guarded, work)

    return submit


def create_first_objects(services: Services, credentials: Path) -> bool:
    """On first start: a project, its default workspace, an administrator, one access key; whether it was the first.

    The credentials go to a file that only the owner can read; the database keeps a hash and a sealed text.
    """
    with services.db.reading() as connection:
        if identity.all_projects(connection):
            return False
    now = services.now()
    project = Project(new_id(), "headrace", new_id(), "headrace", now)
    user = User(id=new_id(), name="admin", project_id=project.id, domain_id=project.domain_id)
    access_key, secret_key, password = new_access_key(), new_secret_key(), new_password()
    with services.db.writing() as connection:
        identity.add_project(connection, project)
        identity.add_user(connection, user, hash_password(password), now)
        sealed = services.sealer.seal(secret_key)
        identity.add_access_key(connection, AccessKey(access_key, user.id, sealed, "made at first start", now))
        workspace = workspaces.new_default(project.id, user.name, new_id(), now)
        workspaces.add(connection, workspace)
    ensure_default_cluster(services, project.id)
    content = {
        "project_id": project.id,
        "project_name": project.name,
        "domain_id": project.domain_id,
        "domain_name": project.domain_name,
        "workspace_id": workspace.id,
        "access_key": access_key,
        "secret_key": secret_key,
        "user": user.name,
        "password": password,
    }
    write_credentials(credentials, content)
    return True
