"""Settings of an installation: a flag, an environment variable and a key of ``headrace.toml`` each, in that order."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Self


class InvalidSetting(ValueError):
    """A setting has a value it cannot have; the text names the setting, the value and where it came from."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Units are in the comments."""

    home: Path = field(default_factory=lambda: Path.home() / ".headrace")  # where everything is kept
    host: str = "127.0.0.1"  # address to listen on
    port: int = 8700  # port to listen on
    database_url: str | None = None  # None: HOME/headrace.db
    object_store_url: str | None = None  # None: HOME/obs
    auth: Literal["on", "none"] = "on"  # "none" serves anybody, on loopback only
    console: bool = True  # serve the web console at /console/
    local_execution: bool = False  # Shell and Python nodes without a bound host run on this machine
    unbound_connections: Literal["embedded", "fail"] = "embedded"  # what SQL on an unbound connection does
    time_zone: str = "Asia/Shanghai"  # the service's zone: default plan-time windows, log paths
    max_nodes_per_job: int = 200  # the original's limit
    max_jobs_per_workspace: int = 10_000  # the original's limit
    max_scripts_per_workspace: int = 10_000  # the original's limit
    max_jobs_per_batch_export: int = 100  # the original's limit
    max_package_bytes: int = 1024 * 1024 * 1024  # of an archive on import; the original allows 10 MB
    max_body_bytes: int = 16 * 1024 * 1024  # of a JSON request
    max_upload_bytes: int = 256 * 1024 * 1024  # of an archive sent in the request itself; it is held in memory
    encode_cdm_values: bool = True  # CDM answers carry percent-encoded values, which Terraform decodes
    max_parallel_nodes: int = 16  # node attempts at once in this process
    misfire: Literal["all", "last", "none"] = "all"  # which instances that were missed while no server ran are made
    waiting_days: int = 60  # instances that have waited longer are cancelled; jobs may say another; at least 2
    alarm_days: int = 7  # alarms are sent for instances made within as many days; the original allows 1 to 270
    engine_lease_seconds: int = 15  # on a shared database: how long an engine may be silent before others take over
    create_buckets: bool = True  # writing to an unknown bucket of HOME/obs creates it
    task_retention_days: int = 30  # system tasks that ended longer ago are removed at a start
    private_networks: bool = True  # nodes may send requests to private and loopback addresses
    topics: Mapping[str, Any] = field(default_factory=dict)  # Apprise URLs by SMN topic
    message_templates: Mapping[str, Any] = field(default_factory=dict)  # texts with {tag}, by SMN template name
    python_interpreters: Mapping[str, Any] = field(default_factory=dict)  # paths of further Pythons, by version
    ssh_trust_new_hosts: bool = True  # the first key a host shows is noted in HOME/known_hosts; later ones must match
    ssh_sessions_per_host: int = 10  # programs at once on one host; see MaxSessions and MaxStartups of its sshd
    dis_connection: str | None = None  # connection to Kafka whose topics stand for DIS streams
    spark_submit: str | None = None  # path of spark-submit; None: the one on PATH
    spark_master: str | None = None  # its --master; None: what Spark's own configuration says
    dask_scheduler: str | None = None  # tls://host:port of a Dask cluster whose workers run splits of migrations
    spark_connect: str | None = None  # sc://host:port/;use_ssl=true of a Spark whose executors run splits of migrations
    spark_python: str | None = None  # path of their Python with Headrace; None: what PYSPARK_PYTHON says there

    @classmethod
    def load(cls, flags: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Self:
        """Join flags (None: not given), ``HEADRACE_…`` variables and ``HOME/headrace.toml``.

        Raises InvalidSetting.
        """
        environment = os.environ if environment is None else environment
        home = flags.get("home") or environment.get("HEADRACE_HOME") or Path.home() / ".headrace"
        settings = replace(cls(), home=Path(home).expanduser().absolute())
        file = settings.home / "headrace.toml"
        values: dict[str, tuple[Any, str]] = {}
        if file.exists():
            for name, value in tomllib.loads(file.read_text("utf-8")).items():
                values[name] = (value, str(file))
        names = {item.name for item in fields(cls)} - {"home"}
        for name in names:
            if (text := environment.get(f"HEADRACE_{name.upper()}")) not in (None, ""):
                values[name] = (text, f"HEADRACE_{name.upper()}")
            if flags.get(name) is not None:
                values[name] = (flags[name], f"--{name.replace('_', '-')}")
        unknown = set(values) - names
        if unknown:
            raise InvalidSetting(f"{file}: unknown setting {sorted(unknown)[0]!r}; known: {', '.join(sorted(names))}")
        known = {name: _convert(settings, name, value, source) for name, (value, source) in values.items()}
        return replace(settings, **known)


_CHOICES = {"auth": ("on", "none"), "unbound_connections": ("embedded", "fail"), "misfire": ("all", "last", "none")}

_LEAST = {"waiting_days": 2, "alarm_days": 1}


def _convert(settings: Settings, name: str, value: Any, source: str) -> Any:
    default = getattr(settings, name)
    if name in _CHOICES and value not in _CHOICES[name]:
        raise InvalidSetting(f"{source}: {name} is one of {', '.join(_CHOICES[name])}, not {value!r}")
    try:
        if isinstance(default, bool):
            return value if isinstance(value, bool) else _truth(str(value))
        if isinstance(default, Mapping):
            return _table(value)
        number = int(value) if isinstance(default, int) else value
        if name in _LEAST and number < _LEAST[name]:
            raise ValueError(f"it is at least {_LEAST[name]}")
        return number
    except ValueError as error:
        shown = "this value" if isinstance(default, Mapping) else repr(value)  # tables may hold secrets
        raise InvalidSetting(f"{source}: {name} cannot be {shown}: {error}") from error


def _table(value: Any) -> Mapping[str, Any]:
    """A table of texts or lists of texts; a variable or flag gives it as a JSON object."""
    try:
        table = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError("expected a table (in a variable: a JSON object)") from error
    if not isinstance(table, dict):
        raise ValueError("expected a table (in a variable: a JSON object)")
    listed = {key: item if isinstance(item, list) else [item] for key, item in table.items()}
    if not all(isinstance(text, str) for items in listed.values() for text in items):
        raise ValueError("expected a text or a list of texts for each key")
    return listed


def _truth(text: str) -> bool:
    lowered = text.lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off"):
        return False
    raise ValueError("expected true or false")
