"""Plans that start while they are still being written: from a planner's text to PlanExtended."""

from __future__ import annotations

import time

from tekton.planning.stream import PlanStream
from tekton.types import PLAN_ID, Progress
from tekton.workflow.events import Event, PlanExtended
from tekton.workflow.state import RunState


def follow_plan(state: RunState, progress: Progress, streams: dict[str, PlanStream]) -> list[Event]:
    """Feed the planner's new text to the attempt's stream; the subtasks that became complete.

    With a budget the whole plan is awaited: its cost must be known before any of it starts.
    """
    task = state.task
    if task.plan_only or task.constraints.budget_nusd is not None:
        return []
    planning = state.planning
    if planning is None or planning.phase != "running" or f"/{PLAN_ID}/" not in progress.attempt_id:
        return []
    stream = streams.get(progress.attempt_id)
    if stream is None:
        names = tuple(artifact.name for artifact in task.context)
        stream = streams[progress.attempt_id] = PlanStream(
            problem=task.problem, context_names=names, announced=state.announced
        )
    subtasks = stream.feed(progress.text)
    return [PlanExtended(at=time.time(), subtasks=subtasks)] if subtasks else []
