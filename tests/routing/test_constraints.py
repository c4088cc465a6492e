"""No model that breaks a hard constraint is ever chosen, and the refusal says which one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from routing_models import LARGE, SMALL, decide, decision, mixed, refusals, shipped, step, view_with

from tekton.catalog import Catalog
from tekton.routing.view import ModelView, RouterView
from tekton.types import Constraints

EASY = step("What is the total revenue?")


def test_planning_goes_only_to_a_model_that_can_plan() -> None:
    found = decision(replace(EASY, role="plan"), shipped(), prefer="speed")
    assert found.model == LARGE
    assert [c.refused for c in found.candidates if c.model == SMALL] == ["it can't do plan"]


def test_a_schema_needs_a_model_that_writes_json() -> None:
    chatty = shipped()[LARGE].model_copy(update={"capabilities": frozenset({"chat"})})
    catalog = Catalog({LARGE: chatty})
    assert decision(EASY, catalog).model == LARGE
    assert "it can't do json" in refusals(EASY, catalog, needs=frozenset({"json"}))


def test_local_only_refuses_what_is_remote() -> None:
    found = decision(EASY, mixed(), constraints=Constraints(local_only=True))
    assert {found.model, *found.fallbacks} == {SMALL, LARGE}


def test_what_can_not_be_trimmed_must_fit_the_window() -> None:
    found = decision(EASY, shipped(), input_tokens_bound=9_000, input_tokens_floor=5_000)
    assert (found.model, found.fallbacks) == (LARGE, ())
    message = refusals(EASY, shipped(), input_tokens_bound=8_000, input_tokens_floor=None)
    assert "needs 8,512 tokens, its window is 8,192" in message


def test_the_bound_must_fit_the_remaining_budget() -> None:
    worst = decision(EASY, shipped()).bound_nusd
    assert decision(EASY, shipped(), remaining_nusd=worst).bound_nusd <= worst
    assert "may cost up to" in refusals(EASY, shipped(), remaining_nusd=1)


def test_a_dear_model_out_of_budget_leaves_the_cheap_ones() -> None:
    free = decision(EASY, mixed())
    assert free.bound_nusd > 0
    tight = decision(EASY, mixed(), remaining_nusd=3_600_000)
    assert {tight.model, *tight.fallbacks} <= {SMALL, LARGE, "mini"}


def test_an_unhealthy_model_is_refused_with_the_routers_words() -> None:
    down = ModelView(available=False, why="its worker keeps dying")
    assert decision(EASY, shipped(), view=view_with(shipped(), large=down)).model == SMALL
    both = view_with(shipped(), large=down, small=down)
    assert f"{LARGE}: its worker keeps dying" in refusals(EASY, shipped(), view=both)


def test_a_model_the_router_does_not_know_is_refused() -> None:
    assert "the router does not know it" in refusals(EASY, shipped(), view=RouterView())


def test_excluded_models_are_refused() -> None:
    found = decision(EASY, shipped(), exclude=frozenset({LARGE}))
    assert (found.model, found.fallbacks) == (SMALL, ())
    assert "failed this subtask" in refusals(EASY, shipped(), exclude=frozenset({LARGE, SMALL}))


@pytest.mark.parametrize("name", [SMALL, LARGE])
def test_a_forced_model_is_taken_whatever_its_utility(name: str) -> None:
    by_run = decision(EASY, mixed(), constraints=Constraints(model=name))
    by_subtask = decision(replace(EASY, model=name), mixed())
    for found in (by_run, by_subtask):
        assert (found.model, found.fallbacks) == (name, ())
        assert found.reason.endswith("; forced")


def test_the_model_forced_for_all_beats_the_subtasks_own() -> None:
    found = decision(replace(EASY, model=SMALL), mixed(), constraints=Constraints(model=LARGE))
    assert found.model == LARGE


def test_a_forced_model_that_is_refused_fails_and_says_why() -> None:
    constraints = Constraints(model=SMALL)
    message = refusals(EASY, shipped(), constraints=constraints, needs={"vision"})
    assert f"{SMALL} is forced, but it can't do vision" in message


def test_who_forces_a_model_wants_it_to_plan_as_well() -> None:
    plan = replace(EASY, role="plan")
    chosen = decide(plan, shipped(), constraints=Constraints(model=SMALL))
    assert getattr(chosen, "model", None) == SMALL


def test_an_empty_catalog_says_what_to_do() -> None:
    assert "add a model to tekton.toml" in refusals(EASY, Catalog({}))


def test_nothing_is_retryable_about_having_no_model() -> None:
    found = decide(EASY, Catalog({}))
    assert not getattr(found, "retryable", True)
