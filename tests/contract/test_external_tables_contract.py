"""External tables on every object store: written, read, overwritten."""

from __future__ import annotations

from pathlib import Path

from headrace.objectstore.base import ObjectStore
from headrace.objectstore.files import FileStore
from headrace.objectstore.path import ObsPath
from headrace.sql.dialects import HIVE
from headrace.sql.embedded import EmbeddedEngine


def test_external_table__lives_in_the_store(store: ObjectStore, bucket: ObsPath, tmp_path: Path) -> None:
    remote = None if isinstance(store, FileStore) else store
    engine = EmbeddedEngine(tmp_path / "w.duckdb", tmp_path / "obs", remote)
    script = f"""CREATE EXTERNAL TABLE t (id INT, note STRING) PARTITIONED BY (dt STRING) STORED AS PARQUET
            LOCATION '{bucket}lake/t';
        INSERT INTO t PARTITION (dt) SELECT 1, 'a', '2024-01-31' UNION ALL SELECT 2, 'b', '2024-02-01';
        INSERT OVERWRITE TABLE t PARTITION (dt='2024-02-01') SELECT id + 10, note FROM t WHERE dt = '2024-02-01';
        SELECT * FROM t ORDER BY id"""
    assert list(engine.execute(script, HIVE, None)[-1].rows) == [(1, "a", "2024-01-31"), (12, "b", "2024-02-01")]
    engine.close()
    folders = sorted(str(found.path.parent) for found in store.list(bucket))
    assert folders == [f"{bucket}lake/t/dt=2024-01-31/", f"{bucket}lake/t/dt=2024-02-01/"]
