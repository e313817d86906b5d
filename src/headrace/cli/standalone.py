"""Runs jobs of a package in this process, without a server: in a temporary home, or in one that is named."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from headrace.app import Installation, open_installation
from headrace.cli.home import load_settings
from headrace.cli.installation import caller_for
from headrace.cli.instance_view import InstanceView, Observer
from headrace.cli.output import INTERRUPTED, out
from headrace.cli.up import configure_logging
from headrace.domain.identity import Caller
from headrace.domain.instance import JobState
from headrace.engine.attempt import attempt_token
from headrace.errors import InvalidParameter
from headrace.factory import imports, instance_operations, runs
from headrace.factory.imports import Wanted
from headrace.nodes.process import end_leftovers
from headrace.packages.archive import write_archive
from headrace.packages.layout import single_members
from headrace.packages.model import PackageObject
from headrace.storage import instances
from headrace.wire.v1.packages import ImportRequest
from headrace.wire.v1.runs import RunParameter

LOOK_SECONDS = 0.12  # between two looks at what runs, for durations and logs that grow


@dataclass(kw_only=True)
class Standalone:
    """An installation whose engine runs in this process."""

    installation: Installation
    folder: str
    interrupted: bool = False
    _running: list[str] = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        """The administrator in the default workspace, now."""
        return caller_for(self.installation, None)

    def import_objects(self, objects: Sequence[PackageObject]) -> None:
        """Put the objects of a package into the workspace, submitted. Raises HeadraceError."""
        services = self.installation.services
        content = write_archive(single_members(objects))
        request = ImportRequest(same_name_policy="OVERWRITE", target_status="SUBMITTED")
        wanted = Wanted(path="package.zip", upload=imports.keep_upload(services, content), request=request)
        try:
            imports.apply(services, self.caller, wanted)
        finally:
            imports.drop_upload(wanted)

    def run(
        self,
        job: str,
        values: Sequence[RunParameter],
        plan_time: int | None,
        on_look: Callable[[InstanceView], None] = lambda _: None,
    ) -> InstanceView:
        """Run a job once, to its end; ``plan_time`` in milliseconds. Ctrl-C stops it. Raises HeadraceError."""
        services, engine, stopped = self.installation.services, self.installation.engine, False
        observer = Observer(services)
        number = runs.run_once(services, self.caller, job, values, plan_time)
        if observer.look(number).status == JobState.WAITING_CONFIRM:  # whoever runs it here has just confirmed it
            instance_operations.confirm(services, self.caller, job, str(number))
        while True:
            engine.wait(number, LOOK_SECONDS)
            if self.interrupted and not stopped:
                stopped = True
                self._stop(job, number)
            view = observer.look(number)
            self._running = self._tokens(view)
            on_look(view)
            if view.is_at_rest and not self._running:
                return view

    def _stop(self, job: str, number: int) -> None:
        try:
            instance_operations.stop(self.installation.services, self.caller, job, str(number))
        except InvalidParameter:  # it has ended meanwhile
            return

    def _tokens(self, view: InstanceView) -> list[str]:
        """Names the processes of running attempts on this machine."""
        home, db = str(self.installation.services.settings.home), self.installation.services.db
        if not any(node.status == "running" for node in view.nodes):
            return []
        with db.reading() as connection:
            own = [
                attempt_token(home, node.instance_id, node.position, node.fence)
                for node in instances.nodes_of(connection, view.id)
                if node.status == "running"
            ]
        return own + [token for node in view.nodes for child in node.children for token in self._tokens(child)]

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """The first asks what runs to end; the second ends everything at once."""
        if self.interrupted:
            end_leftovers(self._running)
            if self.folder:
                shutil.rmtree(self.folder, ignore_errors=True)
            out.show_cursor()
            os._exit(INTERRUPTED)
        self.interrupted = True


@contextmanager
def standalone(home: Path | None, before: Callable[[Installation], None] = lambda _: None) -> Iterator[Standalone]:
    """An engine on this machine for the length of the block; connections that are not bound mean the embedded engine.

    ``before`` is called with the opened home, before the engine starts. Raises HeadraceError, EngineTaken.
    """
    configure_logging(logging.ERROR)  # what a person is told stands in states and logs
    folder = "" if home else tempfile.mkdtemp(prefix="headrace-run-")
    try:
        settings = load_settings(home=home or folder, local_execution=True, unbound_connections="embedded")
        if folder:  # nothing of a server that the environment describes is touched
            settings = replace(settings, database_url=None, object_store_url=None)
        installation = open_installation(settings, {})
        try:
            before(installation)
            installation.start()
            running = Standalone(installation=installation, folder=folder)
            handlers = {number: signal.signal(number, running.on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
            try:
                yield running
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        finally:
            installation.stop()
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
