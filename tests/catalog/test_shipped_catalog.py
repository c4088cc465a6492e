"""The entries that Tekton ships: complete, dated, priced in a way that money can be reserved by."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tekton.catalog import Catalog, ModelSpec, Prices
from tekton.cli.prices import stale
from tekton.config import Settings
from tekton.routing.predict import bound_nusd
from tekton.types import Usage

HUB_FILES = {
    "codellama-7b",
    "deepseek-coder-1.3b",
    "deepseek-coder-6.7b",
    "llama-3.1-8b",
    "mistral-7b",
    "qwen2.5-coder-7b",
}
PER_MILLION = Usage(input_tokens=3_000_000, cached_input_tokens=1_000_000, output_tokens=1_000_000)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("none")
    return Settings(state_dir=folder, models_dir=folder).catalog()


def remotes(catalog: Catalog) -> list[ModelSpec]:
    return [spec for spec in catalog if spec.kind == "remote"]


def test_both_providers_have_a_cheap_and_a_strong_model(catalog: Catalog) -> None:
    for provider in ("anthropic", "openai"):
        mine = [spec for spec in remotes(catalog) if spec.provider == provider]
        dearest = max(mine, key=lambda spec: spec.prices.output_usd_per_mtok)
        cheapest = min(mine, key=lambda spec: spec.prices.output_usd_per_mtok)
        assert cheapest.prices.output_usd_per_mtok * 20 < dearest.prices.output_usd_per_mtok
        assert cheapest.quality < dearest.quality


def test_every_remote_model_has_all_prices_with_date_and_source(catalog: Catalog) -> None:
    assert len(remotes(catalog)) == 8
    for spec in remotes(catalog):
        prices = spec.prices
        assert 0 < prices.cached_input_usd_per_mtok < prices.input_usd_per_mtok
        assert prices.cache_write_usd_per_mtok == pytest.approx(1.25 * prices.input_usd_per_mtok)
        assert prices.output_usd_per_mtok == pytest.approx(5 * prices.input_usd_per_mtok)
        assert re.search(r"https://\S+", prices.source)
        assert date(2026, 10, 1) <= date.fromisoformat(prices.date) <= date(2026, 11, 22)


@pytest.mark.parametrize(("provider", "tokens"), [("haiku", 100_000), ("gpt-", 272_000)])
def test_no_prompt_can_reach_a_providers_higher_band(
    catalog: Catalog, provider: str, tokens: int
) -> None:
    mine = [spec for spec in remotes(catalog) if provider in spec.name]
    assert mine
    assert all(spec.context_window <= tokens for spec in mine)


def test_local_models_of_the_hub_are_pinned(catalog: Catalog) -> None:
    for name in HUB_FILES:
        weights = catalog[name].weights
        assert weights is not None
        assert weights.hub is not None
        assert re.fullmatch(r"[0-9a-f]{40}", weights.hub.revision)
        assert weights.size_bytes > 500_000_000


def test_input_that_is_written_to_a_cache_has_its_own_price() -> None:
    prices = Prices(
        input_usd_per_mtok=2,
        cached_input_usd_per_mtok=0.1,
        cache_write_usd_per_mtok=2.5,
        output_usd_per_mtok=10,
    )
    usage = PER_MILLION + Usage(cache_write_tokens=1_000_000)
    assert prices.cost_nusd(usage) == 14_600_000_000
    same = prices.model_copy(update={"cache_write_usd_per_mtok": None})
    assert same.cost_nusd(usage) == same.cost_nusd(PER_MILLION) == 14_100_000_000


def test_the_bound_covers_a_prompt_that_is_all_written_to_a_cache(catalog: Catalog) -> None:
    spec = catalog["claude-opus-5-5"]
    used = Usage(input_tokens=1_000, cache_write_tokens=1_000, output_tokens=10)
    assert bound_nusd(spec, 1_000, 10, 1.0) == spec.prices.cost_nusd(used)


def aged(day: str, source: str = "somewhere") -> ModelSpec:
    prices = Prices(input_usd_per_mtok=1.0, date=day, source=source)
    return ModelSpec(name=f"m{day}", kind="local", context_window=1_000, prices=prices)


def test_prices_are_stale_after_ninety_days() -> None:
    today = date(2026, 11, 22)
    specs = [aged("2026-08-24"), aged("2026-08-23"), aged("2026-01-01"), aged("")]
    found = stale(specs, today)
    assert [(one.model, one.age_days) for one in found] == [
        ("m", None),
        ("m2026-01-01", 325),
        ("m2026-08-23", 91),
    ]
    assert found[1].sentence() == (
        "m2026-01-01: its prices are 325 days old, of 2026-01-01 (somewhere)"
    )


def test_a_price_without_a_source_is_stale_and_no_price_is_not() -> None:
    free = ModelSpec(name="free", kind="local", context_window=1_000)
    found = stale([free, aged("2026-11-22", source="")], date(2026, 11, 22))
    assert [one.sentence() for one in found] == [
        "m2026-11-22: its prices are 0 days old, of 2026-11-22 (no source is named)"
    ]


def test_the_shipped_prices_were_fresh_when_they_were_written(catalog: Catalog) -> None:
    assert stale(catalog, date(2026, 11, 22)) == []
