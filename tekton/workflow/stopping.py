"""Pause, resume, cancel, and the failure of a subtask: how a run stops starting things.

Stopping has two halves: here nothing new starts and what is in flight is asked to end; when the
last of it has settled, `ending` concludes. What succeeds in between still counts.
"""

from __future__ import annotations

from dataclasses import replace

from tekton.types import PLAN_ID, Failure
from tekton.workflow.events import (
    CancelAttempt,
    CancelRequested,
    Dequeue,
    PauseRequested,
    ResumeRequested,
    WakeAt,
)
from tekton.workflow.run import Run
from tekton.workflow.state import SubtaskState


def pause(run: Run, event: PauseRequested) -> None:
    if run.state.phase != "running":
        return
    run.enter("PauseRequested")
    run.state.stop_reason = event.reason
    _hold(run)


def resume(run: Run, event: ResumeRequested) -> None:
    """Back-offs go on counting from where they began: their time may be over already."""
    run.state.attached = event.attached
    if run.state.phase == "running":
        return
    run.enter("ResumeRequested")
    run.state.stop_reason = None
    rearm(run)


def cancel(run: Run, event: CancelRequested) -> None:
    run.enter("CancelRequested")
    run.state.stop_reason = event.reason
    _hold(run)


def fail(run: Run, failure: Failure) -> None:
    """The run can't succeed any more; the first cause is the one that is kept."""
    run.state.error = failure
    run.enter("subtask failed")
    _hold(run)


def subtask_failed(run: Run, subtask: SubtaskState, cause: str, failure: Failure) -> None:
    """Nothing more can be tried for the subtask. An optional one leaves a gap, any other fails
    the run."""
    subtask.failure = failure
    run.move(subtask, cause)
    if subtask.subtask.optional:
        run.finish(subtask)
    else:
        fail(run, named(subtask, failure))


def named(subtask: SubtaskState, failure: Failure) -> Failure:
    """The failure as the run's error: it says which subtask."""
    who = "planning" if subtask.id == PLAN_ID else f"subtask {subtask.id} ({subtask.subtask.title})"
    return replace(failure, message=f"{who}: {failure.message}")


def rearm(run: Run) -> None:
    """Set the alarms of all back-offs, at their original times. One too many does no harm."""
    for subtask in run.subtasks("backoff"):
        assert subtask.retry_at is not None  # entering backoff sets it
        run.say(WakeAt(subtask_id=subtask.id, at=subtask.retry_at))


def _hold(run: Run) -> None:
    for subtask in run.subtasks("queued"):
        run.say(Dequeue(attempt_id=run.release(subtask).id))
    for subtask in run.subtasks("routing", "parked"):
        run.move(subtask, "held")
    for subtask in run.subtasks("running"):
        attempt = subtask.attempts[-1]
        if not attempt.cancel_requested:
            attempt.cancel_requested = True
            run.say(CancelAttempt(attempt_id=attempt.id))
