"""Which names of time zones are taken. Source: "Creating a Job", table 12: ``GMT+8``, ``Asia/Shanghai``."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from headrace.domain.zones import UnknownZone, zone_named


@pytest.mark.parametrize(
    ("name", "hours"),
    [("GMT+8", 8), ("GMT+08:00", 8), ("+08", 8), ("UTC-05:30", -5.5), ("Asia/Shanghai", 8), ("UTC", 0), ("CTT", 8)],
)
def test_zone_named__takes_offsets_and_names(name: str, hours: float) -> None:
    assert datetime(2024, 1, 1, tzinfo=zone_named(name)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("name", ["", "GMT+24", "Asia/Nowhere", "../etc/passwd", "A" * 5000])
def test_zone_named__refuses_what_names_no_zone(name: str) -> None:
    with pytest.raises(UnknownZone, match="is no time zone"):
        zone_named(name)
