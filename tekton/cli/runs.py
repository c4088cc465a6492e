"""`tekton runs`: what the journal has. Only `resume` and `cancel` need a cluster."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tekton.cli import errors, jsonout, options, saved, terminal
from tekton.cli.options import Address, Debug, Json, Output, Quiet, StateDir
from tekton.cli.terminal import say
from tekton.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from tekton.cli.view import RunView
    from tekton.config import Settings
    from tekton.workflow.journal import RunRow

app = typer.Typer(help="List, show, resume, cancel and delete runs.", no_args_is_help=True)

Run = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, the beginning of one, or last.")
]
MIB = 1024 * 1024


@app.command("list")
def list_runs(
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many at most.")
    ] = 20,
    json: Json = False,
    state_dir: StateDir = None,
    debug: Debug = False,
) -> int:
    """List runs, newest first."""
    rows = saved.rows(options.settings(state_dir=state_dir), limit)
    if json:
        jsonout.emit({"runs": [saved.row_json(row) for row in rows]})
    elif rows:
        terminal.console(sys.stdout).print(_table(rows))
    else:
        say("No run yet: start one with tekton run 'Explain …'")
    return errors.OK


@app.command("show")
def show(run: Run, json: Json = False, state_dir: StateDir = None, debug: Debug = False) -> int:
    """Show a run: its plan, its answer, what it cost and why."""
    from tekton.cli import ending
    from tekton.cli.render import tree

    settings = options.settings(state_dir=state_dir)
    view = _view(settings, saved.find(saved.rows(settings), run).run_id)
    report = ending.report_of(view, settings)
    if json:
        jsonout.emit(report)
        return errors.OK
    out = terminal.console(sys.stdout)
    out.print(f"Run      {report['run_id']} ({report['status']})")
    out.print(f"Problem  {terminal.one_line(report['problem'])}")
    out.print()
    out.print(tree(view.rows(time.time()), width=out.width))
    if report["answer"] is not None:
        out.print()
        ending.print_answer(report["answer"])
    ending.print_closing(report, settings.catalog(), out)
    if (line := ending.verdict(report)) is not None:
        say(f"tekton: {line}")
    return errors.OK


@app.command("resume")
def resume(
    run: Run,
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Do not watch it.")] = False,
    output: Output = None,
    json: Json = False,
    quiet: Quiet = False,
    state_dir: StateDir = None,
    address: Address = None,
    debug: Debug = False,
) -> int:
    """Go on with a paused or interrupted run; nothing that finished is done again."""
    from tekton.cli import ending
    from tekton.cli.watch import watch
    from tekton.client import Tekton

    if not quiet:
        say("Tekton: reading the journal …")
    output = options.output_file(output)
    settings = options.settings(state_dir=state_dir, address=address)
    run_id = _unfinished(settings, run, "go on with")

    def begin(tekton: Tekton) -> str:
        tekton.resume(run_id, attached=not detach)
        return run_id

    if not detach:
        return watch(
            settings,
            begin,
            lambda view: ending.end(view, settings, json=json, quiet=quiet, output=output),
            json=json,
            quiet=quiet,
        )
    with Tekton.connect(settings, on_status=lambda text: None if quiet else say(text)) as tekton:
        begin(tekton)
    return _hand_over(settings, run_id, json=json)


@app.command("cancel")
def cancel(
    run: Run,
    *,
    json: Json = False,
    state_dir: StateDir = None,
    address: Address = None,
    debug: Debug = False,
) -> int:
    """End a run for good; what it finished stays in the journal."""
    from tekton.client import Tekton

    say("Tekton: reading the journal …")
    settings = options.settings(state_dir=state_dir, address=address)
    run_id = _unfinished(settings, run, "cancel")
    with Tekton.connect(settings, on_status=say) as tekton:
        tekton.cancel(run_id, "tekton runs cancel")
        for _ in tekton.follow(run_id):
            pass  # until what was in flight is settled
    if not json:
        say(f"Cancelled {run_id}.")
        return errors.OK
    return _hand_over(settings, run_id, json=True)


@app.command("delete")
def delete(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids, prefixes, or last.")],
    json: Json = False,
    state_dir: StateDir = None,
    debug: Debug = False,
) -> int:
    """Forget runs; one that is running has to be cancelled first."""
    settings = options.settings(state_dir=state_dir)
    rows = saved.rows(settings)
    found = [saved.find(rows, run) for run in runs]
    for row in found:
        if row.status == "running":
            raise UsageError(f"run {row.run_id} is running: tekton runs cancel {row.run_id} first")
    ids = list(dict.fromkeys(row.run_id for row in found))
    saved.delete(settings, ids)
    if json:
        jsonout.emit({"deleted": ids})
    else:
        say(f"Deleted {', '.join(ids)}.")
    return errors.OK


@app.command("prune")
def prune(
    *,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", min=0, metavar="DAYS", help="Finished runs older than this."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=0, metavar="N", help="Finished runs beyond the newest N."),
    ] = None,
    json: Json = False,
    state_dir: StateDir = None,
    debug: Debug = False,
) -> int:
    """Delete finished runs by age or number, then the artifacts that no run refers to."""
    settings = options.settings(state_dir=state_dir)
    rows = saved.rows(settings)
    ids = saved.to_prune(rows, now=time.time(), older_than_days=older_than, keep=keep)
    saved.delete(settings, ids)
    freed = saved.prune_artifacts(settings)
    if json:
        jsonout.emit({"deleted": ids, "freed_bytes": freed})
    else:
        say(f"Deleted {len(ids)} of {len(rows)} runs, freed {freed / MIB:.1f} MiB of artifacts.")
    return errors.OK


def _view(settings: Settings, run_id: str) -> RunView:
    from tekton.cli.view import RunView

    view = RunView()
    for entry in saved.entries(settings, run_id):
        view.apply(entry)
    return view


def _hand_over(settings: Settings, run_id: str, *, json: bool) -> int:
    """How a run stands in the journal after an order was given."""
    from tekton.cli import ending

    if json:
        jsonout.emit(ending.report_of(_view(settings, run_id), settings))
    else:
        typer.echo(run_id)
    return errors.OK


def _unfinished(settings: Settings, name: str, what: str) -> str:
    row = saved.find(saved.rows(settings), name)
    if row.status not in saved.UNFINISHED:
        raise UsageError(
            f"run {row.run_id} has {row.status}, there is nothing to {what}: "
            f"tekton runs show {row.run_id}"
        )
    return row.run_id


def _table(rows: list[RunRow]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from tekton.cli.render import duration
    from tekton.money import usd

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    for name in ("run", "status", "begun"):
        table.add_column(name, no_wrap=True)
    for name in ("time", "cost"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("problem", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        took = duration(row.ended_at - row.created_at) if row.ended_at is not None else "–"
        begun = datetime.fromtimestamp(row.created_at).astimezone().strftime("%Y-%m-%d %H:%M")
        problem = Text(terminal.one_line(row.problem))
        table.add_row(row.run_id, row.status, begun, took, usd(row.cost_nusd), problem)
    return table
