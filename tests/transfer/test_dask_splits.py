"""Splits on a real Dask cluster: a scheduler and two worker processes on this machine, and a real PostgreSQL."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from split_runs import STAGES, TABLES, Run, sql

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, RunLost, RunStopped, TooManyDirtyRows
from headrace.transfer.connector import Elsewhere
from headrace.transfer.counters import Counters
from headrace.transfer.dispatch import Outcome
from headrace.transfer.dispatch_dask import Heard, Parcel

distributed = pytest.importorskip("distributed", reason="the extra headrace[dask] is not installed")
pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        processes=True,
        host="127.0.0.1",
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},  # else always port 8787
        worker_dashboard_address=None,
        memory_limit=0,
        silence_logs=False,
    ) as made:
        yield made


@pytest.fixture(scope="module")
def url(new_module_postgres_url: Callable[[], str]) -> str:
    made = new_module_postgres_url()
    sql(made, TABLES)
    return made


def worker_at_work(cluster: Any) -> int:
    """The process of a worker that runs a split."""
    busy = [state.address for state in cluster.scheduler.workers.values() if state.processing]
    (found,) = (nanny.pid for nanny in cluster.workers.values() if nanny.worker_address in busy)
    return int(found)


def test_splits__on_workers_give_what_threads_give(cluster: Any, url: str, tmp_path: Path) -> None:
    for table, elsewhere in (("by_threads", Elsewhere()), ("by_workers", Elsewhere(dask=cluster.scheduler_address))):
        run = Run(url, tmp_path, elsewhere, "many", table, partition="id", parallel=4).start().end()
        counts = run.counters.now()
        assert (counts.parts, counts.parts_done, counts.rows_read, counts.rows_written) == (4, 4, 20000, 20000)
        assert sql(url, f"SELECT * FROM many EXCEPT ALL SELECT * FROM {table}") == []
    assert "Hands 4 parts to 2 workers of Dask." in run.lines
    assert sql(url, STAGES) == [(0,)]


def test_splits__an_error_of_a_worker_is_the_error_of_the_job(cluster: Any, url: str, tmp_path: Path) -> None:
    sql(url, "CREATE TABLE narrow (id SMALLINT, name TEXT, part NUMERIC); INSERT INTO narrow VALUES (0, 'kept', 0)")
    sql(url, "CREATE VIEW wide AS SELECT id + 20000 AS id, name, part FROM many")
    run = Run(
        url, tmp_path, Elsewhere(dask=cluster.scheduler_address), "wide", "narrow", partition="id", parallel=2
    ).start()
    with pytest.raises(TooManyDirtyRows, match="does not fit int16"):
        run.end()
    assert sql(url, "SELECT * FROM narrow") == [(0, "kept", 0)]
    assert sql(url, STAGES) == [(0,)]


def test_splits__a_worker_killed_in_the_middle_of_a_staged_split_is_replaced(
    cluster: Any, url: str, tmp_path: Path
) -> None:
    run = Run(url, tmp_path, Elsewhere(dask=cluster.scheduler_address), "slow", "staged").start()
    run.until_written(1)
    assert sql(url, "SELECT count(*) FROM staged") == [(0,)]
    os.kill(worker_at_work(cluster), signal.SIGKILL)
    run.end()
    assert sql(url, "SELECT count(*), count(DISTINCT id), sum(length(text)) FROM staged") == [(60, 60, 60 << 20)]
    assert run.counters.now().rows_written == 60
    assert sql(url, STAGES) == [(0,)]


def test_splits__a_worker_killed_in_the_middle_of_a_split_that_is_not_staged_fails_the_job(
    cluster: Any, url: str, tmp_path: Path
) -> None:
    direct = {"useStageTable": "false"}
    run = Run(url, tmp_path, Elsewhere(dask=cluster.scheduler_address), "slow", "direct", target=direct).start()
    run.until_written(1)
    os.kill(worker_at_work(cluster), signal.SIGKILL)
    with pytest.raises(RunLost, match="does not allow to write it again"):
        run.end()
    ((count, distinct),) = sql(url, "SELECT count(*), count(DISTINCT id) FROM direct")
    assert 0 < count == distinct < 60


def test_splits__end_when_the_job_is_stopped(cluster: Any, url: str, tmp_path: Path) -> None:
    run = Run(url, tmp_path, Elsewhere(dask=cluster.scheduler_address), "slow", "stopped").start()
    run.until_written(1)
    run.cancellation.cancel()
    with pytest.raises(RunStopped):
        run.end()
    assert sql(url, "SELECT count(*) FROM stopped") == [(0,)]
    assert sql(url, STAGES) == [(0,)]
    assert not any(state.processing for state in cluster.scheduler.workers.values())


def test_splits__what_lives_here_runs_here(cluster: Any, url: str, tmp_path: Path) -> None:
    run = Run(url, tmp_path, Elsewhere(dask=cluster.scheduler_address), "many", "file:many.csv").start().end()
    assert "Runs in this process and not on Dask: its files are on this machine." in run.lines
    (written,) = tmp_path.rglob("many.csv")
    assert written.read_text().count("\n") >= 20000


def test_splits__a_scheduler_that_is_not_there_is_told(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.transfer.dispatch_dask.ANSWER_SECONDS", 0.5)
    run = Run(url, tmp_path, Elsewhere(dask="tcp://127.0.0.1:1"), "many", "nowhere").start()
    with pytest.raises(CdmError, match=r"dask_scheduler: tcp://127\.0\.0\.1:1 cannot be reached"):
        run.end()
    assert sql(url, STAGES) == [(0,)]


def test_parcel__shows_nothing_of_what_is_in_it() -> None:
    assert "secret" not in repr(Parcel(b"secret")) + str(Parcel(b"secret"))


def test_heard__a_split_that_begins_anew_is_counted_anew() -> None:
    counters, lines = Counters(), list[str]()
    heard = Heard(counters, lines.append)
    told = {"number": 0, "lines": ["a line"], "ended": False}
    heard.event((0.0, {**told, "counts": {"rows_read": 5}}))
    heard.event((0.0, {**told, "counts": {"rows_read": 2}}))
    assert (counters.now().rows_read, lines) == (2, ["a line", "a line"])
    heard.end(0, Outcome(counts={"rows_read": 9}))
    heard.event((0.0, {**told, "counts": {"rows_read": 3}}))  # late
    assert counters.now().rows_read == 9


@pytest.mark.parametrize(
    ("error", "shown"), [(("TooManyDirtyRows", "x"), TooManyDirtyRows), (("Unknown", "x"), HeadraceError)]
)
def test_heard__errors_come_back_as_they_were(error: tuple[str, str], shown: type[HeadraceError]) -> None:
    with pytest.raises(shown, match="x"):
        Heard(Counters(), str).end(0, Outcome(counts={}, error=error))
