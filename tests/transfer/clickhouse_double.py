"""A small HTTP server with the engine of ClickHouse behind it (chdb), in place of a server of ClickHouse.

``python clickhouse_double.py`` prints its port. It knows of the HTTP interface what the connector uses: the query in
the body or the URL, ``database``, ``param_*``, other members as settings, data behind an INSERT, errors as text.
"""

from __future__ import annotations

import re
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from chdb import session

_OWN = frozenset({"query", "database", "query_id", "wait_end_of_query", "user", "password"})
_ENGINE = session.Session()
_LOCK = threading.Lock()
_FOLDER = Path(tempfile.mkdtemp())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        members = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if members.get("query_id") and "KILL QUERY" in body.decode("utf-8", "replace"):
            self._answer(200, b"")
            return
        with _LOCK:
            try:
                self._answer(200, _run(members, body))
            except Exception as error:
                self._answer(500, str(error).encode())

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


def _run(members: dict[str, str], body: bytes) -> bytes:
    settings = {name: value for name, value in members.items() if name not in _OWN}
    statement = members.get("query") or body.decode()
    if members.get("query"):
        (_FOLDER / "data").write_bytes(body)
        statement = re.sub(r"FORMAT ArrowStream$", f"FROM INFILE '{_FOLDER / 'data'}' FORMAT ArrowStream", statement)
    _ENGINE.query(f"USE {members.get('database') or 'default'}")
    for name, value in settings.items():
        _ENGINE.query(f"SET {name} = '{value}'")
    try:
        return bytes(_ENGINE.query(statement, "TabSeparated").bytes())
    finally:
        for name in settings:
            if not name.startswith("param_"):
                _ENGINE.query(f"SET {name} = DEFAULT")


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
