"""How a stored job reads: documented types, masks, and the spellings particular clients look for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.wire.document import write_document
from headrace.wire.v1.job_view import MASK, job_view, without_echoes

SERVER = {"id": 7, "version": "2", "createTime": 9}


def viewed(text: str, **server: Any) -> Any:
    return json.loads(write_document(job_view(text, {**SERVER, **server})))


def node(members: str) -> Any:
    """The view of one node with some more members."""
    return viewed('{"name":"j","processType":"BATCH","nodes":[{"name":"n","type":"Shell",%s}]}' % members)["nodes"][0]  # noqa: UP031


def test_job_view__the_smallest_job_has_every_member_clients_need() -> None:
    assert viewed('{"name":"j","processType":"BATCH"}', lastUpdateUser="ann") == {
        "name": "j",
        "processType": "BATCH",
        "jobType": "BATCH",
        "directory": "/",
        "schedule": {"type": "EXECUTE_ONCE", "scheType": "EXECUTE_ONCE"},
        "nodes": [],
        "id": 7,
        "version": "2",
        "createTime": 9,
        "lastUpdateUser": "ann",
    }


def test_job_view__members_of_a_request_only_and_null_members_are_left_out() -> None:
    shown = viewed('{"name":"j","targetStatus":"SAVED","approvers":[],"logPath":null,"schedule":null,"nodes":null}')
    assert shown.keys() & {"targetStatus", "approvers", "logPath"} == set()
    assert (shown["schedule"]["type"], shown["nodes"]) == ("EXECUTE_ONCE", [])


def test_job_view__unknown_members_and_the_form_of_their_numbers_stay() -> None:
    text = '{"name":"j","odd":[1.50,1E5,-0.0,12345678901234567890],"nodes":[{"name":"n","lineageInfo":{"a":1.0}}]}'
    written = write_document(job_view(text, SERVER)).decode()
    assert '"odd":[1.50,1E5,-0.0,12345678901234567890]' in written
    assert '"lineageInfo":{"a":1.0}' in written


@pytest.mark.parametrize(
    ("coordinates", "expected"),
    [
        ('{"x":"-45.5","y":2.5}', {"x": -46, "y": 3}),
        ('{"x":"-207.0","y":"10"}', {"x": -207, "y": 10}),
        ('{"x":-0.5,"y":0.49}', {"x": -1, "y": 0}),
        ('{"x":7}', {"x": 7, "y": 0}),
        ('{"x":"left","y":""}', {"x": 0, "y": 0}),
        ('{"x":1e300,"y":"nan"}', {"x": 0, "y": 0}),
        ('{"x":123456789012345678901234567890,"y":true}', {"x": 0, "y": 0}),
        ("null", {"x": 0, "y": 0}),
        ('{"x":1,"y":2,"z":3}', {"x": 1, "y": 2, "z": 3}),
    ],
)
def test_job_view__locations_are_integers_rounded_half_away_from_zero(coordinates: str, expected: Any) -> None:
    assert node(f'"location":{coordinates}')["location"] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [('"x"', "x"), ("true", "true"), ("12", "12"), ("1.50", "1.50"), ("null", ""), ('{"b":[1.50]}', '{"b":[1.50]}')],
)
def test_job_view__property_values_are_text(value: str, expected: str) -> None:
    assert node(f'"properties":[{{"name":"a","value":{value}}}]')["properties"] == [{"name": "a", "value": expected}]


def test_job_view__a_sensitive_value_is_masked_and_an_empty_one_is_not() -> None:
    properties = '"properties":[{"name":"a","value":"s","value_is_sensitive":true},{"name":"b","value":"","value_is_sensitive":"true"}]'  # noqa: E501
    assert node(properties)["properties"] == [
        {"name": "a", "value": MASK, "value_is_sensitive": True},
        {"name": "b", "value": "", "value_is_sensitive": True},
    ]


@pytest.mark.parametrize(
    ("members", "name", "expected"),
    [
        ('"pollingInterval":"5"', "pollingInterval", 5),
        ('"maxExecutionTime":60.0', "maxExecutionTime", 60),
        ('"retryTimes":3', "retryTimes", 3),
        ('"execTimeOutRetry":true', "execTimeOutRetry", "true"),
        ('"cronTrigger":{"concurrent":"2","endTime":null}', "cron_trigger", {"concurrent": 2}),
        ('"eventTrigger":{"concurrent":"2"}', "eventTrigger", {"concurrent": 2}),
        ('"preNodeNames":"a, b"', "preNodeName", ["a", "b"]),
        ('"preNodeName":["a","b"]', "preNodeNames", "a,b"),
        ('"condition":[{"preNodeName":"a"}]', "conditions", [{"preNodeName": "a"}]),
        ('"nodeProperties":[{"name":"a","value":1}]', "properties", [{"name": "a", "value": "1"}]),
    ],
)
def test_job_view__members_of_a_node_have_their_documented_type_in_every_spelling(
    members: str, name: str, expected: Any
) -> None:
    assert node(members)[name] == expected


def test_job_view__schedules_have_their_documented_types() -> None:
    schedule = '{"scheType":"CRON","cron":{"dependPrePeriod":"true","dependJobs":{"jobs":"up"},"expression":null}}'
    assert viewed(f'{{"name":"j","schedule":{schedule}}}')["schedule"] == {
        "type": "CRON",
        "scheType": "CRON",
        "cron": {"dependPrePeriod": True, "dependJobs": {"jobs": ["up"]}},
    }


def test_job_view__parameters_are_text_with_a_type() -> None:
    text = '{"name":"j","params":[{"name":"a","value":1.50},{"name":"b","paramType":"constants"}]}'
    assert viewed(text)["params"] == [
        {"name": "a", "value": "1.50", "type": "variable", "paramType": "variable"},
        {"name": "b", "value": "", "type": "constants", "paramType": "constants"},
    ]


def test_job_view__basic_config_has_lists_texts_and_integers_where_documented() -> None:
    config = '{"tags":{},"customFields":{"a":1,"b":true},"priority":"2","instanceTimeout":"30","isIgnoreWaiting":1}'
    assert viewed(f'{{"name":"j","basicConfig":{config}}}')["basicConfig"] == {
        "tags": [],
        "customFields": {"a": "1", "b": "true"},
        "priority": 2,
        "instanceTimeout": 30,
        "isIgnoreWaiting": 1,
    }


def test_without_echoes__a_job_that_was_read_goes_back_as_it_was_written() -> None:
    text = json.dumps(
        {
            "name": "j",
            "processType": "BATCH",
            "directory": "/",
            "schedule": {"type": "CRON", "cron": {"expression": "0 0 1 * * ?"}},
            "params": [{"name": "a", "value": "1", "type": "constants"}],
            "nodes": [
                {"name": "m", "type": "Dummy", "location": {"x": 1, "y": 2}, "preNodeName": [], "properties": []},
                {
                    "name": "n",
                    "type": "Dummy",
                    "location": {"x": 1, "y": 2},
                    "preNodeName": ["m"],
                    "properties": [{"name": "p", "value": "v"}],
                    "cronTrigger": {"expression": "0 0 1 * * ?"},
                    "conditions": [{"preNodeName": "m", "expression": "x"}],
                },
            ],
        }
    )
    shown = json.loads(write_document(job_view(text, {})))
    assert set(shown) - set(json.loads(text)) == {"jobType"}
    assert set(shown["nodes"][1]) - set(json.loads(text)["nodes"][1]) == {
        "nodeType",
        "preNodeNames",
        "condition",
        "cron_trigger",
    }
    assert json.loads(without_echoes(json.dumps(shown).encode())) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"name" : "j"}',
        b'{"name":"j","jobType":"BATCH"}',
        b'{"name":"j","jobType":"REAL_TIME","processType":"BATCH"}',
        b'{"name":"j","nodes":[{"nodeType":"Shell","preNodeNames":"a"}]}',
    ],
)
def test_without_echoes__what_says_something_of_its_own_stays_byte_for_byte(text: bytes) -> None:
    assert without_echoes(text) is text
