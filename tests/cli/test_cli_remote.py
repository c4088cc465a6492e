"""Remote models on the command line: hidden without a key, kept away from what is private."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from calling import Cli
from story import FakeTekton, whole

from tekton.types import Task

CLAUDE, GPT = "claude-haiku-5-5", "gpt-6-luna"
KEY = "sk-not-to-be-seen-1234"
Use = Callable[[FakeTekton], None]

PLAN = """
problem: What do we pay on average?
subtasks:
  - {id: pay, title: Pay, instruction: Read the pay., privacy: local}
  - {id: weather, title: Weather, instruction: Name the weather.}
  - {id: all, title: All, instruction: Combine., depends_on: [pay, weather], role: synthesis}
"""


def task_of(fake: FakeTekton) -> Task:
    task = fake.calls[0][1]
    assert isinstance(task, Task)
    return task


def state_of(cli: Cli, name: str) -> str:
    rows = {row["name"]: row for row in cli("models", "list", "--json").json()["models"]}
    return str(rows[name]["state"])


def test_a_key_makes_its_providers_models_ready(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (state_of(cli, CLAUDE), state_of(cli, GPT)) == ("no key", "no key")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert (state_of(cli, CLAUDE), state_of(cli, GPT)) == ("ready", "no key")


def test_the_list_names_the_variables_and_never_the_key(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "set ANTHROPIC_API_KEY or OPENAI_API_KEY" in cli("models", "list").err
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    shown, as_json = cli("models", "list"), cli("models", "list", "--json")
    assert "set OPENAI_API_KEY" in shown.err
    assert KEY not in shown.out + shown.err + as_json.out + as_json.err


@pytest.mark.usefixtures("no_cluster")
def test_a_forced_model_without_a_key_says_which_to_set(cli: Cli) -> None:
    ended = cli("run", "What?", "--model", CLAUDE)
    assert ended.code == 3
    assert f"model '{CLAUDE}' is remote and has no key: set ANTHROPIC_API_KEY" in ended.err


@pytest.mark.usefixtures("no_cluster", "models")
def test_a_route_says_of_every_remote_model_that_its_key_is_missing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {c["model"]: c["refused"] for c in cli("route", "Hi", "--json").json()["candidates"]}
    assert refused[CLAUDE] == "it is remote and has no key"
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    found = cli("route", "Hi", "--json").json()
    assert found["model"] == CLAUDE
    assert GPT not in found["fallbacks"]
    local = cli("route", "Hi", "--local-only", "--json").json()
    refused = {c["model"]: c["refused"] for c in local["candidates"]}
    assert refused[CLAUDE] == "it is remote and the task is local-only"


def test_a_key_is_enough_to_start_a_run(
    cli: Cli, cluster: Use, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in models.iterdir():
        file.unlink()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    fake = FakeTekton(whole())
    cluster(fake)
    assert cli("run", "What?").code == 0
    assert KEY not in repr(fake.calls)


def test_a_private_file_makes_the_run_local(cli: Cli, cluster: Use, tmp_path: Path) -> None:
    (tmp_path / "open.md").write_text("weather")
    (tmp_path / "pay.md").write_text("pay")
    fake = FakeTekton(whole())
    cluster(fake)
    assert cli("run", "What?", "-c", "open.md", "--private", "pay.md").code == 0
    task = task_of(fake)
    assert task.constraints.local_only
    assert [ref.name for ref in task.context] == ["open.md", "pay.md"]


@pytest.mark.parametrize("whole_plan", [False, True])
def test_a_plan_file_says_what_is_private(
    cli: Cli, cluster: Use, tmp_path: Path, whole_plan: bool
) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN + ("privacy: local\n" if whole_plan else ""))
    fake = FakeTekton(whole())
    cluster(fake)
    assert cli("run", "--plan", "plan.yaml").code == 0
    task = task_of(fake)
    assert task.plan is not None
    private = [subtask.id for subtask in task.plan.subtasks if subtask.local_only]
    assert (private, task.constraints.local_only) == (["pay", "all"], whole_plan)


@pytest.mark.usefixtures("no_cluster", "models")
def test_a_remote_model_for_something_private_is_refused(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    plan = PLAN.replace("role: synthesis", f"role: synthesis, model: {GPT}")
    (tmp_path / "plan.yaml").write_text(plan)
    ended = cli("run", "--plan", "plan.yaml")
    assert ended.code == 2
    assert f"subtask 'all' is or reads something private and names the remote model '{GPT}'" in (
        ended.err
    )


@pytest.mark.usefixtures("no_cluster", "models")
def test_a_shown_plan_keeps_what_is_private(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    shown = cli("plan", "--plan", "plan.yaml", "--json").json()
    assert [one.get("privacy") for one in shown["subtasks"]] == ["local", None, "local"]


def priced(home: Path, day: str) -> None:
    (home / "home").mkdir(exist_ok=True)
    prices = f"input_usd_per_mtok = 1.0\nsource = 'a page'\ndate = '{day}'\n"
    (home / "home" / "tekton.toml").write_text(
        "[models.mine]\nkind = 'remote'\nprovider = 'openai'\ncontext_window = 9000\n"
        f"[models.mine.prices]\n{prices}"
    )


def test_check_ends_with_1_when_a_price_is_old(cli: Cli, home: Path) -> None:
    today = datetime.now(timezone.utc).date()
    priced(home, str(today - timedelta(days=100)))
    shown, as_json = cli("models", "check"), cli("models", "check", "--json")
    assert (shown.code, as_json.code) == (1, 1)
    assert "mine: its prices are 100 days old" in shown.out
    found = {one["model"]: one for one in as_json.json()["stale"]}
    assert (found["mine"]["age_days"], found["mine"]["source"]) == (100, "a page")
    priced(home, str(today))
    names = {one["model"] for one in cli("models", "check", "--json").json()["stale"]}
    assert "mine" not in names


def test_a_date_that_is_none_is_refused(cli: Cli, home: Path) -> None:
    priced(home, "May 2026")
    ended = cli("models", "check")
    assert ended.code == 2
    assert "model 'mine' in the catalog: prices.date" in ended.err
