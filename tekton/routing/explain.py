"""A Decision in one readable sentence, and a refusal with the reason for every model."""

from __future__ import annotations

from collections.abc import Sequence

from tekton.money import usd
from tekton.types import Candidate, Failure, Preference, Subtask


def reason_for(
    difficulty: float, eligible: Sequence[Candidate], prefer: Preference, forced: str | None
) -> str:
    """Why the first of `eligible` (best first) was chosen, against the second."""
    first = f"difficulty {difficulty:.2f}: {_expectation(eligible[0])}"
    if forced is not None:
        return f"{first}; forced"
    if len(eligible) == 1:
        return f"{first}; the only model that may take it"
    return f"{first}, against {_expectation(eligible[1])}; prefer={prefer}"


def _expectation(candidate: Candidate) -> str:
    quality, seconds = candidate.quality or 0.0, candidate.latency_s or 0.0
    cost = usd(candidate.cost_nusd or 0)
    return f"{candidate.model} expected right {quality:.0%} in {seconds:.0f} s for {cost}"


def no_model(subtask: Subtask, candidates: Sequence[Candidate], forced: str | None) -> Failure:
    """Failure `no_model` that says of every model why it was refused."""
    if not candidates:
        why = "the catalog is empty: add a model to tekton.toml"
    elif forced is not None:
        mine = [c.refused for c in candidates if c.model == forced]
        why = f"{forced} is forced, but {mine[0] if mine else 'it is not in the catalog'}"
    else:
        why = "; ".join(f"{c.model}: {c.refused}" for c in candidates)
    return Failure(kind="no_model", message=f"no model may take {subtask.id!r}: {why}")
