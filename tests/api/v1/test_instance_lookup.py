"""Finding a job instance by its number alone; an operation of ours."""

from __future__ import annotations

from typing import Any

import pytest
from running_jobs import Jobs, code, dummy

PATH = "/v1/{p}/job-instances/"


def test_find__an_instance_is_shown_as_with_its_job(server: Any) -> None:
    jobs = Jobs(server)
    number = jobs.run(jobs.create("some_job", dummy("n")))
    shown = jobs.ended("some_job", number)
    answer = server.http.get(f"{PATH}{number}", headers=jobs.headers)
    assert (answer.status_code, answer.json()) == (200, shown)


@pytest.mark.parametrize("name", ["1", "x", "9" * 30, "²"])
def test_find__unknown_numbers(server: Any, name: str) -> None:
    assert code(server.http.get(PATH + name)) == (400, "DLF.0137")


def test_find__an_instance_of_another_workspace_is_unknown(server: Any) -> None:
    jobs = Jobs(server)
    number = jobs.run(jobs.create("some_job", dummy("n")))
    assert code(server.http.get(f"{PATH}{number}", headers={"workspace": server.workspace()})) == (400, "DLF.0137")
