"""The run state machine: events in, instructions out.

Synchronous and pure: no I/O, no clock, no randomness (times and ids arrive in events), so that the
same events always give the same state. An event is looked up in the tables first; then the
handler of its kind changes the state; then two level-triggered looks follow: is the run over
(`ending.conclude`), and what may start now (`admission.admit`). Decisions live in the module of
their idea: `planning`, `admission`, `attempts`, `stopping`, `ending`, `recovery`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tekton.workflow import admission, attempts, planning, recovery, stopping
from tekton.workflow.ending import conclude
from tekton.workflow.events import (
    AttemptCancelled,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    CancelRequested,
    Event,
    Instruction,
    PauseRequested,
    PlanCompleted,
    PlanExtended,
    PlanRejected,
    ResumeRequested,
    RetryDue,
    RunRecovered,
    RunSubmitted,
    SubtaskRouted,
    SubtaskUnroutable,
)
from tekton.workflow.invariants import check
from tekton.workflow.ledger import Ledger
from tekton.workflow.run import Run
from tekton.workflow.state import RunState
from tekton.workflow.table import RUN, TOO_LATE, MachineError, step

_HANDLERS: Mapping[type, Callable[[Run, Any], None]] = {
    RunSubmitted: planning.submitted,
    PlanExtended: planning.extended,
    PlanCompleted: planning.completed,
    PlanRejected: planning.rejected,
    SubtaskRouted: admission.routed,
    SubtaskUnroutable: admission.unroutable,
    AttemptStarted: attempts.started,
    AttemptSucceeded: attempts.succeeded,
    AttemptFailed: attempts.failed,
    AttemptCancelled: attempts.cancelled,
    RetryDue: attempts.retry_due,
    PauseRequested: stopping.pause,
    ResumeRequested: stopping.resume,
    CancelRequested: stopping.cancel,
    RunRecovered: recovery.recovered,
}


class RunMachine:
    """One Run. `state` is for reading; only `handle` changes it."""

    def __init__(self) -> None:
        self._run: Run | None = None

    @property
    def state(self) -> RunState:
        """Raises MachineError before RunSubmitted."""
        return self._submitted().state

    def handle(self, event: Event) -> list[Instruction]:
        """Take one fact in; returns what has to be done because of it, in order.

        A duplicate, or a fact that comes too late to matter, gives no instructions. Raises
        MachineError (UnknownTransition, PlanRefused) for one that can't be, changing nothing.
        """
        cause = type(event).__name__
        phase = "new" if self._run is None else self._run.state.phase
        step(RUN, phase, cause)
        if cause in TOO_LATE.get(phase, ()):
            return []
        run = self._begin(event) if isinstance(event, RunSubmitted) else self._submitted()
        run.now = event.at
        _HANDLERS[type(event)](run, event)
        run.state.updated_at = max(run.state.updated_at, event.at)
        conclude(run)
        admission.admit(run)
        self._run = run
        return run.take_instructions()

    def replay(self, events: Iterable[Event]) -> None:
        """Take in a journal: what its instructions asked for was answered, or is lost."""
        for event in events:
            self.handle(event)

    def check_invariants(self) -> None:
        """Raises AssertionError where the state contradicts itself; O(subtasks + edges)."""
        if self._run is not None:
            check(self._run)

    def _begin(self, event: RunSubmitted) -> Run:
        state = RunState(
            run_id=event.run_id,
            task=event.task,
            attached=event.attached,
            submitted_at=event.at,
            updated_at=event.at,
            ledger=Ledger(budget_nusd=event.task.constraints.budget_nusd),
        )
        return Run(state, event.policy)

    def _submitted(self) -> Run:
        if self._run is None:
            raise MachineError("nothing was submitted yet")
        return self._run
