"""Longest remaining path first, one queue a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekton.workflow.slots import SlotQueue


def starts(queue: SlotQueue) -> list[str]:
    found = []
    while (waiting := queue.next()) is not None:
        found.append(waiting.attempt_id)
    return found


def test_longest_path_first_and_ties_by_arrival() -> None:
    queue = SlotQueue()
    queue.set_slots("m", 4)
    for attempt_id, priority_s in (("a", 1.0), ("b", 3.0), ("c", 1.0), ("d", 2.0)):
        queue.offer(attempt_id, "r", "m", priority_s)
    assert starts(queue) == ["b", "d", "a", "c"]


def test_a_slot_is_given_out_once_until_it_is_free() -> None:
    queue = SlotQueue()
    queue.set_slots("m", 1)
    queue.offer("a", "r", "m", 1.0)
    queue.offer("b", "r", "m", 1.0)
    assert starts(queue) == ["a"]
    assert queue.waiting_for("m") == 1
    queue.free("m")
    assert starts(queue) == ["b"]


def test_a_model_without_slots_starts_nothing_and_holds_up_no_other() -> None:
    queue = SlotQueue()
    queue.set_slots("open", 1)
    queue.offer("a", "r", "shut", 9.0)
    queue.offer("b", "r", "open", 1.0)
    assert starts(queue) == ["b"]
    queue.set_slots("shut", 1)
    assert starts(queue) == ["a"]


def test_what_was_taken_out_does_not_start() -> None:
    queue = SlotQueue()
    queue.set_slots("m", 2)
    queue.offer("a", "r", "m", 2.0)
    queue.offer("b", "r", "m", 1.0)
    assert queue.remove("a")
    assert not queue.remove("a")
    assert starts(queue) == ["b"]
    assert not queue.remove("b")


def test_an_attempt_that_was_taken_out_may_come_back_with_another_priority() -> None:
    queue = SlotQueue()
    queue.set_slots("m", 2)
    queue.offer("a", "r", "m", 9.0)
    queue.offer("b", "r", "m", 5.0)
    queue.remove("a")
    queue.offer("a", "r", "m", 1.0)
    assert starts(queue) == ["b", "a"]


def test_fewer_slots_than_are_busy_start_nothing_until_enough_are_free() -> None:
    queue = SlotQueue()
    queue.set_slots("m", 2)
    for name in "abc":
        queue.offer(name, "r", "m", 1.0)
    starts(queue)
    queue.set_slots("m", 1)
    queue.free("m")
    assert starts(queue) == []
    queue.free("m")
    assert starts(queue) == ["c"]


def test_misuse_is_refused() -> None:
    queue = SlotQueue()
    queue.offer("a", "r", "m", 1.0)
    with pytest.raises(ValueError, match="queued twice"):
        queue.offer("a", "r", "m", 1.0)
    with pytest.raises(ValueError, match="no slot of m is busy"):
        queue.free("m")


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 5)), max_size=30), st.data())
def test_everything_starts_once_in_order_whatever_the_slots(
    offers: list[tuple[str, int]], data: st.DataObject
) -> None:
    queue = SlotQueue()
    for number, (model, priority) in enumerate(offers):
        queue.offer(str(number), "r", model, float(priority))
    for model in "xyz":
        queue.set_slots(model, data.draw(st.integers(1, 3)))
    order: list[int] = []
    while len(queue):
        for attempt_id in starts(queue):
            order.append(int(attempt_id))
            queue.free(offers[int(attempt_id)][0])
    assert sorted(order) == list(range(len(offers)))
    for model in "xyz":
        mine = [n for n in order if offers[n][0] == model]
        assert mine == sorted(mine, key=lambda n: (-offers[n][1], n))
