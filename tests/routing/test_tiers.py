"""The shipped catalog with every key set: who gets what, and who stands in for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from routing_models import decision, refusals, step
from test_choice import EASY, HARD

from tekton.catalog import Catalog
from tekton.config import load_settings
from tekton.routing.view import ModelView, RouterView
from tekton.types import Constraints, Decision

CHEAP = {"claude-haiku-5-5", "gpt-6-luna"}
HELD = {"qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"}


def everything() -> Catalog:
    """The starter models, which are on the disk, and all remote ones."""
    catalog = load_settings().catalog()
    return Catalog({s.name: s for s in catalog if s.name in HELD or s.kind == "remote"})


def price(name: str) -> float:
    return everything()[name].prices.output_usd_per_mtok


def kinds(found: Decision) -> list[str]:
    return [everything()[name].kind for name in (found.model, *found.fallbacks)]


@pytest.mark.parametrize("text", EASY)
def test_easy_subtasks_go_to_cheap_models(text: str) -> None:
    assert decision(step(text), everything()).model in CHEAP | HELD


@pytest.mark.parametrize("text", HARD)
def test_hard_subtasks_go_to_strong_models(text: str) -> None:
    found = decision(step(text), everything())
    assert everything()[found.model].quality >= 0.9
    assert price(found.model) > max(map(price, CHEAP))


@pytest.mark.parametrize("text", [EASY[0], HARD[0]])
def test_the_chain_crosses_providers_and_ends_at_home(text: str) -> None:
    catalog = everything()
    found = decision(step(text), catalog)
    chain = [catalog[name] for name in (found.model, *found.fallbacks)]
    assert {spec.provider for spec in chain} == {"anthropic", "openai", None}
    assert set(kinds(found)) == {"local", "remote"}


def test_an_outage_of_one_provider_leaves_the_other_tier_for_tier() -> None:
    catalog = everything()
    first = decision(step(HARD[0]), catalog)
    down = catalog[first.model].provider
    views = dict(RouterView.idle(catalog).models)
    gone = ModelView(available=False, why="it is unavailable")
    views |= {spec.name: gone for spec in catalog if spec.provider == down}
    second = decision(step(HARD[0]), catalog, view=RouterView(models=views))
    assert catalog[second.model].provider not in (down, None)
    assert catalog[second.model].quality >= 0.9


@pytest.mark.parametrize("text", [EASY[0], HARD[0]])
def test_something_private_stays_and_so_does_its_chain(text: str) -> None:
    for found in (
        decision(replace(step(text), local_only=True), everything()),
        decision(step(text), everything(), constraints=Constraints(local_only=True)),
    ):
        assert set(kinds(found)) == {"local"}


def test_the_reason_says_what_is_private() -> None:
    remote_only = Catalog({s.name: s for s in everything() if s.kind == "remote"})
    told = refusals(replace(step("Hi"), local_only=True), remote_only)
    assert "claude-haiku-5-5: it is remote and the subtask is local-only" in told


def test_a_remote_model_that_is_forced_still_sees_nothing_private() -> None:
    forced = replace(step("Hi"), local_only=True, model="gpt-6-luna")
    assert "it is remote and the subtask is local-only" in refusals(forced, everything())


def test_a_small_budget_keeps_hard_subtasks_off_the_dear_models() -> None:
    found = decision(step(HARD[0]), everything(), remaining_nusd=2_000_000)
    assert found.bound_nusd <= 2_000_000
    assert found.model in CHEAP | HELD
