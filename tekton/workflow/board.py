"""The run's index: which subtask is in which phase, what waits for what, who is next.

Everything here follows from RunState and can be rebuilt from it; it exists so that an event costs
the same in a plan of 1,000 subtasks as in one of three. It decides nothing but the order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from tekton.types import PLAN_ID
from tekton.workflow.critical_path import UNKNOWN_S, longest_below_s
from tekton.workflow.state import RunState, SubtaskState
from tekton.workflow.table import SUBTASK, SubtaskPhase


class Board:
    """Kept by `Run`, which tells it of every subtask and every change of phase."""

    def __init__(self) -> None:
        self._ids: dict[SubtaskPhase, dict[str, None]] = {phase: {} for phase in SUBTASK}
        self._missing: dict[str, int] = {}
        self._dependents: dict[str, list[str]] = {}
        self._order: dict[str, int] = {}
        self._below: dict[str, float] = {}
        self._ready: list[tuple[float, int, str]] = []

    def add(self, new: Iterable[SubtaskState], state: RunState) -> None:
        """Take subtasks in that `state` holds already, and measure the paths anew."""
        for one in new:
            dependencies = dict.fromkeys(one.subtask.depends_on)
            self._ids[one.phase][one.id] = None
            self._order[one.id] = len(self._order)
            self._dependents[one.id] = []
            self._missing[one.id] = sum(not state.subtasks[d].finished for d in dependencies)
            for dependency in dependencies:
                self._dependents[dependency].append(one.id)
        self._measure(state)

    def move(self, subtask_id: str, old: SubtaskPhase, new: SubtaskPhase) -> None:
        del self._ids[old][subtask_id]
        self._ids[new][subtask_id] = None
        if new == "ready":
            heapq.heappush(self._ready, self._entry(subtask_id))

    def finish(self, subtask_id: str) -> list[str]:
        """A subtask is finished; returns those that waited for it alone."""
        free = []
        for dependent in self._dependents[subtask_id]:
            self._missing[dependent] -= 1
            if self._missing[dependent] == 0:
                free.append(dependent)
        return free

    def startable(self, subtask_id: str) -> bool:
        """Whether all its dependencies are finished."""
        return self._missing[subtask_id] == 0

    def is_sink(self, subtask_id: str) -> bool:
        return not self._dependents[subtask_id]

    def ids(self, *phases: SubtaskPhase) -> list[str]:
        """The subtasks in these phases, in plan order: what follows must not depend on history."""
        found = [subtask_id for phase in phases for subtask_id in self._ids[phase]]
        return sorted(found, key=self._order.__getitem__)

    def count(self, *phases: SubtaskPhase) -> int:
        return sum(len(self._ids[phase]) for phase in phases)

    def pop_ready(self) -> str | None:
        """The ready subtask with the longest path before it, ties in plan order."""
        while self._ready:
            subtask_id = heapq.heappop(self._ready)[2]
            # An entry outlives its subtask's being ready (it was popped under another entry).
            if subtask_id in self._ids["ready"]:
                return subtask_id
        return None

    def priority_s(self, subtask_id: str, own_s: float) -> float:
        """The longest path from here to the end of the run, the subtask itself taking `own_s`.

        Nothing below has been routed while this has not finished, so the part below counts
        UNKNOWN_S a subtask and changes only when the plan grows.
        """
        return own_s + self._below[subtask_id]

    def _measure(self, state: RunState) -> None:
        self._below = longest_below_s(state.announced)
        longest = max((UNKNOWN_S + below for below in self._below.values()), default=0.0)
        self._below[PLAN_ID] = UNKNOWN_S + longest  # at least one subtask is still to come
        self._ready = [self._entry(subtask_id) for subtask_id in self._ids["ready"]]
        heapq.heapify(self._ready)

    def _entry(self, subtask_id: str) -> tuple[float, int, str]:
        return -self.priority_s(subtask_id, UNKNOWN_S), self._order[subtask_id], subtask_id
