"""Whom the policy chooses among models that all may take a subtask."""

from __future__ import annotations

import timeit

import pytest
from routing_models import ALL, LARGE, SMALL, decision, mixed, remote, shipped, step, view_with

from tekton.catalog import Catalog, ModelSpec
from tekton.config import Limits
from tekton.routing.bounds import input_expected_tokens
from tekton.routing.features import WEIGHTS
from tekton.routing.view import ModelView
from tekton.types import Role

EASY = (
    "What is the total revenue?",
    "Name the capital of France.",
    "Translate 'good morning' into Spanish.",
    "Give the number of rows.",
)
HARD = (
    "Analyse the quarterly results, compare the three regions and explain why the north fell "
    "behind; then recommend a strategy that must not exceed the budget, and justify each step.",
    "Prove that the algorithm terminates, derive its worst-case complexity and explain which "
    "trade-off you would choose when memory must stay below 1 MB.",
)


@pytest.mark.parametrize("text", EASY)
@pytest.mark.parametrize("prefer", ["speed", "cost"])
def test_short_questions_go_to_the_small_model_when_speed_or_cost_counts(
    text: str, prefer: str
) -> None:
    assert decision(step(text), shipped(), prefer=prefer).model == SMALL


@pytest.mark.parametrize("text", HARD)
def test_hard_subtasks_go_to_the_large_model_when_quality_counts(text: str) -> None:
    found = decision(step(text), shipped(), prefer="quality")
    assert (found.model, found.fallbacks) == (LARGE, (SMALL,))


@pytest.mark.parametrize("text", HARD)
def test_hard_subtasks_go_to_the_best_remote_model_when_quality_counts(text: str) -> None:
    assert decision(step(text), mixed(), prefer="quality").model == "big"


@pytest.mark.parametrize("text", EASY)
def test_no_one_pays_a_remote_model_for_an_easy_subtask_when_cost_counts(text: str) -> None:
    assert decision(step(text), mixed(), prefer="cost").model in {SMALL, LARGE}


def test_equal_quality_goes_to_the_faster_model_even_when_quality_counts() -> None:
    slow = remote("a-slow", 0.9, 1.0, 1.0)
    fast = slow.model_copy(update={"name": "z-fast", "tokens_per_s": 600.0})
    assert decision(step(EASY[0]), Catalog({"a": slow, "z": fast})).model == "z-fast"


def test_a_negligible_gain_in_quality_is_not_worth_minutes() -> None:
    local: dict[str, object] = {"kind": "local", "context_window": 8_192, "capabilities": ALL}
    small = ModelSpec.model_validate({"name": "small", "quality": 0.90, **local})
    large = ModelSpec.model_validate(
        {"name": "large", "quality": 0.93, "tokens_per_s": 0.5, **local}
    )
    catalog = Catalog({"small": small, "large": large})
    assert decision(step(EASY[0]), catalog).model == "small"


def test_a_queue_sends_the_next_subtask_elsewhere() -> None:
    catalog = shipped()
    busy = view_with(catalog, small=ModelView(queued=40, in_flight=2))
    assert decision(step(EASY[0]), catalog, prefer="speed").model == SMALL
    assert decision(step(EASY[0]), catalog, prefer="speed", view=busy).model == LARGE


def test_siblings_spill_over_to_the_small_model_once_the_large_ones_slots_are_taken() -> None:
    catalog = shipped()
    taken = view_with(catalog, large=ModelView(in_flight=catalog[LARGE].slots))
    assert decision(step(EASY[0]), catalog).model == LARGE
    assert decision(step(EASY[0]), catalog, view=taken).model == SMALL
    assert decision(step(HARD[0]), catalog, view=taken).model == LARGE


def test_measured_speeds_replace_the_priors() -> None:
    catalog = shipped()
    measured = view_with(catalog, large=ModelView(tokens_per_s=900.0, prefill_tokens_per_s=9e3))
    found = decision(step(EASY[0]), catalog, prefer="speed", view=measured)
    assert found.model == LARGE
    assert found.predicted_latency_s < 1.0


def test_the_expected_prompt_drives_the_prediction_and_the_bound_does_not() -> None:
    short = decision(step(EASY[0]), shipped(), input_tokens_expected=150)
    long = decision(step(EASY[0]), shipped(), input_tokens_expected=900)
    rate = shipped()[LARGE].prefill_tokens_per_s
    assert (short.model, long.model) == (LARGE, LARGE)
    longer_s = long.predicted_latency_s - short.predicted_latency_s
    assert longer_s == pytest.approx(750 / rate, rel=0.1)  # and a little more of an answer
    assert short.bound_nusd == long.bound_nusd


def test_a_trivial_question_is_expected_to_take_seconds() -> None:
    """On a laptop it takes 3 to 4; the priors are a little slower."""
    subtask = step(EASY[1])
    expected = input_expected_tokens(subtask, EASY[1], (), ())
    found = decision(subtask, shipped(), input_tokens_expected=expected)
    assert 1.0 < found.predicted_latency_s < 10.0


def test_loading_time_counts() -> None:
    catalog = shipped()
    cold = view_with(catalog, small=ModelView(load_s=120.0))
    found = decision(step(EASY[0]), catalog, prefer="speed", view=cold)
    assert found.model == LARGE


def test_ties_go_to_the_name_that_sorts_first() -> None:
    twins = {name: remote(name, 0.9, 1.0, 1.0) for name in ("b", "a", "c")}
    found = decision(step(EASY[0]), Catalog(twins))
    assert (found.model, found.fallbacks) == ("a", ("b", "c"))


def test_the_same_arguments_give_the_same_decision() -> None:
    assert decision(step(HARD[0]), mixed()) == decision(step(HARD[0]), mixed())


def test_a_decision_explains_itself() -> None:
    found = decision(step(HARD[0]), shipped())
    assert found.policy == "utility/1"
    assert set(found.features) == set(WEIGHTS)
    assert f"difficulty {found.difficulty:.2f}: {LARGE} expected right" in found.reason
    assert f"against {SMALL}" in found.reason
    assert found.reason.endswith("prefer=quality")
    assert [c.model for c in found.candidates] == [LARGE, SMALL]


def test_the_limits_of_the_subtask_beat_the_defaults() -> None:
    found = decision(step(EASY[0], max_tokens=50, timeout_s=7.0), shipped())
    assert (found.max_tokens, found.timeout_s) == (50, 7.0)


@pytest.mark.parametrize("role", ["plan", "synthesis"])
def test_plans_and_syntheses_may_be_longer_than_a_step(role: Role) -> None:
    limits = Limits(max_tokens=100, long_max_tokens=300)
    assert decision(step(EASY[0]), shipped(), limits=limits).max_tokens == 100
    assert decision(step(EASY[0], role=role), shipped(), limits=limits).max_tokens == 300
    own = step(EASY[0], role=role, max_tokens=50)
    assert decision(own, shipped(), limits=limits).max_tokens == 50


def test_a_long_answer_is_clamped_to_what_the_model_can_write() -> None:
    limits = Limits(long_max_tokens=100_000)
    found = decision(step(EASY[0], role="synthesis", model=SMALL), shipped(), limits=limits)
    assert found.max_tokens == shipped()[SMALL].max_output_tokens


def test_no_model_is_asked_for_more_than_it_can_write() -> None:
    found = decision(step(EASY[0], max_tokens=9_999, model=SMALL), shipped())
    assert found.max_tokens == shipped()[SMALL].max_output_tokens


def test_a_decision_over_five_models_takes_a_fraction_of_a_millisecond() -> None:
    catalog, subtask = mixed(), step(HARD[0])
    took_s = timeit.repeat(lambda: decision(subtask, catalog), number=20, repeat=20)
    assert min(took_s) / 20 < 0.4e-3  # about 0.07 ms where it was written, plus building the view
