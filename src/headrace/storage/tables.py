"""Every table. Documents are text as received (secrets sealed), with typed columns beside them for what is queried.

Times are milliseconds since the epoch. Ids of jobs and instances are 64-bit integers that grow with time.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()


# Names sort by code point in both databases, so that an export has the same order everywhere.
_BY_CODE_POINT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, _BY_CODE_POINT, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("domain_id"),
    _text("domain_name"),
    _number("create_time"),
    UniqueConstraint("name"),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("password_hash"),
    _text("project_id"),
    _number("create_time"),
    UniqueConstraint("name"),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key", Text, primary_key=True),
    _text("user_id"),
    _text("secret"),
    _text("description"),
    _number("create_time"),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Text, primary_key=True),
    _text("project_id"),
    _text("name"),
    Column("is_default", Integer, nullable=False),
    _text("description"),
    _text("eps_id"),
    _text("job_log_location"),
    _text("bad_record_location"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("update_time"),
    UniqueConstraint("project_id", "name"),
)

# 1 or 0 each; a workspace without a row has the service's defaults. prefix_only_dlf: only ${dlf.name} is a variable.
default_items = Table(
    "default_items",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("prefix_only_dlf", Integer, nullable=False),
    Column("simple_variables", Integer, nullable=False),
    Column("all_conditions", Integer, nullable=False),
    Column("retry_after_timeout", Integer, nullable=False),
    Column("traditional_periods", Integer, nullable=False, server_default="0"),
)

directories = Table(
    "directories",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("kind"),
    _text("path"),
    UniqueConstraint("workspace_id", "kind", "path"),
)

# The draft of a script is its own text only while it differs from the newest submitted version.
scripts = Table(
    "scripts",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("name"),
    _text("type"),
    _text("directory"),
    _text("draft", null=True),
    Column("version", Integer, nullable=False),
    Column("production_version", Integer, nullable=False),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("modify_time"),
    UniqueConstraint("workspace_id", "name"),
    Index("scripts_newest", "workspace_id", "create_time", "id"),
)

script_versions = Table(
    "script_versions",
    metadata,
    Column("script_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    _text("document"),
    _text("submit_user"),
    _number("submit_time"),
    PrimaryKeyConstraint("script_id", "version"),
)

resources = Table(
    "resources",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("name"),
    _text("type"),
    _text("directory"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("modify_time"),
    UniqueConstraint("workspace_id", "directory", "name"),
    Index("resources_oldest", "workspace_id", "create_time", "id"),
)

# The draft of a job is its own text only while it differs from the newest submitted version. parent_id: of the node of
# a real-time job that is a job of its own, that job.
jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _text("name"),
    _text("process_type"),
    _text("directory"),
    _text("owner"),
    Column("priority", Integer, nullable=False),
    Column("single_node", Integer, nullable=False),
    _text("draft", null=True),
    Column("version", Integer, nullable=False),
    _text("status"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("update_time"),
    _number("start_time", null=True),
    _number("end_time", null=True),
    _text("last_instance_status", null=True),
    _number("last_instance_end_time", null=True),
    _number("parent_id", null=True),
    UniqueConstraint("workspace_id", "name"),
    Index("jobs_newest", "workspace_id", "process_type", "create_time", "id"),
)

Index(
    "jobs_of_parent",
    jobs.c.parent_id,
    sqlite_where=jobs.c.parent_id.is_not(None),
    postgresql_where=jobs.c.parent_id.is_not(None),
)

# package_form: 1 where the text is known to be in the text form of packages, so that an export takes it as it is.
job_versions = Table(
    "job_versions",
    metadata,
    _number("job_id"),
    Column("version", Integer, nullable=False),
    _text("document"),
    Column("package_form", Integer, nullable=False),
    _text("submit_user"),
    _number("submit_time"),
    PrimaryKeyConstraint("job_id", "version"),
)

job_tags = Table(
    "job_tags",
    metadata,
    _number("job_id"),
    _text("workspace_id"),
    _text("tag"),
    PrimaryKeyConstraint("job_id", "tag"),
    Index("job_tags_by_tag", "workspace_id", "tag", "job_id"),
)

# What a job's draft names: kind UPSTREAM (a job it depends on) or RESOURCE.
job_references = Table(
    "job_references",
    metadata,
    _number("job_id"),
    _text("workspace_id"),
    _text("kind"),
    _text("name"),
    PrimaryKeyConstraint("job_id", "kind", "name"),
    Index("job_references_by_name", "workspace_id", "kind", "name"),
)

connections = Table(
    "connections",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("name"),
    _text("type"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("modify_time"),
    UniqueConstraint("workspace_id", "name"),
    Index("connections_oldest", "workspace_id", "create_time", "id"),
)

environment_variables = Table(
    "environment_variables",
    metadata,
    _text("workspace_id"),
    _text("name"),
    _text("document"),
    PrimaryKeyConstraint("workspace_id", "name"),
)

cdm_clusters = Table(
    "cdm_clusters",
    metadata,
    Column("id", Text, primary_key=True),
    _text("project_id"),
    _text("name"),
    _text("document"),
    _number("create_time"),
    _number("update_time"),
    UniqueConstraint("project_id", "name"),
)

cdm_links = Table(
    "cdm_links",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("cluster_id"),
    _text("name"),
    _text("connector"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("update_time"),
    UniqueConstraint("cluster_id", "name"),
)

# workspace_id: whose tables a run sees that starts by itself. next_time: when that is, milliseconds; 0 where it is not
# yet known, as the job was just written.
cdm_jobs = Table(
    "cdm_jobs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("cluster_id"),
    _text("name"),
    _text("job_type"),
    _text("from_link"),
    _text("to_link"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _text("update_user"),
    _number("update_time"),
    Column("workspace_id", _BY_CODE_POINT, nullable=False, server_default=""),
    Column("next_time", BigInteger, nullable=True, server_default="0"),
    UniqueConstraint("cluster_id", "name"),
)
Index(
    "cdm_jobs_next",
    cdm_jobs.c.next_time,
    sqlite_where=cdm_jobs.c.next_time.is_not(None),
    postgresql_where=cdm_jobs.c.next_time.is_not(None),
)

cdm_submissions = Table(
    "cdm_submissions",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("cluster_id"),
    _text("workspace_id"),
    _number("job_id"),
    _text("job_name"),
    _text("source_key"),
    _text("status"),
    _text("phase"),
    _text("owner"),
    Column("stop", Integer, nullable=False),
    _text("variables"),
    _number("reference_time"),
    _text("destination"),
    _text("counts"),
    Column("progress", Integer, nullable=False),
    _text("error_summary"),
    _text("error_details"),
    _text("create_user"),
    _number("create_time"),
    _number("start_time", null=True),
    _number("update_time"),
    _number("end_time", null=True),
    Index("cdm_submissions_newest", "job_id", "id"),
    Index("cdm_submissions_of_key", "source_key", "id"),
)
Index(
    "cdm_submissions_open",
    cdm_submissions.c.id,
    sqlite_where=cdm_submissions.c.status.in_(("BOOTING", "RUNNING")),
    postgresql_where=cdm_submissions.c.status.in_(("BOOTING", "RUNNING")),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    _text("project_id"),
    _text("workspace_id"),
    _text("name"),
    _text("status"),
    _text("message"),
    _number("start_time"),
    _number("end_time", null=True),
    _number("last_update"),
    _text("request"),
)

subtasks = Table(
    "subtasks",
    metadata,
    _text("task_id"),
    Column("position", Integer, nullable=False),
    _text("id"),
    _text("name"),
    _text("status"),
    _text("message"),
    _number("last_update"),
    PrimaryKeyConstraint("task_id", "position"),
)

# handed_down: JSON of the values a parent gave. parent_…: the attempt of a node that runs this instance as its
# child_number-th. owner: the engine that walks it, empty when none does yet. cancel_at: when it has waited too long.
# dry_run: its plan date is no working day of its job's calendar.
# wish: what the engine must see (START: new or to be run again, STOP: ended by a user); the engine empties it.
job_instances = Table(
    "job_instances",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _number("job_id"),
    _text("job_name"),
    _text("instance_name"),
    Column("instance_type", Integer, nullable=False),
    _text("status"),
    _text("wish"),
    Column("version", Integer, nullable=False),
    _text("parameters"),
    _text("run_as"),
    _text("project_id"),
    _text("log_root"),
    _number("plan_time"),
    _number("submit_time"),
    _number("start_time", null=True),
    _number("end_time", null=True),
    Column("force_success", Integer, nullable=False),
    Column("ignore_success", Integer, nullable=False),
    _text("error_message"),
    _text("handed_down"),
    _number("parent_id", null=True),
    Column("parent_position", Integer, nullable=True),
    _number("parent_fence", null=True),
    Column("child_number", Integer, nullable=True),
    _text("owner"),
    _number("cancel_at", null=True),
    Column("dry_run", Integer, nullable=False, server_default="0"),
    Index("job_instances_of_parent", "parent_id", "parent_position", "child_number"),
    Index("job_instances_newest", "workspace_id", "plan_time", "id"),
    Index("job_instances_of_job", "workspace_id", "job_name", "plan_time", "id"),
    Index("job_instances_by_job", "job_id", "status"),
)
Index(
    "job_instances_open",
    job_instances.c.id,
    sqlite_where=job_instances.c.status.in_(("waiting", "running", "running-exception")),
    postgresql_where=job_instances.c.status.in_(("waiting", "running", "running-exception")),
)
Index(
    "job_instances_owned",
    job_instances.c.owner,
    sqlite_where=job_instances.c.owner != "",
    postgresql_where=job_instances.c.owner != "",
)
Index(
    "job_instances_overdue",
    job_instances.c.cancel_at,
    sqlite_where=job_instances.c.status.in_(("waiting", "waiting-confirm")),
    postgresql_where=job_instances.c.status.in_(("waiting", "waiting-confirm")),
)
Index(
    "job_instances_planned",
    job_instances.c.job_id,
    job_instances.c.plan_time,
    unique=True,
    sqlite_where=job_instances.c.instance_type == 0,
    postgresql_where=job_instances.c.instance_type == 0,
)
Index(
    "job_instances_wishing",
    job_instances.c.id,
    sqlite_where=job_instances.c.wish != "",
    postgresql_where=job_instances.c.wish != "",
)

# log_root: the obs:// folder below which the logs of its nodes are, empty for the project's own bucket.
# task_group: the group whose slot its attempt takes, where it has one.
# running_data: what Job.getRunningData gives. variables: JSON of what later nodes read. children: JSON of the instances
# of another job that a node runs: the job's name, how many in all and at once. attempt_time: when this attempt began.
# fence: number of the attempt; a result that carries an older one is refused. lease_until: when the claim ends and
# the attempt has run too long. retry_at: when the next attempt is due. closed: nothing after this skipped node runs.
node_instances = Table(
    "node_instances",
    metadata,
    _number("instance_id"),
    Column("position", Integer, nullable=False),
    _text("name"),
    _text("type"),
    _text("status"),
    _number("plan_time"),
    _number("start_time", null=True),
    _number("end_time", null=True),
    Column("retry_times", Integer, nullable=False),
    _number("fence"),
    _number("lease_until", null=True),
    _number("retry_at", null=True),
    _text("output", null=True),
    _text("error_message"),
    _text("log_path"),
    _number("input_row_count", null=True),
    Column("closed", Integer, nullable=False),
    _text("running_data", null=True),
    _text("variables", null=True),
    _text("children", null=True),
    _number("attempt_time", null=True),
    _text("task_group"),
    PrimaryKeyConstraint("instance_id", "position"),
)

Index(
    "node_instances_in_groups",
    node_instances.c.task_group,
    sqlite_where=(node_instances.c.task_group != "") & (node_instances.c.status == "running"),
    postgresql_where=(node_instances.c.task_group != "") & (node_instances.c.status == "running"),
)

# One recorded outcome of each attempt that did something; an instance that is run again keeps the earlier ones.
node_attempts = Table(
    "node_attempts",
    metadata,
    _number("instance_id"),
    Column("position", Integer, nullable=False),
    _number("fence"),
    _text("name"),
    _text("outcome"),
    _number("start_time"),
    _number("end_time"),
    _text("message"),
    _text("log_path"),
    PrimaryKeyConstraint("instance_id", "position", "fence"),
)

# Jobs that are scheduled. next_time: the plan time of the next instance, null where none comes or the job is paused.
# parameters: JSON of the values given at the start, for all its instances. alone_at: the plan time of the instance that
# does not wait for the one before, because whoever started the job said so. held_time: of a paused job, the next_time
# that it had. skips_waiting: of its waiting instances only the newest that may run does.
job_schedules = Table(
    "job_schedules",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _text("project_id"),
    _text("run_as"),
    _text("parameters"),
    _number("next_time", null=True),
    _number("alone_at", null=True),
    _number("held_time", null=True),
    Column("skips_waiting", Integer, nullable=False, server_default="0"),
    Index("job_schedules_due", "next_time", "job_id"),
)

# Started jobs that events trigger. started: when, so that a listener knows a start from the one before; last_time: the
# plan time of the newest instance; held: 1 while the job is paused. parameters as in job_schedules.
event_triggers = Table(
    "event_triggers",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _text("project_id"),
    _text("run_as"),
    _text("parameters"),
    _number("started"),
    _number("last_time"),
    Column("held", Integer, nullable=False, server_default="0"),
)

# How far a job has come, also while it is not started. source: connection and topic, or folder; place: a partition and
# the offset that comes next, or an object and the time of its change.
event_positions = Table(
    "event_positions",
    metadata,
    _number("job_id"),
    _text("source"),
    _text("place"),
    _number("position"),
    PrimaryKeyConstraint("job_id", "source", "place"),
)

# The event that an instance was made for. key: where it stands in its source; data: its text; files: paths of objects.
instance_events = Table(
    "instance_events",
    metadata,
    Column("instance_id", BigInteger, primary_key=True, autoincrement=False),
    _number("job_id"),
    _text("key"),
    _text("data"),
    _text("files"),
    UniqueConstraint("job_id", "key"),
)

# What a waiting instance waits for in one upstream job; confirm: a person must let it run then.
instance_waits = Table(
    "instance_waits",
    metadata,
    _number("instance_id"),
    Column("number", Integer, nullable=False),
    _number("upstream_job_id"),
    _text("upstream_job_name"),
    Column("any_suffices", Integer, nullable=False),
    _text("fail_policy"),
    _text("rule"),
    Column("confirm", Integer, nullable=False),
    PrimaryKeyConstraint("instance_id", "number"),
)

# The plan times of the upstream job whose instances count for that.
instance_wait_times = Table(
    "instance_wait_times",
    metadata,
    _number("instance_id"),
    Column("number", Integer, nullable=False),
    _number("upstream_job_id"),
    _number("plan_time"),
    PrimaryKeyConstraint("instance_id", "number", "plan_time"),
    Index("instance_wait_times_of_job", "upstream_job_id", "plan_time"),
)

# Backfills: past plan times of jobs that are run, a few at once. next_time: when its window of execution opens next.
backfills = Table(
    "backfills",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _text("project_id"),
    _text("name"),
    _text("job_name"),
    _text("status"),
    _text("document"),
    Column("parallel", Integer, nullable=False),
    Column("by_day", Integer, nullable=False),
    Column("stops_on_failure", Integer, nullable=False),
    _text("run_time"),
    _text("user_name"),
    _number("start_time"),
    _number("end_time"),
    _number("create_time"),
    _number("finish_time", null=True),
    _number("next_time", null=True),
    UniqueConstraint("workspace_id", "name"),
    Index("backfills_created", "workspace_id", "create_time"),
    Index("backfills_due", "next_time"),
)

# The jobs of a backfill, in the version that it runs. nodes: JSON of their names and types.
backfill_jobs = Table(
    "backfill_jobs",
    metadata,
    _number("backfill_id"),
    Column("number", Integer, nullable=False),
    _number("job_id"),
    _text("job_name"),
    _text("workspace_id"),
    Column("version", Integer, nullable=False),
    _text("run_as"),
    _text("log_root"),
    Column("confirm", Integer, nullable=False),
    _text("nodes"),
    Column("listening", _BY_CODE_POINT, nullable=False, server_default=""),
    PrimaryKeyConstraint("backfill_id", "number"),
    Index("backfill_jobs_of_job", "job_id"),
)

# Its dates in the order in which they begin; day counts days in that order. instance_id: null until it has begun.
backfill_dates = Table(
    "backfill_dates",
    metadata,
    _number("backfill_id"),
    Column("position", Integer, nullable=False),
    Column("job_number", Integer, nullable=False),
    _number("plan_time"),
    Column("day", Integer, nullable=False),
    _text("state"),
    _number("instance_id", null=True),
    PrimaryKeyConstraint("backfill_id", "position"),
    UniqueConstraint("backfill_id", "job_number", "plan_time"),
    Index("backfill_dates_by_state", "backfill_id", "state", "position"),
    Index("backfill_dates_of_instance", "instance_id"),
)

# Which dates a date waits for. number: those of one upstream job count together.
backfill_waits = Table(
    "backfill_waits",
    metadata,
    _number("backfill_id"),
    Column("position", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("upstream", Integer, nullable=False),
    Column("any_suffices", Integer, nullable=False),
    _text("fail_policy"),
    PrimaryKeyConstraint("backfill_id", "position", "number", "upstream"),
    Index("backfill_waits_of_date", "backfill_id", "upstream"),
)

# Jobs whose schedule is another one since others began to wait for them, until that was looked at.
changed_schedules = Table(
    "changed_schedules",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
)

# Scheduling calendars. document: JSON of weekdays and of single days that differ from them.
calendars = Table(
    "calendars",
    metadata,
    _text("workspace_id"),
    _text("name"),
    _text("document"),
    PrimaryKeyConstraint("workspace_id", "name"),
)

# Who is told of what. job_id: null for every job of the workspace. topics: JSON. finished_by: HH:MM, or JSON of such
# times by the numbers of hours. minutes: how late an instance may begin. most_times, repeat_minutes: how often it is
# said at most while it is so, how far apart.
alarm_rules = Table(
    "alarm_rules",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _text("name"),
    _number("job_id", null=True),
    Column("kind", Integer, nullable=False),
    _text("topics"),
    _text("finished_by"),
    Column("minutes", Integer, nullable=False),
    Column("most_times", Integer, nullable=False),
    Column("repeat_minutes", Integer, nullable=False),
    Column("enabled", Integer, nullable=False),
    _text("create_user"),
    _number("create_time"),
    UniqueConstraint("workspace_id", "name"),
)

# Alarms to be looked at or sent, and those that were. occasion: the moment that caused it. number: counts repeats from
# 1. submit_time: when the instance was made. due_time: when to look, or to send or try again; null when it is done.
alarms = Table(
    "alarms",
    metadata,
    _number("rule_id"),
    _number("instance_id"),
    _number("occasion"),
    Column("number", Integer, nullable=False),
    _text("workspace_id"),
    _text("rule_name"),
    Column("kind", Integer, nullable=False),
    _number("job_id"),
    _text("job_name"),
    Column("instance_type", Integer, nullable=False),
    _number("plan_time"),
    _number("submit_time"),
    _text("error_message"),
    _text("topics"),
    Column("most_times", Integer, nullable=False),
    Column("repeat_minutes", Integer, nullable=False),
    _text("state"),
    _number("alarm_time"),
    _number("due_time", null=True),
    Column("tries", Integer, nullable=False),
    _text("message"),
    _text("outcome"),
    PrimaryKeyConstraint("rule_id", "instance_id", "occasion", "number"),
    Index("alarms_due", "due_time"),
    Index("alarms_newest", "workspace_id", "alarm_time"),
    Index("alarms_by_time", "alarm_time"),
    Index("alarms_of_instance", "instance_id"),
)

# Jobs that are promised to have finished by a time of day. document: the request as JSON. promised: the first promise
# that is open. next_look: null while it is switched off.
baselines = Table(
    "baselines",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _text("workspace_id"),
    _text("project_id"),
    _text("name"),
    Column("version", Integer, nullable=False),
    _text("document"),
    _number("create_time"),
    _number("modify_time"),
    _number("promised"),
    _number("next_look", null=True),
    UniqueConstraint("workspace_id", "name"),
    Index("baselines_due", "next_look"),
)

# A promise. warned: when to warn. begins, ends: what is planned in between counts. finish: when all ended, or may.
# alarmed: the standings that were told of, joined by commas.
baseline_instances = Table(
    "baseline_instances",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _number("baseline_id"),
    _number("promised"),
    _number("warned"),
    _number("begins"),
    _number("ends"),
    _text("standing"),
    Column("finished", Integer, nullable=False),
    _number("finish", null=True),
    _text("reason"),
    _text("alarmed"),
    _number("first_alarm", null=True),
    _number("last_alarm", null=True),
    UniqueConstraint("baseline_id", "promised", "begins"),
    Index("baseline_instances_promised", "promised"),
)

# Engines that run instances of this database. lease_until: one that has not said so later than this has lost its
# instances, by the clock of the database. place: machine and home, where one engine runs at a time.
engines = Table(
    "engines",
    metadata,
    Column("id", Text, primary_key=True),
    _text("place"),
    _number("lease_until"),
)

# At most max_nodes nodes of a group run at once in a workspace.
task_groups = Table(
    "task_groups",
    metadata,
    _text("id"),
    _text("workspace_id"),
    _text("name"),
    Column("max_nodes", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "name"),
)

quality_rules = Table(
    "quality_rules",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("name"),
    _text("document"),
    _text("create_user"),
    _number("create_time"),
    _number("modify_time"),
    UniqueConstraint("workspace_id", "name"),
)

# What a check found; document: counts and findings as JSON.
quality_results = Table(
    "quality_results",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("rule_name"),
    _number("instance_id", null=True),
    _text("node_name"),
    _text("status"),
    _number("time"),
    _text("document"),
    Index("quality_results_newest", "workspace_id", "time", "id"),
    Index("quality_results_of_rule", "workspace_id", "rule_name", "time", "id"),
)

# Instances that listen for a file. since: objects changed then or later are new. next_time: null when it is over.
instance_listenings = Table(
    "instance_listenings",
    metadata,
    Column("instance_id", BigInteger, primary_key=True, autoincrement=False),
    _text("expression"),
    _text("path"),
    _number("since"),
    _number("interval"),
    _number("until"),
    _number("next_time", null=True),
    Column("confirm", Integer, nullable=False),
    _text("found"),
)
Index(
    "instance_listenings_due",
    instance_listenings.c.next_time,
    sqlite_where=instance_listenings.c.next_time.is_not(None),
    postgresql_where=instance_listenings.c.next_time.is_not(None),
)

script_instances = Table(
    "script_instances",
    metadata,
    Column("id", Text, primary_key=True),
    _text("workspace_id"),
    _text("script_id"),
    _text("script_name"),
    _text("status"),
    _text("wish"),
    _text("message"),
    _text("parameters"),
    _text("project_id"),
    _text("results"),
    _number("create_time"),
    _number("start_time", null=True),
    _number("end_time", null=True),
    _text("owner"),
    Index("script_instances_newest", "workspace_id", "create_time", "id"),
)
Index(
    "script_instances_wishing",
    script_instances.c.id,
    sqlite_where=script_instances.c.wish != "",
    postgresql_where=script_instances.c.wish != "",
)
Index(
    "script_instances_open",
    script_instances.c.id,
    sqlite_where=script_instances.c.status.in_(("LAUNCHING", "RUNNING")),
    postgresql_where=script_instances.c.status.in_(("LAUNCHING", "RUNNING")),
)
