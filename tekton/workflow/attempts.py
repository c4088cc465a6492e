"""An attempt's life: it leaves, it ends in one of three ways, it is settled once.

The one retry owner of the house: what comes after a failure is decided here and nowhere else.
"""

from __future__ import annotations

from tekton.types import PLAN_ID, Failure
from tekton.workflow.admission import unpark
from tekton.workflow.events import (
    AttemptCancelled,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    Dequeue,
    Dispatch,
    ParsePlan,
    RetryDue,
    WakeAt,
)
from tekton.workflow.requests import request_of
from tekton.workflow.run import Run
from tekton.workflow.state import AttemptState, SubtaskState
from tekton.workflow.table import MachineError

HOPELESS = ("context_overflow", "bad_request")
"""The same request would fail on the same model again, whatever `retryable` says."""

Settled = AttemptSucceeded | AttemptFailed | AttemptCancelled


def started(run: Run, event: AttemptStarted) -> None:
    """An attempt that was taken out of its queue at the same moment does not leave: the shell is
    told once more."""
    attempt = _attempt(run, event)
    if (event.model, event.bound_nusd) != (attempt.model, attempt.decision.bound_nusd):
        raise MachineError(f"{attempt.id} started as something else than was queued")
    if attempt.phase == "released":
        run.say(Dequeue(attempt_id=attempt.id))
    elif run.move_attempt(attempt, "AttemptStarted"):
        attempt.started_at = event.at
        run.move(run.subtask(event.subtask_id), "AttemptStarted")
        run.say(Dispatch(request=request_of(run.state, attempt)))


def succeeded(run: Run, event: AttemptSucceeded) -> None:
    attempt, subtask = _attempt(run, event), run.subtask(event.subtask_id)
    if subtask.id == PLAN_ID and event.output.text is None:
        raise MachineError("the planner's output must be inline: it is parsed at once")
    if not run.move_attempt(attempt, "AttemptSucceeded"):
        return
    _settle(run, attempt, event)
    subtask.output = event.output
    if subtask.id == PLAN_ID:
        run.move(subtask, "plan written")
        parse(run, subtask)
    else:
        run.move(subtask, "AttemptSucceeded")
        run.finish(subtask)


def failed(run: Run, event: AttemptFailed) -> None:
    attempt = _attempt(run, event)
    if run.move_attempt(attempt, "AttemptFailed"):
        _settle(run, attempt, event)
        _retry(run, attempt, event.failure)


def cancelled(run: Run, event: AttemptCancelled) -> None:
    """What the run did not ask for is a lost worker, and bounded like any other failure."""
    attempt, subtask = _attempt(run, event), run.subtask(event.subtask_id)
    asked = attempt.cancel_requested
    if not run.move_attempt(attempt, "AttemptCancelled" if asked else "AttemptFailed"):
        return
    _settle(run, attempt, event)
    if asked:
        run.move(subtask, "AttemptCancelled")
    else:
        lost = Failure(kind="worker_lost", message="its worker cancelled it", retryable=True)
        _retry(run, attempt, lost)


def retry_due(run: Run, event: RetryDue) -> None:
    """An alarm may ring early or twice; only the time that was set counts."""
    subtask = run.subtask(event.subtask_id)
    if run.is_stale(subtask, "RetryDue"):
        return
    assert subtask.retry_at is not None  # entering backoff sets it
    if event.at < subtask.retry_at:
        run.say(WakeAt(subtask_id=subtask.id, at=subtask.retry_at))
    else:
        subtask.retry_at = None
        run.move(subtask, "RetryDue")


def parse(run: Run, planning: SubtaskState) -> None:
    """Have the planner's output validated, unless the run ends anyway."""
    if run.state.phase in ("running", "pausing"):
        assert planning.output is not None  # it is in phase parsing
        run.say(ParsePlan(raw=planning.output.text or ""))


def _retry(run: Run, attempt: AttemptState, failure: Failure) -> None:
    """The same model after a back-off while it has tries left, else the next of the chain."""
    subtask, model = run.subtask(attempt.subtask_id), attempt.model
    attempt.failure = failure
    tries = subtask.tries[model] = subtask.tries.get(model, 0) + 1
    again = failure.retryable or failure.kind == "worker_lost"
    # Who is told to come back much later asks somebody else.
    again = again and (failure.retry_after_s or 0.0) <= run.policy.backoff_max_s
    if again and failure.kind not in HOPELESS and tries < run.policy.attempts_per_model:
        subtask.retry_at = run.now + _backoff_s(run, failure, tries)
        run.move(subtask, "try again")
        if run.state.phase == "running":
            run.say(WakeAt(subtask_id=subtask.id, at=subtask.retry_at))
    else:
        subtask.excluded.add(model)
        run.move(subtask, "try another model")


def _backoff_s(run: Run, failure: Failure, tries: int) -> float:
    if failure.retry_after_s is not None:
        return failure.retry_after_s
    # The exponent is capped: 2.0 ** 1024 overflows, and the maximum was reached long before.
    return min(run.policy.backoff_max_s, run.policy.backoff_s * 2.0 ** min(tries - 1, 64))


def _settle(run: Run, attempt: AttemptState, event: Settled) -> None:
    attempt.ended_at = event.at
    attempt.usage = event.usage
    attempt.cost_nusd = event.cost_nusd
    run.state.ledger.settle(attempt.id, event.cost_nusd)
    unpark(run)


def _attempt(run: Run, event: AttemptStarted | Settled) -> AttemptState:
    attempt = run.attempt(event.attempt_id)
    if attempt.subtask_id != event.subtask_id:
        raise MachineError(f"{attempt.id} is not an attempt of subtask {event.subtask_id!r}")
    return attempt
