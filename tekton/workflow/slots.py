"""Who starts next on each model: a priority queue a model in front of its slots.

Pure and synchronous, shared by all runs of a Coordinator. It counts slots and orders what waits;
it starts nothing and knows nothing of money.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An attempt in front of a model's slots; the larger `priority_s` starts first."""

    attempt_id: str
    run_id: str
    model: str
    priority_s: float


class _Lane:
    """One model: its slots and its heap of (-priority, arrival, attempt id)."""

    __slots__ = ("busy", "heap", "slots", "waiting")

    def __init__(self) -> None:
        self.slots = 0
        self.busy = 0
        self.waiting = 0
        self.heap: list[tuple[float, int, str]] = []


class SlotQueue:
    """Longest remaining path first, ties by arrival. A model has no slots until `set_slots`."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._waiting: dict[str, tuple[int, Waiting]] = {}
        self._arrivals = count()

    def __len__(self) -> int:
        """How many wait, over all models."""
        return len(self._waiting)

    def offer(self, attempt_id: str, run_id: str, model: str, priority_s: float) -> None:
        """Queue an attempt. Raises ValueError if it waits already."""
        if attempt_id in self._waiting:
            raise ValueError(f"attempt {attempt_id} is queued twice")
        arrival = next(self._arrivals)
        self._waiting[attempt_id] = (
            arrival,
            Waiting(attempt_id=attempt_id, run_id=run_id, model=model, priority_s=priority_s),
        )
        lane = self._lane(model)
        lane.waiting += 1
        heapq.heappush(lane.heap, (-priority_s, arrival, attempt_id))

    def remove(self, attempt_id: str) -> bool:
        """Take an attempt out; False if it does not wait (it started, or was never offered)."""
        if attempt_id not in self._waiting:
            return False
        self._take(attempt_id)
        return True

    def set_slots(self, model: str, n: int) -> None:
        """A model's slots in all; fewer than are busy is fine: nothing starts until enough end."""
        self._lane(model).slots = n

    def free(self, model: str) -> None:
        """A slot that `next` gave out is free again. Raises ValueError if none is out."""
        lane = self._lane(model)
        if lane.busy == 0:
            raise ValueError(f"no slot of {model} is busy")
        lane.busy -= 1

    def next(self) -> Waiting | None:
        """What may start now, its slot taken; None when nothing may."""
        open_lanes = [lane for lane in self._lanes.values() if lane.busy < lane.slots]
        lanes = [lane for lane in open_lanes if self._first(lane) is not None]
        if not lanes:
            return None
        lane = min(lanes, key=lambda lane: lane.heap[0])
        lane.busy += 1
        return self._take(heapq.heappop(lane.heap)[2])

    def waiting_for(self, model: str) -> int:
        """How many wait for the model."""
        return self._lane(model).waiting

    def busy(self, model: str) -> int:
        """How many of the model's slots are given out."""
        return self._lane(model).busy

    def _take(self, attempt_id: str) -> Waiting:
        _, one = self._waiting.pop(attempt_id)
        self._lane(one.model).waiting -= 1
        return one

    def _first(self, lane: _Lane) -> str | None:
        """The attempt at the head; entries whose attempt was taken out are dropped here."""
        while lane.heap:
            _, arrival, attempt_id = lane.heap[0]
            entry = self._waiting.get(attempt_id)
            if entry is not None and entry[0] == arrival:
                return attempt_id
            heapq.heappop(lane.heap)
        return None

    def _lane(self, model: str) -> _Lane:
        return self._lanes.setdefault(model, _Lane())
