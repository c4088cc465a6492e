"""`tekton config`, and errors that no command has to itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import Cli

from tekton.cli import cluster, errors
from tekton.cli.config import template
from tekton.config import Limits, Settings, load_settings, read_toml
from tekton.errors import ClusterError, PlanningError, StoreError, TektonError


def test_init_writes_a_file_that_changes_nothing(cli: Cli, home: Path) -> None:
    before = load_settings()
    ended = cli("config", "init")
    assert (ended.code, ended.err) == (0, "Wrote tekton.toml.\n")
    assert load_settings() == before


def test_what_init_comments_out_is_what_holds(home: Path) -> None:
    before_models = template().split("# A model of your own")[0]
    written = [line.removeprefix("# ") for line in before_models.splitlines()]
    values = [line for line in written if " = " in line or line == "[limits]"]
    (home / "all.toml").write_text("\n".join(values))
    found = read_toml(home / "all.toml")
    assert Limits.model_validate(found.pop("limits")) == Limits()
    shown = load_settings(**found)
    assert shown.model_copy(update={"address": None}) == load_settings(
        state_dir="~/.tekton/state", models_dir="~/.tekton/models"
    )
    assert found.keys() <= Settings.model_fields.keys()


def test_init_never_overwrites(cli: Cli, home: Path) -> None:
    (home / "tekton.toml").write_text("# mine")
    ended = cli("config", "init")
    assert ended.code == 2
    assert ended.err == "tekton: tekton.toml exists: edit it, or name another file\n"
    assert (home / "tekton.toml").read_text() == "# mine"


def test_show_tells_where_a_setting_came_from(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "tekton.toml").write_text('prefer = "cost"\nmodels_dir = "m"')
    monkeypatch.setenv("TEKTON_MODELS_DIR", str(home / "elsewhere"))
    shown = cli("config", "show", "--state-dir", "s", "--json").json()
    assert shown["settings"]["prefer"] == "cost"
    assert shown["sources"]["prefer"] == str(home / "tekton.toml")
    assert shown["sources"]["models_dir"] == "TEKTON_MODELS_DIR"
    assert shown["sources"]["state_dir"] == "command line"
    assert shown["sources"]["offline"] == "default"
    ended = cli("config", "show")
    assert "limits.plan_subtasks" in ended.out
    assert "TEKTON_MODELS_DIR" in ended.out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prefer = ", "not valid TOML"),
        ('prefer = "luck"', "setting prefer"),
        ("x = 1", "setting x"),
        ("[limits]\nparallel = 0", "setting limits.parallel"),
    ],
)
def test_a_bad_settings_file_is_one_line(cli: Cli, home: Path, text: str, told: str) -> None:
    (home / "tekton.toml").write_text(text)
    ended = cli("config", "show")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert told in ended.err


def test_an_unknown_command_suggests_the_nearest(cli: Cli) -> None:
    ended = cli("rnu")
    assert ended.code == 2
    assert "no such command 'rnu'. Did you mean 'run'" in ended.err


def test_a_group_alone_shows_its_help(cli: Cli) -> None:
    ended = cli("config")
    assert (ended.code, ended.err) == (2, "")
    assert "init" in ended.out


class FromAnActor(Exception):
    """As Ray wraps an actor's error: the text is a traceback, the error is the cause."""

    def __init__(self, cause: Exception) -> None:
        super().__init__("ray::Coordinator.submit()\n  File …\n")
        self.cause = cause


@pytest.mark.parametrize(
    ("error", "described"),
    [
        (ClusterError("a:\n b"), ("cluster", "a: b", 4)),
        (StoreError("full disk"), ("store", "full disk", 5)),
        (PlanningError("bad", raw="x"), ("planning", "bad", 1)),
        (TektonError("so"), ("failed", "so", 1)),
        (FromAnActor(StoreError("full")), ("store", "full", 5)),
        (KeyboardInterrupt(), ("interrupted", "interrupted", 130)),
        (
            PermissionError(13, "Permission denied", "/x"),
            (
                "store",
                "/x: Permission denied: check the path, its permissions and the free space",
                5,
            ),
        ),
        (
            ZeroDivisionError("\x1b[31mx"),
            (
                "internal",
                "unexpected ZeroDivisionError: x: run again with --debug to see where",
                70,
            ),
        ),
    ],
)
def test_every_error_has_a_kind_a_line_and_a_code(
    error: BaseException, described: tuple[str, str, int]
) -> None:
    assert errors.describe(error) == described


def test_flags_after_the_end_of_options_are_text() -> None:
    assert errors.wants(["run", "--json"], "--json")
    assert not errors.wants(["run", "--", "--json"], "--json")


def test_a_status_reads_like_a_list() -> None:
    found = {
        "state": "up",
        "workers": [{"model": "m", "loaded": True, "load": 0.25}],
        "runs": {},
        "since": None,
    }
    assert cluster.lines(found) == [
        "state: up",
        "workers:",
        "  - model: m",
        "    loaded: yes",
        "    load: 0.2",
        "runs: none",
        "since: –",
    ]
