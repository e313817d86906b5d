"""ClickHouse's HTTP interface, against a server of the test's own that speaks it."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headrace.sql.dialects import CLICKHOUSE
from headrace.sql.engine import Cancellation, ExecutionCancelled, SqlEngine, StatementFailed
from headrace.sql.engines import open_real
from headrace.sql.real.target import EngineUnavailable
from node_surroundings import Answer, Request, WebService, web_service


class Server:
    """Answers statements by a table; ``SELECT 1`` is always there, because every session begins with it."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"SELECT 1": b"1\nUInt8\n1\n"}
        self.killed = threading.Event()

    def __call__(self, request: Request) -> Answer:
        statement = request.body.decode()
        if statement.startswith("KILL QUERY"):
            self.killed.set()
            return 200, b"", {}
        found = self.answers[statement]
        found = found(request) if callable(found) else found
        return found if isinstance(found, tuple) else (200, found, {})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def service(server: Server) -> Iterator[WebService]:
    with web_service(server) as running:
        yield running


Opener = Callable[..., SqlEngine]


@pytest.fixture
def opened(service: WebService) -> Opener:
    def open_it(**members: Any) -> SqlEngine:
        place = urlsplit(service.url)
        config = {"ip": place.hostname, "port": str(place.port), "userName": "ann", "password": "secret words"}
        return open_real("ch", "CLICKHOUSE", config | members)[0]

    return open_it


def members(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def test_execute__values_are_json_scalars(server: Server, opened: Opener) -> None:
    server.answers["SELECT all"] = (
        b"a\tb\tc\td\te\tf\tg\th\n"
        b"UInt64\tNullable(String)\tDecimal(9, 2)\tFloat64\tBool\tDateTime64(3)\t"
        b"LowCardinality(Nullable(Int8))\tArray(Int8)\n"
        b"18446744073709551615\ta\\tb\\\\c\t2.50\tnan\ttrue\t2024-01-31 10:00:00.500\t-1\t[1,2]\n"
        b"0\t\\N\t0.00\t1.5\tfalse\t2024-01-31 10:00:00.000\t\\N\t[]\n"
    )
    (result,) = opened().execute("SELECT all", CLICKHOUSE, None)
    assert result.rows == (
        (18446744073709551615, "a\tb\\c", "2.50", "nan", True, "2024-01-31 10:00:00.500000", -1, "[1,2]"),
        (0, None, "0.00", 1.5, False, "2024-01-31 10:00:00", None, "[]"),
    )
    assert result.schema[:2] == (("a", "UInt64"), ("b", "Nullable(String)"))


def test_execute__one_execution_is_one_session_of_the_user(server: Server, service: WebService, opened: Opener) -> None:
    server.answers |= {"SET max_threads = 1": b"", "DROP TABLE t": b""}
    opened().execute("SET max_threads = 1; DROP TABLE t", CLICKHOUSE, "dwd", settings={"max_memory_usage": "5"})
    sent = [members(request) for request in service.requests]
    assert len({each["session_id"] for each in sent}) == 1
    assert len({each["query_id"] for each in sent}) == 3
    assert {(each["database"], each["max_memory_usage"]) for each in sent} == {("dwd", "5")}
    entry = base64.b64decode(service.requests[0].headers["Authorization"].removeprefix("Basic "))
    assert entry == b"ann:secret words"
    assert not [request.path for request in service.requests if "secret" in request.path]


def test_execute__only_what_gives_no_rows_is_kept_back_by_the_server(
    server: Server, service: WebService, opened: Opener
) -> None:
    server.answers["INSERT INTO t SELECT 1"] = (200, b"", {"X-ClickHouse-Summary": '{"written_rows":"7"}'})
    (result,) = opened().execute("INSERT INTO t SELECT 1", CLICKHOUSE, None)
    assert (result.row_count, result.input_row_count, result.schema) == (7, 7, ())
    assert ["wait_end_of_query" in members(request) for request in service.requests] == [False, True]


def test_execute__rows_above_the_limit_are_not_waited_for(server: Server, opened: Opener) -> None:
    server.answers["SELECT n"] = b"n\nUInt8\n" + b"1\n" * 100_000
    result, after = opened().execute("SELECT n; SELECT 1", CLICKHOUSE, None, row_limit=2)
    assert (result.rows, result.row_count, result.truncated) == (((1,), (1,)), 2, True)
    assert server.killed.is_set()
    assert after.rows == ((1,),)


def test_execute__an_error_stops_the_script(server: Server, opened: Opener) -> None:
    server.answers["SELECT x"] = (404, b"Code: 60. DB::Exception: Table default.x doesn't exist.\n", {})
    with pytest.raises(StatementFailed) as failure:
        opened().execute("SELECT 1;\nSELECT x", CLICKHOUSE, None)
    assert failure.value.reason == "Code: 60. DB::Exception: Table default.x doesn't exist."
    assert failure.value.position == "line 2, column 1"


def test_execute__an_error_in_the_middle_of_the_rows_is_one(server: Server, opened: Opener) -> None:
    server.answers["SELECT n"] = b"n\nUInt8\n1\nCode: 395. DB::Exception: thrown\n"
    with pytest.raises(StatementFailed, match=r"Code: 395\. DB::Exception: thrown"):
        opened().execute("SELECT n", CLICKHOUSE, None)


def test_cancel__kills_the_query(server: Server, service: WebService, opened: Opener) -> None:
    def slow(_: Request) -> Answer:
        server.killed.wait(20)
        return 500, b"Code: 394. DB::Exception: Query was cancelled", {}

    server.answers["SELECT slow"] = slow
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    began = time.monotonic()
    with pytest.raises(ExecutionCancelled):
        opened().execute("SELECT slow", CLICKHOUSE, None, cancellation=cancellation)
    assert time.monotonic() - began < 5
    asked = next(request for request in service.requests if request.body == b"SELECT slow")
    killed = next(request for request in service.requests if request.body.startswith(b"KILL"))
    assert killed.body.decode() == f"KILL QUERY WHERE query_id = '{members(asked)['query_id']}' ASYNC"


def test_execute__a_wrong_password_says_so(server: Server, opened: Opener) -> None:
    server.answers["SELECT 1"] = (403, b"Code: 516. DB::Exception: ann: Authentication failed with secret words", {})
    with pytest.raises(EngineUnavailable) as failure:
        opened().execute("SELECT 2", CLICKHOUSE, None)
    assert failure.value.reason == "Connection 'ch': Code: 516. DB::Exception: ann: Authentication failed with ***"
