"""Plans that start while they are still being written: from a planner's text to PlanExtended."""

from __future__ import annotations

from tekton.planning.stream import PlanStream
from tekton.types import PLAN_ID, Progress, Subtask
from tekton.workflow.state import RunState


class PlanFollower:
    """Reads the plan that one planning attempt writes."""

    def __init__(self, state: RunState, attempt_id: str) -> None:
        names = tuple(artifact.name for artifact in state.task.context)
        self.attempt_id = attempt_id
        self._read_chars = 0
        self._stream: PlanStream | None = PlanStream(
            problem=state.task.problem, context_names=names, announced=state.announced
        )

    def hear(self, progress: Progress) -> tuple[Subtask, ...]:
        """The subtasks that became complete. After a gap in the text there are none: guessing
        what was lost could announce a subtask that the plan does not have."""
        if progress.offset != self._read_chars:
            self._stream = None
        if self._stream is None:
            return ()
        self._read_chars += len(progress.text)
        return self._stream.feed(progress.text)


def may_start_early(state: RunState, progress: Progress) -> bool:
    """Whether the report is of a planner whose subtasks may start before the plan is whole.

    With a budget they may not: the plan's cost must be known before any of it is spent.
    """
    task, planning = state.task, state.planning
    if task.plan_only or task.constraints.budget_nusd is not None or planning is None:
        return False
    return planning.phase == "running" and f"/{PLAN_ID}/" in progress.attempt_id
