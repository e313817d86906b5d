"""What an executor of Spark is handed, without a Spark."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from headrace.errors_cdm import CdmError
from headrace.settings import Settings
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Elsewhere
from headrace.transfer.dispatch import LOST, Outcome, Task
from headrace.transfer.dispatch_spark import KEY_FILE, check_settings, sealed
from headrace.transfer.part_spark import run_sealed

pyspark = pytest.importorskip("pyspark", reason="the extra headrace[spark] is not installed")


def task(*, once: bool) -> Task:
    job = copy_job("postgresql://user:hidden@127.0.0.1:1/db/a", "postgresql://user:hidden@127.0.0.1:1/db/b", Wishes())
    nothing = base64.b64encode(pa.schema([]).serialize()).decode()
    prepared = {"schema": nothing, "state": {"stages": [["b", ""]], "columns": []}}
    return Task(job=job, run="r", source=nothing, prepared=prepared, split={}, number=0, zone="UTC", now=0, once=once)


def outcome(sent: bytes, key: Path, monkeypatch: pytest.MonkeyPatch, attempt: int) -> Outcome:
    """What an executor answers whose task was tried so many times before."""
    context: Any = SimpleNamespace(getLocalProperty={KEY_FILE: key.name}.get, attemptNumber=lambda: attempt)
    monkeypatch.setattr(pyspark.TaskContext, "get", lambda: context)
    monkeypatch.setattr(pyspark, "SparkFiles", SimpleNamespace(get=lambda name: str(key.parent / name)), raising=False)
    told = list(run_sealed(iter([pa.record_batch({"task": [sent]})])))
    assert all(batch.column("outcome").null_count for batch in told[:-1])
    return msgspec.json.decode(told[-1].column("outcome")[0].as_py(), type=Outcome)


def test_sealed__shows_nothing_of_what_is_in_it() -> None:
    content = sealed(task(once=False), secrets.token_bytes(32))
    assert b"hidden" in msgspec.json.encode(task(once=False))
    assert b"hidden" not in content
    assert b"127.0.0.1" not in content


@pytest.mark.parametrize(("once", "attempt", "begins"), [(True, 0, True), (True, 1, False), (False, 1, True)])
def test_run_sealed__what_may_begin_only_once_is_not_begun_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, once: bool, attempt: int, begins: bool
) -> None:
    key = tmp_path / "key"
    key.write_bytes(secrets.token_bytes(32))
    error = outcome(sealed(task(once=once), key.read_bytes()), key, monkeypatch, attempt).error
    assert error is not None  # nothing listens where the job leads
    assert (error != ("RunLost", LOST)) is begins


@pytest.mark.parametrize("value", ["true", "TRUE"])
def test_check_settings__a_spark_that_runs_tasks_twice_is_refused(value: str) -> None:
    settings = {"spark.speculation": value}
    with pytest.raises(CdmError, match=r"spark\.speculation"):
        check_settings(SimpleNamespace(conf=SimpleNamespace(get=lambda name, default: settings.get(name, default))))


def test_check_settings__a_spark_that_says_nothing_is_taken() -> None:
    check_settings(SimpleNamespace(conf=SimpleNamespace(get=lambda name, default: default)))


def test_elsewhere__is_what_an_installation_is_set_to(tmp_path: Path) -> None:
    variables = {"HEADRACE_SPARK_CONNECT": "sc://spark:15002", "HEADRACE_SPARK_PYTHON": "/opt/headrace/bin/python"}
    settings = Settings.load({"home": tmp_path}, variables)
    assert Elsewhere.of(settings) == Elsewhere(spark="sc://spark:15002", spark_python="/opt/headrace/bin/python")
