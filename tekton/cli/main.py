"""The `tekton` command: finds the command group, runs it, turns errors into lines and exit codes.

A group's module is imported when its command is called or listed.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from tekton import __version__
from tekton.cli import errors

COMMANDS = {
    "run": "run",
    "plan": "plan",
    "route": "route",
    "runs": "runs",
    "models": "models",
    "up": "cluster",
    "down": "cluster",
    "status": "cluster",
    "config": "config",
}
"""Command to the module of this folder whose typer `app` holds it."""


class LazyGroup(TyperGroup):
    """The top level; a module whose only command is the group's own name is that command."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS:  # what it is compared with must have been loaded
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _load(name: str) -> Any:
    module = importlib.import_module(f"tekton.cli.{COMMANDS[name]}")
    group = typer.main.get_group(module.app)
    command = group.commands.get(name, group)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _tekton(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> int:
    """Turns a problem into a plan and runs every step on the right model, durably, on Ray."""
    if version:
        typer.echo(f"tekton {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
    return errors.OK


def main(argv: list[str] | None = None) -> int:
    """Run one command line; returns the exit code (docs/cli.md)."""
    args = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = typer.main.get_command(app).main(args, "tekton", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        return errors.end_with(error, args)
    return result if isinstance(result, int) else errors.OK
