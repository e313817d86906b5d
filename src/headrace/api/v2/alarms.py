"""Alarms, v2: records of what was sent, and rules."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidParameter, JobNotFound, PermissionDenied, WorkspaceNotFound
from headrace.factory import alarms
from headrace.wire.v2.alarms import (
    AlarmInfoList,
    AlarmRule,
    AlarmRuleList,
    ListAlarmRulesQuery,
    ListAlarmsQuery,
    PutAlarmRuleRequest,
)

_RULES = "/v2/{project_id}/factory/alarm/rules"
_ERRORS = (WorkspaceNotFound, InvalidParameter, PermissionDenied)


@operation("GET", "/v2/{project_id}/factory/alarm-info", errors=_ERRORS, tag="alarm")
def list_factory_alarm_info(call: Call, query: ListAlarmsQuery) -> AlarmInfoList:
    """List the alarms that were sent or could not be, newest first; those of the last hour without bounds.

    Source: API reference, "Querying Notification Records".
    """
    return alarms.list_page(call.services, call.caller, query)


@operation(
    "GET",
    _RULES,
    errors=_ERRORS,
    tag="alarm",
    partly="no rules on queues, which do not exist here, nor on baselines, which say themselves whom they tell",
)
def list_factory_alarm_rules(call: Call, query: ListAlarmRulesQuery) -> AlarmRuleList:
    """List the rules on alarms, with counts by what they are about.

    Source: API reference, "Querying Notification Rules".
    """
    return alarms.list_rules(call.services, call.caller, query)


# ---- ours


@operation("PUT", _RULES + "/{rule_name}", errors=(JobNotFound, *_ERRORS), tag="alarm", extension=True)
def put_alarm_rule(call: Call, body: PutAlarmRuleRequest) -> AlarmRule:
    """Make a rule on alarms, or replace the one of that name; it counts for what happens from then on."""
    return alarms.put_rule(call.services, call.caller, call.path["rule_name"], body)


@operation("DELETE", _RULES + "/{rule_name}", answers=204, errors=_ERRORS, tag="alarm", extension=True)
def delete_alarm_rule(call: Call) -> None:
    """Delete a rule on alarms; what it has queued is sent."""
    alarms.delete_rule(call.services, call.caller, call.path["rule_name"])
