"""Builds the request of an attempt from the state of its run. Pure: ids in, no bytes.

`schema` stays None: the shell knows the planner's schema and adds it to planning requests.
"""

from __future__ import annotations

from tekton.types import PLAN_ID, AttemptRequest, DependencyOutput
from tekton.workflow.state import AttemptState, RunState


def request_of(state: RunState, attempt: AttemptState) -> AttemptRequest:
    """The same for the same attempt, however often it is asked for (Dispatch, then Reclaim)."""
    owner = state.planning if attempt.subtask_id == PLAN_ID else state.subtasks[attempt.subtask_id]
    assert owner is not None  # an attempt exists, so what it is for does
    return AttemptRequest(
        run_id=state.run_id,
        attempt_id=attempt.id,
        subtask=owner.subtask,
        problem=state.task.problem,
        model=attempt.model,
        max_tokens=attempt.decision.max_tokens,
        timeout_s=attempt.decision.timeout_s,
        context=state.task.context,
        dependencies=tuple(
            DependencyOutput(
                subtask_id=dependency,
                title=state.subtasks[dependency].subtask.title,
                output=state.subtasks[dependency].output,
            )
            for dependency in owner.subtask.depends_on
        ),
        feedback=state.feedback if attempt.subtask_id == PLAN_ID else (),
        seed=state.task.constraints.seed,
    )
