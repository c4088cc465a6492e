"""How a run comes by its plan: brought along, announced bit by bit, completed, rejected.

The planner's work is a subtask like any other (PLAN_ID) until its output is parsed. What was
announced may have started, so it is append-only: a later plan must begin with it.
"""

from __future__ import annotations

from tekton.planning.privacy import spread
from tekton.types import PLAN_ID, Failure, Plan, Subtask
from tekton.workflow.events import PlanCompleted, PlanExtended, PlanRejected, RunSubmitted
from tekton.workflow.run import Run
from tekton.workflow.state import SubtaskState
from tekton.workflow.stopping import fail
from tekton.workflow.table import PlanRefused, UnknownTransition

_PLANNING = Subtask(
    id=PLAN_ID, title="Plan", instruction="Split the problem into subtasks.", role="plan"
)


def submitted(run: Run, event: RunSubmitted) -> None:
    if event.task.plan is None:
        run.add_planning(SubtaskState(_PLANNING))
    else:
        _adopt(run, event.task.plan)
    run.enter("RunSubmitted")


def extended(run: Run, event: PlanExtended) -> None:
    """Raises PlanRefused with a budget: its whole plan is awaited, so that nothing is spent on
    the first half of one that can't be paid to its end."""
    if run.state.task.constraints.budget_nusd is not None:
        raise PlanRefused("with a budget the whole plan is awaited before anything starts")
    _planning_in(run, "PlanExtended", "running", "parsing")
    if any(subtask.role == "synthesis" for subtask in event.subtasks):
        raise PlanRefused("the synthesis can't be announced early: its edges are not known yet")
    run.add(event.subtasks)


def completed(run: Run, event: PlanCompleted) -> None:
    """Raises PlanRefused where the plan does not begin with what was announced."""
    planning = _planning_in(run, "PlanCompleted", "parsing")
    _adopt(run, event.plan)
    run.move(planning, "PlanCompleted")


def rejected(run: Run, event: PlanRejected) -> None:
    planning = _planning_in(run, "PlanRejected", "parsing")
    run.state.feedback += ((event.error, event.raw),)
    rejections = len(run.state.feedback)
    if rejections <= run.policy.plan_retries:
        run.move(planning, "PlanRejected")
        return
    planning.failure = Failure(
        kind="planning",
        message=f"no valid plan in {rejections} attempts: {event.error}",
        raw=event.raw,
    )
    run.move(planning, "rejected too often")
    fail(run, planning.failure)


def _adopt(run: Run, plan: Plan) -> None:
    plan = spread(plan)  # whoever brought it: this is the one way into a run
    announced = run.state.announced
    if not plan.subtasks:
        raise PlanRefused("a plan needs at least one subtask")
    if plan.subtasks[: len(announced)] != announced:
        raise PlanRefused("the plan differs from the part of it that was announced already")
    run.add(plan.subtasks[len(announced) :])
    run.state.plan = plan


def _planning_in(run: Run, cause: str, *phases: str) -> SubtaskState:
    planning = run.state.planning
    if planning is None or planning.phase not in phases:
        found = "there is no planner" if planning is None else f"the planner is {planning.phase}"
        raise UnknownTransition(f"{cause} can't happen while {found}")
    return planning
