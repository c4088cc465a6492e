"""Sums of money read as people write them."""

from __future__ import annotations

import pytest

from tekton.routing.explain import usd


@pytest.mark.parametrize(
    ("nusd", "shown"),
    [
        (0, "$0.00"),
        (1_234_000_000, "$1.23"),
        (10_000_000, "$0.01"),
        (4_560_000, "$0.0046"),
        (120_000, "$0.00012"),
        (45_600, "$0.000046"),
        (1, "$0.0000000010"),
    ],
)
def test_small_sums_keep_two_digits(nusd: int, shown: str) -> None:
    assert usd(nusd) == shown
