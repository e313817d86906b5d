"""How baselines and their promises are shown. Source: API reference, "Querying Baselines"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from headrace.domain.baselines import terms_of
from headrace.storage.baselines import BaselineRecord, PromiseRecord
from headrace.wire.v2.baselines import Baseline, BaselineInstance

_DAY = 1440  # minutes


def shown_baseline(record: BaselineRecord, document: dict[str, Any], studio: str) -> Baseline:
    """A baseline as lists show it. ``studio``: the instance of the product in the path."""
    return Baseline(
        id=str(record.id),
        name=record.name,
        version=record.version,
        create_time=record.create_time,
        last_update_time=record.modify_time,
        type=document["type"],
        owner_name=document["owner_name"],
        project_id=record.project_id,
        instance_id=studio,
        workspace_id=record.workspace_id,
        sla_task_ids=document["sla_task_ids"],
        priority=document["priority"],
        buffer=document["buffer"],
        enable=document["enable"],
        alarm_enable=document["alarm_enable"],
        baseline_alarm_enable=document["baseline_alarm_enable"],
        sign_enable=document["sign_enable"],
        smn_topics=document["smn_topics"],
        event_alarm=document["event_alarm"],
        event_smn_topics=document["event_smn_topics"],
        **_shown_times(document),
    )


def _shown_times(document: dict[str, Any]) -> dict[str, Any]:
    """The members that say when; warnings of the day before are shown by their time of day."""
    terms = terms_of(document)
    before = terms.buffer // timedelta(minutes=1)
    if terms.daily is not None:
        promised, warned = terms.daily, (terms.daily - before) % _DAY
        return {
            "sla_hour": promised // 60,
            "sla_min": promised % 60,
            "exp_hour": warned // 60,
            "exp_min": warned % 60,
        }
    return {
        "hour_sla_detail": _detail(terms.hourly),
        "hour_exp_detail": _detail({hour: minutes - before for hour, minutes in terms.hourly.items()}),
        "period": document["period"],
    }


def _detail(times: Mapping[int, int]) -> str:
    """``{"1": "00:59"}`` of minutes after midnight by hour."""
    of_day = ((hour, minutes if minutes >= 0 else minutes % _DAY) for hour, minutes in times.items())
    return json.dumps({str(hour + 1): f"{minutes // 60:02}:{minutes % 60:02}" for hour, minutes in of_day})


def shown_promise(
    promise: PromiseRecord, baseline: BaselineRecord, document: dict[str, Any], studio: str
) -> BaselineInstance:
    """What was found of a promise, with the baseline as it is now."""
    return BaselineInstance(
        id=str(promise.id),
        baseline_id=str(baseline.id),
        baseline_name=baseline.name,
        baseline_version=baseline.version,
        priority=document["priority"],
        status=promise.standing,
        finish_status="FINISH" if promise.finished else "UNFINISH",
        owner_name=document["owner_name"],
        project_id=baseline.project_id,
        instance_id=studio,
        workspace_id=baseline.workspace_id,
        instance_type=document["type"],
        sla_time=promise.promised,
        expect_time=promise.warned,
        start_time=promise.begins,
        buffer=None if promise.finish is None else (promise.promised - promise.finish) // 1000,
        estimate_complete_time=promise.finish,
        end_time=promise.finish if promise.finished else None,
        error_message=promise.reason or None,
        first_alarm_time=promise.first_alarm,
        last_alarm_time=promise.last_alarm,
    )
