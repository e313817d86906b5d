"""``headrace up``: serve the API."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Annotated

import structlog
import typer
import uvicorn
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

from headrace import __version__
from headrace.app import Installation, open_installation
from headrace.cli.home import DatabaseOption, HomeOption, load_settings
from headrace.cli.output import WRONG_USAGE, note, stop
from headrace.console.page import is_built
from headrace.console.serving import PATH
from headrace.settings import InvalidSetting, Settings
from headrace.storage.migrate import DatabaseIsNewer


def up(
    home: HomeOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. Default: 8700.")] = None,
    database: DatabaseOption = None,
    object_store: Annotated[
        str | None, typer.Option(help="s3://host:port or https://… for an S3-compatible store. Default: HOME/obs.")
    ] = None,
    auth: Annotated[
        str | None, typer.Option(help="'on', or 'none': anybody may do anything, on loopback only.")
    ] = None,
    local_execution: Annotated[
        bool | None,
        typer.Option(help="Run Shell and Python nodes whose host is not bound on this machine."),
    ] = None,
    no_console: Annotated[bool, typer.Option("--no-console", help="Serve the API only, without the web page.")] = False,
) -> None:
    """Serve the API and the console, and run jobs, until interrupted.

    The first start makes a project, a default workspace, an administrator and an access key, and writes them to
    HOME/credentials.json, which only you can read. Point any official client at http://HOST:PORT.
    """
    settings = load_settings(
        home=home,
        host=host,
        port=port,
        database_url=database,
        object_store_url=object_store,
        auth=auth,
        local_execution=local_execution,
        console=False if no_console else None,
    )
    serve(settings)


def serve(settings: Settings) -> None:
    """Open the installation and serve it until interrupted."""
    configure_logging()
    try:
        installation = open_installation(settings, dict(os.environ))
    except (InvalidSetting, DatabaseIsNewer) as error:
        stop(str(error), WRONG_USAGE)
    greet(installation)
    config = uvicorn.Config(
        installation.application(),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    _Server(config, installation).run()


class _Server(uvicorn.Server):
    """Lets go of those who wait for more of a log as soon as it is told to end.

    Looks at the clock once a second, for the Date header, where uvicorn does ten times: an idle server should be idle.
    """

    def __init__(self, config: uvicorn.Config, installation: Installation) -> None:
        super().__init__(config)
        self._services = installation.services
        self._ending: Callable[[], object] = str

    async def main_loop(self) -> None:
        ending, loop = asyncio.Event(), asyncio.get_running_loop()
        self._ending = partial(loop.call_soon_threadsafe, ending.set)
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), 1.0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._services.stopping.set()
        self._services.logs.tell_all()
        super().handle_exit(sig, frame)
        self._ending()


def greet(installation: Installation) -> None:
    """Say where the server is and how to reach it."""
    settings = installation.services.settings
    note(f"Headrace {__version__} on http://{settings.host}:{settings.port}")
    if settings.console:
        lacking = "" if is_built() else " (the page is not built: make console)"
        note(f"  console      http://{settings.host}:{settings.port}{PATH}{lacking}")
    note(f"  home         {settings.home}")
    note(f"  database     {_without_password(installation.services.db.url)}")
    if settings.auth == "none":
        note("  credentials  none needed (--auth none)")
    else:
        made = " (made now)" if installation.first_start else ""
        note(f"  credentials  {installation.credentials}{made}")


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if "@" in rest else url


def configure_logging(level: int = logging.INFO) -> None:
    """Structured lines on standard error: readable on a terminal, JSON elsewhere.

    Traces are without the values of variables: those hold keys, passwords and the bodies of requests.
    """
    terminal = sys.stderr.isatty()
    traces = structlog.dev.RichTracebackFormatter(show_locals=False)
    renderer = (
        structlog.dev.ConsoleRenderer(exception_formatter=traces) if terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *([] if terminal else [ExceptionRenderer(ExceptionDictTransformer(show_locals=False))]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
