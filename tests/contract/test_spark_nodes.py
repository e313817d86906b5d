"""The Spark nodes: how spark-submit is called, by a stand-in that tells; and programs run by a real one."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.nodes.base import NodeContext, NodeFailed, Resource, Script
from headrace.objectstore.files import FileStore
from headrace.objectstore.path import ObsPath
from headrace.settings import Settings
from headrace.sql.engine import Cancellation
from node_surroundings import KeptLog, context, run_node

STAND_IN = """#!{python}
import json, os, sys
names = [name for name in sys.argv if name.startswith(os.environ["TMPDIR"])]
print(json.dumps({{"argv": sys.argv[1:], "files": {{name: open(name).read() for name in names}}}}))
sys.exit(int(os.environ.get("SPARK_STAND_IN_STATUS", "0")))
"""


def surroundings(tmp_path: Path, spark_submit: str, **members: Any) -> NodeContext:
    settings = Settings(spark_submit=spark_submit, spark_master="local[1]")
    store = FileStore(tmp_path / "obs", durable=False)
    return context(scratch=tmp_path / "scratch", store=store, settings=settings, **members)


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[..., NodeContext]:
    program = tmp_path / "spark-submit"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)

    def make(**members: Any) -> NodeContext:
        ctx = surroundings(tmp_path, str(program), **members)
        ctx.store.put(ObsPath("acme-iot", "jars/scan-1.4.jar"), b"jar")
        ctx.store.put(ObsPath("acme-iot", "jars/lib.jar"), b"lib")
        ctx.store.put(ObsPath("acme-iot", "py/count.py"), b"py")
        return ctx

    return make


def told(ctx: NodeContext, kind: str, **properties: str) -> tuple[list[str], list[str]]:
    """What spark-submit was called with, and the contents of the files among it; the scratch folder is ``S``."""
    assert isinstance(ctx.log, KeptLog)
    assert run_node(kind, ctx, **properties).success
    heard = json.loads(ctx.log.text)
    assert not ctx.scratch.exists()
    return [item.replace(str(ctx.scratch), "S") for item in heard["argv"]], list(heard["files"].values())


def test_dli_spark__the_exported_properties_become_arguments(stand_in: Callable[..., NodeContext]) -> None:
    arguments, files = told(
        stand_in(),
        "DLISpark",
        clusterName="dli_iot_queue",
        jobName="firmware_scan",
        resourceType="OBS",
        jobClass="com.acme.iot.FirmwareScan",
        resourcePath="obs://acme-iot/jars/scan-1.4.jar",
        jarArgs="a b; rm -rf /\n$(id)",
        sparkConfig="spark.driver.memory=2g\nspark.executor.instances=3",
    )
    assert arguments == [
        *("--master", "local[1]", "--name", "firmware_scan", "--class", "com.acme.iot.FirmwareScan"),
        *("--conf", "spark.driver.memory=2g", "--conf", "spark.executor.instances=3"),
        *("S/scan-1.4.jar", "a b; rm -rf /", "$(id)"),
    ]
    assert files == ["jar"]


@pytest.mark.parametrize("kind", ["MRSSpark", "MapReduce"])
def test_mrs_spark__a_resource_brings_its_jars_and_masked_arguments_are_concealed(
    stand_in: Callable[..., NodeContext], kind: str
) -> None:
    jars = "obs://acme-iot/jars/"
    resource = Resource(name="scan", type="jar", location=f"{jars}scan-1.4.jar", depends=(f"{jars}lib.jar",))
    log = KeptLog()
    arguments, _ = told(
        stand_in(find_resource=lambda name: resource, log=log),
        kind,
        resourcePath="scan",
        parameters='"two words" @hush x',
        programParameter="--class:Main|executor-memory:2g|spark.app.ui: a:b",
    )
    assert arguments == [
        *("--master", "local[1]", "--name", "j_n", "--class", "Main", "--executor-memory", "2g"),
        *("--conf", "spark.app.ui=a:b", "--jars", "S/lib.jar", "S/scan-1.4.jar", "two words", "hush", "x"),
    ]
    assert log.concealed == ["hush"]


def test_spark_python__a_script_or_the_path_in_the_first_line(stand_in: Callable[..., NodeContext]) -> None:
    scripts = {"count": Script(name="count", type="SparkPython", content="print(1)\r\n")}
    arguments, files = told(stand_in(scripts=scripts), "MRS Spark Python", scriptName="count", arguments="a 'b c'")
    assert (arguments[-3:], files) == (["S/script.py", "a", "b c"], ["print(1)\n"])

    lines = "obs://acme-iot/py/count.py\na b\n@hush"
    arguments, files = told(stand_in(), "MRSSparkPython", parameters=lines, attributes="spark.x=1")
    assert arguments[-5:] == ["--conf", "spark.x=1", "S/count.py", "a b", "hush"]
    assert files == ["py"]


def test_spark__the_return_code_decides(stand_in: Callable[..., NodeContext], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_STAND_IN_STATUS", "3")
    result = run_node("DLISpark", stand_in(), resourcePath="hdfs://nn/x.jar")
    assert (result.success, result.message) == (False, "The Spark program did not end well: return code 3.")


@pytest.mark.parametrize(
    ("kind", "properties", "named"),
    [
        ("DLISpark", {}, "resourcePath: the node names no program"),
        ("DLISpark", {"resourcePath": "/etc/passwd"}, "resourcePath: '/etc/passwd'"),
        ("DLISpark", {"resourcePath": "file:///etc/passwd"}, "resourcePath: 'file:///etc/passwd'"),
        ("DLISpark", {"resourcePath": "--help"}, "resourcePath: '--help'"),
        ("DLISpark", {"resourcePath": "obs://acme-iot/none.jar"}, "obs://acme-iot/none.jar does not exist"),
        ("DLISpark", {"resourcePath": "obs://acme-iot/jars/"}, "does not end in the name of a file"),
        ("DLISpark", {"resourcePath": "hdfs://n/x.jar", "jobClass": "a b"}, "jobClass: 'a b'"),
        ("DLISpark", {"resourcePath": "hdfs://n/x.jar", "sparkConfig": "a=b"}, "sparkConfig: 'a'"),
        ("MRSSpark", {"resourcePath": "hdfs://n/x", "programParameter": "--files:/etc/passwd"}, "'--files' is none of"),
        ("MRSSpark", {"resourcePath": "hdfs://n/x", "programParameter": "class:--jars"}, "'class' is none of"),
        ("MRSSpark", {"resourcePath": "hdfs://n/x", "processType": "Stream"}, "processType"),
        ("MRSSparkPython", {}, "resourcePath: the node names no program"),
    ],
)
def test_spark__a_bad_property_is_named(
    stand_in: Callable[..., NodeContext], kind: str, properties: dict[str, str], named: str
) -> None:
    with pytest.raises(NodeFailed) as failure:
        run_node(kind, stand_in(), **properties)
    assert named in str(failure.value)


@pytest.mark.parametrize(
    "members",
    [
        {"settings": Settings(spark_submit="/none/spark-submit")},
        {"local_execution": False},
    ],
)
def test_spark__without_spark_submit_the_setting_is_named(members: dict[str, Any]) -> None:
    with pytest.raises(NodeFailed, match=r"Set spark_submit in headrace\.toml"):
        run_node("MRSSpark", context(**members), resourcePath="hdfs://n/x.jar")


# ---- a real spark-submit


@pytest.fixture(scope="module")
def spark_submit() -> str:
    services = os.environ.get("HEADRACE_SERVICES_DIR", "/tmp/headrace-services")
    for named in (os.environ.get("HEADRACE_TEST_SPARK_SUBMIT"), f"{services}/spark/venv/bin/spark-submit"):
        if named and (found := shutil.which(named)):
            return found
    pytest.skip("no spark-submit (make services installs one; or set HEADRACE_TEST_SPARK_SUBMIT)")


@pytest.fixture
def real(tmp_path: Path, spark_submit: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., NodeContext]:
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PATH", f"{Path(spark_submit).parent}:{os.environ['PATH']}")
    return lambda **members: surroundings(tmp_path, spark_submit, **members)


COUNT = """import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("rows:", spark.range(int(sys.argv[1])).selectExpr("sum(id)").collect()[0][0])
"""


@pytest.mark.spark
@pytest.mark.slow
def test_spark_python__a_real_program_counts(real: Callable[..., NodeContext]) -> None:
    log = KeptLog()
    scripts = {"count": Script(name="count", type="SparkPython", content=COUNT)}
    conf = "spark.ui.enabled=false"
    assert run_node(
        "MRSSparkPython", real(log=log, scripts=scripts), scriptName="count", arguments="101", attributes=conf
    ).success
    assert "rows: 5050" in log.text


@pytest.mark.spark
@pytest.mark.slow
def test_spark__a_real_jar_runs_its_class(real: Callable[..., NodeContext], spark_submit: str) -> None:
    (jar,) = Path(spark_submit).parents[1].glob("lib/python3*/site-packages/pyspark/jars/scala-compiler-*.jar")
    log = KeptLog()
    ctx = real(log=log)
    ctx.store.put(ObsPath("jars", "compiler.jar"), jar.read_bytes())
    properties = {"resourcePath": "obs://jars/compiler.jar", "jobClass": "scala.tools.nsc.Main", "jarArgs": "-version"}
    assert run_node("DLISpark", ctx, **properties).success
    assert "Scala compiler version" in log.text


def alive_in(group: int) -> list[str]:
    """The processes of a group that are more than an entry in the table of processes."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = file.read_text("utf-8", "replace").rpartition(")")
        except OSError:
            continue
        state, _, own_group = rest.split()[:3]
        found += [name] if int(own_group) == group and state not in "ZX" else []
    return found


@pytest.mark.spark
@pytest.mark.slow
def test_spark__a_stop_ends_the_whole_group(real: Callable[..., NodeContext]) -> None:
    log, stop = KeptLog(), Cancellation()
    content = "import os, time\nprint(f'group <{os.getpgid(0)}>', flush=True)\ntime.sleep(600)\n"
    ctx = real(log=log, cancellation=stop, scripts={"endless": Script(name="endless", type="P", content=content)})

    def stop_when_running() -> None:
        deadline = time.monotonic() + 60
        while ">" not in log.text.partition("group <")[2] and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.cancel()

    threading.Thread(target=stop_when_running).start()
    assert not run_node("MRSSparkPython", ctx, scriptName="endless").success
    group = int(log.text.partition("group <")[2].partition(">")[0])
    assert alive_in(group) == []
