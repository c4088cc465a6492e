"""What a run came to: time, tokens, money, and what it would have cost on the dearest model.

Pure: everything comes from the run's report (docs/cli.md) and the catalog's prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tekton.catalog import NANO_PER_USD, ModelSpec
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


def closing_of(report: Mapping[str, Any], models: Iterable[ModelSpec]) -> Closing:
    """The closing figures of a run's report."""
    usage = usage_of(report["usage"])
    return Closing(
        seconds=report["seconds"] or 0.0,
        critical_path_s=report["critical_path_s"] or 0.0,
        usage=usage,
        cost_nusd=round(report["cost_usd"] * NANO_PER_USD),
        dearest=dearest(models, usage),
    )


def usage_of(value: Mapping[str, Any]) -> Usage:
    """A report's `usage` as a value; keys that a Usage does not have are not for us."""
    known = {name: value[name] for name in Usage.__dataclass_fields__ if name in value}
    return Usage(**known)


def dearest(models: Iterable[ModelSpec], usage: Usage) -> Dearest | None:
    """The most that any one model would have charged for this usage; None if all are free."""
    costs = [Dearest(model=spec.name, cost_nusd=cost_on(spec, usage)) for spec in models]
    most = max(costs, key=lambda cost: (cost.cost_nusd, cost.model), default=None)
    return most if most is not None and most.cost_nusd > 0 else None


def cost_on(spec: ModelSpec, usage: Usage) -> int:
    """Nano-USD of the usage's tokens on another model.

    A local model is paid by the time it would have been held, which the catalog's rates predict;
    a remote one by its tokens. Cached tokens count as cached: the prompts would have been the same.
    """
    if spec.kind == "remote":
        return spec.prices.cost_nusd(replace(usage, seconds=0.0))
    uncached = usage.input_tokens - usage.cached_input_tokens
    held_s = uncached / spec.prefill_tokens_per_s + usage.output_tokens / spec.tokens_per_s
    return spec.prices.cost_nusd(replace(usage, seconds=held_s))
