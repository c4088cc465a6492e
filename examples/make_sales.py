"""Writes sales.csv beside this file: 240 sales of half a year, the same on every machine.

    python examples/make_sales.py

A small linear congruential generator instead of `random`, so that no Python version changes it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

ROWS = 240
FIRST_DAY, DAYS = date(2026, 1, 1), 181
PRICES_CENTS = {"Anvil": 18_950, "Bellows": 7_425, "Chisel": 1_290, "Hammer": 2_475, "Tongs": 3_360}
REGIONS = ("North", "East", "South", "West")
REGION_DRAWS = "NNNEESSSSSWW"  # South sells most often
BUSY_MONTH = 3  # units are doubled in March


def draws(state: int = 2026) -> Iterator[int]:
    """Numbers below 2**31, by the constants of Numerical Recipes."""
    while True:
        state = (1_664_525 * state + 1_013_904_223) % 2**32
        yield state >> 1


def sales() -> Iterator[tuple[date, str, str, int, int]]:
    """date, region, product, units, price in cents; in the order of the dates."""
    number = draws()
    names = {region[0]: region for region in REGIONS}
    for row in range(ROWS):
        day = FIRST_DAY + timedelta(days=row * DAYS // ROWS)
        region = names[REGION_DRAWS[next(number) // 64 % len(REGION_DRAWS)]]
        product = sorted(PRICES_CENTS)[next(number) // 64 % len(PRICES_CENTS)]
        units = 1 + next(number) // 64 % 12
        yield day, region, product, units * (1 + (day.month == BUSY_MONTH)), PRICES_CENTS[product]


def main() -> None:
    with Path(__file__).with_name("sales.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "region", "product", "units", "price", "revenue"])
        for day, region, product, units, cents in sales():
            price, revenue = f"{cents / 100:.2f}", f"{units * cents / 100:.2f}"
            writer.writerow([day, region, product, units, price, revenue])


if __name__ == "__main__":
    main()
