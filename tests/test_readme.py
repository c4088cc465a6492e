"""The README's examples are what they say: plan files load, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

from tekton.cli.main import COMMANDS
from tekton.planning.planfile import load_plan_file

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_plan_is_a_plan(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    plan = load_plan_file(path).plan
    assert [subtask.id for subtask in plan.subtasks] == ["facts", "risks", "answer"]


def test_the_commands_exist() -> None:
    named = re.findall(r"^tekton (\w+)", "\n".join(blocks("console")), re.MULTILINE)
    assert len(named) > 5
    assert set(named) <= set(COMMANDS)
