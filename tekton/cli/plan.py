"""`tekton plan`: a problem's plan and what it would take; nothing of it is run.

A plan from a file needs no cluster. Otherwise a model of the cluster writes it, which is a run of
its own in the journal, with the planning as its only work.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from tekton.cli import errors, jsonout, options, terminal
from tekton.cli.options import (
    Address,
    Context,
    Debug,
    Json,
    LocalOnly,
    Model,
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
    from rich.table import Table
    from rich.text import Text

    from tekton.cli.estimate import Estimate
    from tekton.cli.view import RunView
    from tekton.config import Settings
    from tekton.types import Plan, Subtask, Task

app = typer.Typer()


@app.command("plan")
def plan(
    problem: Problem = "",
    *,
    context: Context = None,
    private: Private = None,
    plan: PlanFile = None,
    model: Model = None,
    prefer: Prefer = None,
    local_only: LocalOnly = False,
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
    state_dir: StateDir = None,
    address: Address = None,
    debug: Debug = False,
) -> int:
    """Show a problem's plan with an estimate of time and cost; run nothing."""
    from tekton.cli.run import Wishes, task_of

    if not quiet:
        say("Tekton: reading the problem …")
    settings = options.settings(state_dir=state_dir, address=address, prefer=prefer)
    wishes = Wishes(
        problem=problem,
        context=tuple(context or ()),
        private=tuple(private or ()),
        plan=plan,
        model=model,
        local_only=local_only,
        seed=options.seed(seed),
        plan_only=True,
    )
    task = task_of(wishes, settings)
    if task.plan is not None:
        return _hand_over(task.plan, task, settings, json=json)
    from tekton.cli.watch import watch

    return watch(
        settings,
        lambda tekton: tekton.submit(task, attached=True),
        lambda view: _end(view, task, settings, json=json),
        json=json,
        quiet=quiet,
        keep=False,
    )


def _end(view: RunView, task: Task, settings: Settings, *, json: bool) -> int:
    from tekton.cli import ending

    if view.state.plan is not None and view.state.final:
        return _hand_over(view.state.plan, task, settings, json=json)
    return ending.end(view, settings, json=json, quiet=True, output=None)


def _hand_over(plan: Plan, task: Task, settings: Settings, *, json: bool) -> int:
    estimate = estimate_of(plan, task, settings)
    if json:
        jsonout.emit(as_json(plan, estimate))
        return errors.OK
    out = terminal.console(sys.stdout)
    out.print(plan_table(plan, estimate))
    out.print()
    out.print(summary(estimate))
    return errors.OK


def estimate_of(plan: Plan, task: Task, settings: Settings) -> Estimate:
    """Time and cost of the plan with the models that are on this machine."""
    from tekton.cli.estimate import Estimator, idle_view

    catalog = settings.catalog()
    estimator = Estimator(
        catalog=catalog,
        view=idle_view(catalog, settings),
        limits=settings.limits,
        constraints=task.constraints,
        context=task.context,
    )
    return estimator.estimate(plan, task.problem)


def as_json(plan: Plan, estimate: Estimate) -> dict[str, Any]:
    """The object of `tekton plan --json`; its `subtasks` are also what a plan file holds."""
    cost = estimate.cost_nusd
    return {
        "subtasks": [_subtask(subtask) for subtask in plan.subtasks],
        "estimate": {
            "seconds": estimate.seconds,
            "cost_usd": None if cost is None else cost / 1e9,
        },
    }


def _subtask(subtask: Subtask) -> dict[str, Any]:
    own = {
        "model": subtask.model,
        "timeout_s": subtask.timeout_s,
        "max_tokens": subtask.max_tokens,
        "privacy": "local" if subtask.local_only else None,
    }
    return {
        "id": subtask.id,
        "title": subtask.title,
        "instruction": subtask.instruction,
        "depends_on": list(subtask.depends_on),
        "added_depends_on": list(subtask.added_depends_on),
        "role": subtask.role,
        "optional": subtask.optional,
        **{name: value for name, value in own.items() if value is not None},
    }


def summary(estimate: Estimate) -> str:
    """The estimate in one line, or why there is none."""
    from tekton.cli.render import duration
    from tekton.money import usd
    from tekton.types import Failure

    if estimate.seconds is None or estimate.cost_nusd is None:
        failures = (f.message for f in estimate.decisions.values() if isinstance(f, Failure))
        return f"No estimate: {terminal.one_line(next(failures))}"
    took, cost = duration(estimate.seconds), usd(estimate.cost_nusd)
    return f"Estimate: {took} and {cost}, from the catalog's speeds and prices"


def plan_table(plan: Plan, estimate: Estimate) -> Table:
    """Every subtask with what it is told, what it waits for and who would take it."""
    from rich.table import Table
    from rich.text import Text

    from tekton.cli.render import duration
    from tekton.money import usd
    from tekton.types import Decision

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", expand=True)
    table.add_column("", no_wrap=True, justify="right")
    table.add_column("subtask", overflow="fold", ratio=1)
    table.add_column("model", overflow="ellipsis", no_wrap=True, max_width=24)
    for name in ("time", "cost"):
        table.add_column(name, no_wrap=True, justify="right")
    numbers = {subtask.id: number for number, subtask in enumerate(plan.subtasks, start=1)}
    for subtask in plan.subtasks:
        found = estimate.decisions[subtask.id]
        cells = ("–", "", "")
        if isinstance(found, Decision):
            took, cost = duration(found.predicted_latency_s), usd(found.predicted_cost_nusd)
            cells = (found.model, took, cost)
        table.add_row(str(numbers[subtask.id]), _told(subtask, numbers), *map(Text, cells))
    return table


def _told(subtask: Subtask, numbers: Mapping[str, int]) -> Text:
    from rich.text import Text

    from tekton.cli.render import spans
    from tekton.cli.view import Edge

    edges = [
        Edge(number=numbers[name], added=name in subtask.added_depends_on)
        for name in subtask.depends_on
    ]
    text = Text(terminal.one_line(subtask.title), style="bold")
    if edges:
        text.append(f"  ←{spans(edges)}", style="dim")
    if subtask.added_depends_on:
        text.append("  (+ added by rule)", style="dim")
    return text.append(f"\n{terminal.plain(subtask.instruction)}", style="not bold dim")
