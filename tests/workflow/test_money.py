"""Reserve before spending: what is parked, what comes back, what ends for want of money."""

from __future__ import annotations

import pytest
from workflow_driver import Driver, brief, failure, subtask

from tekton.workflow.events import Route, SubtaskUnroutable
from tekton.workflow.ledger import Ledger


def test_what_can_not_be_paid_waits_for_what_comes_back() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"), budget_nusd=100)
    driver.begin("a", bound_nusd=80)
    assert driver.route("b", bound_nusd=80) == []
    (route,) = driver.succeed("a", cost=10)
    assert isinstance(route, Route)
    assert (route.subtask.id, route.remaining_nusd) == ("b", 90)
    assert brief(driver.route("b", bound_nusd=80)) == ["Enqueue:b"]


def test_a_router_that_finds_nothing_affordable_waits_too() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"), budget_nusd=100)
    driver.begin("a", bound_nusd=80)
    refused = SubtaskUnroutable(at=1.0, subtask_id="b", failure=failure("budget"))
    assert driver.send(refused) == []
    assert brief(driver.succeed("a", cost=10)) == ["Route:b"]
    assert brief(driver.send(refused)) == ["RunEnded:failed"]
    assert driver.state.error.kind == "budget"


def test_a_failed_attempt_gives_its_rest_back_too() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"), budget_nusd=100)
    driver.begin("a", bound_nusd=80)
    driver.route("b", bound_nusd=80)
    assert brief(driver.fail("a", failure(retryable=True), cost=1)) == ["WakeAt:a", "Route:b"]


def test_when_no_money_can_come_back_the_run_fails_naming_both_sums() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b", "a"), budget_nusd=1_500_000_000)
    driver.begin("a", bound_nusd=1_000_000_000)
    driver.succeed("a", cost=1_000_000_000)
    assert brief(driver.route("b", bound_nusd=600_000_000)) == ["RunEnded:failed"]
    assert driver.state.error.kind == "budget"
    assert "$0.50 left" in driver.state.error.message
    assert "may need $0.60" in driver.state.error.message


def test_a_budget_may_be_spent_to_the_last_nano() -> None:
    driver = Driver()
    driver.submit(subtask("a"), budget_nusd=10)
    driver.begin("a", bound_nusd=10)
    assert brief(driver.succeed("a", cost=10)) == ["RunEnded:succeeded"]


def test_an_attempt_dearer_than_its_bound_is_charged_and_shown() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b", "a"), budget_nusd=10)
    driver.begin("a", bound_nusd=10)
    (route,) = driver.succeed("a", cost=14)
    assert isinstance(route, Route)
    assert route.remaining_nusd == 0
    assert driver.state.ledger.overshoot_nusd == 4
    assert brief(driver.route("b", bound_nusd=1)) == ["RunEnded:failed"]


def test_an_optional_subtask_without_money_leaves_a_gap() -> None:
    driver = Driver()
    driver.submit(subtask("a", optional=True), subtask("b", "a"), budget_nusd=10)
    assert brief(driver.route("a", bound_nusd=11)) == ["Route:b"]


def test_without_a_budget_everything_is_affordable() -> None:
    ledger = Ledger()
    assert ledger.remaining_nusd is None
    assert ledger.affords(10**18)


def test_the_ledger_refuses_what_would_exceed_the_budget() -> None:
    ledger = Ledger(budget_nusd=10)
    ledger.reserve("a", 6)
    with pytest.raises(ValueError, match="can't reserve 5"):
        ledger.reserve("b", 5)
    with pytest.raises(ValueError, match="for a"):
        ledger.reserve("a", 1)


def test_the_ledger_settles_once() -> None:
    ledger = Ledger(budget_nusd=10)
    ledger.reserve("a", 6)
    ledger.settle("a", 2)
    with pytest.raises(KeyError):
        ledger.settle("a", 2)
    assert (ledger.spent_nusd, ledger.reserved_nusd, ledger.remaining_nusd) == (2, 0, 8)
