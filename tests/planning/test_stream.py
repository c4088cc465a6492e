"""What is announced early is exactly how the whole plan begins."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tekton.errors import PlanInvalid
from tekton.planning.parse import parse_plan
from tekton.planning.stream import PlanStream
from tekton.types import Subtask
from tests.planning.plans import written_plans

PROBLEM, NAMES = "Look at sales.csv.", ("sales.csv",)
PLAN = json.dumps(
    {
        "workers": "several",
        "subtasks": [
            {"id": "s1", "title": "A", "instruction": 'Do }] \\ "a".', "depends_on": []},
            {"id": "s2", "title": "B", "instruction": "Use s1.", "depends_on": []},
            {"id": "s3", "title": "C", "instruction": "Combine.", "depends_on": ["s2"]},
        ],
    }
)


def stream(**options: Any) -> PlanStream:
    return PlanStream(problem=PROBLEM, context_names=NAMES, **options)


def by_character(text: str, reader: PlanStream) -> list[tuple[int, Subtask]]:
    return [(at, subtask) for at, char in enumerate(text, 1) for subtask in reader.feed(char)]


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(written_plans(), st.lists(st.integers(1, 60), min_size=1, max_size=8), st.booleans())
def test_the_announced_prefix_is_the_plans_own(
    document: dict[str, Any], sizes: list[int], indented: bool
) -> None:
    text = json.dumps(document, indent=2 if indented else None, ensure_ascii=indented)
    plan = parse_plan(text, problem=PROBLEM, context_names=NAMES)
    reader, announced, at = stream(), [], 0
    while at < len(text):
        size = sizes[at % len(sizes)]
        announced += reader.feed(text[at : at + size])
        at += size
        assert tuple(announced) == plan.subtasks[: len(announced)]
    assert len(announced) == len(document["subtasks"]) - 1
    assert all(subtask.role == "work" for subtask in announced)


def test_a_subtask_is_announced_when_the_next_one_begins() -> None:
    announced = by_character(PLAN, stream())
    assert [subtask.id for _, subtask in announced] == ["s1", "s2"]
    for at, subtask in announced:
        begun = PLAN[:at]
        assert begun.endswith("{")
        assert f'"{subtask.id}"' in begun
    assert announced[1][1].added_depends_on == ("s1",)


def test_answering_directly_announces_nothing() -> None:
    assert by_character('{"workers": "one"}', stream()) == []


def test_a_list_elsewhere_is_not_the_plan() -> None:
    text = PLAN.replace('"workers": "several"', '"other": {"subtasks": [{}, {}]}')
    assert [subtask.id for _, subtask in by_character(text, stream())] == ["s1", "s2"]


@pytest.mark.parametrize("broken", ['"s1"', '"@plan"', "7"])
def test_it_falls_silent_at_a_broken_subtask(broken: str) -> None:
    text = PLAN.replace('"id": "s2"', f'"id": {broken}')
    with pytest.raises(PlanInvalid):
        parse_plan(text, problem=PROBLEM)
    assert [subtask.id for _, subtask in by_character(text, stream())] == ["s1"]


def test_a_retry_goes_on_behind_what_was_announced() -> None:
    cut = PLAN[: PLAN.index('{"id": "s3"') + 1]
    announced = [subtask for _, subtask in by_character(cut, stream())]
    again = by_character(PLAN.replace('"C"', '"D"'), stream(announced=announced[:1]))
    assert [subtask.id for _, subtask in again] == ["s2"]
    other = by_character(PLAN.replace('"A"', '"Z"'), stream(announced=announced[:1]))
    assert other == []


def test_endless_text_is_not_kept() -> None:
    reader = stream()
    reader.feed('{"subtasks": [{"id": "' + "x" * 1_000_001)
    assert reader.feed(PLAN) == ()
