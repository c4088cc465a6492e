"""What is known of a run: the run, its subtasks, its attempts. Written by the machine only.

Everyone else reads. The same events give the same state, whichever process replays them. Nothing
here decides: transitions are in `table`, decisions in the modules that `machine` names.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tekton.types import (
    PLAN_ID,
    Decision,
    Failure,
    Output,
    Plan,
    RunStatus,
    Subtask,
    Task,
    Usage,
)
from tekton.workflow.ledger import Ledger
from tekton.workflow.table import FINAL, STATUS, AttemptPhase, RunPhase, SubtaskPhase


@dataclass(slots=True)
class AttemptState:
    """One Attempt. `released`: it was taken out of its queue; it never left and cost nothing."""

    id: str
    subtask_id: str
    decision: Decision
    phase: AttemptPhase = "queued"
    started_at: float | None = None
    ended_at: float | None = None
    usage: Usage = field(default_factory=Usage)
    cost_nusd: int = 0
    failure: Failure | None = None
    cancel_requested: bool = False

    @property
    def model(self) -> str:
        return self.decision.model

    @property
    def seconds(self) -> float:
        """From start to end; 0 while it has not ended."""
        if self.started_at is None or self.ended_at is None:
            return 0.0
        return max(0.0, self.ended_at - self.started_at)


@dataclass(slots=True)
class SubtaskState:
    """One Subtask (or the planning, under PLAN_ID).

    `excluded` are models that failed it for good; `tries` counts the failed attempts of each
    model; `decision` is the last one, `retry_at` the end of the back-off it is in.
    """

    subtask: Subtask
    phase: SubtaskPhase = "waiting"
    attempts: list[AttemptState] = field(default_factory=list)
    decision: Decision | None = None
    excluded: set[str] = field(default_factory=set)
    tries: dict[str, int] = field(default_factory=dict)
    retry_at: float | None = None
    output: Output | None = None
    failure: Failure | None = None

    @property
    def id(self) -> str:
        return self.subtask.id

    @property
    def sent(self) -> list[AttemptState]:
        """The attempts that left."""
        return [attempt for attempt in self.attempts if attempt.started_at is not None]

    @property
    def finished(self) -> bool:
        """Whether what depends on it may start: it succeeded, or it failed and was optional."""
        return self.phase == "succeeded" or (self.phase == "failed" and self.subtask.optional)


@dataclass(slots=True)
class RunState:
    """One Run.

    `subtasks` are in plan order; while `plan` is None they are what was announced of it, append
    only. `planning` is None when the user brought the plan. `feedback` holds (error, raw) of each
    rejected plan. `error` says why the run failed or is degraded; `stop_reason` why it was last
    paused or cancelled. `answer_outputs` are (title, output) of the plan's sinks, in plan order.
    """

    run_id: str
    task: Task
    attached: bool
    submitted_at: float
    updated_at: float
    ledger: Ledger
    phase: RunPhase = "new"
    ended_at: float | None = None
    epoch: int | None = None
    plan: Plan | None = None
    planning: SubtaskState | None = None
    feedback: tuple[tuple[str, str], ...] = ()
    subtasks: dict[str, SubtaskState] = field(default_factory=dict)
    attempts: dict[str, AttemptState] = field(default_factory=dict)
    error: Failure | None = None
    stop_reason: str | None = None
    answer_outputs: tuple[tuple[str, Output], ...] = ()

    @property
    def status(self) -> RunStatus:
        return STATUS[self.phase]

    @property
    def final(self) -> bool:
        return self.phase in FINAL

    @property
    def announced(self) -> tuple[Subtask, ...]:
        """The subtasks known so far; a later plan must begin with exactly these."""
        return tuple(state.subtask for state in self.subtasks.values())

    def find(self, subtask_id: str) -> SubtaskState | None:
        """A subtask, or the planning for PLAN_ID."""
        return self.planning if subtask_id == PLAN_ID else self.subtasks.get(subtask_id)
