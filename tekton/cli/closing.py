"""What a run came to: time, tokens, money, and what it would have cost on the dearest model.

Pure: everything comes from the run's report (docs/cli.md) and the catalog's prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tekton.catalog import Catalog, ModelSpec
from tekton.money import NANO_PER_USD
from tekton.types import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Dearest:
    """The model that would have cost most, and how much."""

    model: str
    cost_nusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The closing table. `dearest` is None where no model of the catalog has a price."""

    seconds: float
    critical_path_s: float
    usage: Usage
    cost_nusd: int
    dearest: Dearest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a run's work: what it used on which model, and what that cost."""

    model: str
    usage: Usage
    cost_nusd: int


def closing_of(report: Mapping[str, Any], catalog: Catalog) -> Closing:
    """The closing figures of a run's report."""
    return Closing(
        seconds=report["seconds"] or 0.0,
        critical_path_s=report["critical_path_s"] or 0.0,
        usage=usage_of(report["usage"]),
        cost_nusd=round(report["cost_usd"] * NANO_PER_USD),
        dearest=dearest(catalog, parts_of(report)),
    )


def parts_of(report: Mapping[str, Any]) -> list[Part]:
    """The planning and the subtasks that ran; a subtask counts for the model it ended on."""
    pieces = [report["planning"] or {}, *report["subtasks"]]
    return [
        Part(
            model=piece["model"],
            usage=usage_of(piece["usage"]),
            cost_nusd=round(piece["cost_usd"] * NANO_PER_USD),
        )
        for piece in pieces
        if piece.get("attempts")
    ]


def usage_of(value: Mapping[str, Any]) -> Usage:
    """A report's `usage` as a value; keys that a Usage does not have are not for us."""
    known = {name: value[name] for name in Usage.__dataclass_fields__ if name in value}
    return Usage(**known)


def dearest(catalog: Catalog, parts: Sequence[Part]) -> Dearest | None:
    """The most that any one model would have charged for all parts; None if all are free."""
    costs = [
        Dearest(model=spec.name, cost_nusd=sum(cost_on(spec, part, catalog) for part in parts))
        for spec in catalog
    ]
    most = max(costs, key=lambda cost: (cost.cost_nusd, cost.model), default=None)
    return most if most is not None and most.cost_nusd > 0 else None


def cost_on(spec: ModelSpec, part: Part, catalog: Catalog) -> int:
    """Nano-USD of a part's tokens on a model; what it did cost, if that is where it ran.

    A remote model is paid by its tokens, a local one by the time it would have been held. Cached
    tokens count as cached: the prompts would have been the same.
    """
    if part.model == spec.name:
        return part.cost_nusd
    held_s = 0.0 if spec.kind == "remote" else _held_s(spec, part, catalog)
    return spec.prices.cost_nusd(replace(part.usage, seconds=held_s))


def _held_s(spec: ModelSpec, part: Part, catalog: Catalog) -> float:
    """By the catalog's rates, slowed or sped up as the local model it did run on was."""
    expected_s = _expected_s(spec, part.usage)
    ran = next((one for one in catalog if one.name == part.model), None)
    if ran is None or ran.kind == "remote" or not part.usage.seconds:
        return expected_s
    by_rates_s = _expected_s(ran, part.usage)
    return expected_s * part.usage.seconds / by_rates_s if by_rates_s else expected_s


def _expected_s(spec: ModelSpec, usage: Usage) -> float:
    uncached = usage.input_tokens - usage.cached_input_tokens
    return uncached / spec.prefill_tokens_per_s + usage.output_tokens / spec.tokens_per_s
