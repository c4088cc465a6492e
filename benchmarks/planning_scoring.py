"""What makes a plan right for a benchmark problem; pure, so that a stored plan can be judged again.

A trivial problem must stay one subtask. A large one must name every part in a subtask of its own
(the synthesis does not count), with the dependencies it needs and no others between parts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tekton.types import Plan, Subtask

PROBLEMS = Path(__file__).with_name("planning_problems.yaml")
SPARE_SUBTASKS = 3  # beyond the named parts: reading an input, a review, the combining


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One entry of planning_problems.yaml; see its head for the meaning of the fields."""

    id: str
    problem: str
    group: str = ""
    context: Sequence[str] = ()
    parts: Mapping[str, str] | None = None
    either: Sequence[Mapping[str, str]] = ()
    final: Mapping[str, str] = field(default_factory=dict)
    after: Sequence[Sequence[str]] = ()
    may_relate: Sequence[Sequence[str]] = ()

    @property
    def cuts(self) -> list[Mapping[str, str]]:
        """The ways to cut it into parts; none for a trivial problem."""
        return [self.parts] if self.parts else list(self.either)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`named`: every part has its subtask; `sound`: so are its edges. `misses` says what is not."""

    named: bool
    sound: bool
    misses: tuple[str, ...] = ()


def problems(path: Path = PROBLEMS) -> list[Problem]:
    """All problems, each with the group it stands in."""
    groups: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text("utf-8"))
    return [Problem(group=group, **entry) for group, found in groups.items() for entry in found]


def judge(problem: Problem, plan: Plan) -> Verdict:
    """Judge by the cut and the assignment of parts to subtasks that fit best."""
    count = len(plan.subtasks)
    if not problem.cuts:
        whole = count == 1
        return Verdict(whole, whole, () if whole else (f"split into {count}",))
    if count == 1:
        return Verdict(False, False, ("not split",))
    verdicts = [_judge_cut(problem, cut, plan.subtasks) for cut in problem.cuts]
    return min(verdicts, key=lambda found: (not found.named, not found.sound, len(found.misses)))


def _judge_cut(problem: Problem, cut: Mapping[str, str], subtasks: Sequence[Subtask]) -> Verdict:
    work = [subtask for subtask in subtasks if subtask.role != "synthesis"]
    unnamed = [name for name, words in cut.items() if not any(_says(s, words) for s in work)]
    unnamed += [
        n for n, words in problem.final.items() if not any(_says(s, words) for s in subtasks)
    ]
    if unnamed:
        return Verdict(False, False, (f"no subtask for {', '.join(unnamed)}",))
    tried = [_edge_misses(problem, chosen, subtasks) for chosen in _assignments(cut, work)]
    if not tried:
        return Verdict(False, False, ("several parts share one subtask",))
    misses = min(tried, key=len)
    room = len(cut) + len(problem.final) + SPARE_SUBTASKS
    if len(subtasks) > room:
        misses = (*misses, f"{len(subtasks)} subtasks where {room} are plenty")
    return Verdict(True, not misses, misses)


def _says(subtask: Subtask, words: str) -> bool:
    return bool(re.search(words, f"{subtask.title}. {subtask.instruction}", re.IGNORECASE))


def _assignments(cut: Mapping[str, str], work: Sequence[Subtask]) -> Iterator[dict[str, str]]:
    """Every way to give each part a subtask of its own that names it."""
    able = [[subtask.id for subtask in work if _says(subtask, words)] for words in cut.values()]
    for chosen in itertools.product(*able):
        if len(set(chosen)) == len(chosen):
            yield dict(zip(cut, chosen, strict=True))


def _edge_misses(
    problem: Problem, chosen: Mapping[str, str], subtasks: Sequence[Subtask]
) -> tuple[str, ...]:
    needs = _ancestors(subtasks)
    misses = [
        f"{later} does not wait for {first}"
        for first, later in problem.after
        if chosen[first] not in needs[chosen[later]]
    ]
    allowed = {frozenset(pair) for pair in (*_closure(problem.after), *problem.may_relate)}
    misses += [
        f"{a} and {b} wait for each other needlessly"
        for a, b in itertools.combinations(chosen, 2)
        if frozenset((a, b)) not in allowed
        and (chosen[a] in needs[chosen[b]] or chosen[b] in needs[chosen[a]])
    ]
    last = subtasks[-1].id
    left_out = [s.id for s in subtasks[:-1] if s.id not in needs[last]]
    return (*misses, *([f"the end does not wait for {', '.join(left_out)}"] if left_out else []))


def _closure(after: Sequence[Sequence[str]]) -> set[tuple[str, str]]:
    """What `after` relates directly or through others."""
    found = {(first, later) for first, later in after}
    while more := {(a, d) for a, b in found for c, d in found if b == c} - found:
        found |= more
    return found


def _ancestors(subtasks: Sequence[Subtask]) -> dict[str, set[str]]:
    needs: dict[str, set[str]] = {}
    for subtask in subtasks:
        direct = set(subtask.depends_on)
        needs[subtask.id] = direct.union(*(needs[name] for name in direct))
    return needs
