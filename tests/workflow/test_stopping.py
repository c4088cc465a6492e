"""Pause, resume, cancel: nothing starts, what flies is asked to end, nothing finished is lost."""

from __future__ import annotations

from workflow_driver import Driver, brief, failure, subtask

from tekton.workflow.events import (
    CancelRequested,
    Instruction,
    PauseRequested,
    ResumeRequested,
    RetryDue,
    WakeAt,
)


def pause(driver: Driver) -> list[Instruction]:
    return driver.send(PauseRequested(at=driver.now, reason="Ctrl-C"))


def resume(driver: Driver) -> list[Instruction]:
    return driver.send(ResumeRequested(at=driver.now, attached=False))


def cancel(driver: Driver) -> list[Instruction]:
    return driver.send(CancelRequested(at=driver.now, reason="enough"))


def three(driver: Driver) -> Driver:
    """One in flight, one queued, one being routed."""
    driver.submit(subtask("flying"), subtask("queued"), subtask("routing"), budget_nusd=100)
    driver.begin("flying")
    driver.route("queued")
    return driver


def test_a_pause_ends_when_the_last_attempt_has_settled() -> None:
    driver = three(Driver())
    assert brief(pause(driver)) == ["Dequeue:r/queued/1", "CancelAttempt:r/flying/1"]
    assert driver.state.status == "running"
    assert driver.cancelled("flying") == []
    assert driver.state.status == "paused"
    assert driver.state.stop_reason == "Ctrl-C"
    assert driver.state.ledger.reserved_nusd == 0


def test_an_answer_to_a_route_that_comes_in_a_pause_is_not_followed() -> None:
    driver = three(Driver())
    pause(driver)
    assert driver.route("routing") == []


def test_an_attempt_that_starts_while_it_is_taken_out_does_not_leave() -> None:
    driver = three(Driver())
    pause(driver)
    assert brief(driver.start("queued")) == ["Dequeue:r/queued/1"]


def test_resume_routes_what_was_held_and_counts_no_failure() -> None:
    driver = three(Driver())
    pause(driver)
    driver.cancelled("flying")
    assert brief(resume(driver)) == ["Route:flying", "Route:queued", "Route:routing"]
    assert driver.state.subtasks["flying"].tries == {}
    assert driver.state.attached is False
    assert brief(driver.route("flying")) == ["Enqueue:flying"]
    assert driver.state.subtasks["flying"].attempts[-1].id == "r/flying/2"


def test_resume_before_the_pause_is_complete() -> None:
    driver = three(Driver())
    pause(driver)
    assert brief(resume(driver)) == ["Route:queued", "Route:routing"]
    assert brief(driver.cancelled("flying")) == ["Route:flying"]


def test_a_second_pause_asks_nobody_twice() -> None:
    driver = three(Driver())
    pause(driver)
    assert pause(driver) == []


def test_what_succeeds_in_a_pause_has_succeeded() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b", "a"))
    driver.begin("a")
    pause(driver)
    assert driver.succeed("a") == []
    assert driver.state.status == "paused"
    assert brief(resume(driver)) == ["Route:b"]


def test_the_last_success_in_a_pause_ends_the_run() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    pause(driver)
    assert brief(driver.succeed("a")) == ["RunEnded:succeeded"]


def test_back_offs_are_remembered_in_a_pause() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"))
    driver.begin("a")
    driver.fail("a", failure(retryable=True))
    driver.begin("b")
    driver.fail("b", failure(retryable=True, retry_after_s=20.0))
    pause(driver)
    assert driver.send(RetryDue(at=driver.now + 1, subtask_id="a")) == []
    resumed = resume(driver)
    assert WakeAt(subtask_id="b", at=1020.0) in resumed
    assert brief(resumed) == ["WakeAt:b", "Route:a"]


def test_cancel_ends_when_the_last_attempt_has_settled() -> None:
    driver = three(Driver())
    assert brief(cancel(driver)) == ["Dequeue:r/queued/1", "CancelAttempt:r/flying/1"]
    assert brief(driver.cancelled("flying", cost=7)) == ["RunEnded:cancelled"]
    assert driver.state.ledger.spent_nusd == 7
    assert driver.state.error is None


def test_cancel_in_a_pause_ends_at_once() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    pause(driver)
    assert driver.state.status == "paused"
    assert brief(cancel(driver)) == ["RunEnded:cancelled"]


def test_cancel_while_pausing_asks_nobody_twice() -> None:
    driver = three(Driver())
    pause(driver)
    assert cancel(driver) == []
    assert brief(driver.cancelled("flying")) == ["RunEnded:cancelled"]


def test_orders_to_an_ended_run_change_nothing() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.run("a")
    assert pause(driver) == resume(driver) == cancel(driver) == []
    assert driver.state.status == "succeeded"
