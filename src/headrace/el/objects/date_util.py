"""``DateUtil``: dates, in the instance's time zone."""

from __future__ import annotations

from datetime import datetime, timedelta

from headrace.el import java_calendar
from headrace.el.declare import EmbeddedObject
from headrace.el.errors import CannotEvaluate
from headrace.el.java_calendar import century_before, in_zone
from headrace.el.java_date_format import format_date
from headrace.el.java_date_parse import parse_date
from headrace.el.scope import Scope
from headrace.el.zones import zone_named

DATE_UTIL = EmbeddedObject("DateUtil", "Dates, in the instance's time zone.")

MAX_AMOUNT = 2**31 - 1  # a Java int


def _amount(amount: int) -> int:
    if abs(amount) > MAX_AMOUNT:
        raise CannotEvaluate(f"an amount of 32 bits, found {amount}")
    return amount


@DATE_UTIL.method("format")
def format_(scope: Scope, date: datetime, pattern: str) -> str:
    """The date as a pattern of ``SimpleDateFormat`` writes it."""
    return format_date(date, pattern, scope.zone)


@DATE_UTIL.method("formatWithTimeZone")
def format_with_time_zone(date: datetime, pattern: str, time_zone: str) -> str:
    """The date as a pattern writes it in another time zone, such as ``GMT+0``."""
    return format_date(date, pattern, zone_named(time_zone))


@DATE_UTIL.method("addMonths")
def add_months(scope: Scope, date: datetime, amount: int) -> datetime:
    """The date so many months later; a day that month lacks becomes its last day."""
    return java_calendar.add_months(date, _amount(amount), scope.zone)


@DATE_UTIL.method("addDays")
def add_days(scope: Scope, date: datetime, amount: int) -> datetime:
    """The date so many days later, at the same time of day."""
    return java_calendar.add_days(date, _amount(amount), scope.zone)


@DATE_UTIL.method("addHours")
def add_hours(scope: Scope, date: datetime, amount: int) -> datetime:
    """The date so many hours later."""
    return java_calendar.add_duration(date, timedelta(hours=_amount(amount)), scope.zone)


@DATE_UTIL.method("addMinutes")
def add_minutes(scope: Scope, date: datetime, amount: int) -> datetime:
    """The date so many minutes later."""
    return java_calendar.add_duration(date, timedelta(minutes=_amount(amount)), scope.zone)


@DATE_UTIL.method("getDay")
def get_day(scope: Scope, date: datetime) -> int:
    """The day of the month, from 1."""
    return in_zone(date, scope.zone).day


@DATE_UTIL.method("getMonth")
def get_month(scope: Scope, date: datetime) -> int:
    """The month, 1 to 12."""
    return in_zone(date, scope.zone).month


@DATE_UTIL.method("getQuarter")
def get_quarter(scope: Scope, date: datetime) -> int:
    """The quarter, 1 to 4."""
    return (in_zone(date, scope.zone).month + 2) // 3


@DATE_UTIL.method("getYear")
def get_year(scope: Scope, date: datetime) -> int:
    """The year."""
    return in_zone(date, scope.zone).year


@DATE_UTIL.method("now")
def now(scope: Scope) -> datetime:
    """The real time: another one in every run; ``Job.planTime`` stays the same when a run is repeated."""
    return scope.now()


@DATE_UTIL.method("getTime")
def get_time(date: datetime) -> int:
    """Milliseconds since 1970-01-01 00:00 Greenwich."""
    return round((date - _EPOCH) // timedelta(milliseconds=1))


@DATE_UTIL.method("parseDate")
def parse_date_(scope: Scope, text: str, pattern: str) -> datetime:
    """The date a text gives by a pattern; what follows in the text is ignored.

    A two-digit year lies in the century that begins 80 years before the plan time.
    """
    return parse_date(text, pattern, scope.zone, century_before(scope.plan_time, scope.zone))


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
