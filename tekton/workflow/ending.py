"""Whether the run is over, looked at after every event: level-triggered, so no order of events
can miss it.
"""

from __future__ import annotations

from tekton.types import Output
from tekton.workflow.events import RunEnded
from tekton.workflow.run import Run
from tekton.workflow.stopping import named


def conclude(run: Run) -> None:
    """Pause or end the run if nothing stands in the way."""
    phase = run.state.phase
    if phase in ("running", "pausing") and _all_finished(run):
        _finish(run)
    elif phase == "pausing" and run.board.count("queued", "running", "parsing") == 0:
        run.enter("all settled")
    elif phase in ("failing", "cancelling") and run.board.count("queued", "running") == 0:
        _end(run, "all settled")


def _all_finished(run: Run) -> bool:
    if run.state.plan is None:
        return False
    unfinished = run.board.count(
        "waiting", "ready", "routing", "parked", "queued", "running", "backoff", "parsing"
    )
    return run.state.task.plan_only or unfinished == 0


def _finish(run: Run) -> None:
    """Every subtask had its turn: with all results, with gaps, or with nothing to answer."""
    state = run.state
    failed = [subtask for subtask in state.subtasks.values() if subtask.phase == "failed"]
    if failed and failed[0].failure is not None:
        state.error = named(failed[0], failed[0].failure)
    state.answer_outputs = _answer(run)
    if not failed:
        _end(run, "all finished")
    else:
        _end(run, "finished with gaps" if state.answer_outputs else "no answer")


def _answer(run: Run) -> tuple[tuple[str, Output], ...]:
    return tuple(
        (subtask.subtask.title, subtask.output)
        for subtask in run.state.subtasks.values()
        if subtask.output is not None and run.board.is_sink(subtask.id)
    )


def _end(run: Run, cause: str) -> None:
    run.enter(cause)
    run.state.ended_at = run.now
    if run.state.phase in ("failed", "cancelled"):
        for subtask in run.subtasks("waiting", "ready", "backoff", "parsing"):
            run.move(subtask, "run ended")
            subtask.retry_at = None
    run.say(RunEnded(status=run.state.status))
