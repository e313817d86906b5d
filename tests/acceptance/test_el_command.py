"""``headrace el`` as a user types it: the value, the steps, JSON, exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AT = ("--plan-time", "2018-09-26 01:00:00")
YESTERDAY = '#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyMMdd")}'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def el(home: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headrace", "el", *arguments]
    environment = {**os.environ, "HEADRACE_HOME": str(home), "COLUMNS": "200", "PYTHONUTF8": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=60)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended


def el_json(home: Path, *arguments: str, status: int = 0) -> Any:
    return json.loads(el(home, *arguments, "--json", status=status).stdout)


def test_el__value_goes_to_output_and_the_steps_beside_it(home: Path) -> None:
    ended = el(home, YESTERDAY, *AT)
    assert ended.stdout == "20180925\n"
    assert ended.stderr.splitlines() == [
        "  Job.planTime                      = 2018-09-26 01:00:00 +08:00   (Date)",
        "  DateUtil.addDays(Job.planTime,-1) = 2018-09-25 01:00:00 +08:00   (Date)",
        "    with 2018-09-26 01:00:00 +08:00, -1",
        '  DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyMMdd")',
        '    = "20180925"',
        '    with 2018-09-25 01:00:00 +08:00, "yyyyMMdd"',
    ]
    assert not home.exists()


def test_el__quiet_prints_the_value_only(home: Path) -> None:
    ended = el(home, f"dt={YESTERDAY}/x", *AT, "--quiet")
    assert (ended.stdout, ended.stderr) == ("dt=20180925/x\n", "")


def test_el__json_is_one_object_with_value_and_steps(home: Path) -> None:
    assert el_json(home, "#{${n} * 2}", "--param", "n=4") == {
        "value": "8",
        "steps": [
            {"in": "", "source": "${n}", "position": 2, "value": "4", "type": "String", "note": "job parameter"},
            {
                "in": "",
                "source": "#{${n} * 2}",
                "position": 0,
                "value": "#{4 * 2}",
                "type": "String",
                "note": "${name} replaced",
            },
            {"in": "", "source": "4 * 2", "position": 2, "value": "8", "type": "int"},
        ],
    }


def test_el__parameters_may_be_expressions_and_the_job_wins_over_the_environment(home: Path) -> None:
    given = (
        "--param",
        'day=#{Job.getYesterday("yyyyMMdd")}',
        "--param",
        "city=xian",
        "--env",
        "city=wuhan",
        "--env",
        "root=obs://#{1+1}",
    )
    ended = el(home, "${root}/${city}/${day}/${nobody}", *given, *AT)
    assert ended.stdout == "obs://2/xian/20180925/${nobody}\n"
    assert [" ".join(line.split()) for line in ended.stderr.splitlines()] == [
        "in environment variable `root`:",
        "1+1 = 2 (int)",
        "in the text:",
        '${root} = "obs://2" (environment variable)',
        '${city} = "xian" (job parameter)',
        "in job parameter `day`:",
        'Job.getYesterday("yyyyMMdd") = "20180925"',
        "in the text:",
        '${day} = "20180925" (job parameter)',
    ]


def test_el__expressions_in_each_other_are_read_as_users_write_them(home: Path) -> None:
    assert el(home, '#{#{Job.getParam("a")} + 1}', "--param", "a=#{2*3}").stdout == "61\n"


def test_el__zone_is_the_option_then_the_setting(home: Path) -> None:
    text = '#{DateUtil.formatWithTimeZone(Job.planTime,"HH:mm","GMT+0")}'
    assert el(home, text, *AT).stdout == "17:00\n"
    assert el(home, text, *AT, "--tz", "GMT+2").stdout == "23:00\n"
    home.mkdir()
    (home / "headrace.toml").write_text('time_zone = "Europe/Berlin"\n')
    assert el(home, text, *AT).stdout == "23:00\n"
    assert el(home, text, *AT, "--tz", "UTC").stdout == "01:00\n"


def test_el__plan_time_is_now_when_none_is_given(home: Path) -> None:
    assert el(home, "#{DateUtil.getTime(Job.planTime) == DateUtil.getTime(DateUtil.now())}").stdout == "true\n"


def test_el__output_of_an_earlier_node_is_given(home: Path) -> None:
    text = '#{Job.getNodeStatus("a")} #{StringUtil.getDigits(Job.getNodeOutput("a"))} #{Job.getNodeOutput("b")}'
    assert el(home, text, "--node-output", 'a=[["8=8"]]').stdout == "success 88 null\n"


def test_el__text_without_an_expression_stays_and_says_so(home: Path) -> None:
    ended = el(home, "Job.planTime")
    assert (ended.stdout, ended.stderr) == ("Job.planTime\n", "no #{…} in this text\n")


def test_el__error_shows_place_expectation_and_repair(home: Path) -> None:
    ended = el(home, 'day=#{DateUtil.formatt(Job.planTime,"yyyy")}', status=1)
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "headrace: The expression cannot be evaluated. "
        "Expected a property or method of DateUtil, found `formatt`, at character 16:",
        '  day=#{DateUtil.formatt(Job.planTime,"yyyy")}',
        "                 ^",
        "Did you mean DateUtil.format?",
    ]


def test_el__error_in_json_has_its_position_and_the_steps_before_it(home: Path) -> None:
    told = el_json(home, "#{(2 - 2) + 1 / ${zero}}", "--env", "zero=0", status=1)
    message = told["error"].pop("message")
    assert told["error"] == {
        "code": "DLF.3051",
        "in": "",
        "source": "#{(2 - 2) + 1 / 0}",
        "position": 14,
        "expected": "a divisor other than 0",
        "repair": "Test the divisor first: b == 0 ? 0 : a / b.",
    }
    assert "at character 15" in message
    assert [step["source"] for step in told["steps"]] == ["${zero}", "#{(2 - 2) + 1 / ${zero}}", "2 - 2"]
    assert "value" not in told


def test_el__cycle_of_parameters_is_an_error(home: Path) -> None:
    error = el_json(home, "${a}", "--param", "a=${b}", "--param", "b=${a}", status=1)["error"]
    assert "job parameter `a` → job parameter `b` → job parameter `a`" in error["expected"]


def test_el__half_of_a_surrogate_pair_can_be_printed(home: Path) -> None:
    assert el(home, '#{"\\ud800"}').stdout == "\ufffd\n"
    assert el_json(home, '#{StringUtil.trim("\\ud800")}')["value"] == "\ufffd"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--plan-time", "2018-09-26"), "--plan-time: '2018-09-26' is no time like 2018-09-26 01:00:00"),
        (("--plan-time", "2018-13-26 01:00:00"), "--plan-time: '2018-13-26 01:00:00' is no time"),
        (("--tz", "Mars/Olympus"), "--tz: expected a time zone, found the text 'Mars/Olympus'."),
        (("--param", "a"), "--param: 'a' is not NAME=VALUE"),
        (("--env", "=a"), "--env: '=a' is not NAME=VALUE"),
        (("--node-output", "a"), "--node-output: 'a' is not NODE=TEXT"),
        (("--unknown",), "No such option"),
    ],
)
def test_el__wrong_usage_ends_with_2(home: Path, arguments: tuple[str, ...], told: str) -> None:
    ended = el(home, "#{1}", *arguments, status=2)
    assert told in ended.stderr
    assert ended.stdout == ""


def test_el__wrong_zone_in_the_settings_is_told_by_its_name(home: Path) -> None:
    home.mkdir()
    (home / "headrace.toml").write_text('time_zone = "Nowhere"\n')
    assert "time_zone" in el(home, "#{1}", status=2).stderr
    assert el(home, "#{1}", "--tz", "UTC").stdout == "1\n"
