"""Pause, cancel, budget, fallback, timeouts and planning, through the real actors."""

from __future__ import annotations

import pytest
from runs import Lab, held_plan, one_done_one_held

from tekton.testing import read_log, release
from tekton.types import Constraints, Plan, Subtask, Task
from tekton.workflow.events import AttemptStarted, CancelRequested, PlanCompleted, RunSubmitted

pytestmark = pytest.mark.ray


def one(instruction: str, **fields: object) -> Subtask:
    return Subtask(id="s1", title="Only step", instruction=instruction, **fields)  # type: ignore[arg-type]


def plan_of(*subtasks: Subtask) -> Plan:
    return Plan(subtasks=subtasks, origin="file")


def test_pause_then_resume(lab: Lab) -> None:
    lab.close_gate()
    run_id = lab.submit(held_plan("HOLD"))
    lab.until(run_id, one_done_one_held)
    lab.tekton.pause(run_id, "a test")
    paused = lab.finish(run_id)
    assert paused.status == "paused"
    assert [attempt.phase for attempt in paused.subtasks["b"].attempts] == ["cancelled"]
    lab.tekton.resume(run_id, attached=False)
    release(lab.gate)
    state = lab.finish(run_id)
    assert state.status == "succeeded"
    assert lab.ran_again(run_id) == set()


def test_cancel_reaches_the_engine_within_a_second(lab: Lab) -> None:
    run_id = lab.submit(plan_of(one("TALK for an hour")))
    lab.until(run_id, lambda events: isinstance(events[-1], AttemptStarted))
    lab.tekton.cancel(run_id, "a test")
    events = list(lab.events(run_id))
    asked_at = next(event.at for event in events if isinstance(event, CancelRequested))
    log = [e for e in read_log(lab.root / "requests.jsonl") if e.attempt.startswith(run_id)]
    assert [entry.event for entry in log] == ["start", "cancelled"]
    assert log[-1].at - asked_at < 1.0
    state = lab.finish(run_id)
    assert state.status == "cancelled"
    assert state.subtasks["s1"].attempts[0].usage.seconds > 0


def test_cost_is_exact_and_a_budget_that_covers_the_worst_case_is_kept(lab: Lab) -> None:
    steps = [Subtask(id=f"s{n}", title=f"Step {n}", instruction="Do it") for n in range(5)]
    free = lab.finish(lab.submit(plan_of(*steps), model="priced"))
    usage = [attempt.usage for attempt in free.attempts.values()]
    exact = sum(use.input_tokens * 3_000 + use.output_tokens * 15_000 for use in usage)
    assert free.ledger.spent_nusd == exact > 0
    bound = max(attempt.decision.bound_nusd for attempt in free.attempts.values())
    budget = exact + bound
    state = lab.finish(lab.submit(plan_of(*steps), model="priced", budget_nusd=budget))
    assert state.status == "succeeded"
    assert state.ledger.spent_nusd == exact


def test_a_budget_that_is_too_small_fails_the_run_before_money_is_spent(lab: Lab) -> None:
    state = lab.finish(lab.submit(plan_of(one("Do it")), model="priced", budget_nusd=1_000))
    assert state.status == "failed"
    assert state.error is not None
    assert state.error.kind in {"budget", "no_model"}
    assert "$" in state.error.message
    assert state.ledger.spent_nusd == 0
    assert not state.attempts


def test_a_failing_model_falls_back_along_the_chain(lab: Lab) -> None:
    state = lab.finish(lab.submit(plan_of(one("Do it")), model=None))
    assert state.status == "succeeded"
    models = [attempt.model for attempt in state.subtasks["s1"].attempts]
    assert models[:2] == ["broken", "broken"], "retried once, then given up"
    assert models[-1] != "broken"


def test_an_exhausted_chain_is_a_typed_failure(lab: Lab) -> None:
    state = lab.finish(lab.submit(plan_of(one("Do it")), model="broken"))
    assert state.status == "failed"
    assert state.error is not None
    assert state.error.kind == "engine_error"
    assert len(state.attempts) == 2


def test_an_optional_failure_degrades(lab: Lab) -> None:
    extra = Subtask(id="x", title="Extra", instruction="Do it", model="broken", optional=True)
    last = Subtask(id="y", title="Last", instruction="Sum up", depends_on=("x",))
    state = lab.finish(lab.submit(plan_of(extra, last), model=None, seed=1))
    assert state.status == "degraded"
    report = lab.report(state)
    assert report["answer"]
    assert "Extra" in report["error"]["message"]


def test_an_attempt_that_takes_too_long(lab: Lab) -> None:
    state = lab.finish(lab.submit(plan_of(one("TALK for an hour", timeout_s=0.3))))
    assert state.status == "failed"
    assert state.error is not None
    assert state.error.kind == "timeout"


def test_a_large_output_becomes_an_artifact_and_is_read_by_the_next(lab: Lab) -> None:
    first = one("LONG text, please")
    second = Subtask(id="s2", title="Next", instruction="Shorten it", depends_on=("s1",))
    state = lab.finish(lab.submit(plan_of(first, second), model="verbose"))
    assert state.status == "succeeded"
    output = state.subtasks["s1"].output
    assert output is not None
    assert output.artifact is not None
    assert output.artifact.size_bytes == 40_000
    assert state.subtasks["s2"].attempts[0].usage.input_tokens > 400


def test_a_plan_that_stays_invalid_fails_with_what_was_written(lab: Lab) -> None:
    task = Task(problem="Anything", constraints=Constraints(model="scribbler"))
    state = lab.finish(lab.tekton.submit(task, attached=False))
    assert state.status == "failed"
    assert state.error is not None
    assert state.error.kind == "planning"
    assert state.error.raw == "no plan at all"
    assert state.planning is not None
    assert len(state.planning.attempts) == 3


def test_subtasks_start_while_the_plan_is_still_being_written(lab: Lab) -> None:
    task = Task(problem="tell me of three parts", constraints=Constraints(model="planner"))
    run_id = lab.tekton.submit(task, attached=False)
    events = list(lab.events(run_id))
    order = [type(event).__name__ for event in events]
    first_work = next(
        index
        for index, event in enumerate(events)
        if isinstance(event, AttemptStarted) and event.subtask_id == "s1"
    )
    assert first_work < order.index("PlanCompleted")
    state = lab.finish(run_id)
    assert state.status == "succeeded"
    plan = next(event.plan for event in events if isinstance(event, PlanCompleted))
    assert plan.subtasks[-1].role == "synthesis"
    assert set(plan.subtasks[-1].depends_on) == {"s1", "s2", "s3"}


def test_with_a_budget_the_whole_plan_is_awaited(lab: Lab) -> None:
    constraints = Constraints(model="planner", budget_nusd=10_000_000_000)
    task = Task(problem="tell me of three parts", constraints=constraints)
    order = [type(event).__name__ for event in lab.events(lab.tekton.submit(task, attached=False))]
    assert "PlanExtended" not in order
    assert order[0] == RunSubmitted.__name__


def test_plan_only_runs_nothing_of_the_plan(lab: Lab) -> None:
    constraints = Constraints(model="planner")
    task = Task(problem="tell me of three parts", constraints=constraints, plan_only=True)
    state = lab.finish(lab.tekton.submit(task, attached=False))
    assert state.status == "succeeded"
    assert state.plan is not None
    assert {attempt.subtask_id for attempt in state.attempts.values()} == {"@plan"}


def test_a_model_waits_for_the_place_of_one_that_falls_idle(lab: Lab) -> None:
    """Both ask for every CPU of the node: the second is loaded once the first is not in use."""
    lab.close_gate()
    first = lab.submit(plan_of(one("HOLD the node")), model="wide")
    lab.until(first, lambda events: isinstance(events[-1], AttemptStarted))
    second = lab.submit(plan_of(one("Do it")), model="broad")
    release(lab.gate)
    assert lab.finish(first).status == "succeeded"
    state = lab.finish(second)
    assert state.status == "succeeded"
    assert len(state.attempts) == 1


def test_a_model_that_cannot_be_loaded_says_why(lab: Lab) -> None:
    state = lab.finish(lab.submit(plan_of(one("Do it")), model="damaged"))
    assert state.status == "failed"
    assert state.error is not None
    assert state.error.kind == "load_failed"
    assert "damaged.gguf" in state.error.message
    assert state.ledger.spent_nusd == 0
