"""The OBS nodes on every object store."""

from __future__ import annotations

import pytest

from headrace.nodes.base import NodeFailed, NodeResult
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.sql.engine import Cancellation
from node_surroundings import context, run_node


def manage(store: ObjectStore, action: str, **properties: str) -> NodeResult:
    return run_node("OBSManager", context(store=store), action=action, **properties)


def fill(store: ObjectStore, bucket: ObsPath, *names: str) -> None:
    for name in names:
        store.put(bucket / name, name.encode())


def held(store: ObjectStore, bucket: ObsPath) -> dict[str, str]:
    return {info.path.key: store.get(info.path).decode() for info in store.list(bucket)}


@pytest.mark.parametrize("kind", ["OBSManager", "Create OBS"])
def test_obs__create__a_directory_is_there_the_second_time_too(store: ObjectStore, bucket: ObsPath, kind: str) -> None:
    for _ in range(2):
        assert run_node(kind, context(store=store), action="CREATE_PATH", path=f"{bucket}audit/run-001/").success
    assert store.folder_exists(bucket / "audit/run-001/")


@pytest.mark.parametrize("written", ["//{}", "obs://{}", "obs://{}/"])
def test_obs__create__two_slashes_and_a_name_are_a_bucket(store: ObjectStore, bucket: ObsPath, written: str) -> None:
    name = f"{bucket.bucket}-{len(written)}"
    assert manage(store, "CREATE_PATH", path=written.format(name)).success
    assert store.bucket_exists(name)


@pytest.mark.parametrize("kind", ["OBSManager", "DeleteOBS"])
def test_obs__delete__a_directory_goes_with_all_below(store: ObjectStore, bucket: ObsPath, kind: str) -> None:
    fill(store, bucket, "a/x", "a/b/y", "ab")
    for _ in range(2):
        assert run_node(kind, context(store=store), action="DELETE_PATH", path=f"{bucket}a/").success
    assert held(store, bucket) == {"ab": "ab"}


def test_obs__delete__a_file_goes_alone(store: ObjectStore, bucket: ObsPath) -> None:
    fill(store, bucket, "a/x", "a/y")
    assert manage(store, "delete", path=f"{bucket}a/x").success
    assert held(store, bucket) == {"a/y": "a/y"}


def test_obs__delete__a_bucket_is_refused(store: ObjectStore, bucket: ObsPath) -> None:
    fill(store, bucket, "x")
    with pytest.raises(NodeFailed, match="names a whole bucket"):
        manage(store, "DELETE_PATH", path=str(bucket))
    assert held(store, bucket) == {"x": "x"}


def test_obs__copy__what_matches_the_filter_comes_along(store: ObjectStore, bucket: ObsPath) -> None:
    fill(store, bucket, "in/a.csv", "in/d/b.csv", "in/c.txt")
    assert manage(
        store, "COPY", sourceDirectory=f"{bucket}in/", targetDirectory=f"{bucket}out/", filter="*.csv"
    ).success
    assert held(store, bucket) == {
        "in/a.csv": "in/a.csv",
        "in/c.txt": "in/c.txt",
        "in/d/b.csv": "in/d/b.csv",
        "out/a.csv": "in/a.csv",
        "out/d/b.csv": "in/d/b.csv",
    }


def test_obs__move__a_directory_goes_into_another_bucket(store: ObjectStore, bucket: ObsPath) -> None:
    other = ObsPath(f"{bucket.bucket}-other")
    store.create_bucket(other.bucket)
    fill(store, bucket, "in/a", "in/d/b", "rest")
    assert manage(store, "MOVE", sourceDirectory=f"{bucket}in/", targetDirectory=f"{other}arrived/").success
    assert held(store, bucket) == {"rest": "rest"}
    assert held(store, other) == {"arrived/a": "in/a", "arrived/d/b": "in/d/b"}
    assert not store.folder_exists(bucket / "in/")


def test_obs__move__one_file_goes_into_a_directory(store: ObjectStore, bucket: ObsPath) -> None:
    fill(store, bucket, "in/a", "in/b")
    assert manage(store, "MOVE_FILE", sourceDirectory=f"{bucket}in/a", targetDirectory=f"{bucket}out/").success
    assert held(store, bucket) == {"in/b": "in/b", "out/a": "in/a"}


def test_obs__move__into_itself_is_refused(store: ObjectStore, bucket: ObsPath) -> None:
    fill(store, bucket, "in/a")
    with pytest.raises(NodeFailed, match="lies in"):
        manage(store, "MOVE", sourceDirectory=f"{bucket}in/", targetDirectory=f"{bucket}in/deeper/")
    assert held(store, bucket) == {"in/a": "in/a"}


def test_obs__rename__changes_the_last_level(store: ObjectStore, bucket: ObsPath) -> None:
    fill(store, bucket, "d/old/a", "d/old/b/c", "d/old2/a")
    assert manage(store, "RENAME", sourceDirectory=f"{bucket}d/old/", targetDirectory="new").success
    assert held(store, bucket) == {"d/new/a": "d/old/a", "d/new/b/c": "d/old/b/c", "d/old2/a": "d/old2/a"}
    assert manage(store, "RENAME", path=f"{bucket}d/new/a", targetDirectory=f"{bucket}d/new/z").success
    assert sorted(held(store, bucket)) == ["d/new/b/c", "d/new/z", "d/old2/a"]


@pytest.mark.parametrize(
    ("target", "said"), [("taken", "exists already"), ("obs://{}/e/new", "last level"), ("", "new name"), ("x", "same")]
)
def test_obs__rename__what_would_overwrite_or_move_is_refused(
    store: ObjectStore, bucket: ObsPath, target: str, said: str
) -> None:
    fill(store, bucket, "d/x", "d/taken")
    with pytest.raises(NodeFailed, match=said):
        manage(store, "RENAME", sourceDirectory=f"{bucket}d/x", targetDirectory=target.format(bucket.bucket))
    assert sorted(held(store, bucket)) == ["d/taken", "d/x"]


def test_obs__monitor__succeeds_iff_the_path_is_there(store: ObjectStore, bucket: ObsPath) -> None:
    fill(store, bucket, "a/x")
    found = {name: manage(store, "MONITOR", path=f"{bucket}{name}").success for name in ("", "a/", "a", "a/x", "a/y")}
    assert found == {"": True, "a/": True, "a": True, "a/x": True, "a/y": False}
    assert manage(store, "MONITOR", path=f"{bucket}b/").message == f"{bucket}b/ does not exist."


def test_obs__copy__a_stop_leaves_the_source(store: ObjectStore, bucket: ObsPath) -> None:
    fill(store, bucket, "in/a")
    stop = Cancellation()
    stop.cancel()
    with pytest.raises(NodeFailed, match="Stopped while"):
        run_node(
            "OBSManager",
            context(store=store, cancellation=stop),
            action="MOVE",
            sourceDirectory=f"{bucket}in/",
            targetDirectory=f"{bucket}out/",
        )
    assert held(store, bucket) == {"in/a": "in/a"}


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"action": "EXPLODE", "path": "obs://b/x/"}, "action: 'EXPLODE'"),
        ({"action": "CREATE_PATH"}, "path: the node names no path"),
        ({"action": "CREATE_PATH", "path": "/tmp/x"}, "path: '/tmp/x'"),
        ({"action": "DELETE_PATH", "path": "obs://b/../c/"}, "path: 'obs://b/../c/'"),
        ({"action": "COPY", "path": "obs://b/none/", "targetDirectory": "obs://b/x/"}, "does not exist"),
    ],
)
def test_obs__a_bad_property_is_named(store: ObjectStore, properties: dict[str, str], named: str) -> None:
    with pytest.raises(NodeFailed) as failure:
        run_node("OBSManager", context(store=store), **properties)
    assert named in str(failure.value)
