"""Longest paths, against a definition that is too slow to use."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from workflow_driver import subtask

from tekton.types import Subtask
from tekton.workflow.critical_path import critical_path_s, longest_below_s


def test_a_diamond() -> None:
    diamond = [subtask("a"), subtask("b", "a"), subtask("c", "a"), subtask("d", "b", "c")]
    seconds = {"a": 1.0, "b": 5.0, "c": 2.0, "d": 1.0}
    assert longest_below_s(diamond, seconds) == {"a": 6.0, "b": 1.0, "c": 1.0, "d": 0.0}
    assert critical_path_s(diamond, seconds) == 7.0


def test_unknown_lengths_count_the_subtasks() -> None:
    assert longest_below_s([subtask("a"), subtask("b", "a"), subtask("c", "b")])["a"] == 2.0


def test_no_subtasks_take_no_time() -> None:
    assert critical_path_s([], {}) == 0.0


@st.composite
def dags(draw: st.DrawFn) -> list[Subtask]:
    found: list[Subtask] = []
    for number in range(draw(st.integers(1, 7))):
        known = [one.id for one in found]
        chosen = draw(st.sets(st.sampled_from(known))) if known else set()
        found.append(subtask(f"s{number}", *sorted(chosen)))
    return found


@given(dags(), st.data())
def test_it_is_the_longest_of_all_chains(dag: list[Subtask], data: st.DataObject) -> None:
    seconds = {one.id: float(data.draw(st.integers(0, 9))) for one in dag}
    by_id = {one.id: one for one in dag}

    def chains(one: Subtask) -> list[float]:
        before = [length for d in one.depends_on for length in chains(by_id[d])] or [0.0]
        return [seconds[one.id] + length for length in before]

    assert critical_path_s(dag, seconds) == max(length for one in dag for length in chains(one))
