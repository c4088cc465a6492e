"""The facts a run is made of, and the instructions that follow from them.

Events go into the journal, in order, before anything that depends on them starts; replaying them
gives the same state. Instructions come out of `RunMachine.handle` and are carried out by a shell,
which answers with further Events. Both are frozen values without behaviour. Every event has `at`,
the Unix time at which the shell saw the fact: the machine has no clock of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from tekton.types import (
    AttemptRequest,
    Decision,
    Failure,
    Output,
    Plan,
    RunStatus,
    Subtask,
    Task,
    Usage,
)
from tekton.workflow.policy import MachinePolicy

# ── Events ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSubmitted:
    """A Task was handed over. `attached`: the run pauses when its client falls silent.

    `policy` are the limits of that moment: settings that change later change no run.
    """

    at: float
    run_id: str
    task: Task
    attached: bool
    policy: MachinePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanExtended:
    """Further subtasks of a plan that is still being written; they may start at once."""

    at: float
    subtasks: tuple[Subtask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCompleted:
    """The whole plan, validated. Its prefix equals what PlanExtended announced (edges of the
    synthesis excepted, which is never announced early)."""

    at: float
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRejected:
    """The planner's output broke a rule; `error` is what the model is told, `raw` what it wrote."""

    at: float
    error: str
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtaskRouted:
    """The policy chose a model for a subtask's next attempt."""

    at: float
    subtask_id: str
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtaskUnroutable:
    """No model may take the subtask (none left in the chain, or hard constraints refuse all)."""

    at: float
    subtask_id: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """A slot is free and the request is about to leave. Journaled before it does."""

    at: float
    subtask_id: str
    attempt_id: str
    model: str
    bound_nusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSucceeded:
    at: float
    subtask_id: str
    attempt_id: str
    output: Output
    usage: Usage
    cost_nusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    at: float
    subtask_id: str
    attempt_id: str
    failure: Failure
    usage: Usage
    cost_nusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCancelled:
    """An attempt that the run itself ended (pause, cancel, run failed); settled, not retried."""

    at: float
    subtask_id: str
    attempt_id: str
    usage: Usage
    cost_nusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDue:
    """The back-off of a subtask is over."""

    at: float
    subtask_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested:
    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested:
    at: float
    attached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecovered:
    """A new Coordinator replayed the journal and took the run over under `epoch`.

    Attempts in flight stay in flight: the shell first asks their Workers (`Reclaim`)."""

    at: float
    epoch: int


Event = (
    RunSubmitted
    | PlanExtended
    | PlanCompleted
    | PlanRejected
    | SubtaskRouted
    | SubtaskUnroutable
    | AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | AttemptCancelled
    | RetryDue
    | PauseRequested
    | ResumeRequested
    | CancelRequested
    | RunRecovered
)


# ── Instructions ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Choose a model for the subtask (answer: SubtaskRouted or SubtaskUnroutable).

    `exclude` are models that failed it for good; `remaining_nusd` what the run may still
    reserve (None: unlimited)."""

    subtask: Subtask
    exclude: frozenset[str]
    remaining_nusd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue:
    """Money is reserved: wait for a slot of the model, then AttemptStarted.

    `priority_s` is the estimated length of the longest path from here to the end of the run;
    the largest goes first."""

    subtask_id: str
    attempt_id: str
    decision: Decision
    priority_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dequeue:
    """Take an attempt that has not started out of its queue; no event follows."""

    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Send the request (answer: AttemptSucceeded, AttemptFailed or AttemptCancelled)."""

    request: AttemptRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaim:
    """After a restart: ask the Worker what became of an attempt (answer as for Dispatch; where
    nobody knows, AttemptFailed `worker_lost` with `usage.estimated` and the bound as cost)."""

    request: AttemptRequest
    bound_nusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAttempt:
    """End an attempt in flight (answer: AttemptCancelled, or whatever it ended with before)."""

    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsePlan:
    """Validate the planner's whole output (answer: PlanCompleted or PlanRejected)."""

    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeAt:
    """Send RetryDue for the subtask at that Unix time."""

    subtask_id: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The run reached a final status; nothing of it is in flight."""

    status: RunStatus


Instruction = (
    Route | Enqueue | Dequeue | Dispatch | Reclaim | CancelAttempt | ParsePlan | WakeAt | RunEnded
)
"""Route and ParsePlan are answered within the same step, before the batch is committed; all
others are carried out once their events are in the journal."""
