"""HBase as the connector uses it, through its Thrift gateway: tables, regions, pages of rows, and puts."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from types import ModuleType
from typing import Any, NamedTuple

from headrace.errors_cdm import (
    CdmError,
    HBaseLoadFailed,
    HBaseReadFailed,
    HBaseTableMissing,
    HBaseTableNotMade,
    HBaseUnreachable,
    RunStopped,
)
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import BATCH_BYTES
from headrace.transfer.drivers import driver
from headrace.transfer.options import Link
from headrace.transfer.relational.urls import properties

_PORT = 9090  # of the gateway. Source: HBase reference guide, hbase.regionserver.thrift.port
_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 60
_FIRST_PAGE, _LARGEST_PAGE = 256, 8_192  # rows
_KEYS_ONLY = b"FirstKeyOnlyFilter() AND KeyOnlyFilter()"
_SETTLES = 0.01  # seconds. A put in the millisecond of a delete stays hidden. Source: HBase reference guide, "Delete"

Row = tuple[bytes, dict[bytes, bytes]]  # its key, and its cells by ``family:qualifier``


class Change(NamedTuple):
    """Of one row: cells to put, and columns to delete."""

    cells: Mapping[bytes, bytes]
    absent: Sequence[bytes] = ()


class Scan(NamedTuple):
    """What is read of a table: keys from ``start``, before ``stop`` (to the end if empty).

    ``columns``: families, or ``family:qualifier``; all where there are none. ``since``, ``until``: milliseconds, of
    cells. ``keys_only``: one cell of each row, without its value.
    """

    table: str
    start: bytes = b""
    stop: bytes = b""
    columns: Sequence[bytes] = ()
    since: int | None = None
    until: int | None = None
    keys_only: bool = False


class Refused(Exception):
    """The gateway found something in the rows that no HBase takes; its text says what."""


class HBaseSession:
    """One connection, made when first needed; used by one thread. Raises HBaseUnreachable, RunStopped when stopped."""

    def __init__(self, link: Link, cancellation: Cancellation) -> None:
        self._link = link
        self._cancellation = cancellation
        self._addresses = _addresses(link)

    def again(self) -> HBaseSession:
        """Another session of the same link."""
        return HBaseSession(self._link, self._cancellation)

    @cached_property
    def _thrift(self) -> ModuleType:
        """The module that happybase makes of HBase's interface."""
        driver("happybase", "hbase")
        return driver("Hbase_thrift", "hbase")

    @cached_property
    def _connection(self) -> Any:
        given = properties(self._link.text("properties"))
        connection = driver("happybase", "hbase").Connection(
            *_first_that_answers(self._addresses),
            timeout=_ANSWER_SECONDS * 1000,
            autoconnect=False,
            transport="framed" if _is_on(given, "hbase.regionserver.thrift.framed") else "buffered",
            protocol="compact" if _is_on(given, "hbase.regionserver.thrift.compact") else "binary",
        )
        connection.open()
        return connection

    def tables(self) -> Sequence[str]:
        """The names of all tables; those of a namespace are ``namespace:table``."""
        with self._told(HBaseReadFailed):
            return [name.decode("utf-8", "replace") for name in self._connected().tables()]

    def families(self, table: str) -> frozenset[str] | None:
        """The column families of a table; None where there is no such table."""
        if table.removeprefix("default:") not in self.tables():
            return None
        with self._told(HBaseReadFailed):
            return frozenset(name.decode("utf-8", "replace") for name in self._connected().table(table).families())

    def create(self, table: str, families: Sequence[str], compression: str) -> None:
        """Make a table, its families as HBase itself would make them. Raises HBaseTableNotMade."""
        made = {"max_versions": 1, "bloom_filter_type": "ROW", "block_cache_enabled": True, "compression": compression}
        with self._told(HBaseTableNotMade):
            self._connected().create_table(table, dict.fromkeys(families, made))

    def regions(self, table: str) -> Sequence[bytes]:
        """The first keys of the regions of a table, in their order. Raises HBaseTableMissing."""
        if self.families(table) is None:
            raise HBaseTableMissing(table)
        with self._told(HBaseReadFailed):
            return sorted(region["start_key"] for region in self._connected().table(table).regions())

    def pages(self, scan: Scan) -> Iterator[Sequence[Row]]:
        """The rows that have a cell in reach, in the order of their keys.

        Each page is a scanner of its own that begins behind the page before, so that none grows old while its rows
        are written. HBase looks only for what is older than ``until``; what is older than ``since`` is left out here,
        which is the same, as it gives the newest cell.
        """
        size = _FIRST_PAGE
        while True:
            with self._told(HBaseReadFailed):
                found = self._page(scan, size)
            if rows := [(key, cells) for key, given in found if (cells := _since(given, scan.since))]:
                yield rows
            if len(found) < size:
                return
            scan = scan._replace(start=found[-1][0] + b"\0")
            weight = sum(len(name) + len(cell) for _, cells in rows for name, cell in cells.items())
            size = min(max(size * 2 if weight < BATCH_BYTES // 4 else size // 2, 1), _LARGEST_PAGE)

    def _page(self, scan: Scan, size: int) -> list[tuple[bytes, dict[bytes, Any]]]:
        rows = (
            self._connected()
            .table(scan.table)
            .scan(
                row_start=scan.start,
                row_stop=scan.stop or None,
                columns=list(scan.columns) or None,
                filter=_KEYS_ONLY if scan.keys_only else None,
                timestamp=scan.until,
                include_timestamp=scan.since is not None,
                batch_size=size,
                limit=size,
            )
        )
        return list(rows)

    def change(self, table: str, changes: Mapping[bytes, Change], *, wal: bool) -> None:
        """Change rows by their keys. Raises HBaseLoadFailed, and Refused for rows that may be all fine but one."""
        with self._told(HBaseLoadFailed):
            batch = self._connected().table(table).batch(wal=wal)
            for key, (cells, absent) in changes.items():
                batch.put(key, cells)
                batch.delete(key, absent)
            try:
                batch.send()
            except self._thrift.IllegalArgument as error:
                raise Refused(_line(error)) from None

    def clear(self, table: str, families: Sequence[str], *, wal: bool) -> None:
        """Delete all rows of a table, which keeps its settings and regions."""
        columns = [family.encode() for family in families]
        for page in self.pages(Scan(table, keys_only=True)):
            self.change(table, {key: Change({}, columns) for key, _ in page}, wal=wal)
        self._cancellation.wait(_SETTLES)

    def _connected(self) -> Any:
        if self._cancellation.cancelled:
            raise RunStopped
        return self._connection

    @contextmanager
    def _told(self, kind: type[CdmError]) -> Iterator[None]:
        """What the driver raises, as a CdmError; a stop closes the connection."""
        transport = driver("thriftpy2.transport", "hbase").TTransportException
        thrift = driver("thriftpy2.thrift", "hbase").TException
        try:
            with self._cancellation.calling(self.close):
                yield
        except (thrift, OSError, EOFError, AssertionError, AttributeError) as error:
            if self._cancellation.cancelled:  # the driver trips over a socket that was closed, in several ways
                raise RunStopped from None
            if isinstance(error, AssertionError | AttributeError):
                raise
            self.close()
            self.__dict__.pop("_connection", None)
            if isinstance(error, transport | OSError | EOFError):
                raise HBaseUnreachable(f"{', '.join(self._addresses)}: {_line(error)}") from None
            raise kind(_line(error)) from None

    def close(self) -> None:
        """Let go of the connection."""
        connection = self.__dict__.get("_connection")
        if connection is not None:
            with suppress(OSError, AttributeError):  # closed by another thread meanwhile
                connection.close()


def _since(cells: Mapping[bytes, Any], since: int | None) -> dict[bytes, bytes]:
    if since is None:
        return dict(cells)
    return {name: value for name, (value, moment) in cells.items() if moment >= since}


def _is_on(given: Mapping[str, str], name: str) -> bool:
    return given.get(name, "").strip().lower() == "true"


def _line(error: BaseException) -> str:
    """What an error says; the gateway sends whole stack traces."""
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    return text.strip().partition("\n")[0].strip()


def _addresses(link: Link) -> Sequence[str]:
    """``host:port`` of Thrift gateways. Raises CdmError.

    ``thriftServer`` is an input of our own; links of CDM name ``host``, or the servers of ZooKeeper, where a gateway
    often runs too.
    """
    if link.text("authType", "Simple").lower() == "kerberos" or link.text("principal"):
        raise CdmError("linkConfig.authType: HBase with Kerberos is not supported; Simple is.")
    if link.flag("iamAuth"):
        raise CdmError("linkConfig.iamAuth: CloudTable with IAM authentication is not supported.")
    given = link.items("thriftServer", ",")
    if not given and link.text("host"):
        given = (f"{link.text('host').strip()}:{link.number('port', _PORT, 1, 65_535)}",)
    if not given:
        given = tuple(one.partition(":")[0] for one in link.items("zookeeperQuorum", ","))
    if not given:
        raise CdmError("linkConfig.thriftServer: missing. HBase is reached through its Thrift gateway, host:9090.")
    return [one if ":" in one else f"{one}:{_PORT}" for one in given]


def _first_that_answers(addresses: Sequence[str]) -> tuple[str, int]:
    """Raises OSError of the last where none does, and CdmError for what is no address."""
    failures = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not port.isdecimal():
            raise CdmError(f"linkConfig.thriftServer: {address!r} is not host:port.")
        try:
            socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
        except OSError as error:
            failures.append(error)
        else:
            return host, int(port)
    raise failures[-1]
