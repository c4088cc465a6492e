"""The Python API: one connection to a Tekton cluster, and the verbs of a run.

    with Tekton.connect(load_settings()) as tekton:
        run_id = tekton.submit(Task(problem="…"), attached=True)
        for item in tekton.follow(run_id):
            ...

Ray is imported inside functions only, so that importing this module stays cheap.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tekton.config import Settings
from tekton.errors import ClusterError, StoreError, TektonError
from tekton.types import Notice, Progress, Task
from tekton.workflow.journal import Entry

if TYPE_CHECKING:
    from tekton.actors.coordinator import News
    from tekton.cluster.core import Core

POLL_S = 2.0  # how long the Coordinator holds a call that has no news
RESTART_S = 60.0  # how long a Coordinator that is being restarted is waited for


class Tekton:
    """A connection. Raises ClusterError where the cluster can't be used."""

    def __init__(self, core: Core, settings: Settings) -> None:
        self._core, self._settings = core, settings

    @classmethod
    def connect(
        cls, settings: Settings, *, on_status: Callable[[str], None] = lambda _: None
    ) -> Tekton:
        """Join the cluster of `settings.address`, or the one of the state directory, or start it.

        `on_status` hears one short line before each step that takes long.
        """
        from tekton.cluster.local import connect

        return cls(connect(settings, on_status=on_status), settings)

    def submit(self, task: Task, *, attached: bool) -> str:
        """Hand a Task over; returns the run's id once RunSubmitted is journaled."""
        run_id = time.strftime("%m%d-%H%M%S-") + secrets.token_hex(2)
        self._ask(self._core.coordinator.submit.remote(run_id, task, attached, self._settings))
        return run_id

    def follow(
        self, run_id: str, *, after_seq: int = 0, beat: bool = True
    ) -> Iterator[Entry | Progress | Notice]:
        """The run's events in order, live, with progress and notices in between; ends when the
        run is final or paused.

        `beat`: we are its client; an attached run pauses when that falls silent. Raises
        StoreError while nothing can be written (the run goes on once it can).
        """
        news_seen, notices_seen = 0, 0
        while True:
            news = self._follow_once(run_id, after_seq, news_seen, beat)
            yield from news.entries
            yield from news.progress
            yield from news.notices[notices_seen:]
            after_seq += len(news.entries)
            news_seen, notices_seen = news.news, len(news.notices)
            if news.trouble:
                raise StoreError(news.trouble)
            if news.ended:
                return

    def pause(self, run_id: str, reason: str) -> None:
        """Start no new attempts, end and settle those in flight."""
        self._ask(self._core.coordinator.pause.remote(run_id, reason))

    def resume(self, run_id: str, *, attached: bool) -> None:
        """Go on with a paused or interrupted run. Raises UsageError for one that is final."""
        self._ask(self._core.coordinator.resume.remote(run_id, attached, self._settings))

    def cancel(self, run_id: str, reason: str) -> None:
        """End a run for good. Raises UsageError for one that is final."""
        self._ask(self._core.coordinator.cancel.remote(run_id, reason))

    def close(self) -> None:
        """Leave the cluster; it stays as it is."""
        import ray

        ray.shutdown()

    def __enter__(self) -> Tekton:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _follow_once(self, run_id: str, after_seq: int, after_news: int, beat: bool) -> News:
        """One call; a Coordinator that died is waited for, since Ray restarts it."""
        from ray.exceptions import RayActorError

        deadline = time.monotonic() + RESTART_S
        while True:
            call = self._core.coordinator.follow.remote(run_id, after_seq, after_news, POLL_S, beat)
            try:
                news: News = self._ask(call)
                return news
            except RayActorError as error:
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"the coordinator did not come back within {RESTART_S:.0f} s: the run is"
                        f" kept, go on with `tekton runs resume {run_id}`"
                    ) from error
                after_news = 0  # a new process counts anew
                self._await_coordinator(deadline)

    def _await_coordinator(self, deadline: float) -> None:
        import ray
        from ray.exceptions import RayError

        try:
            timeout = max(0.0, deadline - time.monotonic())
            ray.get(self._core.coordinator.ready.remote(), timeout=timeout)
        except RayError:
            return  # the caller tries again, or gives up at the deadline

    def _ask(self, call: Any) -> Any:
        """The answer of an actor; its errors of our family arrive as themselves."""
        import ray
        from ray.exceptions import RayTaskError

        try:
            return ray.get(call)
        except RayTaskError as error:
            if isinstance(error.cause, TektonError):
                raise error.cause from None
            raise
