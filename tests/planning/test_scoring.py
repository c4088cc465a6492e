"""The benchmark's judge: it must see what is wrong, or its figures mean nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.planning_scoring import Problem, judge, problems
from tekton.types import Plan, Subtask

LARGE = Problem(
    id="x",
    problem="Write f and g, tests for f, and sum up.",
    parts={"f": r"\bf\b", "g": r"\bg\b", "tests": "test"},
    after=[["f", "tests"]],
    final={"summary": "sum"},
)


def part(name: str, title: str, *needs: str, role: str = "work") -> Subtask:
    return Subtask(id=name, title=title, instruction="Do.", depends_on=needs, role=role)  # type: ignore[arg-type]


F, G, TESTS = part("s1", "Write f"), part("s2", "Write g"), part("s3", "Tests of f", "s1")
END = part("s4", "Sum up", "s1", "s2", "s3", role="synthesis")


def misses(*subtasks: Subtask, problem: Problem = LARGE) -> str:
    return "; ".join(judge(problem, Plan(subtasks=subtasks)).misses)


def test_a_right_plan_is_right() -> None:
    verdict = judge(LARGE, Plan(subtasks=(F, G, TESTS, END)))
    assert (verdict.named, verdict.sound, verdict.misses) == (True, True, ())


@pytest.mark.parametrize(
    ("subtasks", "says"),
    [
        ((F,), "not split"),
        ((F, TESTS, replace(END, depends_on=("s1", "s3"))), "no subtask for g"),
        ((part("s1", "Write f and g"), TESTS, replace(END, depends_on=("s3",))), "share one"),
        ((F, G, replace(TESTS, depends_on=()), END), "tests does not wait for f"),
        ((F, replace(G, depends_on=("s1",)), TESTS, END), "f and g wait for each other"),
        ((F, G, TESTS, replace(END, depends_on=("s3",))), "the end does not wait for s2"),
        ((F, G, TESTS, replace(END, title="Merge")), "no subtask for summary"),
    ],
)
def test_a_wrong_plan_is_seen(subtasks: tuple[Subtask, ...], says: str) -> None:
    assert says in misses(*subtasks)


def test_too_many_subtasks_are_a_miss() -> None:
    extra = [part(f"t{k}", "Think") for k in range(9)]
    end = replace(END, depends_on=("s1", "s2", "s3", *(e.id for e in extra)))
    assert "plenty" in misses(F, G, TESTS, *extra, end)


def test_waiting_through_others_is_no_miss() -> None:
    chain = Problem(id="x", problem="?", parts={"f": "f$", "t": "Test", "d": "Doc"})
    chain = replace(chain, after=[["f", "t"], ["t", "d"]])
    parts = (replace(F, instruction="f"), TESTS, part("s3x", "Doc", "s3"))
    end = replace(END, depends_on=("s1", "s3", "s3x"))
    assert misses(*parts, end, problem=chain) == ""


def test_one_of_several_cuts_is_enough() -> None:
    either = Problem(id="x", problem="?", either=[{"a": "aaa", "b": "bbb"}, {"f": "f", "g": "g"}])
    assert misses(F, G, replace(END, depends_on=("s1", "s2")), problem=either) == ""


def test_a_trivial_problem_must_stay_whole() -> None:
    trivial = Problem(id="x", problem="?")
    assert misses(F, problem=trivial) == ""
    assert "split into 2" in misses(F, G, problem=trivial)


def test_the_shipped_problems_are_half_trivial_and_well_formed() -> None:
    every = problems()
    tuned = [problem for problem in every if problem.group == "tuned"]
    large = [problem for problem in tuned if problem.cuts]
    assert len(tuned) >= 30
    assert len(large) * 2 == len(tuned)
    assert len({problem.id for problem in every}) == len(every)
    for problem in every:
        names = {name for cut in problem.cuts for name in cut}
        assert {name for pair in (*problem.after, *problem.may_relate) for name in pair} <= names
