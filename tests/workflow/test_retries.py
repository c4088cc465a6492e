"""The one retry owner: the same model, then the next of the chain, then a typed failure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workflow_driver import POLICY, Driver, brief, failure, subtask

from tekton.workflow.events import (
    Instruction,
    RetryDue,
    Route,
    SubtaskUnroutable,
    WakeAt,
)


def due(driver: Driver, at: float) -> list[Instruction]:
    return driver.send(RetryDue(at=at, subtask_id="a"))


def test_a_retryable_failure_waits_and_tries_the_same_model() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    assert driver.fail("a", failure(retryable=True)) == [WakeAt(subtask_id="a", at=1000.5)]
    (route,) = due(driver, 1000.5)
    assert isinstance(route, Route)
    assert route.exclude == frozenset()
    driver.begin("a")
    assert brief(driver.succeed("a")) == ["RunEnded:succeeded"]


def test_back_off_doubles_up_to_its_maximum() -> None:
    policy = replace(POLICY, attempts_per_model=6, backoff_s=1.0, backoff_max_s=6.0)
    driver = Driver(policy)
    driver.submit(subtask("a"))
    delays = []
    for _ in range(5):
        driver.begin("a")
        (wake,) = driver.fail("a", failure(retryable=True))
        assert isinstance(wake, WakeAt)
        delays.append(wake.at - driver.now)
        driver.now = wake.at
        due(driver, wake.at)
    assert delays == [1.0, 2.0, 4.0, 6.0, 6.0]


def test_a_thousand_tries_do_not_overflow() -> None:
    driver = Driver(replace(POLICY, attempts_per_model=5000))
    driver.submit(subtask("a"))
    driver.begin("a")
    driver.state.subtasks["a"].tries["m"] = 4000
    assert driver.fail("a", failure(retryable=True)) == [WakeAt(subtask_id="a", at=1030.0)]


def test_what_the_provider_asks_for_is_waited() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    overloaded = failure("overloaded", retryable=True, retry_after_s=7.0)
    assert driver.fail("a", overloaded) == [WakeAt(subtask_id="a", at=1007.0)]


def test_who_is_told_to_come_back_much_later_asks_another_model() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    away = failure("overloaded", retryable=True, retry_after_s=3600.0)
    assert brief(driver.fail("a", away)) == ["Route:a"]
    assert driver.state.subtasks["a"].excluded == {"m"}


def test_an_alarm_that_rings_early_is_set_again() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    driver.fail("a", failure(retryable=True))
    assert due(driver, 1000.4) == [WakeAt(subtask_id="a", at=1000.5)]
    assert brief(due(driver, 1000.5)) == ["Route:a"]
    assert due(driver, 1000.6) == []


def test_tries_are_bounded_then_the_next_model_is_asked_for() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    driver.fail("a", failure("worker_lost"))
    due(driver, 1001.0)
    driver.begin("a")
    (route,) = driver.fail("a", failure("worker_lost"))
    assert isinstance(route, Route)
    assert route.exclude == {"m"}


@pytest.mark.parametrize("kind", ["context_overflow", "bad_request"])
def test_the_hopeless_is_not_tried_again(kind: str) -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    assert brief(driver.fail("a", failure(kind, retryable=True))) == ["Route:a"]


def test_an_exhausted_chain_names_the_last_cause() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    driver.fail("a", failure("timeout"))
    gone = SubtaskUnroutable(at=1.0, subtask_id="a", failure=failure("no_model"))
    assert brief(driver.send(gone)) == ["RunEnded:failed"]
    assert driver.state.error.kind == "timeout"
    assert driver.state.error.message == ("subtask a (Title of a): it was timeout; it was no_model")


def test_a_cancellation_nobody_asked_for_is_a_lost_worker() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    assert brief(driver.cancelled("a")) == ["WakeAt:a"]
    due(driver, 1001.0)
    driver.begin("a")
    assert brief(driver.cancelled("a")) == ["Route:a"]
    assert driver.state.subtasks["a"].excluded == {"m"}


def test_a_failed_attempt_is_charged() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    driver.fail("a", failure(retryable=True), cost=9)
    assert driver.state.ledger.spent_nusd == 9
