"""A MongoDB server as the connector uses it: connected when first needed, its errors told, stopped at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from types import ModuleType
from typing import Any

from headrace.errors_cdm import (
    CdmError,
    LoadFailed,
    MongoAddressMissing,
    MongoReadFailed,
    MongoUnreachable,
    RunStopped,
)
from headrace.sql.engine import Cancellation
from headrace.transfer.documents.shell_json import Calls
from headrace.transfer.drivers import driver
from headrace.transfer.options import Link

_PATIENCE = 10_000  # milliseconds until a server must be found
_REFUSED = frozenset({13, 18})  # Source: MongoDB, error codes "Unauthorized", "AuthenticationFailed"
_MILLISECONDS = 1000


class MongoSession:
    """Its methods raise MongoUnreachable, MongoReadFailed or LoadFailed, and RunStopped when stopped."""

    def __init__(self, link: Link, cancellation: Cancellation) -> None:
        self._link = link
        self._cancellation = cancellation
        self._used: list[Any] = []

    @cached_property
    def bson(self) -> ModuleType:
        """The driver's types. Raises DriverMissing."""
        return driver("bson", "mongodb")

    @cached_property
    def _errors(self) -> ModuleType:
        return driver("pymongo.errors", "mongodb")

    @cached_property
    def codec(self) -> Any:
        """How documents are read: moments with their zone, those that Python has not as such."""
        options = driver("bson.codec_options", "mongodb")
        return options.CodecOptions(
            tz_aware=True,
            tzinfo=UTC,
            datetime_conversion=options.DatetimeConversion.DATETIME_AUTO,
            uuid_representation=driver("bson.binary", "mongodb").UuidRepresentation.STANDARD,
        )

    @cached_property
    def _client(self) -> Any:
        """The first that lets us in: the user may be of the link's database, or of ``admin``."""
        servers = self._link.items("serverList", ";")
        if not servers:
            raise MongoAddressMissing("linkConfig.serverList: missing.")
        user = self._link.text("userName")
        if not user:
            return self._connected(servers, {})
        given = {"username": user, "password": self._link.text("password")}
        owner = self._link.text("database", "admin")
        try:
            return self._connected(servers, {**given, "authSource": owner})
        except self._errors.OperationFailure as error:
            if error.code not in _REFUSED or owner == "admin":
                raise
            return self._connected(servers, {**given, "authSource": "admin"})

    def _connected(self, servers: tuple[str, ...], given: dict[str, str]) -> Any:
        client = driver("pymongo", "mongodb").MongoClient(
            list(servers),
            appname="headrace",
            serverSelectionTimeoutMS=_PATIENCE,
            connectTimeoutMS=_PATIENCE,
            retryWrites=False,  # a bulk write tells which rows are in
            retryReads=False,
            **given,
        )
        try:
            client.admin.command("ping")
        except Exception:
            client.close()
            raise
        return client

    def collection(self, database: str, name: str) -> Any:
        """A collection, read as ``codec`` says."""
        with self.told():
            return self._client[database].get_collection(name, codec_options=self.codec)

    def session(self) -> Any:
        """A session on the server, for one thread; a stop ends what it does there."""
        with self.told():
            made = self._client.start_session()
        self._used.append(made)
        return made

    def version(self) -> str:
        """Of the server."""
        with self.told():
            return str(self._client.server_info()["version"])

    @contextmanager
    def told(self, *, writes: bool = False) -> Iterator[None]:
        """What the driver raises, as a CdmError without the password."""
        if self._cancellation.cancelled:
            raise RunStopped
        try:
            with self._cancellation.calling(self._kill):
                yield
        except self._errors.PyMongoError as error:
            if self._cancellation.cancelled:
                raise RunStopped from None
            raise self._as_told(error, writes=writes) from None

    def _as_told(self, error: Any, *, writes: bool) -> CdmError:
        secret = self._link.text("password")
        text = str(error).replace(secret, "******") if secret else str(error)
        refused = isinstance(error, self._errors.OperationFailure) and error.code in _REFUSED
        if refused or isinstance(error, self._errors.ConnectionFailure | self._errors.ConfigurationError):
            return MongoUnreachable(f"{self._link.text('serverList')}: {text}")
        return LoadFailed(text) if writes else MongoReadFailed(text)

    def _kill(self) -> None:
        """End what the server does for us. Source: MongoDB manual, "killSessions"."""
        client, used = self.__dict__.get("_client"), list(self._used)
        if client is not None and used:
            with suppress(self._errors.PyMongoError):
                client.admin.command("killSessions", [one.session_id for one in used])

    def close(self) -> None:
        """Let go of the connections."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            with suppress(self._errors.PyMongoError):
                for one in self._used:
                    one.end_session()
                client.close()
        self._used.clear()

    def calls(self) -> Calls:
        """What may be called in a query. Source: MongoDB manual, "Data Types in mongosh"."""
        bson = self.bson

        def pattern(text: str, flags: str = "") -> Any:
            return driver("bson.regex", "mongodb").Regex(text, flags)

        return {
            "ISODate": _moment,
            "Date": _moment,
            "ObjectId": bson.ObjectId,
            "NumberLong": lambda value: bson.Int64(int(value)),
            "Long": lambda value: bson.Int64(int(value)),
            "NumberInt": int,
            "Int32": int,
            "Double": float,
            "NumberDecimal": lambda value: bson.Decimal128(str(value)),
            "Decimal128": lambda value: bson.Decimal128(str(value)),
            "UUID": lambda value: driver("bson.binary", "mongodb").Binary.from_uuid(driver("uuid").UUID(value)),
            "Timestamp": driver("bson.timestamp", "mongodb").Timestamp,
            "MinKey": bson.MinKey,
            "MaxKey": bson.MaxKey,
            "RegExp": pattern,
        }


def _moment(value: str | int) -> datetime:
    """Milliseconds, or ISO 8601, in UTC where it names no zone. Raises ValueError."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value / _MILLISECONDS, UTC)
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
