"""Attempts whose money is reserved, in front of the slots of their model.

Bookkeeping around the pure SlotQueue: who waits, who holds a slot. No Ray, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator

from tekton.workflow.events import Enqueue
from tekton.workflow.slots import SlotQueue

Waiter = tuple[str, Enqueue]
"""A run's id and what it asked for."""


class Lanes:
    """All models' queues of one Coordinator."""

    def __init__(self) -> None:
        self._slots = SlotQueue()
        self._waiting: dict[str, Waiter] = {}
        self._holding: dict[str, str] = {}

    def offer(self, run_id: str, ask: Enqueue) -> None:
        """Queue an attempt."""
        self._waiting[ask.attempt_id] = run_id, ask
        self._slots.offer(ask.attempt_id, run_id, ask.decision.model, ask.priority_s)

    def withdraw(self, attempt_id: str) -> None:
        """Take an attempt back that has not left, whether it waits or was just given a slot."""
        self._slots.remove(attempt_id)
        self._waiting.pop(attempt_id, None)
        self.free(attempt_id)

    def set_slots(self, model: str, slots: int) -> None:
        """The model's slots as leased; 0 while there is no lease."""
        self._slots.set_slots(model, slots)

    def free(self, attempt_id: str) -> None:
        """An attempt ended; one that was reclaimed or never got a slot frees none."""
        model = self._holding.pop(attempt_id, None)
        if model is not None:
            self._slots.free(model)

    def starting(self) -> Iterator[Waiter]:
        """Give free slots away, longest remaining path first."""
        while (next_one := self._slots.next()) is not None:
            self._holding[next_one.attempt_id] = next_one.model
            yield self._waiting.pop(next_one.attempt_id)

    def clear(self, model: str) -> list[Waiter]:
        """Take out all that waits for a model that can't be had."""
        found = [waiter for waiter in self._waiting.values() if waiter[1].decision.model == model]
        for _, ask in found:
            self.withdraw(ask.attempt_id)
        return found

    def load_of(self, model: str) -> tuple[int, int]:
        """(queued, in flight) of a model."""
        return self._slots.waiting_for(model), self._slots.busy(model)
