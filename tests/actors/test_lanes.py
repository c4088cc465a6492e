"""Attempts in front of the slots of their model."""

from __future__ import annotations

from tekton.actors.lanes import Lanes
from tekton.types import Decision
from tekton.workflow.events import Enqueue


def ask(attempt_id: str, priority_s: float = 1.0, model: str = "m") -> Enqueue:
    decision = Decision(
        model=model,
        fallbacks=(),
        reason="",
        candidates=(),
        difficulty=0.5,
        features={},
        bound_nusd=0,
        max_tokens=1,
        timeout_s=1.0,
        predicted_cost_nusd=0,
        predicted_latency_s=1.0,
        policy="test/1",
    )
    return Enqueue(subtask_id="s", attempt_id=attempt_id, decision=decision, priority_s=priority_s)


def starting(lanes: Lanes) -> list[str]:
    return [waiter[1].attempt_id for waiter in lanes.starting()]


def test_the_longest_path_goes_first_and_slots_are_given_once() -> None:
    lanes = Lanes()
    for attempt_id, priority_s in (("a", 1.0), ("b", 3.0), ("c", 2.0)):
        lanes.offer("run", ask(attempt_id, priority_s))
    assert starting(lanes) == []
    lanes.set_slots("m", 2)
    assert starting(lanes) == ["b", "c"]
    assert lanes.load_of("m") == (1, 2)
    lanes.free("b")
    lanes.free("b")  # a second end of the same attempt frees nothing
    assert starting(lanes) == ["a"]
    assert starting(lanes) == []


def test_what_is_withdrawn_neither_starts_nor_keeps_its_slot() -> None:
    lanes = Lanes()
    lanes.set_slots("m", 1)
    lanes.offer("run", ask("a", 2.0))
    lanes.offer("run", ask("b", 1.0))
    assert starting(lanes) == ["a"]
    lanes.withdraw("a")
    assert starting(lanes) == ["b"]
    lanes.offer("run", ask("c"))
    lanes.withdraw("c")
    lanes.free("b")
    assert starting(lanes) == []


def test_a_model_that_cannot_be_had_lets_go_of_its_own_only() -> None:
    lanes = Lanes()
    lanes.offer("one", ask("a"))
    lanes.offer("two", ask("b", model="other"))
    assert [(run_id, waiter.attempt_id) for run_id, waiter in lanes.clear("m")] == [("one", "a")]
    lanes.set_slots("m", 1)
    lanes.set_slots("other", 1)
    assert starting(lanes) == ["b"]
