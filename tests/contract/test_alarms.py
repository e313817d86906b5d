"""Alarms: queued with what causes them, sent afterwards, recorded; on each kind of database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from scheduled_jobs import START, Factory, moment

from headrace import notifications
from headrace.domain.alarms import AlarmKind
from headrace.domain.clock import to_millis
from headrace.domain.job import JobDefinition
from headrace.factory import alarms, instance_operations, jobs
from headrace.scheduling.alarm_sender import AlarmSender
from headrace.storage import alarms as stored
from headrace.storage import instances
from headrace.wire.v2.alarms import AlarmInfo, AlarmPeriod, ListAlarmRulesQuery, ListAlarmsQuery, PutAlarmRuleRequest
from node_surroundings import Request, WebService, load_apprise, web_service

load_apprise()
EVER = ListAlarmsQuery(start_time=0, end_time=2**53, limit=1000)


def rule(factory: Factory, kind: int, job: str | None = None, name: str = "", **members: Any) -> None:
    request = PutAlarmRuleRequest(remind_type=kind, job_name=job, topics=members.pop("topics", ["ops"]), **members)
    alarms.put_rule(factory.services, factory.caller(START), name or f"rule_{kind}", request)


def send_all(factory: Factory, topics: dict[str, Sequence[str]], at: int | None = None, days: int = 36_500) -> None:
    settings = replace(factory.services.settings, topics=topics, alarm_days=days)
    now = factory.services.now() + 1 if at is None else at
    sender = AlarmSender(replace(factory.services, settings=settings, now=lambda: now))
    while sender.round(now):
        pass


def records(factory: Factory) -> list[AlarmInfo]:
    return alarms.list_page(factory.services, factory.caller(START), EVER).alarm_info


def kinds(factory: Factory) -> list[int]:
    return [record.remind_type for record in records(factory)]


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[WebService, str]]:
    def answer(request: Request) -> tuple[int, bytes, dict[str, str]]:
        return status, b"", {}

    with web_service(answer) as service:
        yield service, service.url.replace("http://", "json://") + "/hook"


def heard(service: WebService) -> list[tuple[str, str]]:
    return [(body["title"], body["message"]) for body in (json.loads(request.body) for request in service.requests)]


def run_one(factory: Factory, statement: str, **members: Any) -> str:
    """A job whose instance of 8 May has run."""
    job = factory.create("0 0 1 * * ?", at=START, statement=statement, members=members or None)
    factory.start(job, moment("08 00:00"))
    factory.tick(moment("08 01:00"))
    factory.run_all()
    return job


def test_a_failure_is_sent_once_and_recorded(factory: Factory) -> None:
    rule(factory, 1)
    rule(factory, 0)
    job = run_one(factory, "exit 3")
    with receiver() as (service, url):
        send_all(factory, {"ops": [url]})
        send_all(factory, {"ops": [url]})
    instance = factory.of(job)[0]
    [(title, text)] = heard(service)
    assert title == f"Job {job} failed"
    assert text.startswith(f"The instance {instance.id} of job {job}, planned at 2026-05-08 01:00:00 CST, failed.")
    [record] = records(factory)
    assert (record.remind_type, record.send_status, record.send_error) == (1, 0, "")
    assert (record.job_id, record.plan_time, record.send_msg) == (instance.job_id, instance.plan_time, text)


def test_each_state_an_instance_ends_in_has_its_kind(factory: Factory) -> None:
    for kind in (0, 1, 13):
        rule(factory, kind)
    run_one(factory, "true")
    run_one(factory, "false")
    waiting = factory.create("0 0 1 * * ?", at=START, statement="sleep 60")
    factory.start(waiting, moment("08 00:00"))
    factory.tick(moment("08 01:00"))
    instance = factory.of(waiting)[0]
    instance_operations.stop(factory.services, factory.caller(START), waiting, str(instance.id))
    factory.run_all()
    send_all(factory, {})
    assert sorted((record.remind_type, record.job_name) for record in records(factory) if record.remind_type) == [
        (1, "job_2"),
        (13, waiting),
    ]
    assert 0 in kinds(factory)


def test_an_alarm_is_part_of_the_transaction_that_causes_it(factory: Factory) -> None:
    rule(factory, 1)
    job = run_one(factory, "true")
    record = factory.of(job)[0]._replace(status="fail", end_time=1)
    with pytest.raises(RuntimeError), factory.services.db.writing() as connection:
        stored.reached(connection, record, 5)
        raise RuntimeError
    with factory.services.db.writing() as connection:
        assert stored.earliest(connection) is None
        stored.reached(connection, record, 5)
        stored.reached(connection, record, 7)
        assert len(stored.take(connection, 10, 10, 1000)) == 1


def test_a_topic_without_addresses_is_recorded_with_the_reason(factory: Factory) -> None:
    rule(factory, 1, topics=["urn:smn:eu-de:0123:nobody"])
    run_one(factory, "false")
    send_all(factory, {})
    [record] = records(factory)
    assert record.send_status == 1
    assert "Nothing is set for the topic 'nobody'" in record.send_error


def test_a_missing_library_is_recorded_with_the_reason(factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise notifications.NotificationFailed("Notifications need the extra: pip install 'headrace[notify]'.")

    monkeypatch.setattr(notifications, "_apprise", absent)
    rule(factory, 1)
    run_one(factory, "false")
    send_all(factory, {"ops": ["json://127.0.0.1:1/secret"]})
    assert records(factory)[0].send_error == "Notifications need the extra: pip install 'headrace[notify]'."


def test_what_is_not_accepted_is_tried_again_and_only_where_it_was_not(factory: Factory) -> None:
    rule(factory, 1)
    run_one(factory, "false")
    now = factory.services.now() + 1
    with receiver() as (good, good_url), receiver(500) as (bad, bad_url):
        settings = replace(factory.services.settings, topics={"ops": [good_url, bad_url]}, alarm_days=36_500)
        clock = [now]
        sender = AlarmSender(replace(factory.services, settings=settings, now=lambda: clock[0]))
        for pause in (0, 5, 30, 120, 600, 1800):
            clock[0] += pause * 1000
            assert sender.round(clock[0]) == 1
            assert sender.round(clock[0]) == 0
    assert (len(good.requests), len(bad.requests)) == (1, 6)
    [record] = records(factory)
    assert record.send_status == 1
    assert record.send_error.startswith("Not accepted by JSON")
    assert "127.0.0.1" not in record.send_error


def test_a_service_that_raises_an_error_stops_no_other_alarm_and_shows_no_address(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(addresses: Sequence[str], *rest: Any) -> Iterator[str]:
        raise ValueError(addresses[0])

    monkeypatch.setattr("headrace.scheduling.alarm_sender.send", send)
    rule(factory, 1)
    rule(factory, 1, name="other")
    run_one(factory, "false")
    now = factory.services.now() + 1
    for pause in (0, 5, 35, 155, 755, 2555):
        assert records(factory) == []
        send_all(factory, {"ops": ["json://hidden"]}, at=now + pause * 1000)
    assert [record.send_error for record in records(factory)] == ["ValueError (an address of 'ops')."] * 2


def test_timeout__a_round_of_the_engine_that_fails_loses_no_alarm(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobDefinition, "overdue_at", lambda _, submit, start: None if start is None else start + 100)
    queue, failures = stored.raise_for, [RuntimeError("the disk is full")]

    def raise_for(*values: Any, **named: Any) -> None:
        if failures:
            raise failures.pop()
        queue(*values, **named)

    monkeypatch.setattr("headrace.engine.timeouts.alarms.raise_for", raise_for)
    rule(factory, 101)
    run_one(factory, "sleep 2")
    assert failures == []
    send_all(factory, {})
    assert kinds(factory) == [101]


def test_what_a_sender_claimed_and_did_not_send_is_due_again(factory: Factory) -> None:
    rule(factory, 1)
    run_one(factory, "false")
    now = factory.services.now() + 1
    with factory.services.db.writing() as connection:
        assert len(stored.take(connection, now, 10, now + 1000)) == 1
    send_all(factory, {}, at=now)
    assert records(factory) == []
    send_all(factory, {}, at=now + 1000)
    assert kinds(factory) == [1]


def test_what_the_last_process_claimed_is_due_at_its_time_again(factory: Factory) -> None:
    rule(factory, 1)
    rule(factory, 3, complete_time="07:30")
    run_one(factory, "false")
    due = to_millis(moment("08 07:30"))
    with factory.services.db.writing() as connection:
        now = factory.services.now()
        raised = {alarm.kind: alarm.alarm_time for alarm in stored.take(connection, 2**53, 10, 2**53)}
        assert raised[3] == due
        assert raised[1] <= now
        assert stored.earliest(connection) == 2**53
        stored.unclaim(connection)
        assert stored.earliest(connection) == min(due, raised[1])


def test_what_is_planned_in_an_hour_is_told_of_when_that_hours_time_is_past(factory: Factory) -> None:
    periods = [AlarmPeriod(period=2, complete_time="02:15"), AlarmPeriod(period=3, complete_time="26:15")]
    rule(factory, 12, alarm_periods=periods)
    factory.installation.engine.stop()
    job = factory.create("0 0/30 * * * ?", at=START)
    factory.start(job, moment("08 00:15"))
    factory.tick(moment("08 02:30"))
    one, two, three, four = (record for record in factory.of(job) if record.plan_time >= to_millis(moment("08 01:00")))
    with factory.services.db.writing() as connection:
        instances.update_instances(connection, [two._replace(status="success")])
    send_all(factory, {}, at=to_millis(moment("08 02:15")) - 1)
    assert records(factory) == []
    send_all(factory, {}, at=to_millis(moment("08 02:15")))
    assert [(record.remind_type, record.instance_id) for record in records(factory)] == [(12, one.id)]
    send_all(factory, {}, at=to_millis(moment("09 02:15")))
    assert sorted(record.instance_id for record in records(factory)) == sorted([one.id, three.id, four.id])


def test_a_failure_is_repeated_while_it_lasts(factory: Factory) -> None:
    rule(factory, 1, max_send_times=3, send_interval=5)
    job = run_one(factory, "false")
    now = factory.services.now() + 1
    send_all(factory, {}, at=now)
    send_all(factory, {}, at=now + 299_000)
    assert len(records(factory)) == 1
    send_all(factory, {}, at=now + 300_000)
    assert len(records(factory)) == 2
    instance_operations.force_success(factory.services, factory.caller(START), job, str(factory.of(job)[0].id))
    send_all(factory, {}, at=now + 600_000)
    assert len(records(factory)) == 2


def test_an_instance_that_succeeds_after_an_alarm_is_told_of(factory: Factory) -> None:
    rule(factory, 14)
    run_one(factory, "true")
    rule(factory, 1)
    job = run_one(factory, "false")
    instance_operations.force_success(factory.services, factory.caller(START), job, str(factory.of(job)[0].id))
    factory.run_all()
    send_all(factory, {})
    assert [(record.remind_type, record.job_name) for record in records(factory)] == [(14, job), (1, job)]


def test_late_start__only_what_still_waits_is_told_of(factory: Factory) -> None:
    rule(factory, 102, minutes=10)
    slow = factory.create("0 0 23 * * ?", at=START)
    factory.start(slow, moment("08 00:00"))
    waiting = factory.create("0 0 1 * * ?", at=START, dependJobs={"jobs": [slow]})
    factory.start(waiting, moment("08 00:00"))
    other = factory.create("0 0 1 * * ?", at=START)
    factory.start(other, moment("08 00:00"))
    factory.tick(moment("08 01:00"))
    factory.run_all()
    send_all(factory, {}, at=to_millis(moment("08 01:09")))
    assert records(factory) == []
    send_all(factory, {}, at=to_millis(moment("08 01:10")))
    assert [(record.remind_type, record.job_name) for record in records(factory)] == [(102, waiting)]
    assert records(factory)[0].alarm_time == to_millis(moment("08 01:10"))


def test_not_finished__at_that_time_of_the_plan_date(factory: Factory) -> None:
    rule(factory, 3, complete_time="07:30")
    failed = run_one(factory, "false")
    run_one(factory, "true")
    send_all(factory, {}, at=to_millis(moment("08 07:29")))
    assert records(factory) == []
    send_all(factory, {}, at=to_millis(moment("08 07:30")))
    assert [(record.remind_type, record.job_name) for record in records(factory)] == [(3, failed)]


def test_timeout__an_instance_that_takes_too_long_is_told_of_and_goes_on(factory: Factory) -> None:
    rule(factory, 101)
    job = factory.create("0 0 1 * * ?", at=START, statement="true")
    factory.start(job, moment("08 00:00"))
    factory.tick(moment("08 01:00"))
    factory.run_all()
    record = factory.of(job)[0]._replace(status="running", end_time=None)
    now = factory.services.now()
    with factory.services.db.writing() as connection:
        for _ in range(2):
            stored.raise_for(connection, record, {AlarmKind.TIMEOUT}, occasion=now, now=now)
    send_all(factory, {}, at=now)
    [message] = [item.send_msg for item in records(factory)]
    assert message.endswith(" takes longer than its timeout; it goes on.")


def test_a_rule_of_a_job_counts_for_no_other_and_goes_with_it(factory: Factory) -> None:
    watched = factory.create("0 0 2 * * ?", at=START, statement="false")
    rule(factory, 1, job=watched)
    run_one(factory, "false")
    send_all(factory, {})
    assert records(factory) == []
    jobs.delete(factory.services, factory.caller(START), watched)
    listed = alarms.list_rules(factory.services, factory.caller(START), ListAlarmRulesQuery())
    assert (listed.total, listed.total_all) == (0, 0)


def test_instances_made_long_ago_are_not_told_of(factory: Factory) -> None:
    rule(factory, 1)
    job = run_one(factory, "true")
    now = factory.services.now()
    week = 7 * 86_400_000
    with factory.services.db.writing() as connection:
        for age in (week - 1, week + 1):
            made = factory.of(job)[0]._replace(status="fail", submit_time=now - age, end_time=age)
            stored.reached(connection, made, now)
    send_all(factory, {}, at=now, days=7)
    assert len(records(factory)) == 1


def test_records_are_forgotten_after_thirty_days(factory: Factory) -> None:
    rule(factory, 1)
    run_one(factory, "false")
    now = factory.services.now() + 1
    send_all(factory, {}, at=now)
    send_all(factory, {}, at=now + 29 * 86_400_000)
    assert len(records(factory)) == 1
    send_all(factory, {}, at=now + 31 * 86_400_000)
    assert records(factory) == []


def test_a_job_that_another_person_changes_or_deletes_is_told_of(factory: Factory) -> None:
    job = factory.create("0 0 1 * * ?", at=START, members={"basicConfig": {"owner": "ann"}})
    mine = factory.create("0 0 1 * * ?", at=START)
    rule(factory, 15)
    rule(factory, 15, job, name="of_one")
    for name in (job, mine):
        factory.change(name, "0 0 2 * * ?", at=moment("08 00:00"))
    caller = factory.caller(moment("08 00:01"))
    jobs.delete(factory.services, replace(caller, user=replace(caller.user, name="bob")), mine)
    send_all(factory, {}, at=to_millis(moment("08 00:02")))
    assert sorted((record.remind_type, record.rule_name, record.send_msg) for record in records(factory)) == [
        (15, "of_one", f"The job {job} was changed by admin, who does not own it."),
        (15, "rule_15", f"The job {job} was changed by admin, who does not own it."),
        (15, "rule_15", f"The job {mine} was deleted by bob, who does not own it."),
    ]
