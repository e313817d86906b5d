"""Migrations of 2,000,000 rows of twelve mixed columns, beside DuckDB, connectorx, sling, dlt and ingestr.

Needs a PostgreSQL server (make services); peers are found in $PEERS_DIR/venv-{sling,dlt,ingestr}, and left out where
they are not. Each copy is one process; rounds are interleaved, and the median is told. The S3 server is moto's, where
it is installed. $BENCH_ROUTES names the routes to go by words of their titles: "S3" or "Parquet,CSV". Where
$BENCH_DASK_SCHEDULER or $BENCH_SPARK_CONNECT name a cluster on this machine, it is handed copies too; CPU and memory
are then those of the process that hands them over.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import Table

ROWS = int(os.environ.get("BENCH_ROWS", "2000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
ROUTES = os.environ.get("BENCH_ROUTES", "")
PEERS = Path(os.environ.get("PEERS_DIR", "/nonexistent"))
SERVER = os.environ.get("HEADRACE_TEST_POSTGRES", "postgresql://headrace@127.0.0.1:55432/postgres")
BUCKET = "bench"
CONVERTERS = (
    '[{"column":"name","type":"trim"},{"column":"note","type":"removeLineBreak"},'
    '{"column":"phone","type":"anonymization","prefixLength":3,"suffixLength":4}]'
)
COLUMNS = """
    id BIGINT PRIMARY KEY, quantity INTEGER, small SMALLINT, price NUMERIC(12,2), ratio DOUBLE PRECISION, name TEXT,
    phone TEXT, note TEXT, city TEXT, active BOOLEAN, day DATE, moment TIMESTAMP
"""
FILL = """
    INSERT INTO src SELECT i, i % 1000, i % 100, (i % 1000000) / 100.0, i / 7.0, 'customer ' || i,
      '138' || lpad((i % 100000000)::text, 8, '0'),
      CASE WHEN i % 5 = 0 THEN NULL ELSE 'said "' || i || '", then left' END,
      '杭州' || i % 50, CASE WHEN i % 11 = 0 THEN NULL ELSE i % 2 = 0 END, DATE '2020-01-01' + (i % 2000)::int,
      TIMESTAMP '2024-01-01' + make_interval(secs => i) FROM generate_series(1, {rows}) i
"""


@dataclass
class Measured:
    """What the runs of a tool took."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    error: str = ""

    def add(self, command: Sequence[str], environment: dict[str, str]) -> None:
        began = time.perf_counter()
        with tempfile.TemporaryFile() as told:
            process = subprocess.Popen(command, env=os.environ | environment, stdout=told, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            told.seek(0)
            text = told.read().decode(errors="replace")
        if process.returncode != 0:
            self.error = text.strip().splitlines()[-1][:80] if text.strip() else f"status {process.returncode}"
            return
        self.seconds.append(time.perf_counter() - began)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        self.megabytes.append(usage.ru_maxrss / 1024)


@dataclass(frozen=True)
class Route:
    """One way of the data, and the tools that go it; ``clear`` is called before each run."""

    title: str
    tools: dict[str, Sequence[str]]
    clear: Callable[[], None]
    rows: Callable[[], int]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, database() as url, s3_server() as s3:
        place = Path(folder)
        prepare(url, place)
        if s3 and wanted("S3 CSV to Parquet"):
            upload(s3, place)
        table = Table(
            f"Migrations of {ROWS:,} rows of 12 columns, median of {ROUNDS}",
            ["route", "tool", "s", "1,000 rows/s", "CPU s", "MB", "to the fastest"],
        )
        for route in [*routes(url, place), *s3_routes(s3, place)]:
            if wanted(route.title):
                told(table, route, measured(route, place, s3))
        table.print()


def wanted(title: str) -> bool:
    return any(word in title for word in ROUTES.split(","))


def measured(route: Route, place: Path, s3: str) -> dict[str, Measured]:
    """Interleaved rounds."""
    found = {tool: Measured() for tool in route.tools}
    environment = {"HEADRACE_HOME": str(place / "home"), "HOME": str(place), "PGPASSWORD": "headrace"}
    environment["BENCH_S3"] = json.dumps(  # as sling finds it
        {"type": "s3", "bucket": BUCKET, "endpoint": s3, "access_key_id": "bench", "secret_access_key": "bench"}
    )
    for _ in range(ROUNDS):
        for tool, command in route.tools.items():
            if found[tool].error:
                continue
            route.clear()
            found[tool].add(command, environment)
            if not found[tool].error and route.rows() != ROWS:
                found[tool].error = f"{route.rows():,} rows arrived"
    return found


def told(table: Table, route: Route, found: dict[str, Measured]) -> None:
    """The rows of a route; the fastest is the fastest tool that is not ourselves."""
    peers = [statistics.median(one.seconds) for tool, one in found.items() if one.seconds and "headrace" not in tool]
    for tool, one in found.items():
        if one.error:
            table.add(route.title, tool, "-", "-", "-", "-", one.error)
            continue
        seconds = statistics.median(one.seconds)
        table.add(
            route.title,
            tool,
            f"{seconds:.2f}",
            f"{ROWS / seconds / 1000:,.0f}",
            f"{statistics.median(one.cpu):.1f}",
            f"{max(one.megabytes):.0f}",
            f"{seconds / min(peers):.2f}" if peers else "",
        )


# ---- what is moved


@contextmanager
def database() -> Iterator[str]:
    """A database of its own."""
    name = f"bench_{os.getpid()}"
    sql(SERVER, f"CREATE DATABASE {name}")
    try:
        yield SERVER.rsplit("/", 1)[0] + f"/{name}"
    finally:
        sql(SERVER, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def s3_server() -> Iterator[str]:
    """The URL of an S3 server, empty where moto's is not installed."""
    if importlib.util.find_spec("moto") is None:
        yield ""
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def upload(s3: str, place: Path) -> None:
    """The CSV file as an object."""
    from obstore.store import S3Store

    from headrace.objectstore.s3 import S3Store as OwnStore

    OwnStore(s3, "bench", "bench", "us-east-1", create_buckets=True).create_bucket(BUCKET)
    store = S3Store(
        BUCKET,
        endpoint=s3,
        region="us-east-1",
        access_key_id="bench",
        secret_access_key="bench",
        client_options={"allow_http": True, "timeout": "300s"},
    )
    store.put("src.csv", place / "src.csv")


def sql(url: str, statement: str) -> int:
    """Run a statement; its first number, if it gives one."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return int(row[0]) if row else 0


def prepare(url: str, place: Path) -> None:
    """The table in PostgreSQL, and the same rows as CSV and in SQLite."""
    import psycopg

    sql(url, f"CREATE TABLE src ({COLUMNS})")
    sql(url, FILL.format(rows=ROWS))
    sql(url, f"CREATE TABLE dst ({COLUMNS})")
    sql(url, "VACUUM ANALYZE src")
    with (
        psycopg.connect(url) as connection,
        (place / "src.csv").open("wb") as file,
        connection.cursor().copy("COPY src TO STDOUT (FORMAT csv, HEADER)") as copied,
    ):
        for data in copied:
            file.write(data)
    with psycopg.connect(url) as connection, sqlite3.connect(place / "src.db") as lite:
        lite.execute(f"CREATE TABLE src ({COLUMNS})")
        with connection.cursor("rows") as cursor:
            cursor.itersize = 50_000
            cursor.execute("SELECT * FROM src")
            while rows := cursor.fetchmany(50_000):
                lite.executemany(
                    "INSERT INTO src VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                    [(*row[:3], float(row[3]), *row[4:10], str(row[10]), str(row[11])) for row in rows],
                )


def parquet_rows(file: Path) -> Callable[[], int]:
    def rows() -> int:
        import pyarrow.parquet as pq

        files = [file] if file.is_file() else sorted(file.rglob("*.parquet"))
        return sum(pq.read_metadata(one).num_rows for one in files)

    return rows


# ---- who moves it


def routes(url: str, place: Path) -> list[Route]:
    csv, lite, parquet = place / "src.csv", place / "src.db", place / "out.parquet"

    def no_parquet() -> None:
        subprocess.run(["rm", "-rf", str(parquet)], check=True)

    def no_rows() -> None:
        sql(url, "TRUNCATE dst")

    def count() -> int:
        return sql(url, "SELECT count(*) FROM dst")

    source, target = f"{url}/public.src", f"{url}/public.dst"
    return [
        Route(
            "PostgreSQL to PostgreSQL",
            {
                "headrace": copy(source, target, "--mode", "truncate"),
                "headrace, 2 parts": copy(source, target, "--mode", "truncate", "--by", "id", "--parallel", "2"),
                **elsewhere(copy(source, target, "--mode", "truncate", "--by", "id", "--parallel", "2")),
                "headrace, staged": copy(source, target),
                "headrace, 3 converters": copy(source, target, "--mode", "truncate", "--convert", CONVERTERS),
                "DuckDB": duck(f"ATTACH '{url}' AS pg (TYPE postgres); INSERT INTO pg.dst SELECT * FROM pg.src"),
                **sling(url, "src", url, "dst"),
                **ingestr(url, "public.src", url, "public.dst"),
                **dlt(url, "src", "postgres", url),
            },
            no_rows,
            count,
        ),
        Route(
            "PostgreSQL to Parquet",
            {
                "headrace": copy(source, str(parquet)),
                "DuckDB": duck(f"ATTACH '{url}' AS pg (TYPE postgres); COPY pg.src TO '{parquet}' (FORMAT parquet)"),
                **connectorx(url, parquet),
                **sling(url, "src", f"file://{parquet}", None),
                **dlt(url, "src", "filesystem", str(parquet)),
            },
            no_parquet,
            parquet_rows(parquet),
        ),
        Route(
            "CSV to PostgreSQL",
            {
                "headrace": copy(str(csv), target, "--mode", "truncate", "--from", "firstRowAsHeader=true"),
                "DuckDB": duck(f"ATTACH '{url}' AS pg (TYPE postgres); INSERT INTO pg.dst SELECT * FROM '{csv}'"),
                **sling(f"file://{csv}", None, url, "dst"),
            },
            no_rows,
            count,
        ),
        Route(
            "SQLite to Parquet",
            {
                "headrace": copy(f"sqlite:///{lite}?table=src", str(parquet)),
                "DuckDB": duck(f"ATTACH '{lite}' AS s (TYPE sqlite); COPY s.src TO '{parquet}' (FORMAT parquet)"),
                **connectorx(f"sqlite://{lite}", parquet),
                **sling(f"sqlite://{lite}", "src", f"file://{parquet}", None),
            },
            no_parquet,
            parquet_rows(parquet),
        ),
    ]


def s3_routes(s3: str, place: Path) -> list[Route]:
    parquet = place / "out.parquet"
    keys = f"endpoint={s3}&access_key=bench&secret_key=bench"

    def no_parquet() -> None:
        subprocess.run(["rm", "-rf", str(parquet)], check=True)

    tools = {
        "headrace": copy(f"s3://{BUCKET}/src.csv?{keys}", str(parquet), "--from", "firstRowAsHeader=true"),
        "pyarrow alone": streamed_by_pyarrow(s3, parquet),
        **sling("BENCH_S3", None, f"file://{parquet}", None, stream=f"s3://{BUCKET}/src.csv"),
        **dlt_from_s3(s3, parquet),
    }
    return [Route("S3 CSV to Parquet", tools, no_parquet, parquet_rows(parquet))] if s3 else []


def streamed_by_pyarrow(s3: str, parquet: Path) -> Sequence[str]:
    """What reading, parsing and writing take at least, when nothing else is looked at."""
    script = f"""
import pyarrow.csv, pyarrow.fs, pyarrow.parquet
s3 = pyarrow.fs.S3FileSystem(endpoint_override={s3!r}, access_key="bench", secret_key="bench", region="us-east-1")
with pyarrow.csv.open_csv(s3.open_input_stream("{BUCKET}/src.csv")) as rows:
    with pyarrow.parquet.ParquetWriter({str(parquet)!r}, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)
"""
    return [sys.executable, "-c", script]


def copy(source: str, target: str, *options: str) -> Sequence[str]:
    return [sys.executable, "-m", "headrace", "migrate", "copy", source, target, *options]


def elsewhere(command: Sequence[str]) -> dict[str, Sequence[str]]:
    """A copy whose splits run on a cluster."""
    found: dict[str, Sequence[str]] = {}
    if dask := os.environ.get("BENCH_DASK_SCHEDULER"):
        found["headrace, 2 parts on Dask"] = ["env", f"HEADRACE_DASK_SCHEDULER={dask}", *command]
    if spark := os.environ.get("BENCH_SPARK_CONNECT"):
        settings = [f"HEADRACE_SPARK_CONNECT={spark}", f"HEADRACE_SPARK_PYTHON={sys.executable}"]
        found["headrace, 2 parts on Spark"] = ["env", *settings, *command]
    return found


def duck(statements: str) -> Sequence[str]:
    script = f"import duckdb; duckdb.sql({statements!r})"
    python = PEERS / "venv-dlt" / "bin" / "python"
    return [str(python) if python.exists() else sys.executable, "-c", script]


def connectorx(source: str, parquet: Path) -> dict[str, Sequence[str]]:
    """The whole result at once; decimals lose digits beyond ten."""
    python = PEERS / "venv-dlt" / "bin" / "python"
    if not python.exists():
        return {}
    script = (
        "import connectorx, pyarrow.parquet as pq; "
        f"pq.write_table(connectorx.read_sql({source!r}, 'SELECT * FROM src', return_type='arrow'), {str(parquet)!r})"
    )
    return {"connectorx": [str(python), "-c", script]}


def sling(
    source: str, table: str | None, target: str, to: str | None, stream: str | None = None
) -> dict[str, Sequence[str]]:
    program = PEERS / "venv-sling" / "bin" / "sling"
    if not program.exists():
        return {}
    source, target = (f"{url}?sslmode=disable" if url.startswith("postgresql:") else url for url in (source, target))
    command = [str(program), "run", "--src-conn", source, "--tgt-conn", target, "--mode", "truncate"]
    schema = "main" if source.startswith("sqlite:") else "public"
    command += ["--src-stream", f"{schema}.{table}"] if table else ["--src-stream", stream or source]
    command += ["--tgt-object", f"public.{to}"] if to else ["--tgt-object", target]
    return {"sling": command}


def ingestr(source: str, table: str, target: str, to: str) -> dict[str, Sequence[str]]:
    program = PEERS / "venv-ingestr" / "bin" / "ingestr"
    if not program.exists():
        return {}
    options = ["--source-uri", source, "--source-table", table, "--dest-uri", target, "--dest-table", to, "--yes"]
    return {"ingestr": [str(program), "ingest", *options]}


def dlt(source: str, table: str, kind: str, target: str) -> dict[str, Sequence[str]]:
    python = PEERS / "venv-dlt" / "bin" / "python"
    if not python.exists():
        return {}
    where = f"credentials={target!r}" if kind == "postgres" else f"bucket_url={target!r}"
    script = (
        "import dlt; from dlt.sources.sql_database import sql_table; "
        f"pipeline = dlt.pipeline('bench', destination=dlt.destinations.{kind}({where}), dataset_name='public'); "
        f"pipeline.run(sql_table({source!r}, {table!r}, backend='pyarrow'), table_name='dst', "
        "write_disposition='replace', loader_file_format='parquet')"
    )
    return {"dlt": [str(python), "-c", script]}


def dlt_from_s3(s3: str, parquet: Path) -> dict[str, Sequence[str]]:
    python = PEERS / "venv-dlt" / "bin" / "python"
    if not python.exists():
        return {}
    script = f"""
import dlt
from dlt.sources.credentials import AwsCredentials
from dlt.sources.filesystem import filesystem, read_csv_duckdb
keys = AwsCredentials("bench", "bench", endpoint_url={s3!r}, region_name="us-east-1")
files = filesystem(bucket_url="s3://{BUCKET}", credentials=keys, file_glob="src.csv")
pipeline = dlt.pipeline("bench_s3", destination=dlt.destinations.filesystem({str(parquet)!r}), dataset_name="public")
pipeline.run(files | read_csv_duckdb(use_pyarrow=True), table_name="dst", loader_file_format="parquet")
"""
    return {"dlt": [str(python), "-c", script]}
