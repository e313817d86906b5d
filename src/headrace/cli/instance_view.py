"""What a job instance looks like at a moment: its nodes, what they run, and the last they said."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.domain.instance import ENDED_JOB_STATES, ENDED_NODE_STATES, UNENDED_JOB_STATES, JobState
from headrace.errors import HeadraceError
from headrace.objectstore.path import ObsPath
from headrace.packages.text import printable
from headrace.services import Services
from headrace.storage import instance_children, instances
from headrace.storage.instances import InstanceRecord, NodeRecord

RUNNING_LINES, FAILED_LINES = 3, 15
MOST_LOG_BYTES = 64 << 20
_LINE_BYTES = 400  # of a log, looked at for each line that is wanted


@dataclass(frozen=True, kw_only=True)
class NodeView:
    """A node instance. ``seconds`` it took or has taken, None before it begins; ``tail``: the last lines of its log."""

    name: str
    type: str
    status: str
    seconds: float | None = None
    retries: int = 0
    message: str = ""
    output: str | None = None
    tail: tuple[str, ...] = ()
    children: tuple[InstanceView, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.status in ENDED_NODE_STATES


@dataclass(frozen=True, kw_only=True)
class InstanceView:
    """A job instance."""

    id: int
    job: str
    name: str
    status: str
    seconds: float | None = None
    message: str = ""
    nodes: tuple[NodeView, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether it goes on only when it is run again."""
        return self.status in ENDED_JOB_STATES

    @property
    def is_at_rest(self) -> bool:
        """Whether it has ended, or goes on only when a person says so."""
        return self.status not in UNENDED_JOB_STATES or self.status == JobState.RUNNING_EXCEPTION


class Observer:
    """Looks at instances and what they run; what has ended is read once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ended: dict[int, InstanceView] = {}

    def look(self, instance_id: int) -> InstanceView:
        """An instance as it is now."""
        if instance_id in self._ended:
            return self._ended[instance_id]
        with self._services.db.reading() as connection:
            record = instances.by_id(connection, instance_id)
            assert record is not None  # noqa: S101 - nobody removes instances of a home of our own
            nodes = instances.nodes_of(connection, instance_id)
            children = {
                node.position: instance_children.children_of(connection, instance_id, node.position, node.fence)
                for node in nodes
                if node.children is not None
            }
        below = {at: tuple(self._child(child) for child in found) for at, found in children.items()}
        view = self._view(record, tuple(self._node(node, below.get(node.position, ())) for node in nodes))
        if view.has_ended and all(child.has_ended for found in below.values() for child in found):
            self._ended[instance_id] = view
        return view

    def log(self, instance_id: int, node_name: str) -> str:
        """All of the log of a node; empty where it has none."""
        with self._services.db.reading() as connection:
            found = [node for node in instances.nodes_of(connection, instance_id) if node.name == node_name]
        if not found or not found[0].log_path:
            return ""
        return self._read(found[0].log_path, 0, MOST_LOG_BYTES)[0].decode("utf-8", "replace")

    def _child(self, child: instance_children.ChildRecord) -> InstanceView:
        if child.start_time is None and child.status == JobState.WAITING:
            return InstanceView(id=child.id, job="", name=child.instance_name, status=child.status)
        return self.look(child.id)

    def _view(self, record: InstanceRecord, nodes: tuple[NodeView, ...]) -> InstanceView:
        return InstanceView(
            id=record.id,
            job=record.job_name,
            name=record.instance_name,
            status=record.status,
            seconds=self._seconds(record),
            message=record.error_message,
            nodes=nodes,
        )

    def _node(self, node: NodeRecord, children: tuple[InstanceView, ...]) -> NodeView:
        lines = {"running": RUNNING_LINES, "fail": FAILED_LINES}.get(node.status, 0)
        return NodeView(
            name=node.name,
            type=node.type,
            status=node.status,
            seconds=self._seconds(node),
            retries=node.retry_times,
            message=node.error_message,
            output=node.output,
            tail=self._tail(node.log_path, lines) if lines and node.log_path else (),
            children=children,
        )

    def _seconds(self, record: InstanceRecord | NodeRecord) -> float | None:
        if record.start_time is None:
            return None
        end = self._services.now() if record.end_time is None else record.end_time
        return max(0, end - record.start_time) / 1000

    def _tail(self, path: str, lines: int) -> tuple[str, ...]:
        size = lines * _LINE_BYTES
        data, begin = self._read(path, -size, size)
        found = data.decode("utf-8", "replace").splitlines()
        return tuple(printable(line) for line in (found[1:] if begin and len(found) > 1 else found)[-lines:])

    def _read(self, path: str, offset: int, size: int) -> tuple[bytes, int]:
        try:
            return self._services.logs.read(self._services.store, ObsPath.parse(path), offset, size)
        except HeadraceError:  # the log could not be written
            return b"", 0
