"""The closing figures, worked out by hand."""

from __future__ import annotations

import pytest

from tekton.catalog import ModelSpec, Prices
from tekton.cli.closing import closing_of, cost_on, dearest
from tekton.types import Usage

USAGE = Usage(input_tokens=1_000, cached_input_tokens=400, output_tokens=200, seconds=3_600.0)


def remote(name: str, **prices: float) -> ModelSpec:
    return ModelSpec(name=name, kind="remote", context_window=8_000, prices=Prices(**prices))


def local(name: str, usd_per_hour: float) -> ModelSpec:
    return ModelSpec(
        name=name, kind="local", context_window=8_000, tokens_per_s=10.0,
        prefill_tokens_per_s=100.0, prices=Prices(usd_per_hour=usd_per_hour),
    )


def test_a_remote_model_is_paid_by_its_tokens_and_not_by_our_seconds() -> None:
    spec = remote("r", input_usd_per_mtok=10.0, cached_input_usd_per_mtok=1.0,
                  output_usd_per_mtok=50.0)
    # 600 x 10 + 400 x 1 + 200 x 50 = 16,400 millionths of a dollar
    assert cost_on(spec, USAGE) == 16_400_000


def test_a_local_model_is_paid_by_the_time_it_would_take() -> None:
    # 600 / 100 + 200 / 10 = 26 s of 3,600 at a dollar an hour
    assert cost_on(local("l", 1.0), USAGE) == pytest.approx(26 / 3_600 * 1e9, abs=1)


def test_the_dearest_is_the_dearest_for_this_usage() -> None:
    reader = remote("reads dearly", input_usd_per_mtok=100.0)
    writer = remote("writes dearly", output_usd_per_mtok=100.0)
    few_out, few_in = Usage(input_tokens=100, output_tokens=1), Usage(output_tokens=100)
    assert dearest([reader, writer], few_out).model == "reads dearly"  # type: ignore[union-attr]
    assert dearest([reader, writer], few_in).model == "writes dearly"  # type: ignore[union-attr]


def test_no_price_no_comparison() -> None:
    assert dearest([remote("free"), local("own", 0.0)], USAGE) is None
    assert dearest([], USAGE) is None


def test_a_run_that_never_began_has_figures_too() -> None:
    report = {"seconds": None, "critical_path_s": None, "cost_usd": 0.0,
              "usage": {"input_tokens": 0, "output_tokens": 0, "new_key": 1}}
    found = closing_of(report, [remote("r", input_usd_per_mtok=1.0)])
    assert (found.seconds, found.critical_path_s, found.dearest) == (0.0, 0.0, None)
