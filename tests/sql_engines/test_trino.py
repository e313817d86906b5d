"""The client protocol of Trino and Presto, against a server of the test's own that speaks it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from headrace.sql.dialects import TRINO
from headrace.sql.engine import Cancellation, ExecutionCancelled, SqlEngine, StatementFailed
from headrace.sql.engines import open_real
from headrace.sql.real.target import EngineUnavailable
from node_surroundings import Answer, Request, WebService, web_service

Page = dict[str, Any]


class Coordinator:
    """Plays the pages of a script of answers: ``pages[path]`` is a page, or a function of the request."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.headers: dict[str, str] = {}

    def __call__(self, request: Request) -> Answer:
        if request.method == "DELETE":
            return 204, b"", {}
        found = self.pages[request.path] if request.method == "GET" else self.pages[request.body.decode()]
        page = found(request) if callable(found) else found
        status = page.pop("status", 200) if "status" in page else 200
        return status, json.dumps(page).encode(), {"Content-Type": "application/json", **self.headers}


@pytest.fixture
def coordinator() -> Coordinator:
    return Coordinator()


@pytest.fixture
def service(coordinator: Coordinator) -> Iterator[WebService]:
    with web_service(coordinator) as running:
        yield running


Opener = Callable[..., SqlEngine]


@pytest.fixture
def opened(service: WebService) -> Opener:
    def open_it(kind: str = "HETUENGINE", **members: Any) -> SqlEngine:
        place = urlsplit(service.url)
        config = {"ip": place.hostname, "port": str(place.port), "userName": "ann", "authentication": "NONE"}
        return open_real("lake", kind, config | members)[0]

    return open_it


def columns(**kinds: str) -> list[Page]:
    return [{"name": name, "type": kind} for name, kind in kinds.items()]


def test_execute__pages_are_followed_on_the_address_of_the_connection(
    coordinator: Coordinator, service: WebService, opened: Opener
) -> None:
    elsewhere = "http://coordinator.internal:8080"
    coordinator.pages = {
        "SELECT n, s FROM t": {"id": "q", "nextUri": f"{elsewhere}/v1/statement/queued/q/1"},
        "/v1/statement/queued/q/1": {"nextUri": f"{elsewhere}/v1/statement/executing/q/2?slug=x"},
        "/v1/statement/executing/q/2?slug=x": {
            "columns": columns(n="bigint", s="varchar(3)"),
            "data": [[1, "a"]],
            "nextUri": f"{elsewhere}/v1/statement/executing/q/3",
        },
        "/v1/statement/executing/q/3": {"columns": columns(n="bigint", s="varchar(3)"), "data": [[2, None]]},
    }
    (result,) = opened(catalog="hive2").execute("SELECT n, s FROM t", TRINO, "dwd")
    assert (result.rows, result.schema) == (((1, "a"), (2, None)), (("n", "bigint"), ("s", "varchar(3)")))
    told = {name.lower(): value for name, value in service.requests[0].headers.items() if name.lower()[:7] == "x-trino"}
    assert told == {
        "x-trino-user": "ann",
        "x-trino-source": "headrace",
        "x-trino-catalog": "hive2",
        "x-trino-schema": "dwd",
        "x-trino-transaction-id": "NONE",
    }


def test_execute__presto_has_headers_of_its_own(coordinator: Coordinator, service: WebService, opened: Opener) -> None:
    coordinator.pages = {"SELECT 1": {"columns": columns(a="integer"), "data": [[1]]}}
    assert opened("PRESTO").execute("SELECT 1", TRINO, None)[0].rows == ((1,),)
    assert service.requests[0].headers["X-Presto-User"] == "ann"
    assert not [name for name in service.requests[0].headers if name.startswith("X-Trino")]


def test_execute__values_are_json_scalars(coordinator: Coordinator, opened: Opener) -> None:
    kinds = {
        "a": "decimal(4,2)",
        "b": "double",
        "c": "boolean",
        "d": "date",
        "e": "timestamp(3)",
        "f": "timestamp(3)",
        "g": "varbinary",
        "h": "array(integer)",
        "i": "map(varchar, integer)",
        "j": "row(x integer)",
        "k": "double",
    }
    row = ["2.50", 1.5, True, "2024-01-31", "2024-01-31 10:00:00.000", "2024-01-31 10:00:00.500"]
    row += ["AP8=", [1, None], {"a": 1}, [1], "NaN"]
    coordinator.pages = {"SELECT all": {"columns": columns(**kinds), "data": [row]}}
    assert opened().execute("SELECT all", TRINO, None)[0].rows == (
        (
            *("2.50", 1.5, True, "2024-01-31", "2024-01-31 10:00:00", "2024-01-31 10:00:00.500000"),
            *("00ff", "[1,null]", '{"a":1}', "[1]", "nan"),
        ),
    )


def test_execute__rows_written_are_counted(coordinator: Coordinator, opened: Opener) -> None:
    page = {"columns": columns(rows="bigint"), "data": [[7]], "updateType": "INSERT", "updateCount": 7}
    coordinator.pages = {"INSERT INTO t SELECT 1": page}
    (result,) = opened().execute("INSERT INTO t SELECT 1", TRINO, None)
    assert (result.rows, result.schema, result.row_count, result.input_row_count) == ((), (), 7, 7)


def test_execute__an_error_stops_the_script(coordinator: Coordinator, opened: Opener) -> None:
    error = {"message": "line 1:15: Table 'x' does not exist", "errorName": "TABLE_NOT_FOUND", "errorCode": 46}
    coordinator.pages = {"SELECT * FROM x": {"error": error}}
    with pytest.raises(StatementFailed) as failure:
        opened().execute("\nSELECT * FROM x; SELECT 1", TRINO, None)
    assert failure.value.reason == "line 1:15: Table 'x' does not exist [TABLE_NOT_FOUND]"
    assert failure.value.position == "line 2, column 1"


def test_execute__what_the_server_wants_remembered_is_sent_along(
    coordinator: Coordinator, service: WebService, opened: Opener
) -> None:
    def used(request: Request) -> Page:
        coordinator.headers = {}
        return {"updateType": "USE"}

    coordinator.headers = {"X-Trino-Set-Schema": "ods", "X-Trino-Set-Session": "a=1%2C2"}
    coordinator.pages = {"USE ods": used, "SELECT 1": {"columns": columns(a="integer"), "data": [[1]]}}
    coordinator.headers |= {"X-Trino-Started-Transaction-Id": "t1"}
    coordinator.pages["START TRANSACTION"] = {"updateType": "START TRANSACTION"}
    coordinator.pages["ROLLBACK"] = {"updateType": "ROLLBACK"}
    opened().execute("START TRANSACTION; USE ods; SELECT 1", TRINO, None, settings={"b": "x y"})
    sent = service.requests[2].headers
    assert (sent["X-Trino-Schema"], sent["X-Trino-Session"]) == ("ods", "b=x%20y,a=1%2C2")
    assert sent["X-Trino-Transaction-Id"] == "t1"
    assert service.requests[-1].body == b"ROLLBACK"


def test_execute__a_query_that_gave_enough_rows_is_ended(
    coordinator: Coordinator, service: WebService, opened: Opener
) -> None:
    coordinator.pages = {
        "SELECT n": {"columns": columns(n="bigint"), "data": [[1], [2], [3]], "nextUri": "http://h/v1/more"},
        "SELECT 2": {"columns": columns(n="bigint"), "data": [[2]]},
    }
    result, _ = opened().execute("SELECT n; SELECT 2", TRINO, None, row_limit=2)
    assert (result.rows, result.row_count, result.truncated) == (((1,), (2,)), 2, True)
    assert [(request.method, request.path) for request in service.requests][1] == ("DELETE", "/v1/more")


def test_execute__a_busy_server_is_asked_again(coordinator: Coordinator, service: WebService, opened: Opener) -> None:
    answers: Iterator[Page] = iter([{"status": 503}, {"columns": columns(a="integer"), "data": [[1]]}])
    coordinator.pages = {"SELECT 1": lambda _: next(answers)}
    assert opened().execute("SELECT 1", TRINO, None)[0].rows == ((1,),)
    assert len(service.requests) == 2


def test_execute__an_answer_that_is_none_of_the_protocol_is_told(coordinator: Coordinator, opened: Opener) -> None:
    coordinator.pages = {"SELECT 1": {"status": 401, "message": "who?"}}
    with pytest.raises(StatementFailed, match=r"answered 401.*who"):
        opened().execute("SELECT 1", TRINO, None)


def test_cancel__deletes_the_query(coordinator: Coordinator, service: WebService, opened: Opener) -> None:
    ended = threading.Event()

    def slow(request: Request) -> Page:
        ended.wait(0.05)
        if any(each.method == "DELETE" for each in service.requests):
            return {"error": {"message": "Query was canceled", "errorName": "USER_CANCELED"}}
        return {"nextUri": "http://h/v1/statement/executing/q/1"}

    coordinator.pages = {
        "SELECT slow": {"nextUri": "http://h/v1/statement/executing/q/1"},
        "/v1/statement/executing/q/1": slow,
    }
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    began = time.monotonic()
    with pytest.raises(ExecutionCancelled):
        opened().execute("SELECT slow", TRINO, None, cancellation=cancellation)
    assert time.monotonic() - began < 5
    assert ("DELETE", "/v1/statement/executing/q/1") in [(each.method, each.path) for each in service.requests]


def test_execute__a_password_is_not_sent_in_clear(service: WebService, opened: Opener) -> None:
    with pytest.raises(EngineUnavailable, match="sslEnable"):
        opened(authentication="", password="clear words").execute("SELECT 1", TRINO, None)
    assert not service.requests


def test_execute__closed_port_says_so(opened: Opener) -> None:
    with pytest.raises(StatementFailed, match="refused"):
        opened(port="9").execute("SELECT 1", TRINO, None)
