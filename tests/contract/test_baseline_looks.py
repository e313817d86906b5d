"""Baselines: looked at when due, told once a day for each standing; on each kind of database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from scheduled_jobs import START, Factory, depending, moment

from headrace.domain.clock import from_millis, to_millis
from headrace.errors import InvalidParameter, ValueNotFound
from headrace.factory import alarms as sent
from headrace.factory import baselines
from headrace.scheduling.alarm_sender import AlarmSender
from headrace.scheduling.baseline_looks import look_at_baselines
from headrace.storage import alarms, instances, jobs
from headrace.storage import baselines as stored
from headrace.wire.v2.alarms import ListAlarmsQuery
from headrace.wire.v2.baselines import (
    BaselineInstance,
    CreateBaselineRequest,
    ListBaselineInstancesQuery,
    ListBaselinesQuery,
    PeriodTime,
    SmnTopicRequest,
)

HOUR = 3_600_000
DAILY = "0 0 1 * * ?"


class Promises:
    """Baselines of a factory, looked at by the test."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory

    def id_of(self, name: str) -> str:
        with self.factory.services.db.reading() as connection:
            job = jobs.by_name(connection, self.factory.caller(START).workspace.id, name)
        assert job is not None
        return str(job.id)

    def request(self, *names: str, **members: Any) -> CreateBaselineRequest:
        asked: dict[str, Any] = {
            "workspace_id": self.factory.caller(START).workspace.id,
            "name": "nightly",
            "owner_name": "ann",
            "type": "DAY",
            "sla_task_ids": [self.id_of(name) for name in names],
            "priority": 3,
            "buffer": HOUR,
            "enable": True,
            "alarm_enable": True,
            "sign_enable": False,
            "sla_hour": "06",
            "sla_min": "00",
            "baseline_alarm_enable": True,
            "smn_topics": [SmnTopicRequest(name="ops", urn=None, notify_method="SUBJECT")],
        }
        return CreateBaselineRequest(**{**asked, **members})

    def promise(self, *names: str, at: datetime = START, **members: Any) -> None:
        baselines.create(self.factory.services, self.factory.caller(at), self.request(*names, **members))

    def look(self, at: datetime) -> BaselineInstance:
        """Look, and give the promise that is due next, or was last if there is none yet."""
        look_at_baselines(self.factory.services, to_millis(at))
        return self.found()[-1]

    def found(self, **query: Any) -> list[BaselineInstance]:
        first = to_millis(START)
        asked = ListBaselineInstancesQuery(start_time=first, end_time=first + 180 * 24 * HOUR, limit=100, **query)
        caller = self.factory.caller(START)
        return baselines.list_promises(self.factory.services, caller, "studio", asked).baseline_instances

    def alarmed(self) -> list[tuple[int, str, list[str]]]:
        with self.factory.services.db.writing() as connection:
            taken = alarms.take(connection, 2**53, 100, 2**53)
        return [(each.kind, each.error_message, json.loads(each.topics)) for each in taken]

    def next_look(self) -> str:
        with self.factory.services.db.reading() as connection:
            earliest = stored.earliest(connection)
        assert earliest is not None
        return f"{from_millis(earliest).astimezone(START.tzinfo):%d %H:%M}"

    def set_state(self, name: str, status: str, at: datetime, *, began: datetime | None = None) -> None:
        """Have the newest instance of a job be in a state since a time."""
        record = self.factory.of(name)[-1]
        ended = status in ("success", "fail", "manual-stop")
        start = to_millis(at if began is None else began)
        with self.factory.services.db.writing() as connection:
            changed = record._replace(
                status=status, start_time=start, end_time=to_millis(at) if ended else None, wish=""
            )
            instances.update_instances(connection, [changed])

    def history(self, name: str, hours: float) -> None:
        """One instance of a job that ran so long on the day before."""
        self.set_state(name, "success", moment("07 01:00").replace(hour=1 + int(hours)), began=moment("07 01:00"))


@pytest.fixture
def promises(factory: Factory) -> Promises:
    factory.installation.engine.stop()
    return Promises(factory)


def job(promises: Promises, at: str = "08 00:00", expression: str = DAILY, **members: Any) -> str:
    name = promises.factory.create(expression, at=START, **members)
    promises.factory.start(name, moment(at))
    return name


def test_a_promise_that_is_kept_is_safe_and_told_to_nobody(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.tick(moment("08 01:00"))
    found = promises.look(moment("08 01:00"))
    assert (found.status, found.finish_status, found.sla_time) == ("SAFE", "UNFINISH", to_millis(moment("08 06:00")))
    assert (found.expect_time, found.baseline_name) == (to_millis(moment("08 05:00")), "nightly")
    promises.set_state(name, "success", moment("08 02:00"))
    found = promises.look(moment("08 02:05"))
    assert (found.status, found.finish_status, found.end_time) == ("SAFE", "FINISH", to_millis(moment("08 02:00")))
    assert found.buffer == 4 * 3600
    assert promises.look(moment("08 06:00")).status == "SAFE"
    assert promises.alarmed() == []


def test_what_is_not_finished_is_warned_of_by_the_margin_and_then_missed_each_once(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.tick(moment("08 01:00"))
    promises.set_state(name, "running", moment("08 01:00"))
    number = promises.factory.of(name)[0].id
    assert promises.look(moment("08 04:59")).status == "SAFE"
    assert promises.next_look() == "08 05:00"
    assert promises.look(moment("08 05:00")).status == "DANGEROUS"
    assert promises.look(moment("08 05:05")).status == "DANGEROUS"
    reason = f"{name}: the instance {number} planned at 2026-05-08 01:00 CST is running."
    assert promises.alarmed() == [(6, reason, ["ops"])]
    found = promises.look(moment("08 06:00"))
    assert (found.status, found.finish_status, found.error_message) == ("OVER", "UNFINISH", reason)
    assert (found.first_alarm_time, found.last_alarm_time) == (
        to_millis(moment("08 05:00")),
        to_millis(moment("08 06:00")),
    )
    promises.look(moment("08 06:05"))
    assert [kind for kind, _, _ in promises.alarmed() if kind != 6] == [7]


def test_what_ends_after_its_promise_was_broken_is_finished_and_stays_broken(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.tick(moment("08 01:00"))
    promises.look(moment("08 06:00"))
    promises.set_state(name, "success", moment("08 07:00"))
    promises.look(moment("08 07:05"))
    [first, *_] = promises.found()
    assert (first.status, first.finish_status, first.end_time) == ("OVER", "FINISH", to_millis(moment("08 07:00")))
    assert first.buffer == -3600


def test_a_promise_missed_while_no_server_ran_is_told_afterwards(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.tick(moment("08 09:00"))
    promises.look(moment("08 09:00"))
    assert [kind for kind, _, _ in promises.alarmed()] == [7]
    assert promises.next_look() == "08 09:05"


def test_a_failure_says_at_once_that_a_person_must_help(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.tick(moment("08 01:00"))
    promises.set_state(name, "fail", moment("08 01:10"))
    assert promises.look(moment("08 01:15")).status == "ERROR"
    promises.set_state(name, "success", moment("08 01:30"))  # run again
    assert promises.look(moment("08 01:35")).status == "SAFE"
    assert [kind for kind, _, _ in promises.alarmed()] == [5]


def test_a_job_that_is_paused_cannot_keep_a_promise(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.pause(name, moment("08 00:40"))
    found = promises.look(moment("08 00:45"))
    assert (found.status, found.error_message) == ("ERROR", f"Not scheduled: {name} (PAUSED).")


def test_a_job_that_is_stopped_after_its_instance_keeps_its_promise(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.tick(moment("08 01:00"))
    promises.set_state(name, "success", moment("08 02:00"))
    promises.factory.stop(name, moment("08 03:00"))
    found = promises.look(moment("08 03:00"))
    assert (found.status, found.finish_status) == ("SAFE", "FINISH")
    promises.look(moment("08 06:00"))
    assert promises.look(moment("08 06:05")).error_message == f"Not scheduled: {name} (STOPPED)."


def test_an_alarm_names_the_baseline_and_what_stands_in_the_way(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.tick(moment("08 01:00"))
    promises.look(moment("08 06:00"))
    now = to_millis(moment("08 06:00"))
    AlarmSender(replace(promises.factory.services, now=lambda: now)).round(now)
    asked = ListAlarmsQuery(start_time=now, end_time=now)
    [record] = sent.list_page(promises.factory.services, promises.factory.caller(START), asked).alarm_info
    number = promises.factory.of(name)[0].id
    assert record.send_msg == (
        "The baseline nightly, promised for 2026-05-08 06:00 CST, was missed. "
        f"{name}: the instance {number} planned at 2026-05-08 01:00 CST is waiting."
    )
    assert (record.job_name, record.remind_type, record.plan_time) == ("nightly", 7, now)


def test_the_forecast_warns_before_the_margin_does(promises: Promises) -> None:
    """The upstream runs two hours, what waits for it three: together they end an hour after the time of warning."""
    upstream = job(promises, at="07 00:00")
    name = job(promises, at="07 00:00", **depending(upstream))
    promises.factory.tick(moment("07 01:00"))
    promises.history(upstream, 2)
    promises.history(name, 3)
    promises.promise(name, at=moment("08 00:30"))
    promises.factory.tick(moment("08 01:00"))
    promises.set_state(upstream, "running", moment("08 01:00"))
    found = promises.look(moment("08 01:00"))
    assert found.estimate_complete_time == to_millis(moment("08 06:00"))
    assert (found.status, found.buffer) == ("DANGEROUS", 0)
    assert [kind for kind, _, _ in promises.alarmed()] == [6]


def test_every_hour_of_the_day_before_counts(promises: Promises) -> None:
    name = job(promises, at="08 00:00", expression="0 0 * * * ?")
    promises.promise(name, at=moment("08 00:30"), sla_hour="03", buffer=0)
    promises.factory.tick(moment("08 01:00"))
    promises.set_state(name, "success", moment("08 01:10"))
    assert promises.look(moment("08 01:15")).finish_status == "UNFINISH"  # two more come before three o'clock
    promises.factory.tick(moment("08 03:00"))
    found = promises.look(moment("08 03:00"))
    assert found.status == "OVER"
    assert "2 instances have not ended well" in (found.error_message or "")


def hourly(promises: Promises, name: str, **times: str) -> None:
    """A baseline of the type HOUR: ``h3="02:59"`` is the third hour."""
    periods = [PeriodTime(int(number[1:]), text) for number, text in times.items()]
    promises.promise(name, at=moment("08 00:30"), type="HOUR", buffer=600_000, period=periods, sla_hour="", sla_min="")


def test_each_hour_has_a_promise_about_what_is_planned_in_it(promises: Promises) -> None:
    name = job(promises, expression="0 0/30 * * * ?")
    hourly(promises, name, h2="01:59", h3="02:59", h5="04:59")
    promises.factory.tick(moment("08 02:00"))
    for record in promises.factory.of(name):
        ended = moment("08 01:10") if record.plan_time < to_millis(moment("08 02:00")) else moment("08 02:40")
        with promises.factory.services.db.writing() as connection:
            status = "success" if ended.hour == 1 else "waiting"
            instances.update_instances(connection, [record._replace(status=status, end_time=to_millis(ended))])
    promises.look(moment("08 01:55"))
    promises.look(moment("08 02:00"))
    promises.look(moment("08 02:49"))
    found = promises.found()
    assert [(each.start_time, each.sla_time, each.expect_time) for each in found] == [
        tuple(to_millis(moment(f"08 {hour:02}:{minute}")) for minute in ("00", "59", "49")) for hour in (1, 2)
    ]
    assert [(each.status, each.finish_status) for each in found] == [("SAFE", "FINISH"), ("DANGEROUS", "UNFINISH")]
    assert {each.instance_type for each in found} == {"HOUR"}
    assert promises.found(type="DAY") == []
    assert promises.next_look() == "08 02:54"
    promises.look(moment("08 02:59"))
    assert [each.status for each in promises.found(type="HOUR")] == ["SAFE", "OVER"]
    assert sorted(kind for kind, _, _ in promises.alarmed()) == [6, 7]


def test_promises_of_several_hours_may_be_due_at_one_moment_of_the_next_day(promises: Promises) -> None:
    name = job(promises, expression="0 0 * * * ?")
    hourly(promises, name, h24="26:00", h23="26:00", h2="02:00")
    promises.factory.tick(moment("09 01:00"))
    promises.look(moment("09 01:00"))
    due = to_millis(moment("09 02:00"))
    assert [(each.sla_time, each.start_time) for each in promises.found()][-2:] == [
        (due, to_millis(moment("08 22:00"))),
        (due, to_millis(moment("08 23:00"))),
    ]
    promises.look(moment("09 01:50"))
    assert [each.sla_time for each in promises.found()].count(due) == 3  # the second hour of the ninth, too
    assert len([kind for kind, _, _ in promises.alarmed() if kind == 6]) == 3


def test_hours_missed_while_no_server_ran_are_told_of_the_last_day(promises: Promises) -> None:
    name = job(promises, expression="0 0 * * * ?")
    hourly(promises, name, h2="01:59", h3="02:59")
    promises.factory.tick(moment("11 02:30"))
    promises.look(moment("11 02:30"))
    assert [from_millis(each.sla_time).astimezone(START.tzinfo).strftime("%d %H:%M") for each in promises.found()] == [
        "10 02:59",
        "11 01:59",
        "11 02:59",
    ]
    assert [kind for kind, _, _ in promises.alarmed()] == [7, 7]


def test_hours_in_which_a_stopped_job_plans_nothing_promise_nothing(promises: Promises) -> None:
    name = job(promises, expression="0 0 1 * * ?")
    hourly(promises, name, h2="01:59", h3="02:59")
    promises.factory.pause(name, moment("08 00:40"))
    promises.look(moment("08 01:30"))
    promises.look(moment("08 02:30"))
    [found] = promises.found()
    assert (found.status, found.error_message) == ("OVER", f"Not scheduled: {name} (PAUSED).")
    promises.factory.stop(name, moment("08 03:00"))
    promises.look(moment("09 01:30"))
    promises.look(moment("09 02:30"))
    assert [each.start_time for each in promises.found()][1:] == [to_millis(moment("09 01:00"))]


def test_a_day_without_instances_promises_nothing(promises: Promises) -> None:
    name = job(promises, expression="0 0 1 20 * ?")
    promises.promise(name, at=moment("08 00:30"))
    look_at_baselines(promises.factory.services, to_millis(moment("08 06:00")))
    assert promises.found() == []
    assert promises.alarmed() == []


def test_a_baseline_that_is_switched_off_is_not_looked_at(promises: Promises) -> None:
    promises.promise(job(promises), enable=False)
    assert look_at_baselines(promises.factory.services, to_millis(moment("08 06:00"))) == 0


def test_a_baseline_without_alarms_only_shows_its_promises(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"), baseline_alarm_enable=False)
    promises.factory.tick(moment("08 01:00"))
    assert promises.look(moment("08 06:00")).status == "OVER"
    assert promises.alarmed() == []


def test_what_is_promised_is_checked(promises: Promises) -> None:
    name = job(promises)
    caller = promises.factory.caller(START)
    good = promises.request(name)
    refused: tuple[dict[str, Any], ...] = (
        {"type": "WEEK"},
        {"period": [], "type": "HOUR"},
        {"period": [PeriodTime(0, "00:59")], "type": "HOUR"},
        {"period": [PeriodTime(25, "25:59")], "type": "HOUR"},
        {"period": [PeriodTime(1, "00:59"), PeriodTime(1, "01:59")], "type": "HOUR"},
        {"period": [PeriodTime(3, "02:00")], "type": "HOUR"},
        {"period": [PeriodTime(3, "48:00")], "type": "HOUR"},
        {"period": [PeriodTime(3, "2:59")], "type": "HOUR"},
        {"period": [PeriodTime(3)], "type": "HOUR"},
        {"priority": 6},
        {"buffer": 90_001},
        {"buffer": -60_000},
        {"sla_hour": "24"},
        {"sla_min": "x"},
        {"sla_task_ids": []},
        {"sla_task_ids": ["x"]},
        {"name": "a b"},
        {"workspace_id": "other"},
        {"event_alarm": ["X"]},
    )
    for members in refused:
        with pytest.raises(InvalidParameter, match=next(iter(members))):
            baselines.create(promises.factory.services, caller, promises.request(name, **members))
    with pytest.raises(ValueNotFound, match="sla_task_ids"):
        baselines.create(promises.factory.services, caller, promises.request(name, sla_task_ids=["4711"]))
    promises.promise(name)
    with pytest.raises(InvalidParameter, match="another baseline"):
        baselines.create(promises.factory.services, caller, good)


def test_a_baseline_is_changed_and_deleted(promises: Promises) -> None:
    name = job(promises)
    promises.promise(name, at=moment("08 00:30"))
    services, caller = promises.factory.services, promises.factory.caller(moment("08 00:30"))
    [shown] = baselines.list_page(services, caller, "studio", ListBaselinesQuery()).baselines
    assert (shown.version, shown.exp_hour, shown.exp_min, shown.sla_hour) == (1, 5, 0, 6)
    changed = promises.request(name, sla_hour="00", sla_min="10", name="early", priority=5)
    baselines.change(services, caller, shown.id, changed)
    [again] = baselines.list_page(services, caller, "studio", ListBaselinesQuery(priority=[5, 4])).baselines
    assert (again.id, again.name, again.version, again.exp_hour, again.exp_min) == (shown.id, "early", 2, 23, 10)
    assert baselines.list_page(services, caller, "studio", ListBaselinesQuery(priority=[3])).total == 0
    promises.factory.tick(moment("08 01:00"))
    assert promises.look(moment("08 01:00")).sla_time == to_millis(moment("09 00:10"))
    assert [each.status for each in promises.found(status="SAFE", finish_status="UNFINISH")] == ["SAFE"]
    assert promises.found(status="OVER") == []
    baselines.delete(services, caller, shown.id)
    assert promises.found() == []
    with pytest.raises(ValueNotFound, match="baseline_id"):
        baselines.delete(services, replace(caller), shown.id)
