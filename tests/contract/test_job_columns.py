"""What a job holds beside its text, on every kind of database: hostile members neither fail nor get lost."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.auth.sealing import Sealer
from headrace.domain.identity import Caller, User, Workspace
from headrace.errors import InvalidSchedule
from headrace.factory import jobs
from headrace.objectstore.store import open_store
from headrace.services import Services
from headrace.settings import Settings
from headrace.storage.database import Database
from headrace.wire.v1.jobs import JobInfo, ListJobsQuery, ShowJobQuery

WORKSPACE = Workspace(id="w", project_id="p", name="default")
CALLER = Caller(user=User(id="u", name="ann", project_id="p"), workspace=WORKSPACE, now=7)


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Services:
    numbers = itertools.count(1)
    return Services(
        settings=Settings(home=tmp_path),
        db=database,
        store=open_store(None, tmp_path, {}),
        sealer=Sealer(b"k" * 32),
        token_key=b"t" * 32,
        now=lambda: 7,
        next_number=lambda: next(numbers),
        next_id=lambda: f"{next(numbers):032x}",
    )


def create(services: Services, **members: Any) -> None:
    text = json.dumps({"name": "j", "processType": "BATCH", **members}).encode()
    jobs.create(services, CALLER, msgspec.json.decode(text, type=JobInfo), text)


def shown(services: Services) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jobs.show(services, CALLER, "j", ShowJobQuery()))
    return found


def test_create_job__texts_that_no_index_can_hold_stay_in_the_document(services: Services) -> None:
    config = {"owner": "a\0", "tags": ["fine", "a\0", "x" * 100_000]}
    properties = [{"name": "resourceName", "value": value} for value in ("r", "a\0", "y" * 100_000)]
    create(services, basicConfig=config, nodes=[{"name": "n", "type": "Dummy", "properties": properties}])
    assert shown(services)["basicConfig"] == config
    assert [item["value"] for item in shown(services)["nodes"][0]["properties"]] == ["r", "a\0", "y" * 100_000]
    (row,) = jobs.list_page(services, CALLER, ListJobsQuery(tags="fine")).jobs
    assert (row.name, row.owner) == ("j", "ann")


@pytest.mark.parametrize("name", ["a\0", "x" * 100_000])
def test_create_job__an_upstream_name_that_no_job_can_have_is_refused(services: Services, name: str) -> None:
    with pytest.raises(InvalidSchedule, match="there is no job"):
        create(services, schedule={"type": "CRON", "cron": {"dependJobs": {"jobs": [name]}}})


def test_list_jobs__tags_and_names_are_filtered_alike_on_every_database(services: Services) -> None:
    for name, tags in (("Sales_day", ["x", "y"]), ("sales.day", ["x"]), ("stock", ["xy"])):
        create(services, name=name, basicConfig={"tags": tags})
    found = {
        query: sorted(job.name for job in jobs.list_page(services, CALLER, ListJobsQuery(**query_of(query))).jobs)
        for query in ("name=s_d", "name=ales", "name=SALES", "tags=x", "tags=x,y", "tags=xy", "tags=%")
    }
    assert found == {
        "name=s_d": ["Sales_day"],
        "name=ales": ["Sales_day", "sales.day"],
        "name=SALES": [],
        "tags=x": ["Sales_day", "sales.day"],
        "tags=x,y": ["Sales_day"],
        "tags=xy": ["stock"],
        "tags=%": [],
    }


def query_of(text: str) -> dict[str, str]:
    member, _, value = text.partition("=")
    return {"job_name" if member == "name" else "tags": value}
