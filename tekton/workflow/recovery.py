"""A new Coordinator takes the run over: what of it still exists outside, and what has to be redone.

Only requests that left can have effects, so they are asked after, not sent again. Everything before
that point was in the predecessor's memory and is decided anew.
"""

from __future__ import annotations

from tekton.workflow.attempts import parse
from tekton.workflow.events import CancelAttempt, Reclaim, RunRecovered
from tekton.workflow.requests import request_of
from tekton.workflow.run import Run
from tekton.workflow.stopping import rearm


def recovered(run: Run, event: RunRecovered) -> None:
    run.state.epoch = event.epoch
    for subtask in run.subtasks("queued"):
        run.release(subtask)
    for subtask in run.subtasks("routing", "parked"):
        run.move(subtask, "held")
    for subtask in run.subtasks("parsing"):
        parse(run, subtask)
    if run.state.phase == "running":
        rearm(run)
    _reclaim(run)


def _reclaim(run: Run) -> None:
    """Ask after every request in flight; the predecessor may have died before it cancelled."""
    for subtask in run.subtasks("running"):
        attempt = subtask.attempts[-1]
        request = request_of(run.state, attempt)
        run.say(Reclaim(request=request, bound_nusd=attempt.decision.bound_nusd))
        if attempt.cancel_requested:
            run.say(CancelAttempt(attempt_id=attempt.id))
