"""Who waits for a turn: instances of a job that runs only so many at once, oldest first.

Such an instance keeps its wish, so that an engine that starts anew finds it; here it only is remembered that looking at
it again makes no sense before another instance of its job has ended.
"""

from __future__ import annotations

from collections.abc import Callable


class Turns:
    """Waiting instances by their job. Used by the engine's thread only."""

    def __init__(self) -> None:
        self._waiting: dict[int, dict[int, int]] = {}  # job: instance: how many run at once
        self._jobs: dict[int, int] = {}  # the job of a waiting instance
        self._due: set[int] = set()  # jobs of which one may begin

    def wait(self, job_id: int, instance_id: int, limit: int) -> None:
        """An instance waits until fewer than ``limit`` of its job run."""
        self._waiting.setdefault(job_id, {})[instance_id] = limit
        self._jobs[instance_id] = job_id
        self._due.add(job_id)

    def is_waiting(self, instance_id: int) -> bool:
        """Whether an instance waits for its turn."""
        return instance_id in self._jobs

    def leave(self, instance_id: int) -> None:
        """An instance waits no more; nothing happens to one that does not."""
        job_id = self._jobs.pop(instance_id, None)
        if job_id is not None:
            del self._waiting[job_id][instance_id]
            self._due.add(job_id)

    def look_again(self, job_id: int) -> None:
        """An instance of a job has ended, so another may begin."""
        if job_id in self._waiting:
            self._due.add(job_id)

    def look_at_all(self) -> None:
        """Instances may have ended elsewhere."""
        self._due |= self._waiting.keys()

    @property
    def due(self) -> bool:
        """Whether an instance may begin that waited."""
        return bool(self._due)

    def take(self, running: Callable[[int], int]) -> list[int]:
        """The instances whose turn it is; they wait no more. ``running``: how many of a job run now."""
        taken = []
        for job_id in sorted(self._due):
            waiting = self._waiting.get(job_id, {})
            count = running(job_id) if waiting else 0
            for instance_id, limit in sorted(waiting.items()):
                if count >= limit:
                    break
                count += 1
                taken.append(instance_id)
                del waiting[instance_id], self._jobs[instance_id]
            if not waiting:
                self._waiting.pop(job_id, None)
        self._due.clear()
        return taken
