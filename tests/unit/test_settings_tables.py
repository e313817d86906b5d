"""Settings that are tables: of ``headrace.toml``, or JSON in a variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.settings import InvalidSetting, Settings


def test_load__a_table_gives_lists(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text('[topics]\nops = "json://h"\nall = ["json://h", "syslog://"]\n')
    assert Settings.load({"home": tmp_path}, {}).topics == {"ops": ["json://h"], "all": ["json://h", "syslog://"]}


def test_load__a_variable_holds_a_table_as_json(tmp_path: Path) -> None:
    given = {"HEADRACE_TOPICS": '{"ops": "json://h"}'}
    assert Settings.load({"home": tmp_path}, given).topics == {"ops": ["json://h"]}


@pytest.mark.parametrize("text", ["mailto://me:hush@h", "[1]", '{"ops": 1}', '{"ops": ["a", 1]}'])
def test_load__a_bad_table_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidSetting, match="HEADRACE_TOPICS: topics cannot be this value: expected a") as refusal:
        Settings.load({"home": tmp_path}, {"HEADRACE_TOPICS": text})
    assert "hush" not in str(refusal.value)


def test_waiting_instances_are_kept_for_two_days_at_least() -> None:
    assert Settings.load({"waiting_days": 2}, {}).waiting_days == 2
    with pytest.raises(InvalidSetting, match="HEADRACE_WAITING_DAYS: waiting_days cannot be '1': it is at least 2"):
        Settings.load({}, {"HEADRACE_WAITING_DAYS": "1"})
