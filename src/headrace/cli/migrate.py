"""``headrace migrate``: move data between two systems, and see what connects."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from headrace.cli.client import Client
from headrace.cli.home import HomeOption, JsonOption, WorkspaceOption, load_settings
from headrace.cli.migrate_jobs import export_jobs, import_jobs
from headrace.cli.migration_server import ClusterOption, cluster_id, jobs_path, migrations
from headrace.cli.output import FAILED, INTERRUPTED, WRONG_USAGE, err, print_json, say, stop, tell_table, told_errors
from headrace.cli.server import ServerOption
from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, RunStopped
from headrace.objectstore.store import open_store
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.transfer.counters import Counters, Counts

app = typer.Typer(no_args_is_help=True, help="Move data between databases, files and object stores.")

_LOOK_SECONDS = 0.1
_ENDED = ("SUCCEEDED", "FAILED", "FAILURE_ON_SUBMIT")


@app.command()
def copy(
    source: Annotated[str, typer.Argument(metavar="SRC", help="Where from: a URL or a file.")],
    target: Annotated[str, typer.Argument(metavar="DST", help="Where to: a URL or a file.")],
    mode: Annotated[
        str, typer.Option(help="append (makes a table that is absent), truncate (empties it first), replace (anew).")
    ] = "append",
    columns: Annotated[str, typer.Option(help="Only these columns: a,b,c. Of CSV files their numbers.")] = "",
    where: Annotated[str, typer.Option(help="Only these rows, as a condition of SQL.")] = "",
    by: Annotated[str, typer.Option(help="Read ranges of this column side by side; see --parallel.")] = "",
    parallel: Annotated[int, typer.Option(min=1, max=1000, help="How many parts at once.")] = 1,
    convert: Annotated[str, typer.Option(help='Converters: \'[{"column":"phone","type":"trim"}]\'.')] = "",
    dirty: Annotated[
        int | None, typer.Option(min=0, help="Rows that may be left out as they do not fit. Default: none.")
    ] = None,
    read: Annotated[list[str] | None, typer.Option("--from", help="NAME=VALUE: an input of fromJobConfig.")] = None,
    write: Annotated[list[str] | None, typer.Option("--to", help="NAME=VALUE: an input of toJobConfig.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a table, a query or files, here and now, without a server.

    Values arrive as they left: exact decimals, NULL apart from empty text, time zones, binary data. Rows are streamed,
    so that memory does not grow with the table. A copy that fails leaves the table as it was (mode append).

    Exit status 0 when all rows were copied, 1 when not, 130 when it was interrupted.

    Examples:

    headrace migrate copy postgresql://me:secret@db:5432/shop/public.orders orders.parquet

    headrace migrate copy orders.csv postgresql://me:secret@db:5432/shop/public.orders --mode truncate

    headrace migrate copy mysql://me:secret@db/crm/accounts obs://lake/crm/accounts.csv --where "id > 100"
    """
    ad_hoc = importlib.import_module("headrace.transfer.ad_hoc")
    if mode not in ad_hoc.MODES:
        stop(f"--mode: {mode!r} is none of {', '.join(ad_hoc.MODES)}", WRONG_USAGE)
    wishes = ad_hoc.Wishes(
        mode=mode,
        columns=tuple(name for name in columns.split(",") if name),
        where=where,
        partition=by,
        parallel=parallel,
        converters=convert,
        most_dirty=dirty,
        source=_inputs("--from", read),
        target=_inputs("--to", write),
    )
    with told_errors():
        job = ad_hoc.copy_job(_url(source), _url(target), wishes)
    began = time.monotonic()
    counts = _run(job, home, quiet=as_json)
    _tell(counts, time.monotonic() - began, as_json=as_json)


def _run(job: Any, home: Path | None, *, quiet: bool) -> Counts:
    """Run a job in a thread of its own, and show how far it is."""
    cancellation, counters = Cancellation(), Counters()
    surroundings = _surroundings(home, cancellation, counters)
    failed: list[Exception] = []

    def work() -> None:
        try:
            importlib.import_module("headrace.transfer.job").run_job(job, surroundings, uuid4().hex)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    thread = threading.Thread(target=work, name="copy", daemon=True)
    with _interrupting(cancellation):
        thread.start()
        if quiet or not err.is_terminal:
            thread.join()
        else:
            _show_progress(thread, counters)
    if failed:
        if isinstance(failed[0], RunStopped):
            stop("interrupted", INTERRUPTED)
        if isinstance(failed[0], HeadraceError):
            stop(f"{failed[0].message} ({failed[0].code})")
        raise failed[0]
    return counters.now()


def _surroundings(home: Path | None, cancellation: Cancellation, counters: Counters) -> Any:
    settings = load_settings(home=home)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)

    def no_engine() -> SqlEngine:
        raise CdmError("The tables of a workspace are reached by jobs of a server only.")

    connector = importlib.import_module("headrace.transfer.connector")
    return connector.Surroundings(
        store=open_store(
            settings.object_store_url, settings.home, dict(os.environ), create_buckets=settings.create_buckets
        ),
        files=Path("/"),
        open_sql=no_engine,
        zone=ZoneInfo(settings.time_zone),
        now=lambda: time.time_ns() // 1_000_000,
        cancellation=cancellation,
        counters=counters,
        elsewhere=connector.Elsewhere.of(settings),
    )


@contextmanager
def _interrupting(cancellation: Cancellation) -> Iterator[None]:
    """Ctrl-C stops what runs; a second one at once."""
    before = signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        cancellation.cancel()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _show_progress(thread: threading.Thread, counters: Counters) -> None:
    with _bar() as (bar, show):
        began = time.monotonic()
        while thread.is_alive():
            thread.join(_LOOK_SECONDS)
            show(_so_far(counters.now(), time.monotonic() - began))
        bar.stop()


@contextmanager
def _bar() -> Iterator[tuple[Progress, Callable[[str], None]]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("connecting", total=None)
        yield bar, lambda text: bar.update(task, description=text)


def _so_far(counts: Counts, seconds: float) -> str:
    if counts.total_files:
        return f"{counts.files_written:,} of {counts.total_files:,} files, {counts.bytes_written / 1e6:,.1f} MB"
    speed = counts.rows_written / seconds if seconds else 0
    return f"{counts.rows_written:,} rows, {speed:,.0f} rows/s"


def _tell(counts: Counts, seconds: float, *, as_json: bool) -> None:
    if as_json:
        print_json({**counts.__dict__, "seconds": round(seconds, 3)})
        return
    parts = [f"{counts.rows_written:,} rows"] if counts.rows_read or not counts.files_written else []
    parts += (
        [f"{counts.files_written:,} file{'' if counts.files_written == 1 else 's'}"] if counts.files_written else []
    )
    parts += [f"{counts.rows_skipped:,} rows left out"] if counts.rows_skipped else []
    speed = f", {counts.rows_written / seconds:,.0f} rows/s" if counts.rows_written else ""
    say(f"{', '.join(parts)} in {seconds:.2f} s{speed}")


def _url(text: str) -> str:
    """A URL as it is; anything else is a file here. URLs of relative files are of this folder."""
    parts = urlsplit(text)
    if "://" in text and parts.scheme != "file":
        return text
    path, query = (parts.path, parts.query) if parts.scheme == "file" else (text, "")
    absolute = str(Path(path).absolute())
    return urlunsplit(("file", "", quote(absolute), query, ""))


def _inputs(option: str, pairs: list[str] | None) -> dict[str, str]:
    found = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            stop(f"{option}: {pair!r} is not NAME=VALUE", WRONG_USAGE)
        found[name] = value
    return found


@app.command("list-connectors")
def list_connectors(as_json: JsonOption = False) -> None:
    """What data can be moved from and to, and what each needs."""
    found = [cls.capability for cls in importlib.import_module("headrace.transfer.connector").connectors()]
    if as_json:
        print_json([one.__dict__ for one in found])
        return
    table = Table("connector", "reads", "writes", "URLs", "link", "extra", "tested against")
    for one in found:
        link = ", ".join(one.connector_names) + (f" ({', '.join(one.databases)})" if one.databases else "")
        urls = ", ".join(f"{scheme}://" for scheme in one.schemes)
        flags = ("yes" if one.reads else "", "yes" if one.writes else "")
        table.add_row(one.title, *flags, urls, link, one.extra, one.tested or "nothing real")
    tell_table(table)


@app.command("test-link")
def try_link(
    link: Annotated[str, typer.Argument(metavar="URL|NAME", help="A URL, or the name of a link of a running server.")],
    cluster: ClusterOption = "default",
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Try to get in somewhere; says what answered. Exit status 1 when nothing did."""
    if "://" in link:
        connector = importlib.import_module("headrace.transfer.connector")
        surroundings = _surroundings(home, Cancellation(), Counters())
        with told_errors():
            say(connector.open_connector(connector.by_url(_url(link)).link, surroundings).test())
        return
    with migrations(server, home, workspace) as client:
        found = client.json("POST", f"/clusters/{cluster_id(client, cluster)}/cdm/link/{quote(link, safe='')}/test")
    say(found["message"])


@app.command()
def run(
    job: Annotated[str, typer.Argument(help="A migration job of a running server.")],
    cluster: ClusterOption = "default",
    variable: Annotated[
        list[str] | None, typer.Option("--variable", "-v", help="NAME=VALUE: what ${NAME} gives in the job.")
    ] = None,
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a migration job of a running server, and wait for its end. Ctrl-C stops the job.

    Exit status 0 when it succeeded, 1 when not.
    """
    with migrations(server, home, workspace) as client:
        path = f"{jobs_path(client, cluster)}/{quote(job, safe='')}"
        client.json("PUT", f"{path}/start", {"variables": _inputs("--variable", variable)})
        try:
            ended = _followed(client, path, quiet=as_json)
        except KeyboardInterrupt:
            client.json("PUT", f"{path}/stop")
            ended = _followed(client, path, quiet=True)
    if as_json:
        print_json(ended)
    else:
        counters = {name: count for name, count in ended["counters"].items() if isinstance(count, int) and count}
        say(f"{job}: {ended['status']}" + "".join(f", {name} {count:,}" for name, count in counters.items()))
    if ended["status"] != "SUCCEEDED":
        stop(ended.get("error-summary") or "the job did not succeed", FAILED)


def _followed(client: Client, path: str, *, quiet: bool) -> dict[str, Any]:
    """The submission of a job when it has ended."""
    began = time.monotonic()
    with _bar() as (bar, show):
        if quiet or not err.is_terminal:
            bar.stop()
        while True:
            found: dict[str, Any] = client.json("GET", f"{path}/status")["submissions"][0]
            if found["status"] in _ENDED:
                return found
            rows = found["counters"]["ROWS_WRITTEN"]
            show(f"{found['progress']} %, {rows:,} rows, {rows / (time.monotonic() - began):,.0f} rows/s")
            time.sleep(0.5)


app.command("export-jobs")(export_jobs)
app.command("import-jobs")(import_jobs)
