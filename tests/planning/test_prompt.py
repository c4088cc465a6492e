"""The planner's conversation: its own examples must be what it asks for."""

from __future__ import annotations

import json

import jsonschema

from tekton.planning.parse import parse_plan
from tekton.planning.prompt import plan_messages
from tekton.planning.schema import plan_schema


def test_every_example_satisfies_schema_and_rules() -> None:
    answers = [turn.content for turn in plan_messages("x") if turn.role == "assistant"]
    assert len(answers) >= 2
    for answer in answers:
        jsonschema.validate(json.loads(answer), plan_schema(8))
        plan = parse_plan(answer, problem="x")
        written = len(json.loads(answer).get("subtasks", [1]))
        assert not any(subtask.added_depends_on for subtask in plan.subtasks[:written])


def test_files_stand_before_the_problem_and_the_examples_never_change() -> None:
    plain, with_files = plan_messages("Sum it."), plan_messages("Sum it.", ("a.csv: table",))
    assert plain[:-1] == with_files[:-1]
    assert with_files[-1].content == "File: a.csv: table\nProblem: Sum it."


def test_each_invalid_plan_is_shown_with_its_error_oldest_first() -> None:
    *_, asked, bad, error, worse, last = plan_messages("x", (), (("e1", "raw1"), ("e2", "raw2")))
    assert asked.content == "Problem: x"
    assert [bad.role, bad.content, worse.content] == ["assistant", "raw1", "raw2"]
    assert "e1" in error.content
    assert "e2" in last.content
    assert last.role == "user"


def test_braces_in_an_error_are_shown_as_they_are() -> None:
    assert "{0} {x}" in plan_messages("x", (), (("{0} {x}", "raw"),))[-1].content
