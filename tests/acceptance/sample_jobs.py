"""The constructed sample jobs: what each expects to find, and the states its nodes end in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = {".job.json": ("jobs", ".job"), ".script.json": ("scripts", ".script")}

TABLES = ("orders", "lines", "ref_country", "ref_currency", "ref_unit")
MIGRATED = (
    "crm_accounts", "crm_contacts", "erp_invoices", "erp_payments", "hr_people", "web_clicks", "pos_receipts",
    "wms_moves",
)  # fmt: skip
LOOPS = (
    (
        "HiveSQL",
        "stage",
        "CREATE DATABASE meta; CREATE DATABASE ods;"
        "CREATE TABLE meta.stage_tables (table_name STRING, key_columns STRING, owner STRING);"
        "INSERT INTO meta.stage_tables VALUES ('orders', 'id', 'stage_loader'), ('lines', 'id,line', 'stage_loader'),"
        " ('other', 'id', 'someone');"
        + "".join(
            f"CREATE TABLE {name} (a INT); INSERT INTO {name} VALUES (1), (1), (2);"
            f"CREATE TABLE ods.{name} (a INT) PARTITIONED BY (dt STRING);"
            for name in TABLES
        ),
    ),
    (
        "DWSSQL",
        "retail",
        "CREATE SCHEMA mart; CREATE TABLE mart.sales (day DATE);"
        "CREATE MATERIALIZED VIEW mart.sales_by_day AS SELECT day, count(*) AS n FROM mart.sales GROUP BY day;"
        "INSERT INTO mart.sales VALUES ('2024-01-31');",
    ),
)
EVENTS = (
    (
        "DLISQL",
        "events",
        "CREATE TABLE react (id STRING, kind STRING, at TIMESTAMP); CREATE TABLE stage (file STRING, line STRING);"
        "CREATE TABLE drop_zone (line STRING) USING csv LOCATION 'obs://acme-drop/in';",
    ),
    ("RDSSQL", "ops", "CREATE TABLE run_log (job VARCHAR(64) PRIMARY KEY, at DATETIME);"),
)
RELEASE = (
    (
        "DWSSQL",
        "postgres",
        "CREATE SCHEMA mart; CREATE SCHEMA mart_next; CREATE SCHEMA sales;"
        "CREATE TABLE sales.orders (region TEXT, amount INT, dt TEXT); INSERT INTO sales.orders VALUES ('n', 1, 'x');",
    ),
)
LAKE = (
    (
        "DWSSQL",
        "lake",
        "CREATE SCHEMA stage; CREATE TABLE reconcile (table_name TEXT, src_rows INT, dst_rows INT, day DATE);"
        + "".join(
            f"CREATE TABLE {name} (id INT, load_day DATE); CREATE TABLE stage.{name} (id INT);" for name in MIGRATED
        ),
    ),
)
CDM = "The resource does not exist or is not visible. cluster"
DRY = "CDM nodes as dry runs"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A run of a sample job.

    ``says`` is a part of the message of each node that fails. ``changed``: pieces of the samples and what stands in
    their place. A ``dry_type``'s nodes get the property emptyRunningJob "1". ``values`` are the run's parameters.
    """

    package: str
    job: str
    status: str
    nodes: Mapping[str, str]
    says: Mapping[str, str] = field(default_factory=dict)
    prepared: tuple[tuple[str, str, str], ...] = ()  # (node type, database, statements)
    values: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)
    dry_type: str = ""


GATE = "release_gate.v2-" + "x" * 112
HETU = "a" * 100 + ".B-c_d9999999999999999999999"
OPS = {
    "make_folder": "success",
    "ask_cmdb": "success",
    "post_ticket": "success",
    "mail_oncall": "success",
    "remove_folder": "success",
}
NO_RETRIES = {'"retryTimes":5': '"retryTimes":0'}  # the test does not wait for them
ENOUGH = {'--mount \\"/data disk\\" --limit ${limit}': '--mount \\"/\\" --limit 101'}  # of the disk of any machine

CASES = {
    "a disk that is not there": Case(
        package="c03-ops-alert",
        job="ops_disk_alert",
        status="success",
        nodes=OPS | {"probe_disk": "fail", "close_ticket": "skip", "drop_old": "skip", "template_mail": "skip"},
        says={"probe_disk": "Shell exit code is not 0"},
        changed=NO_RETRIES,
    ),
    "a disk with space": Case(
        package="c03-ops-alert",
        job="ops_disk_alert",
        status="success",
        nodes=OPS
        | {"probe_disk": "success", "close_ticket": "success", "drop_old": "success", "template_mail": "skip"},
        changed=NO_RETRIES | ENOUGH,
    ),
    "loops and subjobs": Case(
        package="c04-foreach-tables",
        job="load_all_tables",
        status="success",
        nodes=dict.fromkeys(("list_tables", "each_table", "each_fixed", "refresh_views", "done"), "success"),
        prepared=LOOPS,
    ),
    "the subjob with a table": Case(
        package="c04-foreach-tables",
        job="load_one_table",
        status="success",
        nodes={"copy": "success", "count": "success", "big": "skip", "small": "success"},
        prepared=LOOPS,
        values={"table": "orders"},
    ),
    "the subjob far in its loop": Case(
        package="c04-foreach-tables",
        job="load_one_table",
        status="success",
        nodes={"copy": "success", "count": "success", "big": "success", "small": "skip"},
        prepared=LOOPS,
        values={"table": "orders", "position": "6"},
    ),
    "the subjob without its parameters": Case(
        package="c04-foreach-tables",
        job="load_one_table",
        status="fail",
        nodes={"copy": "fail", "count": "waiting", "big": "waiting", "small": "waiting"},
        says={"copy": "INSERT OVERWRITE TABLE ods. PARTITION"},
        prepared=LOOPS,
    ),
    "a materialized view": Case(
        package="c04-foreach-tables",
        job="refresh_views",
        status="success",
        nodes={"refresh": "success"},
        prepared=LOOPS,
    ),
    "an event of DIS": Case(
        package="c09-event-driven",
        job="dis_event_once",
        status="success",
        nodes={"store": "success"},
        prepared=EVENTS,
    ),
    "an event of Kafka": Case(
        package="c09-event-driven",
        job="kafka_event_react",
        status="success",
        nodes={"react": "success"},
        prepared=EVENTS,
    ),
    "an event of OBS, without HBase and Kafka Connect": Case(
        package="c09-event-driven",
        job="obs_event_ingest",
        status="success",
        nodes={
            "stage_files": "success",
            "make_table": "fail",
            "drop_table": "fail",
            "transfer": "fail",
            "to_rds": "skip",
        },
        says={
            "make_table": "which migrations here only read and write",
            "drop_table": "which migrations here only read and write",
            "transfer": "takes Kafka Connect",
        },
        prepared=EVENTS,
    ),
    "an event of OBS, tables as dry runs": Case(
        package="c09-event-driven",
        job="obs_event_ingest",
        status="success",
        nodes={
            "stage_files": "success",
            "make_table": "success",
            "drop_table": "success",
            "transfer": "fail",
            "to_rds": "success",
        },
        says={"transfer": "takes Kafka Connect"},
        prepared=EVENTS,
        dry_type="CloudTableManager",
    ),
    "a release behind a gate": Case(
        package="c10-review-limits",
        job=GATE,
        status="success",
        nodes={HETU: "success", "hetu.script-2": "success", "gate": "success", "publish": "success"},
        prepared=RELEASE,
    ),
    "a hotfix": Case(
        package="c10-review-limits",
        job="release_hotfix",
        status="success",
        nodes={"fix": "success"},
        prepared=RELEASE,
    ),
    "migrations without their clusters": Case(
        package="c12-migration",
        job="nightly_migration",
        status="fail",
        nodes={"open": "success", **dict.fromkeys((f"cdm_{name}" for name in MIGRATED), "fail")}
        | dict.fromkeys((f"merge_{name}" for name in MIGRATED), "waiting")
        | {"reconcile": "waiting", "archive": "waiting", "alert": "waiting"},
        says={f"cdm_{name}": CDM for name in MIGRATED},
        prepared=LAKE,
    ),
    "migrations as dry runs": Case(
        package="c12-migration",
        job="nightly_migration",
        status="success",
        nodes={"open": "success", **dict.fromkeys((f"cdm_{name}" for name in MIGRATED), "success")}
        | dict.fromkeys((f"merge_{name}" for name in MIGRATED), "success")
        | {"reconcile": "success", "archive": "success", "alert": "skip"},
        prepared=LAKE,
        dry_type="CDMJob",
    ),
}

# jobs that are not to be run once, and the code and words of the refusal
REFUSED = {
    ("c02-iot-stream", "iot_stream"): ("DLF.0136", "is a REAL_TIME job"),
    ("c10-review-limits", "release_draft"): ("DLF.3051", "has not been submitted"),
}


def members_of(samples: Path, package: str, changed: Mapping[str, str], dry_type: str = "") -> dict[str, bytes]:
    """The files of a sample package as they are in an archive."""
    members = {}
    for path in sorted(samples.glob(f"{package}__*")):
        text = path.read_text("utf-8")
        for before, after in changed.items():
            text = text.replace(before, after)
        document = json.loads(text)
        for node in document.get("nodes", []):
            if node["type"] == dry_type:
                node["properties"].append({"name": "emptyRunningJob", "value": "1"})
        for ending, (folder, suffix) in KINDS.items():
            if path.name.endswith(ending):
                members[f"{folder}/{document['name']}{suffix}"] = json.dumps(document).encode()
    return members


def preparing_job(case: Case) -> dict[str, Any]:
    """A job ``prepare`` that makes what the case expects."""
    nodes: list[dict[str, Any]] = []
    for kind, database, statements in case.prepared:
        properties = {"statementOrScript": "STATEMENT", "statement": statements, "database": database}
        nodes.append(
            {
                "name": f"step{len(nodes)}",
                "type": kind,
                "preNodeName": [node["name"] for node in nodes],
                "properties": [{"name": key, "value": value} for key, value in properties.items()],
            }
        )
    return {"name": "prepare", "processType": "BATCH", "nodes": nodes}
