"""`make run TASK=…` hands any text over as it is; the first Python that will do is found."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.layout.tree import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
NASTY = [
    'it\'s $5 & `id` "quoted" $(id) $(shell id) # x; exit 3',
    "--help",
    "two\nlines \\ and a backslash",
    "Ünïcode – 問題",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A tree whose environment is ready and whose `tekton` writes its arguments down."""
    for name in ("Makefile", "tools", "pyproject.toml", "constraints.txt", "examples"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, tmp_path / name)
    command = tmp_path / ".venv" / "bin" / "tekton"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done >> said\n')
    command.chmod(0o755)
    (tmp_path / ".venv" / ".ready").touch()
    return tmp_path


def _make(checkout: Path, *args: str, **environment: str) -> list[str]:
    # A make around this test must not hand its own variables on.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    inherited.pop("TASK", None)
    command = ["make", "--no-print-directory", "run", *args]
    subprocess.run(command, cwd=checkout, env={**inherited, **environment}, check=True)
    return (checkout / "said").read_text("utf-8").split("\0")[:-1]


@pytest.mark.parametrize("task", [task for task in NASTY if "\n" not in task])
def test_a_task_on_the_command_line_arrives_as_it_was_written(checkout: Path, task: str) -> None:
    assert _make(checkout, f"TASK={task}") == ["models", "pull", "run", "--", task]


@pytest.mark.parametrize("task", NASTY)
def test_a_task_in_the_environment_arrives_as_it_was_written(checkout: Path, task: str) -> None:
    assert _make(checkout, TASK=task) == ["models", "pull", "run", "--", task]


def test_without_a_task_the_example_runs(checkout: Path) -> None:
    problem = (ROOT / "examples" / "problem.txt").read_text("utf-8").rstrip("\n")
    context = ["--context", "examples/sales.csv"]
    assert _make(checkout) == ["models", "pull", "run", *context, "--", problem]


def test_without_a_python_it_says_what_to_install(tmp_path: Path) -> None:
    shell = shutil.which("sh")
    assert shell is not None
    found = subprocess.run(
        [shell, str(ROOT / "tools" / "find_python.sh")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Tekton needs Python 3.10 to 3.14; found: no python3." in found.stderr
    assert found.stdout == "false\n"


def test_an_older_python_is_passed_over(tmp_path: Path) -> None:
    shell = shutil.which("sh")
    assert shell is not None
    for name, version, status in (("python3", "3.9.6", 1), ("python3.12", "3.12.1", 0)):
        script = tmp_path / name
        script.write_text(f'#!{shell}\n[ "$1" = -c ] && exit {status}\necho Python {version}\n')
        script.chmod(0o755)
    found = subprocess.run(
        [shell, str(ROOT / "tools" / "find_python.sh")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == f"{tmp_path / 'python3.12'}\n"
