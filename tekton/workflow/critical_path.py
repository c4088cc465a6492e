"""Longest paths through a plan, in seconds. Pure arithmetic on a DAG, O(subtasks + edges)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tekton.types import Subtask

UNKNOWN_S = 1.0
"""What a subtask counts for while nothing is known of its length: then the path with the most
subtasks is the longest."""


def longest_below_s(
    subtasks: Sequence[Subtask], seconds: Mapping[str, float] | None = None
) -> dict[str, float]:
    """For each subtask the longest path of what depends on it, itself not counted.

    `subtasks` in plan order (dependencies first); one missing in `seconds` counts UNKNOWN_S.
    """
    known = seconds or {}
    below = {subtask.id: 0.0 for subtask in subtasks}
    for subtask in reversed(subtasks):
        length = known.get(subtask.id, UNKNOWN_S) + below[subtask.id]
        for dependency in subtask.depends_on:
            below[dependency] = max(below[dependency], length)
    return below


def critical_path_s(subtasks: Sequence[Subtask], seconds: Mapping[str, float]) -> float:
    """The length of the longest chain: no schedule with these durations can be shorter."""
    below = longest_below_s(subtasks, seconds)
    return max((seconds.get(s.id, UNKNOWN_S) + below[s.id] for s in subtasks), default=0.0)
