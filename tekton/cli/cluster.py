"""`tekton up | down | status`: the local Ray cluster that runs are carried out on."""

from __future__ import annotations

import typer

from tekton.cli.options import Address, Debug, Json, StateDir
from tekton.cli.terminal import one_line, say

app = typer.Typer()


@app.command("up")
def up(
    state_dir: StateDir = None, address: Address = None, json: Json = False, debug: Debug = False
) -> int:
    """Start the cluster and keep it up until `tekton down`."""
    say("Tekton: looking for a cluster …")
    from tekton.cli import jsonout
    from tekton.cli.options import settings
    from tekton.cluster import local

    effective = settings(state_dir=state_dir, address=address)
    local.up(effective, on_status=lambda text: say(f"Tekton: {text} …"))
    if json:
        jsonout.emit(local.status(effective))
    else:
        say("The cluster is up: `tekton status` shows it, `tekton down` ends it.")
    return 0


@app.command("down")
def down(
    state_dir: StateDir = None, address: Address = None, json: Json = False, debug: Debug = False
) -> int:
    """End the cluster; runs in flight are kept in the journal and can be resumed."""
    say("Tekton: ending the cluster …")
    from tekton.cli import jsonout
    from tekton.cli.options import settings
    from tekton.cluster import local

    ended = local.down(settings(state_dir=state_dir, address=address))
    if json:
        jsonout.emit({"ended": ended})
        return 0
    say(f"The cluster is down: {len(ended)} processes ended." if ended else "No cluster was up.")
    return 0


@app.command("status")
def status(
    state_dir: StateDir = None, address: Address = None, json: Json = False, debug: Debug = False
) -> int:
    """Show the cluster: whether it is up, its nodes and the models it holds."""
    say("Tekton: asking the cluster …")
    from tekton.cli import jsonout
    from tekton.cli.options import settings
    from tekton.cluster import local

    found = local.status(settings(state_dir=state_dir, address=address))
    if json:
        jsonout.emit(found)
        return 0
    for line in lines(found):
        typer.echo(line)
    return 0


def lines(value: object, indent: int = 0) -> list[str]:
    """A nested value as `name: value` lines, two spaces deeper for each level."""
    pad = "  " * indent
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in _entry(str(key), item, indent)]
    if isinstance(value, (list, tuple)):
        return [line for item in value for line in _item(item, indent)]
    return [f"{pad}{_scalar(value)}"]


def _entry(key: str, item: object, indent: int) -> list[str]:
    pad, name = "  " * indent, one_line(key).replace("_", " ")
    if isinstance(item, (dict, list, tuple)):
        return [f"{pad}{name}:", *lines(item, indent + 1)] if item else [f"{pad}{name}: none"]
    return [f"{pad}{name}: {_scalar(item)}"]


def _item(item: object, indent: int) -> list[str]:
    inner = lines(item, indent + 1)
    pad = "  " * indent
    return [f"{pad}- {inner[0].lstrip()}", *inner[1:]] if inner else [f"{pad}-"]


def _scalar(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else one_line(str(value))
