"""From a model's text to a plan, or to one line that says what to mend."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tekton.errors import PlanInvalid
from tekton.planning.parse import parse_plan
from tekton.types import Plan


def step(name: str, *needs: str, title: str = "", text: str = "") -> dict[str, Any]:
    return {
        "id": name,
        "title": title or f"Title {name}",
        "instruction": text or "Do it.",
        "depends_on": list(needs),
    }


def parsed(*steps: dict[str, Any], problem: str = "A large problem", **rest: Any) -> Plan:
    return parse_plan(
        json.dumps({"workers": "several", "subtasks": steps, **rest}), problem=problem
    )


def refusal(raw: str, **limits: int) -> str:
    with pytest.raises(PlanInvalid) as caught:
        parse_plan(raw, problem="A problem", **limits)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_one_worker_is_the_users_own_words() -> None:
    plan = parse_plan('{"workers": "one"}', problem=" What is the capital of Australia?\n")
    (only,) = plan.subtasks
    assert (only.id, only.role, only.depends_on) == ("s1", "work", ())
    assert only.instruction == only.title == "What is the capital of Australia?"
    assert plan.origin == "model"


def test_a_long_problem_gets_a_short_title_and_is_not_repeated() -> None:
    problem = "Explain the following text. " + "word " * 2_000
    (only,) = parse_plan('{"workers": "one"}', problem=problem).subtasks
    assert len(only.title) <= 62
    assert "whole task" in only.instruction


def test_a_list_of_one_subtask_answers_directly_too() -> None:
    (only,) = parse_plan(json.dumps({"subtasks": [step("s1")]}), problem="Hi").subtasks
    assert (only.role, only.instruction) == ("work", "Do it.")


def test_words_are_kept_and_edges_stand_once_in_order() -> None:
    plan = parsed(step("s1"), step("s2"), step("s3", "s2", "s1", "s2", text="Combine them."))
    assert [subtask.title for subtask in plan.subtasks] == ["Title s1", "Title s2", "Title s3"]
    assert plan.subtasks[2].depends_on == ("s1", "s2")
    assert plan.subtasks[2].added_depends_on == ()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("", "not valid JSON"),
        ('{"subtasks": [', "line 1 column"),
        ("[]", "one JSON object"),
        ("[" * 100_000, "not valid JSON"),
        ('{"subtasks": []}', "at least one"),
        ('{"workers": "several"}', "at least one"),
        ('{"workers": "two"}', "'two'"),
        ('{"workers": {}}', "workers"),
        ('{"workers": "one", "workers": "one"}', "twice"),
        ('{"steps": []}', "unknown key 'steps'"),
        ('{"subtasks": [1]}', "not an object"),
        ('{"subtasks": {"id": "s1"}}', "must be a list"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(raw: str, says: str) -> None:
    assert says in refusal(raw)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "s1"}, "'s1' of an earlier subtask"),
        ({"id": "s 2"}, "letters and digits"),
        ({"id": "@plan"}, "letters and digits"),
        ({"id": 2}, "empty 'id'"),
        ({"title": " "}, "empty 'title'"),
        ({"instruction": ""}, "empty 'instruction'"),
        ({"instruction": "x" * 5_000}, "5,000 characters"),
        ({"instruction": "\u0000"}, "control characters"),
        ({"title": "half \ud800"}, "control characters"),
        ({"depends_on": "s1"}, "a list of ids"),
        ({"depends_on": ["s2"]}, "no earlier subtask (s1)"),
        ({"depends_on": ["s9"]}, "'s9'"),
        ({"depends_on": [["s1"]]}, "no earlier subtask"),
        ({"depends_on": None}, "a list of ids"),
        ({"model": "x"}, "unknown key 'model'"),
    ],
)
def test_a_broken_subtask_is_refused_by_its_place(change: dict[str, Any], says: str) -> None:
    message = refusal(json.dumps({"subtasks": [step("s1"), {**step("s2"), **change}]}))
    assert says in message
    assert message.startswith("subtask 2")


def test_a_missing_key_is_named() -> None:
    assert "no 'depends_on'" in refusal(
        '{"subtasks": [{"id": "s1", "title": "a", "instruction": "b"}]}'
    )


def test_one_worker_with_several_subtasks_contradicts_itself() -> None:
    raw = json.dumps({"workers": "one", "subtasks": [step("s1"), step("s2")]})
    assert "one worker, but 2 subtasks" in refusal(raw)


def test_the_number_of_subtasks_is_bounded() -> None:
    raw = json.dumps({"subtasks": [step(f"s{k}") for k in range(1, 6)]})
    assert "5 subtasks: write at most 4" in refusal(raw, max_subtasks=4)
    many = json.dumps({"subtasks": [step(f"s{k}") for k in range(1, 1_002)]})
    assert "1,001 subtasks" in refusal(many)
    full = json.dumps({"subtasks": [step(f"s{k}") for k in range(1, 1_001)]})
    assert "with the synthesis" in refusal(full)
