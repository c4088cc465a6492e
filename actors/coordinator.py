"""The Coordinator: the actor that owns runs. It wires the run loop to the journal and the hands.

After a restart it replays the journal and goes on by itself: detached runs at once, attached ones
when their client is heard again. Its methods are what clients call; none of them decides.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import ray

from tekton.actors.deciding import Models
from tekton.actors.hands import HOLDER, Hands
from tekton.actors.live_run import LiveRun
from tekton.actors.planning import PlanFollower, may_start_early
from tekton.actors.run_loop import RunLoop
from tekton.actors.sharing import SharedTables
from tekton.artifacts.store import ArtifactStore
from tekton.cluster.identity import identity
from tekton.config import Settings
from tekton.errors import TektonError, UsageError
from tekton.types import Notice, Progress, Task
from tekton.workflow.events import (
    CancelRequested,
    Event,
    PauseRequested,
    PlanExtended,
    ResumeRequested,
    RunRecovered,
    RunSubmitted,
)
from tekton.workflow.journal import Entry
from tekton.workflow.policy import MachinePolicy
from tekton.workflow.sql_journal import SqlJournal
from tekton.workflow.table import FINAL

OWNER = "coordinator"
LINGER_S = 0.05  # news gather that long before a follower is answered
TICK_S = 1.0
FORGET_S = 60.0  # a final run stays in memory that long after its follower's last call


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a follower is told. `news` is to be handed back with the next call; `trouble` is why
    nothing can be written at present; `ended`: the run is final or paused, and this is all."""

    entries: tuple[Entry, ...]
    progress: tuple[Progress, ...]
    notices: tuple[Notice, ...]
    news: int
    ended: bool
    trouble: str | None


class Coordinator:
    """One per journal. `supervisor_pid`: the process to end when the cluster has been idle."""

    def __init__(self, settings: Settings, supervisor_pid: int | None) -> None:
        self._settings = settings
        self._supervisor_pid = supervisor_pid
        self._models = Models(settings)
        self._busy_at = time.monotonic()
        self._opened = asyncio.ensure_future(self._open())
        self._background: list[asyncio.Task[None]] = []

    async def ready(self) -> dict[str, str]:
        """Wait until the journal was replayed; who we are. Raises StoreError."""
        await self._open_once()
        return asdict(identity(self._settings.state_dir))

    async def submit(self, run_id: str, task: Task, attached: bool, settings: Settings) -> None:
        """Take a Task. Returns once it is journaled; raises StoreError if it can't be."""
        await self._open_once()
        self._models.adopt(settings)
        policy = MachinePolicy.of(settings.limits)
        submitted = RunSubmitted(
            at=time.time(), run_id=run_id, task=task, attached=attached, policy=policy
        )
        await self._loop.post_and_wait(run_id, submitted)

    async def follow(
        self, run_id: str, after_seq: int, after_news: int, wait_s: float, beat: bool
    ) -> News:
        """News of a run after a sequence number; waits for some up to `wait_s`.

        `beat`: the caller is the run's client, and alive. Raises UsageError for an unknown run.
        """
        await self._open_once()
        run = await self._find(run_id)
        if beat:
            self._beat(run_id, run)
        stale = run.news <= after_news and len(run.entries) <= after_seq
        if stale and not run.over and self._loop.trouble is None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(run.changed.wait(), wait_s)
                await asyncio.sleep(LINGER_S)
        trouble = self._loop.trouble
        return News(
            entries=tuple(run.entries[after_seq:]),
            progress=tuple(run.progress.values()),
            notices=tuple(run.notices),
            news=run.news,
            ended=run.over and run.committed,
            trouble=str(trouble) if trouble else None,
        )

    async def pause(self, run_id: str, reason: str) -> None:
        """No new attempts; those in flight are ended and settled."""
        await self._command(run_id, PauseRequested(at=time.time(), reason=reason))

    async def resume(self, run_id: str, attached: bool, settings: Settings) -> None:
        """Go on with a run that is paused, or that a crash interrupted. Raises UsageError."""
        await self._open_once()
        self._models.adopt(settings)
        self._beat(run_id, await self._find(run_id))
        await self._command(run_id, ResumeRequested(at=time.time(), attached=attached))

    async def cancel(self, run_id: str, reason: str) -> None:
        """End a run for good. Raises UsageError for one that is final."""
        await self._command(run_id, CancelRequested(at=time.time(), reason=reason))

    async def progress(self, progress: Progress) -> None:
        """A Worker reports; not journaled."""
        run = self._loop.runs.get(progress.run_id)
        if run is None or run.machine.state.final:
            return
        run.progress[progress.attempt_id] = progress
        if may_start_early(run.machine.state, progress):
            subtasks = self._follower(run, progress).hear(progress)
            if subtasks:
                extended = PlanExtended(at=time.time(), subtasks=subtasks)
                self._loop.post(progress.run_id, extended)
        run.announce()

    async def status(self) -> dict[str, Any]:
        """For people: runs in memory that are not final."""
        await self._open_once()
        runs = self._loop.runs
        active = [run_id for run_id, run in runs.items() if not run.machine.state.final]
        return {"pid": os.getpid(), "runs": active}

    # ── life ──────────────────────────────────────────────────────────────────────────────────

    async def _open_once(self) -> None:
        """Open the journal; where that failed (a full disk, say), try again."""
        if self._opened.done() and self._opened.exception() is not None:
            self._opened = asyncio.ensure_future(self._open())
        await asyncio.shield(self._opened)

    async def _open(self) -> None:
        self._settings.state_dir.mkdir(parents=True, exist_ok=True)
        self._journal = await SqlJournal.open(self._settings.state_dir / "journal.db")
        self._epoch = await self._journal.acquire(OWNER)
        router = await asyncio.to_thread(ray.get_actor, "router")
        await router.release_all.remote(HOLDER)
        self._tables = SharedTables(ArtifactStore(self._settings.state_dir / "artifacts"))
        self._hands = Hands(router, self._models, self._tables)
        self._loop = self._hands.loop = RunLoop(
            self._journal, OWNER, self._epoch, self._models, self._hands.carry_out
        )
        await self._recover()
        for work in (self._loop.run_forever(), self._tick()):
            task = asyncio.ensure_future(work)
            task.add_done_callback(_end_process)
            self._background.append(task)

    async def _recover(self) -> None:
        """Replay what is unfinished; detached runs go on, attached ones once they are followed."""
        for listed in await self._journal.runs(owner=OWNER, unfinished=True):
            try:
                run = await self._load(listed.run_id)
            except TektonError:
                logger.exception("run %s can't be replayed and is left alone", listed.run_id)
                continue
            if not listed.attached and listed.status == "running":
                self._wake(listed.run_id, run)

    async def _load(self, run_id: str) -> LiveRun:
        """Replay a run from the journal; it sleeps until it is woken. Raises UsageError."""
        entries = await self._journal.read(run_id)
        if not entries:
            raise UsageError(f"no run {run_id!r}: see `tekton runs list`")
        run = LiveRun()
        run.machine.replay([entry.event for entry in entries])
        run.entries, run.seq = entries, len(entries)
        run.dormant = not run.machine.state.final
        self._loop.runs[run_id] = run
        return run

    async def _find(self, run_id: str) -> LiveRun:
        return self._loop.runs.get(run_id) or await self._load(run_id)

    def _wake(self, run_id: str, run: LiveRun) -> None:
        """Take a replayed run over: what is in flight is claimed, the rest goes on."""
        if run.dormant:
            run.dormant = False
            self._loop.post(run_id, RunRecovered(at=time.time(), epoch=self._epoch))

    def _beat(self, run_id: str, run: LiveRun) -> None:
        self._busy_at = run.beat_at = time.monotonic()
        self._wake(run_id, run)

    def _active(self, run: LiveRun) -> bool:
        return not run.dormant and not run.over

    def _follower(self, run: LiveRun, progress: Progress) -> PlanFollower:
        follower = run.follower
        if follower is None or follower.attempt_id != progress.attempt_id:
            follower = run.follower = PlanFollower(run.machine.state, progress.attempt_id)
        return follower

    async def _command(self, run_id: str, event: Event) -> None:
        await self._open_once()
        run = await self._find(run_id)
        phase = run.machine.state.phase
        if phase in FINAL:
            raise UsageError(f"run {run_id} is over ({phase}): nothing was changed")
        self._wake(run_id, run)
        await self._loop.post_and_wait(run_id, event)

    async def _tick(self) -> None:
        """Once a second: silent clients, unused leases, finished runs, an idle cluster."""
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for run_id, run in list(self._loop.runs.items()):
                self._look_after(run_id, run, now)
            await self._hands.give_back_idle()
            if any(self._active(run) for run in self._loop.runs.values()):
                self._busy_at = now
            elif now - self._busy_at > self._settings.limits.idle_minutes * 60:
                self._end_cluster()

    def _look_after(self, run_id: str, run: LiveRun, now: float) -> None:
        state = run.machine.state
        silent_s = now - run.beat_at
        if state.phase == "running" and state.attached and not run.dormant:
            if silent_s > self._settings.limits.heartbeat_s:
                reason = f"its client was silent for {silent_s:.0f} s"
                self._loop.post(run_id, PauseRequested(at=time.time(), reason=reason))
        elif run.over and run.committed:
            self._tables.drop(run_id)
            if silent_s > FORGET_S:
                del self._loop.runs[run_id]

    def _end_cluster(self) -> None:
        if self._supervisor_pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._supervisor_pid, signal.SIGTERM)


def _end_process(task: asyncio.Task[None]) -> None:
    """The loop ended: a newer Coordinator owns the journal, or there is a bug. Either way this
    process must not live on; Ray starts another, which replays the journal."""
    logger.critical("the coordinator ends", exc_info=task.exception())
    os._exit(1)
