"""Systems that migration jobs of tests move rows between, and the official client that starts them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any, TypeVar

from huaweicloudsdkcdm.v1 import model
from tests.conftest import Server

from headrace.objectstore.path import ObsPath

ENDED = ("SUCCEEDED", "FAILED", "FAILURE_ON_SUBMIT")
SECONDS = 60  # how long a state may take to come
T = TypeVar("T")
Json = dict[str, Any]


def awaited(look: Callable[[], T], fits: Callable[[T], bool], seconds: float = SECONDS) -> T:
    """What a look finds once it fits."""
    deadline = time.monotonic() + seconds
    while not fits(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


class Moving:
    """A cluster of a server: links, jobs and what they moved."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.sdk = server.sdk_cdm()
        self.cluster = self.sdk.list_clusters(model.ListClustersRequest()).clusters[0].id
        self.path = f"/v1.1/{{p}}/clusters/{self.cluster}/cdm"
        (server.home / "files").mkdir(exist_ok=True)

    # ---- systems

    def run_sql(self, database: str, *statements: str, rows: Iterable[tuple[Any, ...]] = ()) -> list[tuple[Any, ...]]:
        """Run statements on a file of SQLite, the last once for each of the rows; what the last one gives."""
        with closing(sqlite3.connect(self.server.home / "files" / database, timeout=SECONDS)) as connection:
            given, found = list(rows), []
            for number, statement in enumerate(statements, 1):
                if given and number == len(statements):
                    connection.executemany(statement, given)
                else:
                    found = connection.execute(statement).fetchall()
            connection.commit()
            return found

    def objects(self, folder: str) -> dict[str, str]:
        """The objects below ``bucket/folder``, by what follows."""
        place = ObsPath.parse(f"obs://{folder}")
        found = {}
        for one in self.server.services.store.list(place):
            with closing(self.server.services.store.open(one.path)) as stream:
                found[str(one.path).removeprefix(f"obs://{folder}").lstrip("/")] = stream.read().decode()
        return found

    # ---- definitions

    def link(self, name: str, connector: str, **values: str) -> None:
        """Make a link."""
        configs = [model.Configs(inputs=_inputs("linkConfig", values), name="linkConfig")]
        one = model.Links(
            link_config_values=model.LinksLinkconfigvalues(configs=configs), name=name, connector_name=connector
        )
        body = model.CdmCreateAndUpdateLinkReq(links=[one])
        self.sdk.create_link(model.CreateLinkRequest(cluster_id=self.cluster, body=body))

    def sqlite(self, name: str) -> None:
        """A link to the file of its name."""
        self.link(name, "generic-jdbc-connector", databaseType="SQLITE", database=f"{name}.db")

    def job(
        self,
        name: str,
        sides: tuple[str, str],
        source: Mapping[str, str],
        target: Mapping[str, str],
        job_type: str = "NORMAL_JOB",
        **driver: str,
    ) -> None:
        """Make a job; ``sides``: links with their connectors after a colon; ``driver``: with ``_`` for the dot."""
        (from_link, _, from_connector), (to_link, _, to_connector) = (side.partition(":") for side in sides)
        settings = [
            _section(part, _of(part, driver)) for part in dict.fromkeys(key.partition("_")[0] for key in driver)
        ]
        one = model.Job(
            job_type=job_type,
            from_connector_name=from_connector or "generic-jdbc-connector",
            to_connector_name=to_connector or "generic-jdbc-connector",
            from_link_name=from_link,
            to_link_name=to_link,
            from_config_values=model.ConfigValues(configs=[_section("fromJobConfig", source)]),
            to_config_values=model.ConfigValues(configs=[_section("toJobConfig", target)]),
            driver_config_values=model.ConfigValues(configs=settings),
            name=name,
        )
        body = model.CdmCreateJobJsonReq(jobs=[one])
        self.sdk.create_job(model.CreateJobRequest(cluster_id=self.cluster, body=body))

    # ---- runs

    def start(self, name: str, variables: Mapping[str, str] | None = None) -> Any:
        """Start a job with the official client; its submission."""
        body = None if variables is None else model.CdmStartJobReq(variables=dict(variables))
        return self.sdk.start_job(model.StartJobRequest(cluster_id=self.cluster, job_name=name, body=body)).submissions[
            0
        ]

    def status(self, name: str) -> Json:
        """The last submission as it is on the wire."""
        answer = self.server.http.get(f"{self.path}/job/{name}/status")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["submissions"][0])

    def ended(self, name: str) -> Json:
        """The last submission, once it has ended."""
        return awaited(lambda: self.status(name), lambda one: one["status"] in ENDED)

    def run(self, name: str, variables: Mapping[str, str] | None = None) -> Json:
        """Start a job and wait for its end."""
        self.start(name, variables)
        return self.ended(name)


def moved(submission: Json) -> tuple[str, int, int, int]:
    """Status, and rows read, written and left out."""
    counters = submission["counters"]
    return submission["status"], counters["ROWS_READ"], counters["ROWS_WRITTEN"], counters["ROWS_WRITTEN_SKIPPED"]


def _of(section: str, driver: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(f"{section}_"): value for key, value in driver.items() if key.startswith(f"{section}_")}


def _section(name: str, values: Mapping[str, str]) -> model.Configs:
    return model.Configs(inputs=_inputs(name, values), name=name)


def _inputs(section: str, values: Mapping[str, str]) -> list[model.Input]:
    return [model.Input(name=f"{section}.{name}", value=value) for name, value in values.items()]
