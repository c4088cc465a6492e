"""`tekton config`: write a commented tekton.toml, show what is in effect and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tekton.cli.options import Debug, Json, StateDir
from tekton.cli.terminal import say
from tekton.errors import UsageError

if TYPE_CHECKING:
    from tekton.config import Settings

app = typer.Typer(help="Write or show the settings.", no_args_is_help=True)

TEMPLATE = """\
# Settings of Tekton. Everything here is optional; what is commented out shows the default.
# Over this file: the environment (TEKTON_STATE_DIR, …), and over that the command line.
# Keys of remote providers never belong here: they stay in the environment.

# state_dir = "~/.tekton/state"     # the journal and the artifacts
# models_dir = "~/.tekton/models"   # downloaded models
# address = "127.0.0.1:6379"        # a Ray cluster to join, instead of one of its own
# prefer = "quality"                # quality, cost or speed
# offline = false                   # never fetch anything
# ray_usage_stats = false           # let Ray report usage statistics

# [limits]
{limits}

# A model of your own, or single fields of a shipped one (`tekton models list` shows them all):
# [models."my-model"]
# kind = "local"
# engine = "llama_cpp"
# path = "/path/to/model.gguf"
# context_window = 4096
# capabilities = ["chat", "code", "json", "plan"]
# quality = 0.5                     # probability that it solves a subtask of middling difficulty
# [models."my-model".prices]
# usd_per_hour = 0.10               # what an hour of the model costs you
"""


@app.command("init")
def init(
    path: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path(
        "tekton.toml"
    ),
    debug: Debug = False,
) -> int:
    """Write a commented tekton.toml; never over one that exists."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise UsageError(f"{path} exists: edit it, or name another file") from None
    say(f"Wrote {path}.")
    return 0


@app.command("show")
def show(state_dir: StateDir = None, json: Json = False, debug: Debug = False) -> int:
    """Show the settings in effect and where each came from."""
    import sys

    from tekton.cli import jsonout, terminal
    from tekton.cli.options import settings

    effective = settings(state_dir=state_dir)
    origins = sources({"state_dir": state_dir})
    if json:
        values = effective.model_dump(mode="json")
        found = {name: origins.get(name, "default") for name in values}
        jsonout.emit({"settings": values, "sources": found})
        return 0
    terminal.console(sys.stdout).print(_table(effective, origins))
    return 0


def template() -> str:
    """The text of `config init`: every limit with its default."""
    from tekton.config import Limits

    limits = "\n".join(f"# {name} = {value}" for name, value in Limits().model_dump().items())
    return TEMPLATE.format(limits=limits)


def sources(overrides: dict[str, Any]) -> dict[str, str]:
    """For each setting that is not a default, where it was set last."""
    import os

    from tekton.config import Settings, config_files, read_toml

    found: dict[str, str] = {}
    for path in config_files():
        found |= dict.fromkeys(read_toml(path), str(path))
    for name in Settings.model_fields:
        if os.environ.get(f"TEKTON_{name.upper()}"):
            found[name] = f"TEKTON_{name.upper()}"
    return found | {name: "command line" for name, value in overrides.items() if value is not None}


def _table(effective: Settings, origins: dict[str, str]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("setting", "value", "from", box=None, pad_edge=False, header_style="bold")
    for name, value in effective.model_dump(mode="json").items():
        items = value.items() if isinstance(value, dict) else [(None, value)]
        for key, shown in items:
            label = name if key is None else f"{name}.{key}"
            table.add_row(Text(label), Text(_shown(shown)), Text(origins.get(name, "default")))
    return table


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "–" if value is None else str(value)
