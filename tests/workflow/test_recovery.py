"""After a crash: what left is asked after, what had not is decided anew."""

from __future__ import annotations

from dataclasses import replace

from workflow_driver import POLICY, Driver, brief, failure, plan, subtask

from tekton.types import PLAN_ID
from tekton.workflow.codec import decode, encode
from tekton.workflow.events import (
    CancelRequested,
    Dispatch,
    Instruction,
    PauseRequested,
    PlanCompleted,
    Reclaim,
    RetryDue,
    RunRecovered,
)
from tekton.workflow.machine import RunMachine


def crash(driver: Driver) -> list[Instruction]:
    """A new process replays the journal and takes over."""
    before = driver.state
    driver.machine = RunMachine()
    driver.machine.replay(driver.events)
    assert driver.state == before
    return driver.send(RunRecovered(at=driver.now, epoch=2))


def test_the_request_in_flight_is_asked_after_as_it_was_sent() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b", "a"))
    driver.run("a")
    (dispatch,) = driver.begin("b", bound_nusd=33)
    (reclaim,) = crash(driver)
    assert isinstance(dispatch, Dispatch)
    assert reclaim == Reclaim(request=dispatch.request, bound_nusd=33)
    assert driver.state.epoch == 2


def test_what_had_not_left_is_routed_anew() -> None:
    driver = Driver()
    driver.submit(subtask("queued"), subtask("routing"), budget_nusd=20)
    driver.route("queued", bound_nusd=20)
    assert brief(crash(driver)) == ["Route:queued", "Route:routing"]
    assert driver.state.ledger.remaining_nusd == 20


def test_what_was_parked_is_routed_anew() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"), budget_nusd=20)
    driver.begin("a", bound_nusd=20)
    driver.route("b", bound_nusd=20)
    assert brief(crash(driver)) == ["Reclaim:r/a/1", "Route:b"]


def test_alarms_are_set_at_their_original_times() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    (wake,) = driver.fail("a", failure(retryable=True))
    driver.now += 100
    assert crash(driver) == [wake]


def test_a_plan_that_was_not_parsed_is_parsed() -> None:
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    driver.succeed(PLAN_ID, "the plan")
    assert brief(crash(driver)) == ["ParsePlan:the plan"]
    completed = PlanCompleted(at=1.0, plan=plan(subtask("a")))
    assert brief(driver.send(completed)) == ["Route:a"]


def test_a_pause_goes_on_and_cancels_once_more() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    driver.send(PauseRequested(at=1.0, reason="Ctrl-C"))
    assert brief(crash(driver)) == ["Reclaim:r/a/1", "CancelAttempt:r/a/1"]
    driver.cancelled("a")
    assert driver.state.status == "paused"
    assert crash(driver) == []


def test_a_cancellation_goes_on() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    driver.send(CancelRequested(at=1.0, reason="enough"))
    assert brief(crash(driver)) == ["Reclaim:r/a/1", "CancelAttempt:r/a/1"]
    assert brief(driver.cancelled("a")) == ["RunEnded:cancelled"]


def test_an_ended_run_is_left_alone() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.run("a")
    assert crash(driver) == []


def test_a_lost_worker_after_a_crash_is_charged_its_bound_and_retried() -> None:
    driver = Driver()
    driver.submit(subtask("a"), budget_nusd=100)
    driver.begin("a", bound_nusd=40)
    crash(driver)
    assert brief(driver.fail("a", failure("worker_lost"), cost=40)) == ["WakeAt:a"]
    assert driver.state.ledger.remaining_nusd == 60


def test_a_journal_replays_under_the_limits_it_was_written_under() -> None:
    """Under two attempts a model the third attempt could not have been."""
    driver = Driver(replace(POLICY, attempts_per_model=9, parallel=2, plan_retries=7))
    driver.submit(subtask("a"), subtask("b"))
    for _ in range(4):
        driver.begin("a")
        driver.fail("a", failure(retryable=True))
        driver.send(RetryDue(at=driver.state.find("a").retry_at, subtask_id="a"))
    driver.run("a")
    machine = RunMachine()
    machine.replay(decode(encode(event)) for event in driver.events)
    assert machine.state == driver.state
    assert machine.handle(RunRecovered(at=driver.now, epoch=2)) == crash(driver)
