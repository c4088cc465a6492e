"""The run loop: facts in, journal, then deeds. One step takes everything that has come in.

Order within a step: the machines hear the events and answer; Route and ParsePlan are answered on
the spot; free slots start attempts; all of it goes to disk in one commit (the group commit); only
then are the other instructions carried out. While a commit is on its way the next step gathers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tekton.actors.deciding import Models, parse, route
from tekton.actors.planning import PlanFollower
from tekton.errors import StaleEpoch, StoreError
from tekton.routing.policy import Policy
from tekton.types import AttemptRequest, Notice, Progress
from tekton.workflow.events import (
    AttemptStarted,
    Dequeue,
    Enqueue,
    Event,
    Instruction,
    ParsePlan,
    PlanCompleted,
    PlanRejected,
    Route,
    RunEnded,
    RunSubmitted,
)
from tekton.workflow.journal import Entry, Journal, RunRow
from tekton.workflow.machine import RunMachine
from tekton.workflow.report import row
from tekton.workflow.slots import SlotQueue
from tekton.workflow.table import MachineError, PlanRefused

RETRY_WRITE_S = 2.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LiveRun:
    """A run in memory: its machine, its committed entries, and who should be woken by news."""

    machine: RunMachine
    entries: list[Entry] = field(default_factory=list)
    progress: dict[str, Progress] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    seq: int = 0
    beat_at: float = field(default_factory=time.monotonic)
    dormant: bool = False
    follower: PlanFollower | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    news: int = 0

    def announce(self) -> None:
        """Wake the followers; each takes the next event object to wait on."""
        self.news += 1
        self.changed.set()
        self.changed = asyncio.Event()


class RunLoop:
    """Owns the runs of one Coordinator. `carry_out` does what must not block a step."""

    def __init__(
        self,
        journal: Journal,
        owner: str,
        epoch: int,
        models: Models,
        carry_out: Callable[[str, Instruction], None],
    ) -> None:
        self.runs: dict[str, LiveRun] = {}
        self.slots = SlotQueue()
        self.trouble: StoreError | None = None
        self._journal, self._owner, self._epoch = journal, owner, epoch
        self._models, self._policy = models, Policy()
        self._carry_out = carry_out
        self._inbox: deque[tuple[str, Event, asyncio.Future[None] | None]] = deque()
        self._wake = asyncio.Event()
        self._queued: dict[str, Enqueue] = {}
        self._slotted: dict[str, str] = {}

    def post(self, run_id: str, event: Event) -> None:
        """Hand a fact in; it is journaled by one of the next steps."""
        self._inbox.append((run_id, event, None))
        self._wake.set()

    async def post_and_wait(self, run_id: str, event: Event) -> None:
        """Hand a fact in and return once it is on disk. Raises StoreError where it can't be."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inbox.append((run_id, event, done))
        self._wake.set()
        await done

    def set_slots(self, model: str, slots: int) -> None:
        """The model's slots as leased; 0 while there is no lease."""
        self.slots.set_slots(model, slots)
        self._wake.set()

    def free_slot(self, attempt_id: str) -> None:
        """An attempt ended; one that was reclaimed or never got a slot frees none."""
        model = self._slotted.pop(attempt_id, None)
        if model is not None:
            self.slots.free(model)
            self._wake.set()

    def start_all(self, model: str) -> None:
        """Start what waits for a model without a slot: it can't be had, and each is told so."""
        for enqueued in [e for e in self._queued.values() if e.decision.model == model]:
            self.slots.remove(enqueued.attempt_id)
            run_id = enqueued.attempt_id.split("/", 1)[0]
            self.post(run_id, self._started(enqueued))

    def bound_of(self, request: AttemptRequest) -> int:
        """What was reserved for an attempt, in nano-USD."""
        state = self.runs[request.run_id].machine.state
        return state.attempts[request.attempt_id].decision.bound_nusd

    def _started(self, enqueued: Enqueue) -> AttemptStarted:
        del self._queued[enqueued.attempt_id]
        return AttemptStarted(
            at=time.time(),
            subtask_id=enqueued.subtask_id,
            attempt_id=enqueued.attempt_id,
            model=enqueued.decision.model,
            bound_nusd=enqueued.decision.bound_nusd,
        )

    async def run_forever(self) -> None:
        """Step whenever something came in. Raises StaleEpoch: a newer owner writes the journal."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._step()

    async def _step(self) -> None:
        step = _Step(self)
        while self._inbox:
            step.take(*self._inbox.popleft())
        step.start_what_may()
        if step.entries:
            await self._commit(step)
        for run_id, instruction in step.deeds:
            self._carry_out(run_id, instruction)

    async def _commit(self, step: _Step) -> None:
        """Write the step; when the disk refuses, say so and keep trying: nothing may be lost."""
        while True:
            try:
                rows = [self._row(run_id) for run_id in {entry.run_id for entry in step.entries}]
                await self._journal.append(self._owner, self._epoch, step.entries, rows)
            except StaleEpoch:
                raise
            except StoreError as error:
                self.trouble = error
                step.refuse_new_runs(error)
                self._announce(self.runs)
                await self._pause_before_retry()
                continue
            self.trouble = None
            break
        for entry in step.entries:
            self.runs[entry.run_id].entries.append(entry)
        self._announce({entry.run_id for entry in step.entries})
        step.resolve()

    def _row(self, run_id: str) -> RunRow:
        return row(self.runs[run_id].machine.state, self._owner)

    def _announce(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            self.runs[run_id].announce()

    async def _pause_before_retry(self) -> None:
        self._wake.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wake.wait(), RETRY_WRITE_S)
        self._wake.set()

    def load_of(self, model: str) -> tuple[int, int]:
        """(queued, in flight) of a model."""
        return self.slots.waiting_for(model), self.slots.busy(model)


class _Step:
    """One turn of the loop: what is to be written, and what is to be done after."""

    def __init__(self, loop: RunLoop) -> None:
        self.entries: list[Entry] = []
        self.deeds: list[tuple[str, Instruction]] = []
        self._loop = loop
        self._waiters: list[asyncio.Future[None]] = []
        self._raw_plan = ""
        self._view = loop._models.view(loop.load_of)

    def take(self, run_id: str, event: Event, waiter: asyncio.Future[None] | None) -> None:
        """Let a run's machine hear an event, and all that follows from it within the step."""
        refused: MachineError | None = None
        pending: deque[Event] = deque([event])
        while pending:
            fact = pending.popleft()
            try:
                pending.extend(self._follow_up(run_id, fact))
            except MachineError as error:
                # The machine changed nothing: the fact is refused, and everything else goes on.
                logger.exception("run %s refused %s", run_id, type(fact).__name__)
                refused = error
        if waiter is not None and refused is not None:
            waiter.set_exception(refused)
        elif waiter is not None:
            self._waiters.append(waiter)

    def start_what_may(self) -> None:
        """Give free slots to what waits longest-path-first."""
        while (waiting := self._loop.slots.next()) is not None:
            enqueued = self._loop._queued[waiting.attempt_id]
            self._loop._slotted[waiting.attempt_id] = waiting.model
            self.take(waiting.run_id, self._loop._started(enqueued), None)

    def refuse_new_runs(self, error: StoreError) -> None:
        """Tell waiters; runs that were born in this step never existed."""
        born = {entry.run_id for entry in self.entries if entry.seq == 1}
        self.entries = [entry for entry in self.entries if entry.run_id not in born]
        self.deeds = [deed for deed in self.deeds if deed[0] not in born]
        for run_id in born:
            del self._loop.runs[run_id]
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)
        self._waiters.clear()

    def resolve(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _follow_up(self, run_id: str, event: Event) -> Iterator[Event]:
        """Let the machine hear an event; the events that answer its instructions."""
        try:
            instructions = self._hear(run_id, event)
        except PlanRefused as error:
            if not isinstance(event, PlanCompleted):
                raise
            yield PlanRejected(at=event.at, error=str(error), raw=self._raw_plan)
            return
        for instruction in instructions:
            answer = self._answer(run_id, instruction)
            if answer is not None:
                yield answer

    def _hear(self, run_id: str, event: Event) -> list[Instruction]:
        if isinstance(event, RunSubmitted):
            self._loop.runs[run_id] = LiveRun(RunMachine())
        run = self._loop.runs[run_id]
        instructions = run.machine.handle(event)
        run.seq += 1
        self.entries.append(Entry(run_id=run_id, seq=run.seq, event=event))
        return instructions

    def _answer(self, run_id: str, instruction: Instruction) -> Event | None:
        """Answer or queue an instruction now, or put it among the deeds."""
        loop = self._loop
        state = loop.runs[run_id].machine.state
        if isinstance(instruction, Route):
            return route(
                instruction,
                state,
                models=loop._models,
                policy=loop._policy,
                view=self._view,
                at=time.time(),
            )
        if isinstance(instruction, ParsePlan):
            self._raw_plan = instruction.raw
            most = loop._models.settings.limits.plan_subtasks
            return parse(instruction, state, max_subtasks=most, at=time.time())
        if isinstance(instruction, Enqueue):
            loop._queued[instruction.attempt_id] = instruction
            loop.slots.offer(
                instruction.attempt_id, run_id, instruction.decision.model, instruction.priority_s
            )
        elif isinstance(instruction, Dequeue):
            loop.slots.remove(instruction.attempt_id)
            loop._queued.pop(instruction.attempt_id, None)
            loop.free_slot(instruction.attempt_id)
            return None
        if not isinstance(instruction, RunEnded):
            self.deeds.append((run_id, instruction))
        return None
