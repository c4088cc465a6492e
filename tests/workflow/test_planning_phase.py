"""From a problem to a plan: planner's attempts, rejected plans, prefixes that are announced."""

from __future__ import annotations

import pytest
from workflow_driver import Driver, brief, failure, plan, subtask

from tekton.types import PLAN_ID
from tekton.workflow.events import (
    CancelRequested,
    Dispatch,
    Instruction,
    PauseRequested,
    PlanCompleted,
    PlanExtended,
    PlanRejected,
    ResumeRequested,
    Route,
)
from tekton.workflow.table import MachineError, PlanRefused, UnknownTransition


def extend(driver: Driver, *subtasks: object) -> list[Instruction]:
    return driver.send(PlanExtended(at=driver.now, subtasks=subtasks))  # type: ignore[arg-type]


def complete(driver: Driver, *subtasks: object) -> list[Instruction]:
    whole = plan(*subtasks)  # type: ignore[arg-type]
    return driver.send(PlanCompleted(at=driver.now, plan=whole))


def reject(driver: Driver, error: str = "no edge", raw: str = "{") -> list[Instruction]:
    return driver.send(PlanRejected(at=driver.now, error=error, raw=raw))


def test_the_planner_goes_the_way_of_a_subtask() -> None:
    driver = Driver()
    assert brief(driver.submit()) == [f"Route:{PLAN_ID}"]
    (dispatch,) = driver.begin(PLAN_ID)
    assert isinstance(dispatch, Dispatch)
    assert dispatch.request.subtask.role == "plan"
    assert brief(driver.succeed(PLAN_ID, "the plan")) == ["ParsePlan:the plan"]
    assert brief(complete(driver, subtask("a"), subtask("b", "a"))) == ["Route:a"]
    assert driver.state.ledger.spent_nusd == 5


def test_what_reads_something_private_is_routed_as_private() -> None:
    driver = Driver()
    driver.submit(subtask("pay", local_only=True), subtask("b"), subtask("c", "pay"))
    driver.run("b")
    routes = [one for one in driver.run("pay") if isinstance(one, Route)]
    assert [(one.subtask.id, one.subtask.local_only) for one in routes] == [("c", True)]
    kept = driver.state.plan.subtasks
    assert [one.local_only for one in kept] == [True, False, True]


def test_a_rejected_plan_goes_back_with_every_error_so_far() -> None:
    driver = Driver()
    driver.submit()
    for number, error in enumerate(("first", "second"), start=1):
        driver.begin(PLAN_ID)
        driver.succeed(PLAN_ID, f"raw {number}")
        assert brief(reject(driver, error, f"raw {number}")) == [f"Route:{PLAN_ID}"]
    (dispatch,) = driver.begin(PLAN_ID)
    assert isinstance(dispatch, Dispatch)
    assert dispatch.request.feedback == (("first", "raw 1"), ("second", "raw 2"))
    assert dispatch.request.attempt_id == f"r/{PLAN_ID}/3"


def test_a_plan_rejected_too_often_is_a_typed_failure_with_the_raw_output() -> None:
    driver = Driver()
    driver.submit()
    for number in range(3):
        driver.run(PLAN_ID)
        ended = reject(driver, "still wrong", f"raw {number}")
    assert brief(ended) == ["RunEnded:failed"]
    assert driver.state.error.kind == "planning"
    assert driver.state.error.raw == "raw 2"
    assert "3 attempts: still wrong" in driver.state.error.message


def test_a_planner_that_fails_is_retried_like_any_other() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    assert brief(driver.fail(PLAN_ID, failure("worker_lost"))) == [f"WakeAt:{PLAN_ID}"]


def test_an_announced_subtask_starts_while_the_plan_is_being_written() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    assert brief(extend(driver, subtask("a"))) == ["Route:a"]
    assert brief(driver.run("a")) == []
    assert brief(extend(driver, subtask("b", "a"))) == ["Route:b"]
    driver.succeed(PLAN_ID)
    assert complete(driver, subtask("a"), subtask("b", "a")) == []
    assert brief(driver.run("b")) == ["RunEnded:succeeded"]


def test_what_was_announced_can_not_be_changed() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    extend(driver, subtask("a"))
    driver.succeed(PLAN_ID)
    with pytest.raises(PlanRefused, match="announced already"):
        complete(driver, subtask("other"))
    with pytest.raises(PlanRefused, match="announced already"):
        complete(driver, subtask("b"), subtask("a"))
    assert brief(reject(driver)) == [f"Route:{PLAN_ID}"]
    driver.run(PLAN_ID)
    assert brief(complete(driver, subtask("a"), subtask("c"))) == ["Route:c"]


def test_an_announced_prefix_survives_a_failed_planner() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    extend(driver, subtask("a"))
    driver.fail(PLAN_ID, failure("bad_request"))
    driver.run("a")
    driver.run(PLAN_ID)
    complete(driver, subtask("a"), subtask("b", "a"))
    assert brief(driver.run("b")) == ["RunEnded:succeeded"]


def test_with_a_budget_nothing_is_announced_early() -> None:
    driver = Driver()
    driver.submit(budget_nusd=100)
    driver.begin(PLAN_ID)
    with pytest.raises(PlanRefused, match="budget"):
        extend(driver, subtask("a"))


def test_a_synthesis_is_never_announced_early() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    with pytest.raises(PlanRefused, match="synthesis"):
        extend(driver, subtask("a", role="synthesis"))


def test_nothing_is_announced_or_completed_without_a_planner_at_work() -> None:
    driver = Driver()
    driver.submit()
    with pytest.raises(UnknownTransition, match="the planner is routing"):
        extend(driver, subtask("a"))
    with pytest.raises(UnknownTransition, match="the planner is routing"):
        complete(driver, subtask("a"))
    brought = Driver()
    brought.submit(subtask("a"))
    with pytest.raises(UnknownTransition, match="no planner"):
        reject(brought)


def test_an_empty_plan_is_refused() -> None:
    driver = Driver()
    driver.submit()
    driver.run(PLAN_ID)
    with pytest.raises(PlanRefused, match="at least one"):
        complete(driver)


def test_the_planners_output_must_be_inline() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    with pytest.raises(MachineError, match="inline"):
        driver.succeed(PLAN_ID, None)  # type: ignore[arg-type]


def test_plan_only_carries_nothing_out() -> None:
    driver = Driver()
    driver.submit(plan_only=True)
    driver.begin(PLAN_ID)
    assert extend(driver, subtask("a")) == []
    driver.succeed(PLAN_ID)
    assert brief(complete(driver, subtask("a"), subtask("b"))) == ["RunEnded:succeeded"]


def test_a_plan_that_arrives_while_pausing_is_kept() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    driver.send(PauseRequested(at=1.0, reason="Ctrl-C"))
    assert brief(driver.succeed(PLAN_ID, "p")) == ["ParsePlan:p"]
    assert complete(driver, subtask("a")) == []
    assert driver.state.status == "paused"
    assert brief(driver.send(ResumeRequested(at=2.0, attached=True))) == ["Route:a"]


def test_a_plan_that_arrives_while_cancelling_is_not_parsed() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    driver.send(CancelRequested(at=1.0, reason="no more"))
    assert brief(driver.succeed(PLAN_ID, "p")) == ["RunEnded:cancelled"]
    assert complete(driver, subtask("a")) == []
