"""Catalogs and subtasks that the routing tests share."""

from __future__ import annotations

from typing import Any

from tekton.catalog import Catalog, ModelSpec, Prices
from tekton.config import Limits, load_settings
from tekton.routing.policy import Policy
from tekton.routing.view import ModelView, RouterView
from tekton.types import Constraints, Decision, Failure, Subtask

SMALL, LARGE = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"
ALL = frozenset({"chat", "code", "json", "plan"})


def remote(name: str, quality: float, usd_in: float, usd_out: float, **more: Any) -> ModelSpec:
    return ModelSpec(
        name=name,
        kind="remote",
        provider="openai",
        context_window=200_000,
        capabilities=ALL,
        quality=quality,
        tokens_per_s=60.0,
        prefill_tokens_per_s=5_000.0,
        slots=64,
        prices=Prices(input_usd_per_mtok=usd_in, output_usd_per_mtok=usd_out),
        **more,
    )


def shipped() -> Catalog:
    """The two starter models as the project ships them."""
    catalog = load_settings().catalog()
    return Catalog({name: catalog[name] for name in (SMALL, LARGE)})


def mixed() -> Catalog:
    """The starter models beside three remote ones, priced like a large, a middling, a small one."""
    extra = [
        remote("big", 0.95, 15.0, 75.0),
        remote("mid", 0.90, 3.0, 15.0),
        remote("mini", 0.75, 0.25, 2.0),
    ]
    return Catalog({spec.name: spec for spec in (*shipped(), *extra)})


def step(instruction: str, **more: Any) -> Subtask:
    return Subtask(id="s", title="Step", instruction=instruction, **more)


def decide(subtask: Subtask, catalog: Catalog, **more: Any) -> Decision | Failure:
    """The policy's answer with everything not named at its most ordinary."""
    known: dict[str, Any] = {
        "constraints": Constraints(prefer=more.pop("prefer", "quality")),
        "view": RouterView.idle(catalog),
        "limits": Limits(),
        "input_tokens_bound": 1_500,
        "input_tokens_floor": 100,
    }
    return Policy().decide(subtask, catalog=catalog, **{**known, **more})


def decision(subtask: Subtask, catalog: Catalog, **more: Any) -> Decision:
    found = decide(subtask, catalog, **more)
    assert isinstance(found, Decision), found
    return found


def refusals(subtask: Subtask, catalog: Catalog, **more: Any) -> str:
    """The message of the failure that must come."""
    found = decide(subtask, catalog, **more)
    assert isinstance(found, Failure), found
    assert found.kind == "no_model"
    return found.message


def view_with(catalog: Catalog, **changes: ModelView) -> RouterView:
    """All models idle, except those given by name (dots and dashes as underscores)."""
    plain = {"small": SMALL, "large": LARGE}
    idle = dict(RouterView.idle(catalog).models)
    return RouterView(models=idle | {plain.get(k, k): view for k, view in changes.items()})
