"""The preview of parameters, as the console asks for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from headrace.storage import environment

Json = dict[str, Any]

SHANGHAI = timezone(timedelta(hours=8))
CYCLE = "a job parameter `a` that does not need itself (job parameter `a` → job parameter `b` → job parameter `a`)"


class Previews:
    """Jobs in a workspace of its own, and previews of them."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.workspace = server.workspace()

    def post(self, path: str, body: Json | None = None) -> Any:
        return self._server.http.post(f"/v1/{{p}}/{path}", json=body, headers={"workspace": self.workspace})

    def job(self, name: str, params: dict[str, str], schedule: Json | None = None) -> None:
        node = {"name": "n", "type": "Dummy", "properties": []}
        listed = [{"name": key, "value": value} for key, value in params.items()]
        made = {"name": name, "processType": "BATCH", "nodes": [node], "params": listed}
        answer = self.post("jobs", made if schedule is None else {**made, "schedule": schedule})
        assert answer.is_success, answer.text

    def of(self, name: str, body: Json | None = None) -> list[Json]:
        answer = self.post(f"jobs/{name}/parameters/preview", body)
        assert answer.status_code == 200, answer.text
        previews: list[Json] = answer.json()["previews"]
        return previews

    def refused(self, name: str, body: Json | None = None) -> Json:
        answer = self.post(f"jobs/{name}/parameters/preview", body)
        assert answer.status_code == 400, answer.text
        told: Json = answer.json()
        return told

    def variable(self, name: str, value: str) -> None:
        document = {"name": name, "value": value}
        text = msgspec.json.encode(document).decode()
        with self._server.services.db.writing() as connection:
            environment.put(connection, self.workspace, name, text)

    def switch(self, items: Json) -> None:
        path = f"/v1/{{p}}/workspaces/studio/{self.workspace}/default-items"
        assert self._server.http.put(path, json=items).is_success

    def sealed(self, text: str) -> str:
        return str(self._server.services.sealer.seal(text))


@pytest.fixture
def previews(server: Any) -> Previews:
    return Previews(server)


def daily(expression: str = "0 0 2 * * ?", **members: str) -> Json:
    return {"type": "CRON", "cron": {"expression": expression, "startTime": "2018-09-26T00:00:00+08", **members}}


def values(shown: Json) -> dict[str, str]:
    return {item["name"]: item["value"] for item in shown["parameters"]}


def errors(shown: Json) -> dict[str, Json]:
    return {item["name"]: item["error"] for item in shown["parameters"] if "error" in item}


def test_preview_parameters__of_a_daily_job_are_those_of_its_next_ten_plan_times(previews: Previews) -> None:
    previews.job(
        "daily",
        {
            "dt": '#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyMMdd")}',
            "where": "dt='${dt}' and job='#{Job.name}'",
            "fixed": "x",
        },
        daily(),
    )
    now = datetime.now(SHANGHAI)
    shown = previews.of("daily")
    first = now.replace(hour=2, minute=0, second=0, microsecond=0)
    first += timedelta(days=first <= now)
    expected = [first + timedelta(days=number) for number in range(10)]
    assert [item["planTime"] for item in shown] == [int(moment.timestamp() * 1000) for moment in expected]
    assert [item["planTimeText"] for item in shown] == [f"{moment:%Y-%m-%d} 02:00:00" for moment in expected]
    days = [f"{moment - timedelta(days=1):%Y%m%d}" for moment in expected]
    assert [values(item) for item in shown] == [
        {"dt": day, "where": f"dt='{day}' and job='daily'", "fixed": "x"} for day in days
    ]
    assert {item["origin"] for item in shown[0]["parameters"]} == {"job"}


def test_preview_parameters__count_and_the_zone_of_the_schedule_are_heeded(previews: Previews) -> None:
    previews.job("zoned", {"h": '#{DateUtil.format(Job.planTime,"HH")}'}, daily(expressionTimeZone="GMT+9"))
    assert [values(item) for item in previews.of("zoned", {"count": 2})] == [{"h": "01"}, {"h": "01"}]


def test_preview_parameters__of_a_schedule_that_has_ended_are_none(previews: Previews) -> None:
    previews.job("over", {"a": "1"}, daily(endTime="2019-01-01T00:00:00+08"))
    assert previews.of("over") == []


@pytest.mark.parametrize("given", ["2024-01-07 01:00:00", "2024-01-06T17:00:00Z", 1704560400000])
def test_preview_parameters__at_a_given_plan_time(previews: Previews, given: str | int) -> None:
    previews.job("weekly", {"week": '#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyww")}'}, daily())
    assert previews.of("weekly", {"planTime": given}) == [
        {
            "planTime": 1704560400000,
            "planTimeText": "2024-01-07 01:00:00",
            "parameters": [{"name": "week", "origin": "job", "value": "202401"}],
        }
    ]


def test_preview_parameters__of_a_job_without_a_cron_schedule_are_those_of_a_run_now(previews: Previews) -> None:
    previews.job("once", {"day": '#{DateUtil.format(Job.planTime,"yyyy-MM-dd HH:mm:ss")}'})
    before = int(datetime.now(UTC).timestamp() * 1000)
    (shown,) = previews.of("once")
    assert before <= shown["planTime"] <= int(datetime.now(UTC).timestamp() * 1000)
    assert values(shown) == {"day": shown["planTimeText"]}


def test_preview_parameters__given_ones_stand_before_the_job_and_the_environment(previews: Previews) -> None:
    previews.variable("env", "e")
    previews.variable("both", "of the environment")
    previews.job("ranks", {"both": "of the job", "given": "no", "sum": "${given} ${env}"})
    (shown,) = previews.of("ranks", {"params": [{"name": "given", "value": "#{1+1}"}, {"name": "new", "value": 3}]})
    assert values(shown) == {"both": "of the job", "given": "2", "sum": "2 e", "new": "3", "env": "e"}
    assert [item["origin"] for item in shown["parameters"]] == ["job", "job", "job", "job", "environment"]


def test_preview_parameters__a_secret_of_the_environment_is_a_mask_everywhere(previews: Previews) -> None:
    previews.variable("secret", previews.sealed("open sesame"))
    previews.job("door", {"direct": "${secret}", "read": '#{Env.get("secret")}'})
    (shown,) = previews.of("door")
    assert values(shown) == {"direct": "*********", "read": "*********", "secret": "*********"}


def test_preview_parameters__the_switches_of_the_workspace_are_heeded(previews: Previews) -> None:
    previews.switch({"script_variable_definition": "${dlf.}", "use_simple_variable_set": True})
    previews.job("switched", {"dlf.a": "1", "b": "${dlf.a} ${b}", "day": "$[yyyymmdd-1]"})
    (shown,) = previews.of("switched", {"planTime": "2024-01-07 01:00:00"})
    assert values(shown) == {"dlf.a": "1", "b": "1 ${b}", "day": "20240106"}


def test_preview_parameters__each_that_fails_tells_its_error_beside_the_values(previews: Previews) -> None:
    previews.job("mixed", {"good": "1", "a": "${b}", "b": "${a}", "bad": "x #{DateUtil.nope()}"})
    (shown,) = previews.of("mixed")
    told = errors(shown)
    assert [item["value"] for item in shown["parameters"] if "value" in item] == ["1"]
    assert sorted(told) == ["a", "b", "bad"]
    assert CYCLE in told["a"]["message"]
    assert {key: told["bad"][key] for key in ("code", "expression", "position")} == {
        "code": "DLF.3051",
        "expression": "x #{DateUtil.nope()}",
        "position": 13,
    }


def test_preview_parameters__what_only_a_run_can_know_is_an_error_of_its_parameter(previews: Previews) -> None:
    previews.job(
        "later",
        {"output": '#{Job.getNodeOutput("n")}', "there": '#{OBSUtil.isExistOBSPath("obs://b/k")}', "long": "${x}"},
    )
    (shown,) = previews.of("later", {"params": [{"name": "x", "value": "y" * 33_000}]})
    told = errors(shown)
    assert sorted(told) == ["long", "output", "there", "x"]
    assert "what the node 'n' gave in a run" in told["output"]["message"]
    assert "33,000 characters; a preview shows at most 32,768." in told["x"]["message"]


def test_preview_parameters__of_an_unknown_job_answers_dlf_0100(previews: Previews) -> None:
    told = previews.refused("nowhere")
    assert (told["error_code"], "'nowhere'" in told["error_msg"]) == ("DLF.0100", True)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"count": 0}, "count: 0 is not between 1 and 10."),
        ({"count": 11}, "count: 11 is not between 1 and 10."),
        ({"planTime": "yesterday"}, "planTime: 'yesterday' is no time like 2024-01-07 01:00:00"),
        ({"planTime": 10**18}, f"planTime: {10**18} is no time like"),
        ({"planTime": "9999-12-31 23:59:59"}, "planTime: '9999-12-31 23:59:59' is no time like"),
        ({"params": [{"value": "1"}]}, "params[0].name: None is not 1 to 64 letters"),
    ],
)
def test_preview_parameters__a_body_that_cannot_be_read_names_the_member(
    previews: Previews, body: Json, detail: str
) -> None:
    previews.job("plain", {})
    told = previews.refused("plain", body)
    assert told["error_code"] == "DLF.3051"
    assert detail in told["error_msg"]


def test_preview_parameters__of_a_cron_job_without_expression_answers_dlf_3025(previews: Previews) -> None:
    previews.job("blank", {}, {"type": "CRON", "cron": {}})
    told = previews.refused("blank")
    assert told["error_code"] == "DLF.3025"
    assert "schedule.cron.expression" in told["error_msg"]
