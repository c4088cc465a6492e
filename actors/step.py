"""One turn of the run loop: what is to be written, and what is to be done once it is.

The machines hear facts and answer with instructions; Route and ParsePlan are answered on the spot,
queueing is bookkeeping, all others become deeds. Nothing is written or carried out here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator
from functools import cached_property

from tekton.actors.deciding import Models, parse, route
from tekton.actors.lanes import Lanes
from tekton.actors.live_run import LiveRun
from tekton.routing.policy import Policy
from tekton.routing.view import RouterView
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
from tekton.workflow.journal import Entry
from tekton.workflow.table import MachineError, PlanRefused

logger = logging.getLogger(__name__)
POLICY = Policy()


class Step:
    """Gathers entries and deeds. `runs` and `lanes` are the loop's own and change at once."""

    def __init__(self, runs: dict[str, LiveRun], lanes: Lanes, models: Models) -> None:
        self.entries: list[Entry] = []
        self.deeds: list[tuple[str, Instruction]] = []
        self._runs, self._lanes, self._models = runs, lanes, models
        self._waiters: list[asyncio.Future[None]] = []
        self._raw_plan = ""

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
        """Start the attempts that free slots allow."""
        for run_id, ask in self._lanes.starting():
            self.take(run_id, started(ask), None)

    def refuse(self, error: Exception) -> None:
        """The disk refused: tell who waits. Runs that were born in this step never existed."""
        born = {entry.run_id for entry in self.entries if entry.seq == 1}
        for run_id, deed in self.deeds:
            if run_id in born and isinstance(deed, Enqueue):
                self._lanes.withdraw(deed.attempt_id)
        self.entries = [entry for entry in self.entries if entry.run_id not in born]
        self.deeds = [deed for deed in self.deeds if deed[0] not in born]
        for run_id in born:
            del self._runs[run_id]
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)
        self._waiters.clear()

    def confirm(self) -> None:
        """All is on disk: tell who waits."""
        for entry in self.entries:
            self._runs[entry.run_id].entries.append(entry)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    @cached_property
    def _view(self) -> RouterView:
        """What is known of the models: looked at once a step, and only if something is routed."""
        return self._models.view(self._lanes.load_of)

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
            self._runs[run_id] = LiveRun()
        run = self._runs[run_id]
        instructions = run.machine.handle(event)
        run.seq += 1
        self.entries.append(Entry(run_id=run_id, seq=run.seq, event=event))
        return instructions

    def _answer(self, run_id: str, instruction: Instruction) -> Event | None:
        """Answer an instruction now, or put it among the deeds."""
        state = self._runs[run_id].machine.state
        if isinstance(instruction, Route):
            return route(
                instruction,
                state,
                models=self._models,
                policy=POLICY,
                view=self._view,
                at=time.time(),
            )
        if isinstance(instruction, ParsePlan):
            self._raw_plan = instruction.raw
            most = self._models.settings.limits.plan_subtasks
            return parse(instruction, state, max_subtasks=most, at=time.time())
        if isinstance(instruction, Dequeue):
            self._lanes.withdraw(instruction.attempt_id)
        elif isinstance(instruction, Enqueue):
            self._lanes.offer(run_id, instruction)
            self.deeds.append((run_id, instruction))
        elif not isinstance(instruction, RunEnded):
            self.deeds.append((run_id, instruction))
        return None


def started(ask: Enqueue) -> AttemptStarted:
    """The fact that an attempt is about to leave."""
    return AttemptStarted(
        at=time.time(),
        subtask_id=ask.subtask_id,
        attempt_id=ask.attempt_id,
        model=ask.decision.model,
        bound_nusd=ask.decision.bound_nusd,
    )
