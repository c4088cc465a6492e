"""The closing figures, worked out by hand."""

from __future__ import annotations

import pytest

from tekton.catalog import Catalog, ModelSpec, Prices
from tekton.cli.closing import Dearest, Part, closing_of, cost_on, dearest
from tekton.types import Usage

USAGE = Usage(input_tokens=1_000, cached_input_tokens=400, output_tokens=200, seconds=3_600.0)


def remote(name: str, **prices: float) -> ModelSpec:
    return ModelSpec(
        name=name,
        kind="remote",
        provider="openai",
        context_window=8_000,
        prices=Prices(**prices),
    )


def local(name: str, usd_per_hour: float) -> ModelSpec:
    return ModelSpec(
        name=name,
        kind="local",
        context_window=8_000,
        tokens_per_s=10.0,
        prefill_tokens_per_s=100.0,
        prices=Prices(usd_per_hour=usd_per_hour),
    )


def catalog(*specs: ModelSpec) -> Catalog:
    return Catalog({spec.name: spec for spec in specs})


def part(model: str, usage: Usage = USAGE, cost_nusd: int = 5) -> Part:
    return Part(model=model, usage=usage, cost_nusd=cost_nusd)


def test_a_remote_model_is_paid_by_its_tokens_and_not_by_our_seconds() -> None:
    spec = remote(
        "r", input_usd_per_mtok=10.0, cached_input_usd_per_mtok=1.0, output_usd_per_mtok=50.0
    )
    # 600 x 10 + 400 x 1 + 200 x 50 = 16,400 millionths of a dollar
    assert cost_on(spec, part("other"), catalog()) == 16_400_000


def test_a_local_model_is_paid_by_the_time_it_would_take() -> None:
    # 600 / 100 + 200 / 10 = 26 s of 3,600 at a dollar an hour
    found = cost_on(local("l", 1.0), part("some remote"), catalog())
    assert found == pytest.approx(26 / 3_600 * 1e9, abs=1)


def test_a_slow_machine_is_as_slow_for_the_other_local_model() -> None:
    half_as_fast = local("big", 1.0).model_copy(
        update={"tokens_per_s": 5.0, "prefill_tokens_per_s": 50.0}
    )
    ran = local("small", 1.0)
    found = cost_on(half_as_fast, part("small"), catalog(ran, half_as_fast))
    # twice the 3,600 s that the small one took
    assert found == pytest.approx(2e9, abs=1)


def test_what_ran_on_the_model_costs_what_it_did() -> None:
    assert cost_on(local("l", 1.0), part("l", cost_nusd=77), catalog()) == 77
    assert dearest(catalog(local("l", 1.0)), [part("l"), part("l")]) == Dearest(
        model="l", cost_nusd=10
    )


def test_the_dearest_is_the_dearest_for_this_usage() -> None:
    both = catalog(
        remote("reads dearly", input_usd_per_mtok=100.0),
        remote("writes dearly", output_usd_per_mtok=100.0),
    )
    few_out, few_in = Usage(input_tokens=100, output_tokens=1), Usage(output_tokens=100)
    assert dearest(both, [part("x", few_out)]) == Dearest(
        model="reads dearly", cost_nusd=10_000_000
    )
    assert dearest(both, [part("x", few_in)]) == Dearest(
        model="writes dearly", cost_nusd=10_000_000
    )


def test_no_price_no_comparison() -> None:
    assert dearest(catalog(remote("free"), local("own", 0.0)), [part("x")]) is None
    assert dearest(catalog(), [part("x")]) is None
    assert dearest(catalog(remote("r", input_usd_per_mtok=1.0)), []) is None


def test_a_run_that_never_began_has_figures_too() -> None:
    nothing = {"input_tokens": 0, "output_tokens": 0, "new_key": 1}
    waiting = {"model": None, "attempts": 0, "usage": nothing, "cost_usd": 0.0}
    report = {
        "seconds": None,
        "critical_path_s": None,
        "cost_usd": 0.0,
        "usage": nothing,
        "planning": None,
        "subtasks": [waiting],
    }
    found = closing_of(report, catalog(remote("r", input_usd_per_mtok=1.0)))
    assert (found.seconds, found.critical_path_s, found.dearest) == (0.0, 0.0, None)
