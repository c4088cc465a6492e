"""Options that several commands share, and the checks that turn their text into values.

Everything here raises UsageError before anything heavy is imported.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tekton.errors import UsageError
from tekton.money import NANO_PER_USD
from tekton.types import Preference

if TYPE_CHECKING:
    from tekton.config import Settings

MAX_BUDGET_USD = 1_000_000  # nobody means more; it keeps the ledger's integers in 64 bits
MAX_SEED = 2**32 - 1  # what every engine accepts

StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="Where the journal and the artifacts are.", metavar="DIR"),
]
Address = Annotated[
    str | None,
    typer.Option("--address", help="The Ray cluster to join, instead of one of its own."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the answer, nothing else.")]
Problem = Annotated[
    str, typer.Argument(metavar="PROBLEM", help="What is to be done; - reads standard input.")
]
Context = Annotated[
    list[Path] | None,
    typer.Option("--context", "-c", metavar="FILE", help="An input file; may be repeated."),
]
Private = Annotated[
    list[Path] | None,
    typer.Option(
        "--private", metavar="FILE", help="An input file that must stay here; implies --local-only."
    ),
]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="Your own plan (YAML or JSON)."),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="One model for all subtasks."),
]
Prefer = Annotated[
    Preference | None,
    typer.Option("--prefer", help="What counts most when a model is chosen."),
]
LocalOnly = Annotated[
    bool, typer.Option("--local-only", help="Use no remote model: nothing leaves your machines.")
]
Budget = Annotated[
    str | None,
    typer.Option("--budget", metavar="USD", help="What the run may cost at most."),
]
MaxParallel = Annotated[
    int | None,
    typer.Option("--max-parallel", metavar="N", help="Subtasks in flight at once, at most."),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", help="Seed of the models' sampling."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the answer to a file."),
]


def settings(
    *, state_dir: Path | None = None, address: str | None = None, prefer: Preference | None = None
) -> Settings:
    """The settings of this call: what was given here over all other sources."""
    from tekton.config import load_settings

    return load_settings(state_dir=state_dir, address=address, prefer=prefer)


def budget_nusd(text: str | None) -> int | None:
    """Nano-USD of a `--budget`: a plain amount above 0, exact to the nano-USD."""
    if text is None:
        return None
    try:
        usd = Decimal(text.strip())
    except InvalidOperation:
        raise UsageError(f"budget {text!r} is not an amount: give USD, like 0.50") from None
    if not usd.is_finite() or usd <= 0:
        raise UsageError(f"budget {text!r} can't be spent: give an amount above 0, like 0.50")
    if usd > MAX_BUDGET_USD:
        raise UsageError(f"budget {text!r} is too large: give at most {MAX_BUDGET_USD:,} USD")
    nusd = int(usd * NANO_PER_USD)
    if nusd == 0:
        raise UsageError(f"budget {text!r} is less than a nano-USD: give more, like 0.50")
    return nusd


def max_parallel(count: int | None) -> int | None:
    if count is not None and count < 1:
        raise UsageError(f"--max-parallel {count} would run nothing: give 1 or more")
    return count


def seed(number: int | None) -> int | None:
    if number is not None and not 0 <= number <= MAX_SEED:
        raise UsageError(f"--seed {number} is out of range: give 0 to {MAX_SEED}")
    return number


def output_file(path: Path | None) -> Path | None:
    """A path the answer can be written to later, checked now."""
    if path is None:
        return None
    path = path.expanduser().absolute()
    if path.is_dir():
        raise UsageError(f"--output {path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"--output {path}: the folder {path.parent} is missing: create it first")
    return path
