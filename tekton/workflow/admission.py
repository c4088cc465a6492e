"""From ready to queued: a place among the run's parallel attempts, a model, the money for it.

A subtask that can't be paid now is parked while others hold reservations (they may cost less than
their bound); when nobody does, no money can come back and the subtask fails.
"""

from __future__ import annotations

from dataclasses import replace

from tekton.money import usd
from tekton.types import Decision, Failure
from tekton.workflow.events import Enqueue, Route, SubtaskRouted, SubtaskUnroutable
from tekton.workflow.run import Run
from tekton.workflow.state import AttemptState, SubtaskState
from tekton.workflow.stopping import subtask_failed
from tekton.workflow.table import ADMITTED


def admit(run: Run) -> None:
    """Ask for models as long as there are places, longest remaining path first."""
    if run.state.phase != "running":
        return
    while run.board.count(*ADMITTED) < run.parallel:
        subtask_id = run.board.pop_ready()
        if subtask_id is None:
            return
        subtask = run.subtask(subtask_id)
        run.move(subtask, "turn came")
        run.say(
            Route(
                subtask=subtask.subtask,
                exclude=frozenset(subtask.excluded),
                remaining_nusd=run.state.ledger.remaining_nusd,
            )
        )


def routed(run: Run, event: SubtaskRouted) -> None:
    subtask = run.subtask(event.subtask_id)
    if run.is_stale(subtask, "SubtaskRouted"):
        return
    subtask.decision = event.decision
    if run.state.ledger.affords(event.decision.bound_nusd):
        _enqueue(run, subtask, event.decision)
    else:
        _no_money(run, subtask, _too_dear(run, event.decision))


def unroutable(run: Run, event: SubtaskUnroutable) -> None:
    subtask = run.subtask(event.subtask_id)
    if run.is_stale(subtask, "SubtaskUnroutable"):
        return
    if event.failure.kind == "budget":
        _no_money(run, subtask, event.failure)
    else:
        subtask_failed(run, subtask, "SubtaskUnroutable", _cause(subtask, event.failure))


def unpark(run: Run) -> None:
    """A reservation was settled: what could not be paid is routed anew."""
    for subtask in run.subtasks("parked"):
        run.move(subtask, "money came back")


def _enqueue(run: Run, subtask: SubtaskState, decision: Decision) -> None:
    number = len(subtask.attempts) + 1
    attempt = AttemptState(
        id=f"{run.state.run_id}/{subtask.id}/{number}", subtask_id=subtask.id, decision=decision
    )
    run.state.ledger.reserve(attempt.id, decision.bound_nusd)
    run.state.attempts[attempt.id] = attempt
    subtask.attempts.append(attempt)
    run.move(subtask, "SubtaskRouted")
    priority_s = run.board.priority_s(subtask.id, decision.predicted_latency_s)
    run.say(
        Enqueue(
            subtask_id=subtask.id,
            attempt_id=attempt.id,
            decision=decision,
            priority_s=priority_s,
        )
    )


def _no_money(run: Run, subtask: SubtaskState, failure: Failure) -> None:
    if run.state.ledger.reservations:
        run.move(subtask, "no money yet")
    else:
        subtask_failed(run, subtask, "no money", failure)


def _too_dear(run: Run, decision: Decision) -> Failure:
    remaining = run.state.ledger.remaining_nusd or 0
    return Failure(
        kind="budget",
        message=f"the budget has {usd(remaining, exact=True)} left, {decision.model} may need "
        f"{usd(decision.bound_nusd, exact=True)}; raise --budget or use a cheaper model",
    )


def _cause(subtask: SubtaskState, unroutable: Failure) -> Failure:
    """Where attempts were made, the last one's failure is why; that no model is left follows."""
    failures = [attempt.failure for attempt in subtask.attempts if attempt.failure is not None]
    if not failures:
        return unroutable
    last = failures[-1]
    return replace(last, message=f"{last.message}; {unroutable.message}", retryable=False)
