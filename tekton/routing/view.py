"""What the Router knows about the models right now, as a value that a policy can read.

The Router actor rebuilds it from probes and measurements; a Coordinator decides on a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tekton.catalog import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """One model's health and load.

    `why` says in words what is wrong when it is not `available` ("not downloaded", "its worker
    keeps dying"). Rates are per slot and None until measured: the catalog's priors count then.
    `slots` None: the catalog's. `load_s` is what loading would still take (0: it is held).
    """

    available: bool = True
    why: str = ""
    tokens_per_s: float | None = None
    prefill_tokens_per_s: float | None = None
    queued: int = 0
    in_flight: int = 0
    slots: int | None = None
    load_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterView:
    """All models by name. One that is missing here is unknown to the Router and not routed to."""

    models: Mapping[str, ModelView] = field(default_factory=dict)

    @classmethod
    def idle(cls, specs: Iterable[ModelSpec]) -> RouterView:
        """Every model available, idle and unmeasured: for estimates before a cluster is up."""
        return cls(models={spec.name: ModelView() for spec in specs})
