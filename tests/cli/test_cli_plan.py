"""`tekton plan` and `tekton route`: shown and estimated, nothing run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Cli
from story import RUN, START, FakeTekton, done, planned, started, submitted

from tekton.cli.estimate import Estimate, Estimator, idle_view, longest_path_s
from tekton.cli.plan import as_json
from tekton.config import load_settings
from tekton.planning.planfile import load_plan_file
from tekton.types import PLAN_ID, Constraints, Decision, Failure, Plan, Subtask, Task
from tekton.workflow.events import SubtaskUnroutable

Use = Callable[[FakeTekton], None]
FILE = """
name: sums
problem: What is 40 + 2?
subtasks:
  - {id: end, title: Put it together, instruction: Answer., depends_on: [a, b]}
  - {id: a, title: Add, instruction: Add 40 and 2.}
  - {id: b, title: Check, instruction: Check it.}
"""


@pytest.fixture
def plan_file(home: Path) -> str:
    (home / "plan.yaml").write_text(FILE)
    return "plan.yaml"


@pytest.mark.usefixtures("no_cluster", "models")
def test_a_plan_file_is_shown_without_a_cluster(cli: Cli, plan_file: str) -> None:
    ended = cli("plan", "--plan", plan_file)
    assert ended.code == 0
    assert "3 Put it together  ←1-2" in ended.out
    assert "Add 40 and 2." in ended.out
    assert "Estimate: " in ended.out


@pytest.mark.usefixtures("no_cluster", "models")
def test_the_json_of_a_plan_has_the_promised_keys(cli: Cli, plan_file: str) -> None:
    shown = cli("plan", "--plan", plan_file, "--json", "--quiet").json()
    assert [subtask["id"] for subtask in shown["subtasks"]] == ["a", "b", "end"]
    assert shown["subtasks"][2]["depends_on"] == ["a", "b"]
    assert {"id", "title", "instruction", "depends_on"} <= shown["subtasks"][0].keys()
    assert shown["estimate"]["seconds"] > 0
    assert shown["estimate"]["cost_usd"] >= 0


def test_the_subtasks_of_the_json_are_a_plan_file(tmp_path: Path) -> None:
    """Whatever a subtask says of itself comes back."""
    subtasks = (
        Subtask(id="a", title="A", instruction="Do a.", model="m", timeout_s=2.5, max_tokens=9),
        Subtask(id="b", title="B", instruction="Do b.", depends_on=("a",), optional=True),
        Subtask(
            id="c", title="C", instruction="Combine.", depends_on=("a", "b"),
            added_depends_on=("b",), role="synthesis",
        ),
    )  # fmt: skip
    estimate = Estimate(seconds=None, cost_nusd=None, decisions={})
    shown = as_json(Plan(subtasks=subtasks), estimate)
    (tmp_path / "plan.json").write_text(json.dumps({"subtasks": shown["subtasks"]}))
    assert load_plan_file(tmp_path / "plan.json").plan.subtasks == subtasks


@pytest.mark.usefixtures("no_cluster")
def test_without_models_a_plan_file_is_shown_without_an_estimate(cli: Cli, plan_file: str) -> None:
    ended = cli("plan", "--plan", plan_file)
    assert ended.code == 0
    assert "No estimate: no model may take 'a'" in ended.out
    shown = cli("plan", "--plan", plan_file, "--json").json()
    assert shown["estimate"] == {"seconds": None, "cost_usd": None}


def test_a_model_writes_the_plan_in_a_run_of_its_own(cli: Cli, cluster: Use) -> None:
    task = Task(problem="What?", plan_only=True)
    fake = FakeTekton([submitted(task), *planned()[1:]])
    cluster(fake)
    shown = cli("plan", "What?", "--json").json()
    assert [subtask["added_depends_on"] for subtask in shown["subtasks"]] == [[], [], ["b"]]
    assert isinstance(fake.calls[0][1], Task)
    assert fake.calls[0][1].plan_only
    cluster(FakeTekton([submitted(task), *planned()[1:]]))
    ended = cli("plan", "What?")
    assert "←1,+2" in ended.out
    assert "(+ added by rule)" in ended.out


def test_a_planning_that_fails_is_told(cli: Cli, cluster: Use) -> None:
    failure = Failure(kind="planning", message="still invalid", raw="nonsense")
    events = [
        submitted(Task(problem="What?", plan_only=True)),
        SubtaskUnroutable(at=START, subtask_id=PLAN_ID, failure=failure),
    ]
    cluster(FakeTekton(events))
    ended = cli("plan", "What?", "--json")
    assert ended.code == 1
    assert (ended.json()["run_id"], ended.json()["status"]) == (RUN, "failed")
    assert "still invalid" in ended.json()["error"]["message"]


def test_the_plan_file_names_its_problem(cli: Cli, cluster: Use, plan_file: str) -> None:
    fake = FakeTekton([submitted(), *started(PLAN_ID, "m", START + 1), done(PLAN_ID, "", START)])
    cluster(fake)
    cli("run", "--plan", plan_file)
    task = fake.calls[0][1]
    assert isinstance(task, Task)
    assert task.problem == "What is 40 + 2?"
    assert task.plan is not None
    assert task.plan.origin == "file"


@pytest.mark.usefixtures("no_cluster", "models")
@pytest.mark.parametrize(
    ("subtasks", "told"),
    [
        ([{"id": "a", "depends_on": ["b"]}, {"id": "b", "depends_on": ["a"]}], "in a cycle: "),
        ([{"id": "a", "depends_on": ["zz"]}], "names 'zz', which no subtask has"),
        ([{"id": f"s{i}"} for i in range(10_000)], "10,000 subtasks: a plan may have at most"),
        ([{"id": "a", "model": "gpt-9"}], "names the unknown model 'gpt-9'"),
        ([{"id": "a", "nonsense": 1}], "unknown key 'nonsense'"),
        ([{"id": "a", "when": "x"}], "'when' is reserved"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_bad_plan_file_is_one_line(
    cli: Cli, home: Path, command: str, subtasks: list[dict[str, object]], told: str
) -> None:
    full = [{"title": "T", "instruction": "I", **subtask} for subtask in subtasks]
    (home / "plan.json").write_text(json.dumps({"subtasks": full}))
    ended = cli(command, "What?", "--plan", "plan.json", "--json", "--quiet")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert told in ended.err
    assert ended.json()["error"]["kind"] == "plan"


@pytest.mark.usefixtures("no_cluster", "models")
def test_a_missing_plan_file_is_one_line(cli: Cli) -> None:
    ended = cli("run", "What?", "--plan", "nope.yaml", "--quiet")
    assert (ended.code, ended.err) == (2, "tekton: nope.yaml: there is no such file\n")


def estimator() -> Estimator:
    settings = load_settings()
    catalog = settings.catalog()
    return Estimator(
        catalog=catalog,
        view=idle_view(catalog, settings),
        limits=settings.limits,
        constraints=Constraints(model="qwen2.5-coder-0.5b"),
    )


@pytest.mark.usefixtures("models")
def test_an_estimate_follows_the_longest_path_and_the_slots() -> None:
    def step(name: str, *after: str) -> Subtask:
        return Subtask(id=name, title=name, instruction="Write it.", depends_on=after)

    one = estimator().estimate(Plan(subtasks=(step("a"),)))
    chain = estimator().estimate(Plan(subtasks=(step("a"), step("b", "a"), step("c", "b"))))
    wide = estimator().estimate(Plan(subtasks=tuple(step(f"s{i}") for i in range(8))))
    assert one.seconds is not None
    assert chain.seconds is not None
    made = {i: d for i, d in chain.decisions.items() if isinstance(d, Decision)}
    assert chain.seconds == pytest.approx(sum(d.predicted_latency_s for d in made.values()))
    assert longest_path_s(Plan(subtasks=()), {}) == 0.0
    assert wide.seconds == pytest.approx(one.seconds * 8 / 2), "two slots for eight"
    assert wide.cost_nusd == 8 * (one.cost_nusd or 0)


@pytest.mark.usefixtures("no_cluster", "models")
def test_a_route_is_explained(cli: Cli) -> None:
    ended = cli("route", "Prove that the square root of two is irrational")
    assert ended.code == 0
    for told in ("Model ", "Why ", "Fallbacks", "candidate", "quality", "qwen2.5-coder-0.5b"):
        assert told in ended.out
    shown = cli("route", "Hi", "--prefer", "speed", "--local-only", "--json").json()
    assert shown["model"] == "qwen2.5-coder-0.5b"
    assert shown["fallbacks"] == ["qwen2.5-coder-1.5b"]
    assert {"model", "refused", "quality", "cost_usd", "latency_s", "utility"} == set(
        shown["candidates"][0]
    )
    assert shown["reason"]


@pytest.mark.usefixtures("no_cluster", "home")
def test_a_route_without_models_says_what_to_fetch(cli: Cli) -> None:
    ended = cli("route", "Hi")
    assert ended.code == 3
    assert "tekton models pull" in ended.err


@pytest.mark.usefixtures("no_cluster", "models")
def test_a_refused_model_comes_with_the_reason(cli: Cli, models: Path) -> None:
    (models / "qwen2.5-coder-1.5b.gguf").unlink()
    shown = cli("route", "Hi", "--json").json()
    refused = {c["model"]: c["refused"] for c in shown["candidates"]}
    assert refused["qwen2.5-coder-1.5b"] == "it is not downloaded"
    assert refused["qwen2.5-coder-0.5b"] is None
