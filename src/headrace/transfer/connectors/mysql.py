"""MySQL, MariaDB and DDM. Source: CDM API reference, "MySQL link", "To Relational Databases"."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.errors_cdm import DriverMissing
from headrace.transfer.connector import REFUSED, Capability, Connector, Loss, Source, Target, UrlJob, connector
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.mysql_address import Habits, MySqlAddress
from headrace.transfer.relational.source import DEFAULT_FETCH, RelationalSource
from headrace.transfer.relational.target import RelationalTarget
from headrace.transfer.relational.urls import job_of_url, properties

if TYPE_CHECKING:  # it needs the driver
    from headrace.transfer.relational.mysql_database import MySqlDatabase

_PORT = 3306
_LONGER = 3  # times. Source: CDM API reference, extendCharLength


@connector
class MySql(Connector):
    """Tables of MySQL and of what speaks its protocol."""

    capability = Capability(
        title="MySQL, MariaDB, DDM",
        connector_names=("generic-jdbc-connector",),
        databases=("MYSQL", "DDM"),
        schemes=("mysql", "mariadb"),
        extra="mysql",
        tested="MariaDB",
        limits="MySQL and DDM speak the same protocol and were not tested. Tables without transactions are loaded row"
        " by row.",
        losses=(
            Loss(("flag",), "true and false as text, into a TINYINT", REFUSED),
            Loss(("float32", "infinite", "nan"), "infinity and NaN", REFUSED),
            Loss(("float64",), "-0.0", "0.0"),
            Loss(("zoned",), "moments with a zone, before 1970 and from 2038 on", REFUSED),
        ),
    )

    def database(self, *, writes: bool = False, text_factor: int = 1) -> MySqlDatabase:
        """The database of the link. Raises CdmError."""
        given = properties(self.link.text("jdbcProperties"))
        habits = Habits(
            writes=writes,
            bool_is_tiny=not writes and given.get("tinyInt1isBit", "").lower() == "true",
            zero_is_null=given.get("zeroDateTimeBehavior", "").lower() in ("converttonull", "convert_to_null"),
            text_factor=text_factor,
            native=self.link.flag("usingNative", default=True),
        )
        try:
            module = importlib.import_module("headrace.transfer.relational.mysql_database")
        except ModuleNotFoundError as error:
            raise DriverMissing(f"pip install 'headrace[mysql]' installs it ({error}).") from error
        found: MySqlDatabase = module.MySqlDatabase(address(self.link), self.surroundings.cancellation, habits)
        return found

    def test(self) -> str:
        """Ask for the version."""
        return str(self.database().rows("SELECT CONCAT(@@version_comment, ' ', @@version)")[0][0])

    def source(self, options: Options) -> Source:
        """A table, tables, or a SELECT."""
        return RelationalSource(self.database(), options, self.link.number("fetchSize", DEFAULT_FETCH, 1))

    def target(self, options: Options) -> Target:
        """A table."""
        factor = _LONGER if options.flag("extendCharLength") else 1
        return RelationalTarget(self.database(writes=True, text_factor=factor), options)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """``mysql://user:password@host:port/database/table``, or ``.../database?sql=SELECT ...``."""
        return job_of_url(url, "MYSQL", _PORT)


def address(link: Link) -> MySqlAddress:
    """Where a link leads. Raises CdmError."""
    host, port = link.address(default_port=_PORT)
    given = properties(link.text("jdbcProperties"))
    return MySqlAddress(
        host=host,
        port=port,
        user=link.text("username"),
        password=link.text("password"),
        database=link.text("database"),
        tls=_tls(link, given),
        connect_seconds=_seconds(given, "connectTimeout") or 10,
        socket_seconds=_seconds(given, "socketTimeout"),
    )


def _tls(link: Link, given: Mapping[str, str]) -> Mapping[str, Any] | None:
    """As the driver of Java understands its properties. Source: MySQL Connector/J, "Security"."""
    mode = given.get("sslMode", "").upper()
    wanted = (
        link.flag("useSSL") or given.get("useSSL", "").lower() == "true" or mode not in ("", "DISABLED", "PREFERRED")
    )
    if not wanted:
        return None
    verified = mode.startswith("VERIFY_") or given.get("verifyServerCertificate", "").lower() == "true"
    if not verified:
        return {"check_hostname": False, "verify_mode": "none"}
    return {"check_hostname": mode == "VERIFY_IDENTITY", "verify_mode": "required"}


def _seconds(given: Mapping[str, str], name: str) -> int:
    """A time of the driver, which is in milliseconds; 0 where there is none."""
    text = given.get(name, "").strip()
    return -(-int(text) // 1000) if text.isdecimal() else 0
