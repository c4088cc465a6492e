"""Tekton's scheduler in virtual time: its own RunMachine, Policy and SlotQueue, without a clock.

What a Coordinator's step does is done here event by event; an attempt ends after the seconds it was
given. Journal, Ray and the network cost nothing. Only the order in front of the slots differs:

shipped         the priority that the machine gives an attempt
path by count   the number of subtasks on the longest path from here on
path by seconds the longest path in true seconds, which nobody can know beforehand
older run       the run that was submitted first, within it the path by count
fewest left     the run with the fewest subtasks left, within it the path by count
first come      the order of arrival
barrier         first come, and no subtask starts before its whole level could (LangGraph's steps)
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from tekton.actors.deciding import Models, route
from tekton.config import Settings
from tekton.routing.policy import Policy
from tekton.testing import deterministic
from tekton.types import Constraints, Output, Plan, Subtask, Task, Usage
from tekton.workflow.critical_path import UNKNOWN_S, longest_below_s
from tekton.workflow.events import (
    AttemptStarted,
    AttemptSucceeded,
    Dispatch,
    Enqueue,
    Event,
    Route,
    RunSubmitted,
)
from tekton.workflow.machine import RunMachine
from tekton.workflow.policy import MachinePolicy
from tekton.workflow.slots import SlotQueue

MODEL = "simulated"
ORDERS = (
    "shipped",
    "path by count",
    "path by seconds",
    "older run",
    "fewest left",
    "first come",
    "barrier",
)
RUN_FIRST = 1e6  # more than any path: the run decides, the path only within it
DagSeconds = tuple[Plan, Mapping[str, float]]


def simulate(dags: Sequence[DagSeconds], slots: int, order: str) -> tuple[float, ...]:
    """Seconds from the submission of all DAGs at once to the end of each."""
    return _Simulation(dags, slots, order).run()


class _Simulation:
    def __init__(self, dags: Sequence[DagSeconds], slots: int, order: str) -> None:
        self._order = order
        self._dags = [(_by_levels(p) if order == "barrier" else p, s) for p, s in dags]
        self._machines = {str(number): RunMachine() for number in range(len(dags))}
        self._slots = SlotQueue()
        self._slots.set_slots(MODEL, slots)
        nowhere = Path("/nonexistent")
        table = {MODEL: deterministic(fields={"slots": slots})}
        self._settings = Settings(state_dir=nowhere, models_dir=nowhere, models=table)
        self._models = Models(self._settings)
        self._models.loaded(MODEL)
        self._queued: dict[str, Enqueue] = {}
        self._due: list[tuple[float, int, str, Event]] = []
        self._ties = count()
        self._now = 0.0

    def run(self) -> tuple[float, ...]:
        for number, (plan, _) in enumerate(self._dags):
            task = Task(problem="Measure.", constraints=Constraints(model=MODEL), plan=plan)
            policy = MachinePolicy.of(self._settings.limits)
            submitted = RunSubmitted(
                at=0.0, run_id=str(number), task=task, attached=False, policy=policy
            )
            self._step(str(number), submitted)
        while self._due:
            self._now, _, run_id, event = heapq.heappop(self._due)
            self._step(run_id, event)
        ends = [machine.state.ended_at for machine in self._machines.values()]
        assert all(machine.state.status == "succeeded" for machine in self._machines.values())
        return tuple(end for end in ends if end is not None)

    def _step(self, run_id: str, event: Event) -> None:
        if isinstance(event, AttemptSucceeded):
            self._slots.free(MODEL)
        self._take(run_id, event)
        while (waiting := self._slots.next()) is not None:
            enqueued = self._queued.pop(waiting.attempt_id)
            started = AttemptStarted(
                at=self._now,
                subtask_id=enqueued.subtask_id,
                attempt_id=enqueued.attempt_id,
                model=MODEL,
                bound_nusd=enqueued.decision.bound_nusd,
            )
            self._take(waiting.run_id, started)

    def _take(self, run_id: str, event: Event) -> None:
        machine = self._machines[run_id]
        load = (self._slots.waiting_for(MODEL), self._slots.busy(MODEL))
        view = self._models.view(lambda model: load if model == MODEL else (0, 0))
        pending = deque([event])
        while pending:
            for instruction in machine.handle(pending.popleft()):
                if isinstance(instruction, Route):
                    decided = route(
                        instruction,
                        machine.state,
                        models=self._models,
                        policy=Policy(),
                        view=view,
                        at=self._now,
                    )
                    pending.append(decided)
                elif isinstance(instruction, Enqueue):
                    self._queued[instruction.attempt_id] = instruction
                    priority_s = self._priority_s(run_id, instruction)
                    self._slots.offer(instruction.attempt_id, run_id, MODEL, priority_s)
                elif isinstance(instruction, Dispatch):
                    self._end_later(run_id, instruction)

    def _end_later(self, run_id: str, dispatch: Dispatch) -> None:
        subtask_id = dispatch.request.subtask.id
        at = self._now + self._dags[int(run_id)][1][subtask_id]
        succeeded = AttemptSucceeded(
            at=at,
            subtask_id=subtask_id,
            attempt_id=dispatch.request.attempt_id,
            output=Output(text="done"),
            usage=Usage(),
            cost_nusd=0,
        )
        heapq.heappush(self._due, (at, next(self._ties), run_id, succeeded))

    def _priority_s(self, run_id: str, enqueue: Enqueue) -> float:
        if self._order == "shipped":
            return enqueue.priority_s
        if self._order in ("first come", "barrier"):
            return 0.0
        plan, seconds = self._dags[int(run_id)]
        known = seconds if self._order == "path by seconds" else {}
        below = longest_below_s(plan.subtasks, known)
        path_s = known.get(enqueue.subtask_id, UNKNOWN_S) + below[enqueue.subtask_id]
        if self._order == "older run":
            return path_s - RUN_FIRST * int(run_id)
        if self._order == "fewest left":
            subtasks = self._machines[run_id].state.subtasks.values()
            return path_s - RUN_FIRST * sum(not one.finished for one in subtasks)
        return path_s


def _by_levels(plan: Plan) -> Plan:
    """The same subtasks, each depending on every one of the level before its own."""
    level: dict[str, int] = {}
    for subtask in plan.subtasks:
        level[subtask.id] = 1 + max((level[d] for d in subtask.depends_on), default=-1)

    def held(subtask: Subtask) -> Subtask:
        before = [one for one, its in level.items() if its == level[subtask.id] - 1]
        return replace(subtask, depends_on=tuple(before))

    # By level first: a dependency has to come earlier in the plan.
    ordered = sorted(plan.subtasks, key=lambda subtask: level[subtask.id])
    return replace(plan, subtasks=tuple(held(subtask) for subtask in ordered))
