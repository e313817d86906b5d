"""The Spark and MapReduce nodes: a jar or a Python program, run by the ``spark-submit`` of this machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from headrace.errors import HeadraceError
from headrace.nodes.base import Node, NodeContext, NodeFailed, NodeResult, Resource, node_type
from headrace.nodes.process import ATTEMPT_VARIABLE, run_process
from headrace.nodes.program_files import file_name
from headrace.nodes.programs import split_arguments
from headrace.objectstore.path import ObsPath

_NEEDS = "`spark-submit` (setting `spark_submit`, or on PATH with `local_execution`)"
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "JAVA_HOME", "HADOOP_CONF_DIR", "YARN_CONF_DIR", "HADOOP_HOME")
_KEPT_BEGINNINGS = ("SPARK_", "PYSPARK_")
_OPTIONS = frozenset(
    {"class", "driver-cores", "driver-memory", "executor-cores", "executor-memory", "num-executors", "queue"}
    | {"total-executor-cores", "deploy-mode"}
)
_CONF_NAME = re.compile(r"spark\.[A-Za-z0-9._-]+")
_CLASS_NAME = re.compile(r"[\w$]+(\.[\w$]+)*")
_ELSEWHERE = re.compile(r"(hdfs|s3a|s3n|viewfs|abfss?|gs|https?)://\S+")


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What spark-submit is told. ``program``: an obs:// path, an address that Spark reads itself, or a resource."""

    name: str
    program: str
    main_class: str = ""
    conf: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    text: str | None = None  # of a Python program that is a script


@node_type("DLISpark")
@dataclass(frozen=True, kw_only=True)
class DliSpark(Node):
    """Success when the program ends with 0. ``jar_args``: one per line; ``spark_config``: ``k=v`` per line.

    ``cluster_name``, the queue, has no effect. Source: API reference, "Creating a Job"; user guide, "DLI Spark".
    """

    needs: ClassVar[str] = _NEEDS

    job_name: str = ""
    job_class: str = ""
    resource_path: str = ""
    jar_args: str = ""
    spark_config: str = ""

    def run(self, ctx: NodeContext) -> NodeResult:
        return submit(
            ctx,
            Submission(
                name=self.job_name,
                program=self.resource_path,
                main_class=self.job_class,
                conf=_conf("sparkConfig", _lines(self.spark_config), "="),
                arguments=tuple(_lines(self.jar_args)),
            ),
        )


@node_type("MRSSpark", "MapReduce", "MRSMapReduce")
@dataclass(frozen=True, kw_only=True)
class MrsSpark(Node):
    """Success when the program ends with 0. ``parameters``: its arguments, between blanks; ``@`` before one masks it.

    ``program_parameter``: ``k:v`` pairs between ``|``: options of spark-submit such as ``--class`` and settings such
    as ``spark.executor.memory``. A MapReduce program runs with the Hadoop client of Spark. ``input`` and ``output`` are
    handed to nobody. Source: API reference, "Creating a Job"; user guide, "MRS Spark" and "MRS MapReduce".
    """

    needs: ClassVar[str] = _NEEDS

    job_name: str = ""
    resource_path: str = ""
    job_class: str = field(default="", metadata={"names": ("jobClass", "mainClass")})
    parameters: str = ""
    program_parameter: str = ""
    process_type: str = field(default="", metadata={"names": ("processType", "jobProcessType", "sparkProcessType")})

    def run(self, ctx: NodeContext) -> NodeResult:
        if self.process_type.lower() == "stream":
            raise NodeFailed("processType: streaming programs would end with their node; they are not in this release.")
        options, conf = _program_parameter(self.program_parameter)
        main_class = self.job_class or dict(options).get("class", "")
        return submit(
            ctx,
            Submission(
                name=self.job_name,
                program=self.resource_path,
                main_class=main_class,
                conf=conf,
                options=tuple(item for item in options if item[0] != "class"),
                arguments=_unmasked(ctx, split_arguments(self.parameters)),
            ),
        )


@node_type("MRSSparkPython")
@dataclass(frozen=True, kw_only=True)
class MrsSparkPython(Node):
    """Success when the program ends with 0: the script ``script_name`` with ``arguments``, or ``parameters``, whose
    first line is the program's path and whose others are arguments; ``@`` before one masks it. ``attributes``: ``k=v``
    per line. Source: user guide, "MRS Spark Python"; the wire names of the properties are inferred.
    """

    needs: ClassVar[str] = _NEEDS

    job_name: str = ""
    script_name: str = ""
    script_version: str = ""
    arguments: str = field(default="", metadata={"names": ("arguments", "scriptArgs")})
    parameters: str = ""
    attributes: str = field(default="", metadata={"names": ("attributes", "sparkConfig", "programParameter")})

    def run(self, ctx: NodeContext) -> NodeResult:
        conf = _conf("attributes", _lines(self.attributes), "=")
        if self.script_name:
            script = ctx.find_script(self.script_name, self.script_version)
            text = ctx.substitute(script.content, {})
            arguments = _unmasked(ctx, split_arguments(self.arguments))
            return submit(
                ctx, Submission(name=self.job_name, program="script.py", text=text, conf=conf, arguments=arguments)
            )
        program, *rest = _lines(self.parameters) or [""]
        return submit(ctx, Submission(name=self.job_name, program=program, conf=conf, arguments=_unmasked(ctx, rest)))


def submit(ctx: NodeContext, asked: Submission) -> NodeResult:
    """Run a program to its end; what it prints goes to the log. Raises NodeFailed when it cannot be started."""
    command = _command(ctx)
    ctx.scratch.mkdir(parents=True, mode=0o700)
    try:
        with _told():
            arguments = list(_arguments(ctx, asked))
        ended = run_process(
            [*command, *arguments],
            folder=ctx.scratch,
            environment=_environment(ctx),
            cancellation=ctx.cancellation,
            on_stdout=ctx.log.write,
            on_stderr=ctx.log.write,
        )
    except OSError as error:
        raise NodeFailed(f"{command[0]} cannot be started: {error.strerror}.") from error
    finally:
        shutil.rmtree(ctx.scratch, ignore_errors=True)
    if ended.exit_code == 0:
        return NodeResult(success=True)
    code = f"signal {-ended.exit_code}" if ended.exit_code < 0 else f"return code {ended.exit_code}"
    return NodeResult(success=False, message=f"The Spark program did not end well: {code}.")


def _command(ctx: NodeContext) -> list[str]:
    """spark-submit and its master. Raises NodeFailed."""
    named = ctx.settings.spark_submit
    found = shutil.which(named) if named else shutil.which("spark-submit") if ctx.local_execution else None
    if found is None:
        where = f"There is no program {named!r}" if named else "No spark-submit may be run here"
        raise NodeFailed(
            f"{where}. Set spark_submit in headrace.toml (HEADRACE_SPARK_SUBMIT) to the path of a spark-submit, and "
            "spark_master to the cluster; with local_execution the one on PATH is taken."
        )
    return [found, *(["--master", ctx.settings.spark_master] if ctx.settings.spark_master else [])]


def _arguments(ctx: NodeContext, asked: Submission) -> Iterator[str]:
    yield from ("--name", asked.name or f"{ctx.job_name}_{ctx.node_name}")
    if asked.main_class and not _CLASS_NAME.fullmatch(asked.main_class):
        raise NodeFailed(f"jobClass: {asked.main_class!r} is no name of a class.")
    if asked.main_class:
        yield from ("--class", asked.main_class)
    for name, value in asked.options:
        yield from (f"--{name}", value)
    for name, value in asked.conf:
        yield from ("--conf", f"{name}={value}")
    program, depends = _program(ctx, asked)
    jars = [path for path in depends if path.endswith(".jar")]
    modules = [path for path in depends if not path.endswith(".jar")]
    if jars:
        yield from ("--jars", ",".join(jars))
    if modules:
        yield from ("--py-files" if program.endswith(".py") else "--files", ",".join(modules))
    yield program
    yield from asked.arguments


def _program(ctx: NodeContext, asked: Submission) -> tuple[str, list[str]]:
    """The program as a local file or an address Spark reads itself, and the files it depends on."""
    if asked.text is not None:
        file = ctx.scratch / asked.program
        file.write_text(asked.text.replace("\r\n", "\n"), "utf-8", newline="")
        return str(file), []
    named = asked.program.strip()
    if not named:
        raise NodeFailed("resourcePath: the node names no program.")
    if _ELSEWHERE.fullmatch(named):
        return named, []
    if named.startswith("obs://"):
        return _fetched(ctx, Resource(name=named, type="", location=named), named), []
    if "/" in named or named.startswith("-"):
        raise NodeFailed(f"resourcePath: {named!r} is no obs:// path, no address and no resource.")
    resource = ctx.find_resource(named)
    return _fetched(ctx, resource, resource.location), [_fetched(ctx, resource, each) for each in resource.depends]


def _fetched(ctx: NodeContext, resource: Resource, location: str) -> str:
    """A local copy of an object."""
    target = ctx.scratch / file_name(resource, location)
    if "," in target.name or target.name == "script.py" or target.exists():
        raise NodeFailed(f"resourcePath: the name of {location!r} is taken, or has a comma.")
    with ctx.store.open(ObsPath.parse(location, "resourcePath")) as source, open(target, "xb") as file:
        shutil.copyfileobj(source, file)
    return str(target)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except HeadraceError as error:
        raise NodeFailed(f"resourcePath: {error.message}") from error


def _environment(ctx: NodeContext) -> dict[str, str]:
    """What Spark is told about this machine, and nothing else of the server's own environment."""
    given = {name: os.environ[name] for name in os.environ if name in _KEPT or name.startswith(_KEPT_BEGINNINGS)}
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        **given,
        "HOME": str(ctx.scratch),
        "TMPDIR": str(ctx.scratch),
        "PYTHONUNBUFFERED": "1",
        ATTEMPT_VARIABLE: ctx.token,
        **ctx.process_environment,
    }


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _conf(member: str, pairs: list[str], sign: str) -> tuple[tuple[str, str], ...]:
    """Settings of Spark, checked. Raises NodeFailed."""
    found = []
    for pair in pairs:
        name, there, value = pair.partition(sign)
        if not there or not _CONF_NAME.fullmatch(name.strip()):
            raise NodeFailed(f"{member}: {name.strip()!r} is no setting of Spark; write spark.NAME{sign}VALUE.")
        found.append((name.strip(), value.strip()))
    return tuple(found)


def _program_parameter(text: str) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Options of spark-submit, and settings. Raises NodeFailed."""
    pairs = [pair.strip() for pair in text.split("|") if pair.strip()]
    settings = [pair for pair in pairs if pair.startswith("spark.")]
    options = []
    for pair in pairs:
        name, _, value = pair.partition(":")
        if pair in settings:
            continue
        if name.strip().lstrip("-") not in _OPTIONS or not value.strip() or value.strip().startswith("-"):
            raise NodeFailed(
                f"programParameter: {name.strip()!r} is none of {', '.join(sorted(_OPTIONS))}, spark.NAME."
            )
        options.append((name.strip().lstrip("-"), value.strip()))
    return tuple(options), _conf("programParameter", settings, ":")


def _unmasked(ctx: NodeContext, arguments: list[str]) -> tuple[str, ...]:
    """The arguments without the ``@`` that masks some of them in the log."""
    for argument in arguments:
        if argument.startswith("@") and len(argument) > 1:
            ctx.log.conceal(argument[1:])
    return tuple(argument[1:] if argument.startswith("@") and len(argument) > 1 else argument for argument in arguments)
