"""docs/cli.md promises codes and keys; here it is held to them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from calling import Cli
from story import RUN, FakeTekton, whole

from tekton.cli import ending, errors
from tekton.cli.main import COMMANDS
from tekton.errors import TektonError

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")


def subclasses(kind: type[TektonError]) -> list[type[TektonError]]:
    return [kind, *(found for one in kind.__subclasses__() for found in subclasses(one))]


def test_every_exit_code_is_documented_and_no_other() -> None:
    section = PAGE.split("## Exit codes")[1].split("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    given = {kind.exit_code for kind in subclasses(TektonError)} | set(ending.CODES.values())
    assert documented == given | {errors.INTERNAL}


def test_every_command_is_documented() -> None:
    assert {name for name in COMMANDS if f"`tekton {name}" not in PAGE} == set()


@pytest.mark.usefixtures("home")
def test_the_example_of_an_error_is_what_is_printed(cli: Cli) -> None:
    example = re.search(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
    assert example is not None
    assert cli("run", "What?", "--budget", "0", "--json").json() == json.loads(example[1])


def test_every_key_of_a_report_is_documented(
    cli: Cli, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tekton.client import Tekton

    monkeypatch.setattr(Tekton, "connect", lambda settings, on_status: FakeTekton(whole()))
    report = cli("run", "What?", "--json").json()
    assert report["run_id"] == RUN
    section = PAGE.split("## `--json`")[1]
    parts = (report, report["planning"], report["subtasks"][0], report["usage"])
    undocumented = {key for part in parts for key in part if f"`{key}`" not in section}
    assert undocumented == set()
