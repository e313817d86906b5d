"""Jobs and scripts of the sizes that measurements use, always the same."""

from __future__ import annotations

import json
from typing import Any

NODES = 20


def node(job: int, number: int) -> dict[str, Any]:
    previous = [f"node_{number - 1:02d}"] if number else []
    properties = [
        ("scriptName", f"script_{job:05d}_{number % 3}"),
        ("statementOrScript", "SCRIPT"),
        ("connectionName", "warehouse"),
        ("database", "dwd"),
        ("scriptArgs", 'dt=#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyyMMdd")}\nregion=eu'),
        ("emptyRunningJob", "0"),
        ("taskWorkGroupId", "-1"),
    ]
    return {
        "execTimeOutRetry": "false",
        "failPolicy": "FAIL_CHILD",
        "location": {"x": f"{number * 10}.0", "y": f"{-number * 7}.5"},
        "maxExecutionTime": 360,
        "name": f"node_{number:02d}",
        "pollingInterval": 20,
        "preNodeName": previous,
        "properties": [{"name": name, "value": value, "value_is_sensitive": False} for name, value in properties],
        "resouces": [],
        "retryInterval": 120,
        "retryTimes": 0,
        "type": "HiveSQL",
    }


def job(number: int, nodes: int = NODES) -> dict[str, Any]:
    """A job of 20 nodes and three scripts, about 17 KB without blanks."""
    return {
        "basicConfig": {
            "agency": "",
            "customFields": {},
            "executeUser": "",
            "instanceTimeout": 0,
            "isIgnoreWaiting": 0,
            "owner": "bench",
            "priority": 0,
            "tags": [],
        },
        "cleanOverdueDays": 60,
        "description": "A job made for a measurement. " * 10,
        "directory": f"/bench/{number % 100:02d}",
        "maskedParams": [],
        "name": f"job_{number:05d}",
        "nodes": [node(number, index) for index in range(nodes)],
        "params": [{"name": f"p{index}", "type": "variable", "value": str(index)} for index in range(5)],
        "processType": "BATCH",
        "schedule": {
            "cron": {
                "calendarScheduling": "false",
                "concurrent": 1,
                "dependPrePeriod": False,
                "expression": "0 0 2 * * ?",
                "expressionTimeZone": "Asia/Shanghai",
                "intervalType": "days",
                "startTime": "2026-01-01T00:00:00+08",
            },
            "type": "CRON",
        },
        "version": "1.0",
    }


def script(number: int, index: int) -> dict[str, Any]:
    """A script of about 600 bytes."""
    content = "-- a script made for a measurement\n" + "".join(
        f"INSERT OVERWRITE TABLE dwd.t_{number}_{line} PARTITION (dt='${{dt}}') SELECT * FROM ods.s_{line};\n"
        for line in range(4)
    )
    return {
        "configuration": {},
        "connectionName": "warehouse",
        "content": content,
        "currentDatabase": "dwd",
        "description": "",
        "directory": f"/bench/{number % 100:02d}",
        "name": f"script_{number:05d}_{index}",
        "owner": "bench",
        "templateVersion": "1.0",
        "type": "HiveSQL",
    }


def text(document: dict[str, Any]) -> bytes:
    """As a client sends it."""
    return json.dumps(document, ensure_ascii=False).encode()
