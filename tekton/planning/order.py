"""The order of a DAG of subtasks: dependencies first, otherwise as written."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence

from tekton.types import Subtask


def in_order(subtasks: Sequence[Subtask]) -> tuple[Subtask, ...]:
    """Sorted stably so that every dependency stands before; what is on or behind a cycle is
    left out. Every dependency must be a known id."""
    place = {subtask.id: index for index, subtask in enumerate(subtasks)}
    waiting = [len(set(subtask.depends_on)) for subtask in subtasks]
    dependants: defaultdict[int, list[int]] = defaultdict(list)
    for index, subtask in enumerate(subtasks):
        for name in set(subtask.depends_on):
            dependants[place[name]].append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    ordered = []
    while ready:
        index = heapq.heappop(ready)
        ordered.append(subtasks[index])
        for other in dependants[index]:
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, other)
    return tuple(ordered)


def cycle_of(subtasks: Sequence[Subtask]) -> list[str]:
    """A cycle as ids, in the direction of "depends on", first = last; empty where there is none."""
    done = {subtask.id for subtask in in_order(subtasks)}
    stuck = {subtask.id: subtask for subtask in subtasks if subtask.id not in done}
    if not stuck:
        return []
    path = [next(iter(stuck))]
    while True:  # each stuck subtask waits for a stuck one, so the walk meets itself
        name = next(name for name in stuck[path[-1]].depends_on if name in stuck)
        if name in path:
            return [*path[path.index(name) :], name]
        path.append(name)
