"""`tekton route`: one routing decision, explained. Pure: no cluster, nothing is run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tekton.cli import errors, jsonout, options, terminal
from tekton.cli.options import Debug, Json, LocalOnly, Prefer, StateDir
from tekton.errors import ModelUnavailable

if TYPE_CHECKING:
    from rich.table import Table

    from tekton.types import Candidate, Decision

app = typer.Typer()


@app.command("route")
def route(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A subtask; - reads stdin.")],
    *,
    prefer: Prefer = None,
    local_only: LocalOnly = False,
    json: Json = False,
    state_dir: StateDir = None,
    debug: Debug = False,
) -> int:
    """Explain which model would take a subtask, and why; runs nothing."""
    decision = _decide(text, prefer=prefer, local_only=local_only, state_dir=state_dir)
    if json:
        jsonout.emit(as_json(decision))
        return errors.OK
    out = terminal.console(sys.stdout)
    out.print(f"Model      {decision.model}")
    out.print(f"Why        {terminal.plain(decision.reason)}")
    out.print(f"Fallbacks  {', '.join(decision.fallbacks) or 'none'}")
    out.print()
    out.print(candidates_table(decision.candidates))
    return errors.OK


def _decide(text: str, *, prefer: Any, local_only: bool, state_dir: Any) -> Decision:
    from tekton.cli.estimate import Estimator, idle_view
    from tekton.cli.inputs import check_models, read_problem
    from tekton.types import Constraints, Failure, Subtask

    settings = options.settings(state_dir=state_dir, prefer=prefer)
    catalog = settings.catalog()
    check_models(catalog, settings, model=None, local_only=local_only)
    estimator = Estimator(
        catalog=catalog,
        view=idle_view(catalog, settings),
        limits=settings.limits,
        constraints=Constraints(prefer=settings.prefer, local_only=local_only),
    )
    problem = read_problem(text, settings.limits)
    found = estimator.decide(Subtask(id="this", title="this", instruction=problem))
    if isinstance(found, Failure):
        raise ModelUnavailable(f"{found.message}: see tekton models list")
    return found


def as_json(decision: Decision) -> dict[str, Any]:
    """The object of `--json`: every number the decision rests on."""
    return {
        "model": decision.model,
        "reason": decision.reason,
        "candidates": [_candidate(candidate) for candidate in decision.candidates],
        "fallbacks": list(decision.fallbacks),
        "difficulty": decision.difficulty,
        "features": dict(decision.features),
        "predicted_cost_usd": decision.predicted_cost_nusd / 1e9,
        "predicted_latency_s": decision.predicted_latency_s,
        "policy": decision.policy,
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    cost = candidate.cost_nusd
    return {
        "model": candidate.model,
        "refused": candidate.refused,
        "quality": candidate.quality,
        "cost_usd": None if cost is None else cost / 1e9,
        "latency_s": candidate.latency_s,
        "utility": candidate.utility,
    }


def candidates_table(candidates: tuple[Candidate, ...]) -> Table:
    """The models in the policy's order; the refused ones with the constraint they broke."""
    from rich.table import Table
    from rich.text import Text

    from tekton.money import usd

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("candidate", overflow="fold")
    for name in ("quality", "cost", "seconds", "utility"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("refused", overflow="fold")
    for item in candidates:
        table.add_row(
            Text(item.model),
            "–" if item.quality is None else f"{item.quality:.0%}",
            "–" if item.cost_nusd is None else usd(item.cost_nusd),
            "–" if item.latency_s is None else f"{item.latency_s:.0f}",
            "–" if item.utility is None else f"{item.utility:.2f}",
            Text(terminal.one_line(item.refused or "")),
        )
    return table
