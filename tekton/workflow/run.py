"""A run in hand: its state, its index, its limits, and the instructions of the current step.

The few primitives that all decisions are made of. Phases of a run, a subtask or an attempt change
here and nowhere else, always through the tables.
"""

from __future__ import annotations

from collections.abc import Sequence

from tekton.types import PLAN_ID, Subtask
from tekton.workflow.board import Board
from tekton.workflow.events import Instruction
from tekton.workflow.policy import MachinePolicy
from tekton.workflow.state import AttemptState, RunState, SubtaskState
from tekton.workflow.table import (
    ATTEMPT,
    RUN,
    SUBTASK,
    MachineError,
    PlanRefused,
    SubtaskPhase,
    step,
)


class Run:
    """What the handlers work on. `now` is the time of the event being handled."""

    def __init__(self, state: RunState, policy: MachinePolicy) -> None:
        self.state = state
        self.policy = policy
        self.board = Board()
        self.now = state.submitted_at
        self._instructions: list[Instruction] = []

    @property
    def parallel(self) -> int:
        """How many attempts may be queued or in flight at once."""
        asked = self.state.task.constraints.max_parallel
        return self.policy.parallel if asked is None else min(asked, self.policy.parallel)

    def say(self, instruction: Instruction) -> None:
        self._instructions.append(instruction)

    def take_instructions(self) -> list[Instruction]:
        said, self._instructions = self._instructions, []
        return said

    def enter(self, cause: str) -> None:
        """Move the run."""
        self.state.phase = step(RUN, self.state.phase, cause)

    def move(self, subtask: SubtaskState, cause: str) -> None:
        """Move a subtask."""
        old = subtask.phase
        subtask.phase = step(SUBTASK, old, cause)
        self.board.move(subtask.id, old, subtask.phase)

    def is_stale(self, subtask: SubtaskState, cause: str) -> bool:
        """Whether the news moves nothing any more. Raises UnknownTransition if it can't be."""
        return step(SUBTASK, subtask.phase, cause) == subtask.phase

    def move_attempt(self, attempt: AttemptState, cause: str) -> bool:
        """Move an attempt; False for a duplicate, which must change nothing."""
        old = attempt.phase
        attempt.phase = step(ATTEMPT, old, cause)
        return attempt.phase != old

    def subtask(self, subtask_id: str) -> SubtaskState:
        """Raises MachineError for an unknown one."""
        found = self.state.find(subtask_id)
        if found is None:
            raise MachineError(f"run {self.state.run_id} has no subtask {subtask_id!r}")
        return found

    def subtasks(self, *phases: SubtaskPhase) -> list[SubtaskState]:
        """Those in these phases, the planning among them, in plan order."""
        return [self.subtask(subtask_id) for subtask_id in self.board.ids(*phases)]

    def attempt(self, attempt_id: str) -> AttemptState:
        """Raises MachineError for an unknown one."""
        try:
            return self.state.attempts[attempt_id]
        except KeyError:
            raise MachineError(f"run {self.state.run_id} has no attempt {attempt_id!r}") from None

    def add(self, subtasks: Sequence[Subtask]) -> None:
        """Append subtasks to the plan; those without open dependencies are ready.

        Raises PlanRefused, before anything changed, for what could never be carried out.
        """
        known = set(self.state.subtasks)
        for subtask in subtasks:
            if subtask.id in known or subtask.id == PLAN_ID:
                raise PlanRefused(f"subtask {subtask.id!r} comes twice or bears a reserved name")
            if not known.issuperset(subtask.depends_on):
                raise PlanRefused(f"subtask {subtask.id!r} depends on a later or unknown one")
            known.add(subtask.id)
        new = [SubtaskState(subtask) for subtask in subtasks]
        self.state.subtasks.update((one.id, one) for one in new)
        self.board.add(new, self.state)
        if not self.state.task.plan_only:
            for one in new:
                if self.board.startable(one.id):
                    self.move(one, "dependencies finished")

    def add_planning(self, planning: SubtaskState) -> None:
        self.state.planning = planning
        self.board.add([planning], self.state)
        self.move(planning, "dependencies finished")

    def finish(self, subtask: SubtaskState) -> None:
        """What waited for this subtask alone is ready."""
        for dependent in self.board.finish(subtask.id):
            self.move(self.state.subtasks[dependent], "dependencies finished")

    def release(self, subtask: SubtaskState) -> AttemptState:
        """Take back a queued attempt: its money is free and the subtask is ready again."""
        attempt = subtask.attempts[-1]
        self.move_attempt(attempt, "held")
        self.state.ledger.release(attempt.id)
        self.move(subtask, "held")
        return attempt
