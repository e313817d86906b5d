"""A double of HBase behind its Thrift gateway: the protocol of ``Hbase.thrift``, and as much as the connector calls.

Rows are sorted by their keys; of a cell there are versions by their moments; a delete hides what is not newer, also
what is put in the same millisecond. A value ``refuse`` is refused as one that is too large. Source: HBase reference
guide, "Data Model", "Thrift API and Filter Language".
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

import happybase
import Hbase_thrift as hbase
from thriftpy2.protocol import TBinaryProtocol, TCompactProtocol
from thriftpy2.thrift import TProcessor
from thriftpy2.transport import TBufferedTransport, TFramedTransport, TSocket, TTransportException

assert happybase.__name__  # it makes the module of the interface

Versions = dict[int, bytes | None]  # by milliseconds; None: deleted, and what is older too
_KEYS_ONLY = b"FirstKeyOnlyFilter() AND KeyOnlyFilter()"
_TRACE = "{}\n\tat org.apache.hadoop.hbase.Some.java(1)\n"


class Table:
    """``splits``: the first keys of its regions. ``now``: of what is put, counted up by each call."""

    def __init__(self, families: Mapping[bytes, Any], splits: Sequence[bytes] = ()) -> None:
        self.families = dict(families)
        self.splits = [b"", *splits]
        self.rows: dict[bytes, dict[bytes, Versions]] = {}

    def put(self, key: bytes, now: int, **cells: bytes) -> None:
        """Put cells of the family ``cf``."""
        for name, value in cells.items():
            self.rows.setdefault(key, {}).setdefault(b"cf:" + name.encode(), {})[now] = value

    def seen(self) -> dict[bytes, dict[bytes, bytes]]:
        """What is there now."""
        found = {key: self.cells(key, None) for key in sorted(self.rows)}
        return {key: {name: cell.value for name, cell in cells.items()} for key, cells in found.items() if cells}

    def cells(self, key: bytes, until: int | None) -> dict[bytes, Any]:
        """The newest cells of a row before a moment."""
        found = {}
        for name, versions in self.rows[key].items():
            newest = max((at for at in versions if until is None or at < until), default=None)
            if newest is not None and (value := versions[newest]) is not None:
                found[name] = hbase.TCell(value=value, timestamp=newest)
        return found


class HBaseDouble(socketserver.ThreadingTCPServer):
    """``waits``: set, a scanner waits until it is cut. ``walls``: whether changes went to the log; ``together``: rows
    of each call that changed some; ``changers``: the threads of connections that did."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, framed: bool = False, compact: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.transport = TFramedTransport if framed else TBufferedTransport
        self.protocol = TCompactProtocol if compact else TBinaryProtocol
        self.processor = TProcessor(hbase.Hbase, self)
        self.lock = threading.Lock()
        self.tables: dict[bytes, Table] = {}
        self.scanners: dict[int, Iterator[Any]] = {}
        self.scans: list[Any] = []
        self.walls: set[bool] = set()
        self.together: list[int] = []
        self.changers: set[int] = set()
        self.connections: list[socket.socket] = []
        self.clock = 1_700_000_000_000
        self.ends = threading.Event()
        self.waits = threading.Event()
        self.waiting = threading.Event()

    @property
    def address(self) -> str:
        """``host:port``."""
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def table(self, name: bytes, families: Sequence[bytes] = (b"cf",), splits: Sequence[bytes] = ()) -> Table:
        """A new table."""
        made = {family: hbase.ColumnDescriptor(name=family + b":") for family in families}
        return self.tables.setdefault(name, Table(made, splits))

    def _table(self, name: bytes) -> Table:
        name = name.removeprefix(b"default:")
        if name not in self.tables:
            raise hbase.IOError(message=_TRACE.format(f"TableNotFoundException: {name.decode()}"))
        return self.tables[name]

    def cut(self) -> None:
        """End all connections."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    # ---- the interface

    def getTableNames(self) -> list[bytes]:
        return sorted(self.tables)

    def getColumnDescriptors(self, name: bytes) -> dict[bytes, Any]:
        return {family + b":": made for family, made in self._table(name).families.items()}

    def getTableRegions(self, name: bytes) -> list[Any]:
        starts = self._table(name).splits
        ends = [*starts[1:], b""]
        return [hbase.TRegionInfo(startKey=a, endKey=b) for a, b in zip(starts, ends, strict=True)]

    def createTable(self, name: bytes, families: Sequence[Any]) -> None:
        if any(one.compression not in ("NONE", "SNAPPY", "GZ") for one in families):
            raise hbase.IllegalArgument(message=_TRACE.format("No such compression."))
        if name.startswith(b"-"):
            raise hbase.IllegalArgument(message=_TRACE.format(f"Illegal first character <45>: {name.decode()}"))
        self.tables[name] = Table({one.name.rstrip(b":"): one for one in families})

    def scannerOpenWithScan(self, name: bytes, scan: Any, attributes: Any) -> int:
        table = self._table(name)
        assert scan.filterString in (None, _KEYS_ONLY)
        with self.lock:
            self.scans.append(scan)
            number = len(self.scans)
            self.scanners[number] = self._scanned(table, scan)
        return number

    def _scanned(self, table: Table, scan: Any) -> Iterator[Any]:
        for key in sorted(table.rows):
            if key < (scan.startRow or b"") or (scan.stopRow and key >= scan.stopRow):
                continue
            cells = dict(sorted(table.cells(key, scan.timestamp).items()))
            if scan.columns:
                cells = {name: cell for name, cell in cells.items() if _is_in(name, scan.columns)}
            if scan.filterString:
                cells = {name: hbase.TCell(value=b"", timestamp=cells[name].timestamp) for name in list(cells)[:1]}
            if cells:
                yield hbase.TRowResult(row=key, columns=cells)

    def scannerGetList(self, number: int, count: int) -> list[Any]:
        if self.waits.is_set():
            self.waiting.set()
            assert self.ends.wait(60)
        return list(islice(self.scanners[number], count))

    def scannerClose(self, number: int) -> None:
        del self.scanners[number]

    def mutateRows(self, name: bytes, batches: Sequence[Any], attributes: Any) -> None:
        """All puts, then all deletes, as the gateway does it."""
        table = self._table(name)
        mutations = [(batch.row, one) for batch in batches for one in batch.mutations]
        if any(one.value == b"refuse" for _, one in mutations):
            raise hbase.IllegalArgument(message=_TRACE.format("IllegalArgumentException: KeyValue size too large"))
        for _, one in mutations:
            if one.column.partition(b":")[0] not in table.families:
                raise hbase.IOError(message=_TRACE.format(f"NoSuchColumnFamilyException: {one.column!r}"))
        with self.lock:
            self.together.append(len(batches))
            self.changers.add(threading.get_ident())
            self.walls |= {one.writeToWAL for _, one in mutations}
            self.clock += 1
            for key, one in mutations:
                row = table.rows.setdefault(key, {})
                if not one.isDelete:
                    versions = row.setdefault(one.column, {})
                    versions.setdefault(self.clock, one.value)
            for key, one in mutations:
                for column in [column for column in table.rows[key] if one.isDelete and _is_in(column, [one.column])]:
                    table.rows[key][column][self.clock] = None


def _is_in(name: bytes, columns: Sequence[bytes]) -> bool:
    """Whether a cell is of one of some columns or families."""
    return any(name == one or (b":" not in one and name.startswith(one + b":")) for one in columns)


class _Handler(socketserver.BaseRequestHandler):
    server: HBaseDouble

    def handle(self) -> None:
        self.server.connections.append(self.request)
        transport = self.server.transport(TSocket(sock=self.request))  # type: ignore[no-untyped-call]
        protocol = self.server.protocol(transport)
        with suppress(TTransportException, OSError, EOFError):
            while True:
                self.server.processor.process(protocol, protocol)


@contextmanager
def running(**kind: bool) -> Iterator[HBaseDouble]:
    """A server for a while. ``kind``: ``framed``, ``compact``."""
    with HBaseDouble(**kind) as server:
        thread = threading.Thread(target=server.serve_forever, name="hbase", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ends.set()
            server.shutdown()
            thread.join()
