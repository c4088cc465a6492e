"""What must hold for every catalog, whatever its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from routing_models import decide, step

from tekton.catalog import Catalog, ModelSpec, Prices
from tekton.routing.predict import CANCEL_GRACE_S
from tekton.types import Constraints, Decision, Usage

TEXTS = st.sampled_from(
    ["What is 2 + 2?", "Explain why it must fail, then derive a proof.", "Write code. " * 40]
)
PREFER = st.sampled_from(["quality", "cost", "speed"])
# A busy machine must not fail a property by being slow.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=80)
PRICE = st.floats(0, 100, allow_nan=False)


@st.composite
def specs(draw: st.DrawFn, name: str) -> ModelSpec:
    kind = draw(st.sampled_from(["local", "remote"]))
    return ModelSpec(
        name=name,
        kind=kind,
        provider="openai" if kind == "remote" else None,
        context_window=draw(st.integers(700, 200_000)),
        max_output_tokens=draw(st.integers(1, 4_000)),
        quality=draw(st.floats(0, 1)),
        tokens_per_s=draw(st.floats(0.1, 500)),
        prefill_tokens_per_s=draw(st.floats(1, 50_000)),
        prices=Prices(
            input_usd_per_mtok=draw(PRICE),
            cached_input_usd_per_mtok=draw(PRICE),
            cache_write_usd_per_mtok=draw(st.none() | PRICE),
            output_usd_per_mtok=draw(PRICE),
            usd_per_hour=draw(PRICE),
        ),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, ModelSpec], str, dict[str, Any]]:
    names = ["a", "b", "c", "d"][: draw(st.integers(1, 4))]
    bound = draw(st.integers(0, 50_000))
    more: dict[str, Any] = {
        "constraints": Constraints(prefer=draw(PREFER), local_only=draw(st.booleans())),
        "input_tokens_bound": bound,
        "input_tokens_floor": draw(st.integers(0, bound)),
        "input_tokens_expected": draw(st.none() | st.integers(0, 60_000)),
        "exclude": draw(st.frozensets(st.sampled_from(["a", "b", "c"]))),
        "remaining_nusd": draw(st.none() | st.integers(0, 10**10)),
    }
    return {name: draw(specs(name)) for name in names}, draw(TEXTS), more


def chosen(models: dict[str, ModelSpec], text: str, more: dict[str, Any]) -> str | None:
    found = decide(step(text), Catalog(models), **more)
    return found.model if isinstance(found, Decision) else None


@UNHURRIED
@given(cases(), st.sampled_from(["a", "b", "c", "d"]), st.floats(1, 50))
def test_a_higher_price_never_makes_a_model_chosen(case: Any, name: str, times: float) -> None:
    models, text, more = case
    if name in models and chosen(models, text, more) != name:
        prices = models[name].prices.model_dump()
        dearer = {
            k: v * times if k.endswith(("tok", "hour")) and v is not None else v
            for k, v in prices.items()
        }
        changed = models[name].model_copy(update={"prices": Prices(**dearer)})
        assert chosen({**models, name: changed}, text, more) != name


@UNHURRIED
@given(cases(), st.floats(0, 1))
def test_a_higher_quality_never_loses_a_model_its_subtask(case: Any, quality: float) -> None:
    models, text, more = case
    name = chosen(models, text, more)
    if name is not None:
        better = max(quality, models[name].quality)
        changed = models[name].model_copy(update={"quality": better})
        assert chosen({**models, name: changed}, text, more) == name


@UNHURRIED
@given(cases())
def test_constraints_hold_in_every_decision(case: Any) -> None:
    models, text, more = case
    found = decide(step(text), Catalog(models), **more)
    assert {c.model for c in getattr(found, "candidates", ())} in (set(models), set())
    if isinstance(found, Decision):
        for name in (found.model, *found.fallbacks):
            assert name not in more["exclude"]
            assert models[name].kind == "local" or not more["constraints"].local_only
        left = more["remaining_nusd"]
        assert left is None or found.bound_nusd <= left
    else:
        assert all(name in found.message for name in models)


@UNHURRIED
@given(cases(), st.tuples(*[st.floats(0, 1)] * 5))
def test_the_bound_covers_every_usage_within_the_limits(
    case: Any, shares: tuple[float, ...]
) -> None:
    prompt, cached, written, answer, held = shares
    models, text, more = case
    found = decide(step(text), Catalog(models), **more)
    if isinstance(found, Decision):
        spec = models[found.model]
        largest = min(more["input_tokens_bound"], spec.context_window - found.max_tokens)
        tokens = int(largest * prompt)
        usage = Usage(
            input_tokens=tokens,
            cached_input_tokens=int(tokens * cached),
            cache_write_tokens=int((tokens - int(tokens * cached)) * written),
            output_tokens=int(found.max_tokens * answer),
            seconds=(found.timeout_s + CANCEL_GRACE_S) * held,
        )
        assert spec.prices.cost_nusd(usage) <= found.bound_nusd
        assert found.predicted_cost_nusd <= found.bound_nusd


@UNHURRIED
@given(cases())
def test_the_order_of_the_catalog_does_not_matter(case: Any) -> None:
    models, text, more = case
    reverse = dict(reversed(models.items()))
    assert decide(step(text), Catalog(models), **more) == decide(
        step(text), Catalog(reverse), **more
    )


@UNHURRIED
@given(cases())
def test_predictions_are_probabilities_and_positive_times(case: Any) -> None:
    models, text, more = case
    found = decide(replace(step(text), timeout_s=5.0), Catalog(models), **more)
    for candidate in getattr(found, "candidates", ()):
        if candidate.refused is None:
            assert 0.0 <= candidate.quality <= 1.0
            assert candidate.latency_s > 0.0
            assert candidate.cost_nusd >= 0
