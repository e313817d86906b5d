"""Web servers in this process: one with files, and a double of WebHDFS."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server of these requests."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


class Quiet(BaseHTTPRequestHandler):
    """Answers requests and logs none."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def handle(self) -> None:
        """A client may leave in the middle."""
        try:
            super().handle()
        except ConnectionError:
            return

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def webhdfs(root: Path, users: list[str]) -> type[BaseHTTPRequestHandler]:
    """A NameNode and DataNode in one, as "WebHDFS REST API" tells; ``users`` takes who asked."""

    class Handler(Quiet):
        def do_GET(self) -> None:
            self.operate()

        def do_PUT(self) -> None:
            self.operate()

        def do_DELETE(self) -> None:
            self.operate()

        def operate(self) -> None:
            parts = urlsplit(self.path)
            self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.at = "/" + unquote(parts.path.removeprefix("/webhdfs/v1/"))
            self.place = root / self.at.lstrip("/")
            users.append(self.query.get("user.name", ""))
            getattr(self, f"op_{self.query['op'].lower()}")()

        def say(self, value: Any) -> None:
            self.answer(200, json.dumps(value).encode(), Content_Type="application/json")

        def refuse(self, status: int, kind: str, message: str) -> None:
            told = {"RemoteException": {"exception": kind, "message": f"{message}\n\tat java.lang.Thread"}}
            self.answer(status, json.dumps(told).encode(), Content_Type="application/json")

        def missing(self) -> bool:
            if any(parent.is_file() for parent in self.place.parents):
                self.refuse(403, "ParentNotDirectoryException", f"{self.at} (a parent is not a directory)")
                return True
            if not self.place.exists():
                self.refuse(404, "FileNotFoundException", f"File does not exist: {self.at}")
                return True
            return False

        def status(self, place: Path, suffix: str) -> dict[str, Any]:
            found = place.stat()
            return {
                "pathSuffix": suffix,
                "type": "DIRECTORY" if place.is_dir() else "FILE",
                "length": 0 if place.is_dir() else found.st_size,
                "modificationTime": found.st_mtime_ns // 1_000_000,
            }

        def op_getfilestatus(self) -> None:
            if not self.missing():
                self.say({"FileStatus": self.status(self.place, "")})

        def op_liststatus(self) -> None:
            if self.at.startswith("/forged"):
                self.say({"FileStatuses": {"FileStatus": [{**self.status(root, ""), "pathSuffix": "../up"}]}})
            elif not self.missing():
                rows = [self.status(one, one.name) for one in self.place.iterdir()] if self.place.is_dir() else []
                self.say({"FileStatuses": {"FileStatus": rows}})

        def op_open(self) -> None:
            if self.missing():
                return
            if "datanode" not in self.query:
                self.answer(307, Location=f"http://{self.headers['Host']}{self.path}&datanode=true")
                return
            with open(self.place, "rb") as file:
                file.seek(int(self.query["offset"]))
                self.answer(200, file.read(int(self.query["length"])))

        def op_create(self) -> None:
            if any(parent.is_file() for parent in self.place.parents):
                self.refuse(403, "ParentNotDirectoryException", f"{self.at} (a parent is not a directory)")
                return
            if "datanode" not in self.query:
                self.answer(307, Location=f"http://{self.headers['Host']}{self.path}&datanode=true")
                return
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with open(self.place, "wb") as file:
                while size := int(self.rfile.readline() or b"0", 16):
                    file.write(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
            self.answer(201)

        def op_mkdirs(self) -> None:
            self.place.mkdir(parents=True, exist_ok=True)
            self.say({"boolean": True})

        def op_delete(self) -> None:
            if self.place.is_file():
                self.place.unlink()
            else:
                shutil.rmtree(self.place, ignore_errors=True)
            self.say({"boolean": True})

        def op_rename(self) -> None:
            target = root / self.query["destination"].lstrip("/")
            if target.exists() and self.query.get("renameoptions") != "OVERWRITE":
                self.refuse(403, "FileAlreadyExistsException", "rename destination exists")
                return
            self.place.replace(target)
            self.answer(200)

    return Handler


def web_files(files: dict[str, bytes], *, ranges: bool) -> type[BaseHTTPRequestHandler]:
    """A server with files by their path and query; one that starts with ``to:`` is a redirect to the rest."""

    class Handler(Quiet):
        def do_GET(self) -> None:
            data = files.get(unquote(self.path))
            if data is None:
                self.answer(404)
            elif data.startswith(b"to:"):
                self.answer(302, Location=data[3:].decode())
            elif data.startswith(b"login:"):
                told = self.headers.get("Authorization", "")
                self.answer(200 if told.encode() == data[6:] else 401, data)
            else:
                self.give(data)

        do_HEAD = do_GET

        def give(self, data: bytes) -> None:
            tag = f'"{len(data)}"'
            facts = {"ETag": tag, "Last_Modified": formatdate(1_706_666_400, usegmt=True)}
            asked = self.headers.get("Range", "")
            if not ranges:
                self.answer(200, data, **facts)
            elif not asked or self.headers.get("If-Range", tag) != tag:
                self.answer(200, data, Accept_Ranges="bytes", **facts)
            else:
                start, end = map(int, asked.removeprefix("bytes=").split("-"))
                self.answer(206, data[start : end + 1], Content_Range=f"bytes {start}-{end}/{len(data)}", **facts)

    return Handler
