"""The Python API: one connection to a Tekton cluster, and the verbs of a run.

    with Tekton.connect(load_settings()) as tekton:
        run_id = tekton.submit(Task(problem="…"), attached=True)
        for item in tekton.follow(run_id):
            ...

Ray is imported inside functions only, so that importing this module stays cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType

from tekton.config import Settings
from tekton.types import Progress, Task
from tekton.workflow.journal import Entry


class Tekton:
    """A connection. Raises ClusterError where the cluster can't be used."""

    @classmethod
    def connect(
        cls, settings: Settings, *, on_status: Callable[[str], None] = lambda _: None
    ) -> Tekton:
        """Join the cluster of `settings.address`, or the one of the state directory, or start it.

        `on_status` hears one short line before each step that takes long.
        """
        raise ClusterError

    def submit(self, task: Task, *, attached: bool) -> str:
        """Hand a Task over; returns the run's id once RunSubmitted is journaled."""

    def follow(self, run_id: str, *, after_seq: int = 0) -> Iterator[Entry | Progress]:
        """The run's events in order, live, with progress in between; ends when the run is final
        or paused. While it is iterated, an attached run's heart beats."""

    def pause(self, run_id: str, reason: str) -> None: ...

    def resume(self, run_id: str, *, attached: bool) -> None:
        """Go on with a paused or interrupted run. Raises UsageError for one that is final."""

    def cancel(self, run_id: str, reason: str) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> Tekton:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
