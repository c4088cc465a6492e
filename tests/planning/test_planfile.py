"""A person's plan file: what it means, and one line for each way of getting it wrong."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from tekton.errors import PlanInvalid
from tekton.planning.planfile import load_plan, load_plan_file
from tekton.types import Plan

GOOD = """
name: Board summary
subtasks:
  - id: report            # waits for what stands below it
    title: The report
    instruction: Write it.
    depends_on: [revenue, regions]
    role: synthesis
    max_tokens: 300
  - {id: revenue, title: Revenue, instruction: Sum it., model: qwen2.5-coder-0.5b, timeout_s: 30}
  - {id: regions, title: Regions, instruction: Rank them., depends_on: [revenue], optional: true}
"""


def step(name: str, *needs: str, **rest: Any) -> dict[str, Any]:
    return {"id": name, "title": name, "instruction": "Do it.", "depends_on": list(needs), **rest}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.yaml"


def load(file: Path, content: Any) -> Plan:
    text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
    file.write_text(text, "utf-8")
    return load_plan(file)


def refusal(file: Path, content: Any) -> str:
    with pytest.raises(PlanInvalid) as caught:
        load(file, content)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    return message


def test_its_name_and_problem_come_with_the_plan(file: Path) -> None:
    plan = load(file, {"subtasks": [step("a")]})
    read = load_plan_file(file)
    assert (read.plan, read.name, read.problem) == (plan, None, None)
    load(file, {"name": "n", "problem": "P?", "subtasks": [step("a")]})
    assert (load_plan_file(file).name, load_plan_file(file).problem) == ("n", "P?")


def test_a_file_says_everything_itself(file: Path) -> None:
    plan = load(file, GOOD)
    revenue, regions, report = plan.subtasks
    assert plan.origin == "file"
    assert [subtask.id for subtask in plan.subtasks] == ["revenue", "regions", "report"]
    assert (revenue.model, revenue.timeout_s, revenue.role) == ("qwen2.5-coder-0.5b", 30.0, "work")
    assert regions.optional
    assert (report.role, report.max_tokens) == ("synthesis", 300)
    assert report.depends_on == ("revenue", "regions")
    assert not any(subtask.added_depends_on for subtask in plan.subtasks)


def test_json_is_read_as_well(file: Path) -> None:
    document = {"subtasks": [step("a"), step("b", "a")]}
    assert [s.id for s in load(file, json.dumps(document)).subtasks] == ["a", "b"]


def test_json_is_not_taken_for_yaml(tmp_path: Path) -> None:
    text = json.dumps({"subtasks": [step("a")]}, indent="\t")
    text = text.replace("Do it.", "Greet \\ud83d\\ude00")
    for name in ("plan.json", "plan"):
        (only,) = load(tmp_path / name, text).subtasks
        assert only.instruction == "Greet 😀"
    assert "not valid JSON: Expecting" in refusal(tmp_path / "bad.json", "{subtasks: []}")
    assert "is empty" in refusal(tmp_path / "flow.yaml", "{subtasks: []}")


def test_no_role_is_guessed(file: Path) -> None:
    plan = load(file, {"subtasks": [step("a"), step("b", "a", title="Combine the results")]})
    assert {subtask.role for subtask in plan.subtasks} == {"work"}


def test_the_order_is_stable(file: Path) -> None:
    rng = random.Random(7)
    names = [f"n{k}" for k in range(60)]
    steps = [step(n, *rng.sample(names[:k], min(k, 2))) for k, n in enumerate(names)]
    assert [s.id for s in load(file, {"subtasks": steps}).subtasks] == names
    rng.shuffle(steps)
    found = load(file, {"subtasks": steps}).subtasks
    place = {subtask.id: at for at, subtask in enumerate(found)}
    assert sorted(place) == sorted(names)
    assert all(place[n] < place[s.id] for s in found for n in s.depends_on)


def test_a_thousand_are_read_and_more_refused(file: Path) -> None:
    chain = [step("n0"), *(step(f"n{k}", f"n{k - 1}") for k in range(1, 1_000))]
    assert len(load(file, json.dumps({"subtasks": chain[::-1]})).subtasks) == 1_000
    many = {"subtasks": [step(f"n{k}") for k in range(10_000)]}
    assert "10,000 subtasks: a plan may have at most 1,000" in refusal(file, json.dumps(many))


def test_a_cycle_is_named(file: Path) -> None:
    steps = [step("free"), step("x", "a"), step("a", "b"), step("b", "c", "free"), step("c", "a")]
    assert "a → b → c → a" in refusal(file, {"subtasks": steps})
    assert "cycle: a → a" in refusal(file, {"subtasks": [step("a", "a")]})


@pytest.mark.parametrize("key", ["approve", "when", "map", "acceptance"])
def test_reserved_keys_say_so(file: Path, key: str) -> None:
    inner = refusal(file, {"subtasks": [step("a"), step("b", **{key: "x"})]})
    assert f"subtask 2 (b): '{key}' is reserved and not yet supported" in inner
    assert f"'{key}' is reserved" in refusal(file, {key: 1, "subtasks": [step("a")]})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "a"}, "subtask 2: the id 'a' is used twice"),
        ({"id": "@plan"}, "subtask 2: the id '@plan' must be letters"),
        ({"id": "b c"}, "'b c' must be letters"),
        ({"id": ""}, "must be letters"),
        ({"id": "x" * 65}, "at most 64 characters"),
        ({"id": 7}, "subtask 2: id: Input should be a valid string"),
        ({"title": ""}, "subtask 2 (b): title"),
        ({"instruction": " "}, "subtask 2 (b): instruction"),
        ({"instruction": "a\x07b"}, "subtask 2 (b)"),
        ({"depends_on": ["zzz"]}, "depends_on names 'zzz'"),
        ({"depends_on": "a"}, "subtask 2 (b): depends_on"),
        ({"added_depends_on": ["a"]}, "(b): added_depends_on names 'a', which is not in its"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"timeout_s": True}, "timeout_s"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"role": "plan"}, "role"),
        ({"optional": "yes"}, "optional"),
        ({"retries": 2}, "subtask 2 (b): unknown key 'retries'"),
    ],
)
def test_a_broken_subtask_is_refused_by_its_place(
    file: Path, change: dict[str, Any], says: str
) -> None:
    assert says in refusal(file, {"subtasks": [step("a"), {**step("b"), **change}]})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "a plan is a mapping"),
        ("- a\n- b\n", "a plan is a mapping"),
        ("just words", "a plan is a mapping"),
        ("subtasks: []", "'subtasks' is empty"),
        ("subtasks: nothing", "subtasks"),
        ("subtasks: [1, 2]", "subtask 1"),
        ("name: x", "the key 'subtasks' is missing"),
        ("subtasks: [{id: a, title: b}]", "subtask 1 (a): the key 'instruction' is missing"),
        ("subtask: []", "missing"),
        ("version: 2\nsubtasks: [{id: a, title: b, instruction: c}]", "unknown key 'version'"),
        ("subtasks: [", "not valid YAML"),
        ("subtasks:\n\t- x", "line 2 column 1: not valid YAML"),
        ("subtasks: [1]\nsubtasks: [2]", "line 2 column 1: not valid YAML: the key 'subtasks'"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("? [a]\n: b", "not valid YAML"),
        ("[" * 5_000, "not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("1: 2\nsubtasks: [{id: a, title: b, instruction: c}]", "1"),
        ("2024-99-99: x", "not valid YAML"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(file: Path, content: str, says: str) -> None:
    assert says in refusal(file, content)


def test_a_file_that_can_not_be_read_is_refused(file: Path, tmp_path: Path) -> None:
    for path, says in ((tmp_path / "none.yaml", "no such file"), (tmp_path, "not a file")):
        with pytest.raises(PlanInvalid, match=says):
            load_plan(path)
    file.write_bytes(b"\xff\xfe\x00 binary")
    with pytest.raises(PlanInvalid, match="not UTF-8"):
        load_plan(file)


def test_a_huge_file_is_refused_unread(file: Path) -> None:
    with file.open("wb") as out:
        out.truncate(5_000_001)
    with pytest.raises(PlanInvalid, match="too large for a plan"):
        load_plan(file)
