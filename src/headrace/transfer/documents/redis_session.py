"""A Redis server or cluster as the connector uses it: keys of a pattern, and commands in pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import ModuleType
from typing import Any

from headrace.errors_cdm import CdmError, RedisAddressMissing, RedisReadFailed, RedisUnreachable, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.drivers import driver
from headrace.transfer.options import Link

_PORT = 6379
_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 60
_SCANNED = 2_000  # keys that one SCAN looks at
_REMEMBERED = 1 << 20  # keys; SCAN may give one twice. Source: Redis documentation, "SCAN", scan guarantees
_SPECIAL = frozenset("\\*?[]")

Command = tuple[Any, ...]


class RedisSession:
    """Connects when first needed. Its methods raise RedisUnreachable, RedisReadFailed, and RunStopped when stopped."""

    def __init__(self, link: Link, cancellation: Cancellation) -> None:
        self._link = link
        self._cancellation = cancellation
        self._cluster = link.choice("deploymentMode", ("Single", "Cluster"), "Single") == "Cluster"

    @cached_property
    def _driver(self) -> ModuleType:
        return driver("redis", "redis")

    @cached_property
    def _client(self) -> Any:
        servers = [_address(text) for text in _servers(self._link)]
        common = {
            "username": self._link.text("userName") or None,
            "password": self._link.text("password") or None,
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_timeout": _ANSWER_SECONDS,
        }
        if self._cluster:
            cluster = driver("redis.cluster", "redis")
            nodes = [cluster.ClusterNode(host, port) for host, port in servers]
            return cluster.RedisCluster(startup_nodes=nodes, **common)
        never = driver("redis.retry", "redis").Retry(driver("redis.backoff", "redis").NoBackoff(), 0)
        host, port = servers[0]
        number = self._link.number("dbIndex", 0)
        return self._driver.Redis(host=host, port=port, db=number, retry=never, **common)

    def _nodes(self) -> Sequence[Any]:
        """A client of each server that holds keys."""
        if not self._cluster:
            return [self._client]
        return [self._client.get_redis_connection(node) for node in self._client.get_primaries()]

    def version(self) -> tuple[int, ...]:
        """Of the server, or of one of the cluster."""
        with self._told():
            text = str(self._nodes()[0].info("server")["redis_version"])
        return tuple(int(part) for part in text.split(".") if part.isdecimal())

    def pages(self, start: str) -> Iterator[list[bytes]]:
        """The keys that start with a text, each once, as far as the first million of them are concerned."""
        pattern = "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in start) + "*"
        seen: set[bytes] = set()
        with self._told():
            nodes = self._nodes()
        for node in nodes:
            cursor = 0
            while True:
                with self._told():
                    cursor, keys = node.scan(cursor, match=pattern, count=_SCANNED)
                fresh = [key for key in dict.fromkeys(keys) if key not in seen]
                if len(seen) < _REMEMBERED:
                    seen.update(fresh)
                if fresh:
                    yield fresh
                if not cursor:
                    break

    def run(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to commands, in their order. An answer may be ``WrongKind``: the key holds another kind."""
        with self._told():
            pipeline = self._client.pipeline() if self._cluster else self._client.pipeline(transaction=False)
            with pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                return [self._answer(one) for one in pipeline.execute(raise_on_error=False)]

    def _answer(self, answer: Any) -> Any:
        if not isinstance(answer, Exception):
            return answer
        if isinstance(answer, self._driver.ResponseError) and str(answer).startswith("WRONGTYPE"):
            return WrongKind()
        raise answer

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the driver raises, as a CdmError without the password; a stop shuts the connections."""
        errors = self._driver.exceptions
        if self._cancellation.cancelled:
            raise RunStopped
        try:
            with self._cancellation.calling(self._cut):
                yield
        except (errors.RedisError, OSError, ValueError, AttributeError) as error:
            if self._cancellation.cancelled:  # the driver trips over a socket that was shut, in several ways
                raise RunStopped from None
            if isinstance(error, ValueError | AttributeError):
                raise
            secret = self._link.text("password")
            text = str(error).replace(secret, "******") if secret else str(error)
            unreachable = (errors.ConnectionError, errors.TimeoutError, errors.AuthenticationError, OSError)
            kind = RedisUnreachable if isinstance(error, unreachable) else RedisReadFailed
            raise kind(f"{self._link.text('serverlist')}: {text}") from None

    def _cut(self) -> None:
        made = self.__dict__.get("_client")
        if made is None:
            return
        if self._cluster:
            made.disconnect_connection_pools()
        else:
            made.connection_pool.disconnect()

    def close(self) -> None:
        """Let go of the connections."""
        made = self.__dict__.pop("_client", None)
        if made is not None:
            made.close()


class WrongKind:
    """The answer for a key that holds another kind of value."""


def _servers(link: Link) -> tuple[str, ...]:
    found = link.items("serverlist", ";") or link.items("serverList", ";")
    if not found:
        raise RedisAddressMissing("linkConfig.serverlist: missing.")
    return found


def _address(text: str) -> tuple[str, int]:
    """``host:port`` or ``host``; an IPv6 address stands in brackets. Raises CdmError."""
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        return text.strip("[]"), _PORT
    if not port.isdecimal():
        raise CdmError(f"linkConfig.serverlist: {text!r} is no host:port.")
    return host.strip("[]"), int(port)
