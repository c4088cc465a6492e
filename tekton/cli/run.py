"""`tekton run`: from a problem to its answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tekton.cli import errors, options
from tekton.cli.options import (
    Address,
    Budget,
    Context,
    Debug,
    Json,
    LocalOnly,
    MaxParallel,
    Model,
    Output,
    PlanFile,
    Prefer,
    Private,
    Problem,
    Quiet,
    Seed,
    StateDir,
)
from tekton.cli.terminal import say

if TYPE_CHECKING:
    from tekton.config import Settings
    from tekton.types import Task

app = typer.Typer()


@app.command("run")
def run(
    problem: Problem = "",
    *,
    context: Context = None,
    private: Private = None,
    plan: PlanFile = None,
    model: Model = None,
    prefer: Prefer = None,
    budget: Budget = None,
    local_only: LocalOnly = False,
    max_parallel: MaxParallel = None,
    seed: Seed = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Print the run's id and leave it running.")
    ] = False,
    output: Output = None,
    json: Json = False,
    quiet: Quiet = False,
    state_dir: StateDir = None,
    address: Address = None,
    debug: Debug = False,
) -> int:
    """Take a problem to an answer: plan it, run every step on the right model, put it together."""
    if not quiet:
        say("Tekton: reading the problem …")
    output = options.output_file(output)
    settings = options.settings(state_dir=state_dir, address=address, prefer=prefer)
    wishes = Wishes(
        problem=problem,
        context=tuple(context or ()),
        private=tuple(private or ()),
        plan=plan,
        model=model,
        budget_nusd=options.budget_nusd(budget),
        local_only=local_only,
        max_parallel=options.max_parallel(max_parallel),
        seed=options.seed(seed),
    )
    task = task_of(wishes, settings)
    if detach:
        return _detach(task, settings, json=json, quiet=quiet)
    from tekton.cli import ending
    from tekton.cli.watch import watch

    return watch(
        settings,
        lambda tekton: tekton.submit(task, attached=True),
        lambda view: ending.end(view, settings, json=json, quiet=quiet, output=output),
        json=json,
        quiet=quiet,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line says of a task. `private`: input files that must stay here."""

    problem: str
    context: tuple[Path, ...] = ()
    private: tuple[Path, ...] = ()
    plan: Path | None = None
    model: str | None = None
    budget_nusd: int | None = None
    local_only: bool = False
    max_parallel: int | None = None
    seed: int | None = None
    plan_only: bool = False


def task_of(wishes: Wishes, settings: Settings) -> Task:
    """The Task, with everything checked that needs no cluster; input files are read in here."""
    from tekton.cli import inputs
    from tekton.types import Constraints, Task

    catalog = settings.catalog()
    read = inputs.read_plan(wishes.plan, catalog) if wishes.plan is not None else None
    plan = read.plan if read is not None else None
    typed = wishes.problem or (read.problem if read is not None else None) or ""
    # Every step may read every input file, so one that is private makes the run local.
    local_only = wishes.local_only or bool(wishes.private)
    local_only = local_only or (read is not None and read.local_only)
    shown_only = plan is not None and wishes.plan_only
    problem = typed if shown_only else inputs.read_problem(typed, settings.limits)
    if wishes.model is not None or not shown_only:
        inputs.check_models(catalog, settings, model=wishes.model, local_only=local_only)
    return Task(
        problem=problem,
        context=inputs.ingest_context((*wishes.context, *wishes.private), settings),
        constraints=Constraints(
            budget_nusd=wishes.budget_nusd,
            max_parallel=wishes.max_parallel,
            prefer=settings.prefer,
            local_only=local_only,
            model=wishes.model,
            seed=wishes.seed,
        ),
        plan=plan,
        plan_only=wishes.plan_only,
    )


def _detach(task: Task, settings: Settings, *, json: bool, quiet: bool) -> int:
    from tekton.cli import ending, jsonout
    from tekton.cli.watch import first_entries
    from tekton.client import Tekton

    def status(text: str) -> None:
        if not quiet:
            say(f"{text} …")

    with Tekton.connect(settings, on_status=status) as tekton:
        run_id = tekton.submit(task, attached=False)
        view = first_entries(tekton, run_id) if json else None
    if view is not None:
        jsonout.emit(ending.report_of(view, settings))
    else:
        typer.echo(run_id)
        if not quiet:
            say(f"It runs on: tekton runs show {run_id} tells how it stands")
    return errors.OK
