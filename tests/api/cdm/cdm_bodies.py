"""Links and migration jobs for tests."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def link(name: str, **values: Any) -> Json:
    inputs = [{"name": f"linkConfig.{member}", "value": value} for member, value in values.items()]
    return {
        "link-config-values": {"configs": [{"inputs": inputs, "name": "linkConfig"}]},
        "name": name,
        "connector-name": "generic-jdbc-connector",
        "unknown-member": {"kept": [1.50, None]},
    }


def job(name: str, **changes: Any) -> Json:
    config = {"configs": [{"inputs": [{"name": "fromJobConfig.tableName", "value": "a b"}], "name": "fromJobConfig"}]}
    return {
        "job_type": "NORMAL_JOB",
        "from-connector-name": "generic-jdbc-connector",
        "to-connector-name": "obs-connector",
        "from-link-name": "source",
        "to-link-name": "target",
        "from-config-values": config,
        "to-config-values": {"configs": [{"inputs": {}, "name": "toJobConfig"}]},
        "driver-config-values": {"configs": []},
        "name": name,
        **changes,
    }
