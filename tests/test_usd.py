"""Sums of money read as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekton.money import NANO_PER_USD, usd

CENT_NUSD = NANO_PER_USD // 100
SUMS = st.one_of(st.integers(0, 10**8), st.integers(-(10**16), 10**16))


@pytest.mark.parametrize(
    ("nusd", "shown"),
    [
        (0, "$0.00"),
        (1_500_000_000_000, "$1,500.00"),
        (1_234_000_000, "$1.23"),
        (10_000_000, "$0.01"),
        (9_960_000, "$0.01"),
        (9_900_000, "$0.0099"),
        (4_560_000, "$0.0046"),
        (120_000, "$0.00012"),
        (30_000, "$0.000030"),
        (1, "$0.000000001"),
        (-20_000_000, "-$0.02"),
    ],
)
def test_small_sums_keep_two_digits(nusd: int, shown: str) -> None:
    assert usd(nusd) == shown


@pytest.mark.parametrize(
    ("nusd", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (1_500_000_000, "$1.50"),
        (1_994_300_000, "$1.9943"),
        (10**13, "$10,000.00"),
        (-20, "-$0.00000002"),
    ],
)
def test_sums_that_are_compared_keep_all_digits(nusd: int, shown: str) -> None:
    assert usd(nusd, exact=True) == shown


def value(shown: str) -> Decimal:
    return Decimal(shown.replace("$", "").replace(",", "")) * NANO_PER_USD


@given(nusd=SUMS)
def test_no_sum_is_misread(nusd: int) -> None:
    assert value(usd(nusd, exact=True)) == nusd
    half_a_cent = CENT_NUSD // 2
    assert abs(value(usd(nusd)) - nusd) <= (
        half_a_cent if abs(nusd) >= CENT_NUSD else abs(nusd) // 20
    )
    assert "e" not in usd(nusd).lower()
