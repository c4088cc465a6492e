"""A plan from its first subtask to its answer: order, places, requests, the end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workflow_driver import POLICY, Driver, brief, failure, subtask

from tekton.types import DependencyOutput, Output
from tekton.workflow.events import (
    AttemptSucceeded,
    Dispatch,
    Enqueue,
    Route,
    SubtaskUnroutable,
)
from tekton.workflow.table import MachineError, PlanRefused, UnknownTransition


def test_what_depends_on_nothing_is_routed_at_once() -> None:
    driver = Driver()
    submitted = driver.submit(subtask("a"), subtask("b"), subtask("c", "a", "b"))
    assert brief(submitted) == ["Route:a", "Route:b"]


def test_a_subtask_passes_from_route_to_dispatch() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    (enqueue,) = driver.route("a", "m", latency_s=4.0)
    assert isinstance(enqueue, Enqueue)
    assert (enqueue.attempt_id, enqueue.priority_s) == ("r/a/1", 4.0)
    (dispatch,) = driver.start("a")
    assert isinstance(dispatch, Dispatch)
    assert dispatch.request.model == "m"
    assert (dispatch.request.max_tokens, dispatch.request.timeout_s) == (100, 60.0)
    assert brief(driver.succeed("a", "42")) == ["RunEnded:succeeded"]
    assert driver.state.answer_outputs == (("Title of a", Output(text="42")),)


def test_there_is_no_barrier_between_levels() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("slow"), subtask("b", "a"))
    driver.begin("slow")
    assert brief(driver.run("a")) == ["Route:b"]


def test_a_request_carries_what_its_dependencies_wrote() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b", "a"), seed=7)
    driver.begin("a")
    driver.succeed("a", "from a")
    (dispatch,) = driver.begin("b")
    assert isinstance(dispatch, Dispatch)
    assert dispatch.request.seed == 7
    assert dispatch.request.dependencies == (
        DependencyOutput(subtask_id="a", title="Title of a", output=Output(text="from a")),
    )


def test_the_longest_path_gets_the_only_place() -> None:
    driver = Driver()
    chain = (subtask("head"), subtask("mid", "head"), subtask("tail", "mid"))
    assert brief(driver.submit(subtask("short"), *chain, max_parallel=1)) == ["Route:head"]
    assert brief(driver.run("head")) == ["Route:mid"]
    assert brief(driver.run("mid")) == ["Route:short"]


def test_places_bound_what_is_queued_too() -> None:
    driver = Driver(replace(POLICY, parallel=2))
    submitted = driver.submit(*[subtask(name) for name in "abc"], max_parallel=5)
    assert brief(submitted) == ["Route:a", "Route:b"]
    assert brief(driver.route("a")) == ["Enqueue:a"]
    driver.start("a")
    assert brief(driver.succeed("a")) == ["Route:c"]


def test_every_sink_answers_in_plan_order() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"), subtask("c", "a"))
    driver.begin("b")
    driver.succeed("b", "B")
    driver.run("a")
    driver.begin("c")
    driver.succeed("c", "C")
    assert [title for title, _ in driver.state.answer_outputs] == ["Title of b", "Title of c"]


def test_an_optional_failure_leaves_a_gap_and_degrades() -> None:
    driver = Driver()
    driver.submit(subtask("a", optional=True), subtask("b", "a"))
    driver.begin("a")
    driver.fail("a", failure("bad_request"))
    routed = _unroutable(driver, "a")
    assert brief(routed) == ["Route:b"]
    (dispatch,) = driver.begin("b")
    assert isinstance(dispatch, Dispatch)
    assert dispatch.request.dependencies[0].output is None
    assert brief(driver.succeed("b")) == ["RunEnded:degraded"]
    assert "subtask a (Title of a): it was bad_request" in driver.state.error.message


def test_gaps_without_any_answer_are_a_failure() -> None:
    driver = Driver()
    driver.submit(subtask("a", optional=True))
    assert brief(_unroutable(driver, "a")) == ["RunEnded:failed"]
    assert driver.state.error.kind == "no_model"


def test_a_failed_subtask_fails_the_run_fast() -> None:
    driver = Driver()
    driver.submit(*[subtask(name) for name in ("bad", "flying", "queued", "routing")])
    driver.begin("flying")
    driver.route("queued")
    stopped = _unroutable(driver, "bad")
    assert brief(stopped) == ["Dequeue:r/queued/1", "CancelAttempt:r/flying/1"]
    assert driver.state.status == "running"
    assert brief(driver.cancelled("flying")) == ["RunEnded:failed"]
    assert {s.phase for s in driver.state.subtasks.values()} == {"failed", "cancelled"}


def test_what_succeeds_while_the_run_fails_is_kept() -> None:
    driver = Driver()
    driver.submit(subtask("bad"), subtask("flying"), subtask("after", "flying"))
    driver.begin("flying")
    _unroutable(driver, "bad")
    assert brief(driver.succeed("flying", "kept")) == ["RunEnded:failed"]
    assert driver.state.subtasks["flying"].output == Output(text="kept")


def test_a_duplicate_end_is_not_charged_twice() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"))
    driver.begin("a")
    driver.succeed("a", cost=5)
    assert driver.succeed("a", cost=5) == []
    assert driver.fail("a", failure()) == []
    assert driver.state.ledger.spent_nusd == 5


def test_a_duplicate_start_leaves_once() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    assert driver.start("a") == []


def test_a_duplicate_route_is_ignored() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.route("a")
    assert driver.route("a", "other") == []
    assert driver.state.subtasks["a"].decision.model == "m"


def test_what_cannot_be_raises_and_changes_nothing() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b", "a"))
    with pytest.raises(UnknownTransition, match="SubtaskRouted can't happen while waiting"):
        driver.route("b")
    with pytest.raises(UnknownTransition, match="RunSubmitted can't happen while running"):
        driver.submit(subtask("a"))
    with pytest.raises(MachineError, match="no subtask 'x'"):
        driver.route("x")
    driver.route("a")
    with pytest.raises(UnknownTransition, match="AttemptSucceeded can't happen while queued"):
        driver.succeed("a")
    assert brief(driver.start("a")) == ["Dispatch:r/a/1"]


def test_nothing_can_happen_before_the_submission() -> None:
    with pytest.raises(UnknownTransition, match="while new"):
        Driver().route("a")
    with pytest.raises(MachineError, match="nothing was submitted"):
        Driver().machine.state  # noqa: B018 - reading it is what is tested


def test_an_end_of_another_subtasks_attempt_is_refused() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"))
    driver.begin("a")
    mixed = AttemptSucceeded(
        at=1.0,
        subtask_id="b",
        attempt_id="r/a/1",
        output=Output(text=""),
        usage=driver.state.attempts["r/a/1"].usage,
        cost_nusd=0,
    )
    with pytest.raises(MachineError, match="not an attempt of subtask 'b'"):
        driver.send(mixed)


@pytest.mark.parametrize(
    "subtasks",
    [
        (subtask("a", "b"), subtask("b")),
        (subtask("a"), subtask("a")),
        (subtask("a", "a"),),
        (subtask("@plan"),),
    ],
)
def test_a_plan_that_could_never_run_is_refused(subtasks: tuple) -> None:  # type: ignore[type-arg]
    with pytest.raises(PlanRefused):
        Driver().submit(*subtasks)


def test_a_plan_of_the_users_that_is_only_to_be_planned_ends_at_once() -> None:
    driver = Driver()
    assert brief(driver.submit(subtask("a"), plan_only=True)) == ["RunEnded:succeeded"]


def test_a_route_knows_whom_to_leave_out() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a", "bad")
    (route,) = driver.fail("a", failure("bad_request"))
    assert isinstance(route, Route)
    assert route.exclude == {"bad"}


def _unroutable(driver: Driver, subtask_id: str) -> list:  # type: ignore[type-arg]
    return driver.send(
        SubtaskUnroutable(at=driver.now, subtask_id=subtask_id, failure=failure("no_model"))
    )
